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

const { conversation_id: _, ...rest } = EventAnswer.properties;
const cursor = Type.String({ description: 'Who asks for what comes `after` this goes on behind this line' });

/** A line of all events; one that comes where nothing else does has no more than a cursor. */
export const EventLine = Type.Union([
  Type.Object(
    { ...rest, conversation_id: Type.Optional(Id), user_id: Type.Optional(Id), cursor },
    { additionalProperties: false },
  ),
  Type.Object({ type: Type.Literal('heartbeat'), cursor }, { additionalProperties: false }),
]);

export const AllEvents = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description:
          'The `cursor` of the last line that the caller has; or an event id or an RFC 3339 time, from whose millisecond on all is sent. ' +
          'Absent: from the beginning',
      }),
    ),
    types: Type.Optional(
      Type.String({
        pattern: '^[a-z_.]{1,64}(,[a-z_.]{1,64}){0,63}$',
        words: 'must be types of events between commas',
        description: 'Only events of these types, separated by commas',
      }),
    ),
  },
  { additionalProperties: false },
);
