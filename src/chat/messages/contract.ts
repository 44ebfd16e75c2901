/** Messages: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const Metadata = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), { maxProperties: 32 });

export const MessageSent = event({
  type: 'message.sent',
  version: 1,
  data: Type.Object({
    message_id: Id,
    content: Type.String(),
    message_type: Type.String(),
    reply_to: Type.Union([Id, Type.Null()]),
    attachments: Type.Array(Type.String()),
    mentions: Type.Array(Type.String()),
    mentions_all: Type.Boolean(),
    metadata: Type.Record(Type.String(), Type.Unknown()),
  }),
});

export const SendMessage = Type.Object(
  {
    conversation_id: Id,
    id: Type.Optional(Id),
    content: Type.String(),
    message_type: Type.Optional(Type.Enum(['text', 'image', 'audio', 'video', 'file'])),
    reply_to: Type.Optional(Type.Union([Id, Type.Null()])),
    attachments: Type.Optional(Type.Array(Id, { maxItems: 20 })),
    metadata: Type.Optional(Metadata),
  },
  { additionalProperties: false },
);

const OrNull = Type.Union([Type.String(), Type.Null()]);
const Time = Type.String({ format: 'date-time' });

/** A message as clients get it; `read_status` joins it on the caller's own. */
export const MessageAnswer = Type.Object(
  {
    id: Id,
    conversation_id: Id,
    event_id: Type.String(),
    seq: Type.Integer({ minimum: 1 }),
    sender_id: Id,
    content: Type.String(),
    message_type: Type.Enum(['text', 'image', 'audio', 'video', 'file', 'system']),
    created_at: Time,
    edited: Type.Boolean(),
    edited_at: OrNull,
    is_deleted: Type.Boolean(),
    deleted_at: OrNull,
    reply_to: Type.Union([Id, Type.Null()]),
    reply_count: Type.Integer({ minimum: 0 }),
    attachments: Type.Array(Type.String()),
    mentions: Type.Array(Id),
    reactions: Type.Array(
      Type.Object({ emoji: Type.String(), count: Type.Integer({ minimum: 1 }), user_ids: Type.Array(Id) }),
    ),
    pinned: Type.Boolean(),
    revision: Type.Integer({ minimum: 1 }),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    read_status: Type.Optional(Type.Enum(['sent', 'delivered', 'read'])),
  },
  { additionalProperties: false },
);

/** The stored document of a message. */
export interface Message {
  id: string;
  conversation_id: string;
  event_id: string;
  seq: number;
  sender_id: string;
  content: string;
  message_type: string;
  created_at: string;
  edited: boolean;
  edited_at: string | null;
  is_deleted: boolean;
  deleted_at: string | null;
  reply_to: string | null;
  reply_count: number;
  attachments: string[];
  mentions: string[];
  reactions: { emoji: string; count: number; user_ids: string[] }[];
  pinned: boolean;
  revision: number;
  metadata: Record<string, unknown>;
}

export type MessageSentData = Static<typeof MessageSent.data>;
