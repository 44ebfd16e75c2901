/** Messages: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { Attached } from '../attachments/contract.ts';
import { event } from '../feature.ts';
import { PollOnMessage } from '../polls/contract.ts';

const IdOrNull = Type.Union([Id, Type.Null()]);
const Time = Type.String({ format: 'date-time' });
const TimeOrNull = Type.Union([Time, Type.Null()]);

/** Where a forwarded message came from: of a public channel all, of any other conversation only who wrote it and when. */
const ForwardedFrom = Type.Object({
  conversation_id: IdOrNull,
  message_id: IdOrNull,
  sender_id: Id,
  created_at: Type.String(),
});

const Metadata = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), { maxProperties: 32 });

export const MessageSent = event({
  type: 'message.sent',
  version: 1,
  data: Type.Object({
    message_id: Id,
    content: Type.String(),
    message_type: Type.String(),
    reply_to: IdOrNull,
    attachments: Type.Array(Attached),
    mentions: Type.Array(Type.String()),
    mentions_all: Type.Boolean(),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    /** The message that began the thread, where the reply is to another one of it. */
    thread_id: Type.Optional(Id),
    forwarded_from: Type.Optional(ForwardedFrom),
  }),
});

/** The message that began the thread of a reply; null for what is no reply. */
export const threadOf = ({ thread_id, reply_to }: MessageSentData): string | null => thread_id ?? reply_to;

export const MessageEdited = event({
  type: 'message.edited',
  version: 1,
  data: Type.Object({
    message_id: Id,
    content: Type.String(),
    mentions: Type.Array(Type.String()),
    mentions_all: Type.Boolean(),
    revision: Type.Integer({ minimum: 2 }),
  }),
});

export const MessageDeleted = event({
  type: 'message.deleted',
  version: 1,
  data: Type.Object({ message_id: Id }),
});

const Forward = Type.Object({ conversation_id: Id, message_id: Id }, { additionalProperties: false });
export type Forward = Static<typeof Forward>;

/** That this field stands there; what it must be is said beside the others. */
const one = (field: string) => ({ type: 'object', properties: { [field]: {} }, required: [field] });

export const SendMessage = Type.Object(
  {
    conversation_id: Id,
    id: Type.Optional(Id),
    content: Type.Optional(
      Type.String({ description: 'Needed, unless the message forwards another or carries a file' }),
    ),
    forward: Type.Optional(Forward),
    message_type: Type.Optional(Type.Enum(['text', 'image', 'audio', 'video', 'file'])),
    reply_to: Type.Optional(Type.Union([Id, Type.Null()])),
    attachments: Type.Optional(Type.Array(Id, { maxItems: 20, uniqueItems: true, description: 'Ids of own uploads' })),
    metadata: Type.Optional(Metadata),
  },
  { additionalProperties: false, anyOf: [one('content'), one('forward'), one('attachments')] },
);

/** A message as clients get it; `read_status` joins it on the caller's own. */
export const MessageAnswer = Type.Object(
  {
    id: Id,
    conversation_id: Id,
    event_id: Type.String(),
    seq: Type.Integer({ minimum: 1 }),
    sender_id: Id,
    content: Type.String(),
    message_type: Type.Enum(['text', 'image', 'audio', 'video', 'file', 'poll', 'system']),
    created_at: Time,
    edited: Type.Boolean(),
    edited_at: TimeOrNull,
    is_deleted: Type.Boolean(),
    deleted_at: TimeOrNull,
    reply_to: IdOrNull,
    thread_id: Type.Union([Id, Type.Null()], {
      description: 'The message that began the thread, on every reply of it',
    }),
    reply_count: Type.Integer({
      minimum: 0,
      description:
        'Replies of the thread, on the message that began it. One that was deleted keeps its place and counts',
    }),
    last_reply_at: TimeOrNull,
    repliers: Type.Array(Id, { description: 'Who replied last, at most five, the latest first' }),
    attachments: Type.Array(Attached),
    mentions: Type.Array(Id),
    mentions_all: Type.Boolean({ description: 'Everybody in the conversation is mentioned' }),
    reactions: Type.Array(
      Type.Object({ emoji: Type.String(), count: Type.Integer({ minimum: 1 }), user_ids: Type.Array(Id) }),
    ),
    pinned: Type.Boolean(),
    pinned_by: IdOrNull,
    pinned_at: TimeOrNull,
    forwarded_from: Type.Union([ForwardedFrom, Type.Null()]),
    revision: Type.Integer({ minimum: 1 }),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    poll: Type.Optional({ ...PollOnMessage, description: 'On a message of type poll, whose content is the question' }),
    read_status: Type.Optional(
      Type.Enum(['sent', 'delivered', 'read'], {
        description:
          "On the caller's own messages: delivered to all others, or read by all others, who are in now. Where more than 200 are in it " +
          'is always sent, and read back in time (as_of) a message has none',
      }),
    ),
  },
  { additionalProperties: false },
);

export const MessageTarget = Type.Object({ conversation_id: Id, message_id: Id }, { additionalProperties: false });

export const EditMessage = Type.Object(
  { conversation_id: Id, message_id: Id, content: Type.String() },
  { additionalProperties: false },
);

/** A text that a message has or had. */
export const RevisionAnswer = Type.Object(
  {
    revision: Type.Integer({ minimum: 1 }),
    event_id: Type.String(),
    content: Type.String(),
    mentions: Type.Array(Id),
    mentions_all: Type.Boolean(),
    created_at: Time,
  },
  { additionalProperties: false },
);

/** What history keeps of a message: all but what only its sender sees. */
export type Message = Omit<Static<typeof MessageAnswer>, 'read_status'>;

export type MessageSentData = Static<typeof MessageSent.data>;
export type MessageEditedData = Static<typeof MessageEdited.data>;
