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

/** A message as clients get it; `read_status` joins it on the caller's own. */
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
