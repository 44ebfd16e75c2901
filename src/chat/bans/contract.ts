/** Bans: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';
import { PersonAnswer } from '../participants/contract.ts';

const TimeOrNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);
const Reason = Type.Union([Type.String({ maxLength: 500 }), Type.Null()]);

/** A ban without an end has `until: null`. */
export const BanAdded = event({
  type: 'ban.added',
  version: 1,
  data: Type.Object({
    user_id: Id,
    until: Type.Union([Type.String(), Type.Null()]),
    reason: Type.Union([Type.String(), Type.Null()]),
  }),
});
export type BanAddedData = Static<typeof BanAdded.data>;
export const BanRemoved = event({ type: 'ban.removed', version: 1, data: Type.Object({ user_id: Id }) });

export const BanTarget = Type.Object({ conversation_id: Id, user_id: Id }, { additionalProperties: false });

export const AddBan = Type.Object(
  {
    conversation_id: Id,
    user_id: Id,
    until: Type.Optional(
      Type.Union([Type.String({ maxLength: 40 }), Type.Null()], {
        description: 'When the user may come again; absent or null: not before the ban is lifted',
      }),
    ),
    reason: Type.Optional({ ...Reason, description: 'Everybody in the conversation can read it' }),
  },
  { additionalProperties: false },
);

export const BanAnswer = Type.Object(
  {
    user_id: Id,
    banned_by: Id,
    created_at: Type.String({ format: 'date-time' }),
    until: TimeOrNull,
    reason: Type.Union([Type.String(), Type.Null()]),
    user: PersonAnswer,
  },
  { additionalProperties: false },
);
