/** Blocks: the events, of the user's own stream and told to nobody else, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';
import { PersonAnswer } from '../participants/contract.ts';

const data = Type.Object({ user_id: Id });
export const BlockAdded = event({ type: 'block.added', version: 1, data });
export const BlockRemoved = event({ type: 'block.removed', version: 1, data });

export const Blocked = Type.Object({ user_id: Id }, { additionalProperties: false });
export const BlockAnswer = Type.Object(
  { user_id: Id, blocked_at: Type.String({ format: 'date-time' }), user: PersonAnswer },
  { additionalProperties: false },
);
