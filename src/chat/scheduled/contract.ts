/** Scheduled messages: the events of the sender's own stream, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';
import { SendMessage } from '../messages/contract.ts';

const Time = Type.String({ format: 'date-time' });
const strict = { additionalProperties: false } as const;

/** None of them says what the message is: nobody has said it yet. */
const planned = Type.Object({ scheduled_id: Id, conversation_id: Id, send_at: Type.String() });
export const ScheduledCreated = event({ type: 'scheduled.created', version: 1, data: planned });
export const ScheduledChanged = event({ type: 'scheduled.changed', version: 1, data: planned });
export const ScheduledEnded = event({
  type: 'scheduled.ended',
  version: 1,
  data: Type.Object({
    scheduled_id: Id,
    conversation_id: Id,
    reason: Type.Enum(['sent', 'cancelled', 'refused']),
    /** The error with which it was refused. */
    code: Type.Optional(Type.String()),
  }),
});

const {
  conversation_id: _conversation,
  id: _id,
  forward: _forward,
  content: _content,
  ...written
} = SendMessage.properties;
const SendAt = Type.String({ maxLength: 40, description: 'An RFC 3339 time within a year from now' });
const content = Type.String();

export const CreateScheduled = Type.Object(
  {
    conversation_id: Id,
    send_at: SendAt,
    id: Type.Optional(Type.String({ ...Id, description: 'The id that the message will have' })),
    content,
    ...written,
  },
  strict,
);
export const ScheduledTarget = Type.Object({ scheduled_id: Id }, strict);
export const ChangeScheduled = Type.Object(
  {
    scheduled_id: Id,
    send_at: Type.Optional(SendAt),
    content: Type.Optional(content),
  },
  { ...strict, minProperties: 2 },
);

export const ScheduledAnswer = Type.Object(
  {
    id: Type.String({ ...Id, description: 'Also the id that the message will have' }),
    conversation_id: Id,
    send_at: Time,
    content,
    message_type: Type.String(),
    reply_to: Type.Union([Id, Type.Null()]),
    attachments: Type.Array(Id),
    metadata: Type.Record(Type.String(), Type.Unknown()),
  },
  strict,
);
export type Scheduled = Static<typeof ScheduledAnswer>;
