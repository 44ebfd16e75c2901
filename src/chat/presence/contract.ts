/** Presence: the event, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';
import { PersonAnswer } from '../participants/contract.ts';

const OrNull = Type.Union([Type.String(), Type.Null()]);
const strict = { additionalProperties: false } as const;

/** As the user chooses it; who is invisible looks offline to everybody else. */
const Chosen = Type.Enum(['online', 'away', 'busy', 'invisible']);
/** As others see it. */
const Seen = Type.Enum(['online', 'away', 'busy', 'offline']);

/** What others see, whenever that changes. */
export const PresenceChanged = event({
  type: 'presence.changed',
  version: 1,
  data: Type.Object({ status: Seen, status_text: OrNull, last_seen: OrNull }),
  isPublic: true,
});

const StatusText = Type.Union([Type.String({ maxLength: 100, description: 'Blank takes it away' }), Type.Null()]);

export const SetPresence = Type.Object(
  {
    status: Chosen,
    status_text: Type.Optional(StatusText),
    status_until: Type.Optional(
      Type.Union([
        Type.String({ maxLength: 40, description: 'When the text ends: an RFC 3339 time within a year' }),
        Type.Null(),
      ]),
    ),
  },
  strict,
);
export const OwnPresence = Type.Object({ status: Chosen, status_text: OrNull, status_until: OrNull }, strict);

export const Watch = Type.Object({ user_ids: Type.Array(Id, { maxItems: 500 }) }, strict);

const seen = { status: Seen, status_text: OrNull, last_seen: OrNull };
/** A user as the caller may see them now. */
export const PresenceState = Type.Object({ user_id: Id, ...seen }, strict);
export const WatchAnswer = Type.Array(PresenceState);
/** In the answer about one user. */
export const PresenceAnswer = Type.Object({ status: Seen, last_seen: OrNull }, strict);

export const OnlineUser = Type.Object({ user_id: Id, ...seen, user: PersonAnswer }, strict);
