/** The log of a conversation as its members may read it. Pure data. */
import Type from 'typebox';
import { Id, Traceparent } from '../../envelope.ts';

/** An event as the log has it and as every socket got it; one that is withheld from the reader says only where it stands. */
export const EventAnswer = Type.Object(
  {
    id: Type.String({ description: '`<unix ms>-<seq>`: order, time and cursor in one' }),
    seq: Type.Integer({ minimum: 1, description: '1, 2, 3 … without a hole' }),
    at: Type.String({ format: 'date-time' }),
    conversation_id: Id,
    actor_id: Type.Optional(Id),
    request_id: Type.Optional(Id),
    traceparent: Type.Optional(Traceparent),
    type: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    data: Type.Object({}, { additionalProperties: true }),
  },
  { additionalProperties: false },
);
