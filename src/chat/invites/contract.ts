/** Invites: the events, and what a client sends and gets. No event holds a code. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { Description, Kind } from '../conversations/contract.ts';
import { event } from '../feature.ts';
import { PersonAnswer } from '../participants/contract.ts';

const OrNull = Type.Union([Type.String(), Type.Null()]);
const TimeOrNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);
const YEAR_SECONDS = 366 * 86_400;

/** Who came in by it is told by `participant.added`, which names it. */
export const InviteCreated = event({
  type: 'invite.created',
  version: 1,
  data: Type.Object({ invite_id: Id, expires_at: OrNull, max_uses: Type.Union([Type.Integer(), Type.Null()]) }),
});
export const InviteRevoked = event({ type: 'invite.revoked', version: 1, data: Type.Object({ invite_id: Id }) });

const Code = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'The code of an invite; the conversation and the invite follow from it, and nobody can make one up',
});

export const CreateInvite = Type.Object(
  {
    conversation_id: Id,
    expires_in: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: YEAR_SECONDS }), Type.Null()], {
        description: 'Seconds; absent or null: it does not end by itself',
      }),
    ),
    max_uses: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 100_000 }), Type.Null()], {
        description: 'How many may come in by it; absent or null: any number',
      }),
    ),
  },
  { additionalProperties: false },
);
export const ByCode = Type.Object({ code: Code }, { additionalProperties: false });
export const InviteTarget = Type.Object({ conversation_id: Id, code: Code }, { additionalProperties: false });

const CreatedAt = Type.String({ format: 'date-time' });
export const InviteAnswer = Type.Object(
  {
    code: Code,
    invite_id: Id,
    conversation_id: Id,
    created_by: Id,
    created_at: CreatedAt,
    expires_at: TimeOrNull,
    max_uses: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    uses: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);

/** What who has the code may know before coming in. */
export const PreviewAnswer = Type.Object(
  {
    code: Code,
    conversation: Type.Object(
      {
        id: Id,
        type: Kind,
        name: OrNull,
        description: Description,
        avatar_url: OrNull,
        member_count: Type.Integer({ minimum: 0 }),
      },
      { additionalProperties: false },
    ),
    invited_by: PersonAnswer,
    expires_at: TimeOrNull,
  },
  { additionalProperties: false },
);
