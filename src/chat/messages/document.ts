/**
 * The document of a message, as history keeps it and clients get it. Every field is there from the beginning; what other features know
 * of a message (threads, reactions, pins) they contribute to its fields, which stand here with nothing in them. Pure.
 */
import type { ChatEvent } from '../../envelope.ts';
import { threadOf } from './contract.ts';
import type { Message, MessageSentData } from './contract.ts';

export function messageOf(sent: ChatEvent<MessageSentData>): Message {
  const { data } = sent;
  return newMessage(sent, data.message_id, {
    content: data.content,
    message_type: data.message_type as Message['message_type'],
    reply_to: data.reply_to,
    thread_id: threadOf(data),
    attachments: data.attachments,
    mentions: data.mentions,
    mentions_all: data.mentions_all,
    forwarded_from: data.forwarded_from ?? null,
    metadata: data.metadata,
  });
}

type Written = Pick<Message, 'content' | 'message_type' | 'metadata'> &
  Partial<Pick<Message, 'reply_to' | 'thread_id' | 'attachments' | 'mentions' | 'mentions_all' | 'forwarded_from'>>;

/** What a message mostly has in these fields, which are its last ones, in the order of the document. Such a value is not stored. */
export const NEUTRAL: Omit<Message, Head> = {
  edited: false,
  edited_at: null,
  is_deleted: false,
  deleted_at: null,
  reply_to: null,
  thread_id: null,
  // threads
  reply_count: 0,
  last_reply_at: null,
  repliers: [],
  attachments: [],
  mentions: [],
  mentions_all: false,
  // reactions
  reactions: [],
  // pins
  pinned: false,
  pinned_by: null,
  pinned_at: null,
  forwarded_from: null,
  revision: 1,
  metadata: {},
};
type Head = 'id' | 'conversation_id' | 'event_id' | 'seq' | 'sender_id' | 'content' | 'message_type' | 'created_at';

/** The field order is fixed: `reader.ts` finds the sender before anything that a client wrote. */
export function newMessage(of: ChatEvent, id: string, { content, message_type, ...written }: Written): Message {
  return {
    id,
    conversation_id: of.conversation_id ?? '',
    event_id: of.id,
    seq: of.seq,
    sender_id: of.actor_id,
    content,
    message_type,
    created_at: of.at,
    ...NEUTRAL,
    ...written,
  };
}

/** What is left of a message that was deleted: its place, who sent it and what stands on it, and nothing of what it said. */
export function tombstone({ poll: _poll, ...message }: Message, at: string): Message {
  return {
    ...message,
    content: '',
    is_deleted: true,
    deleted_at: at,
    attachments: [],
    mentions: [],
    mentions_all: false,
    reactions: [],
    pinned: false,
    pinned_by: null,
    pinned_at: null,
    forwarded_from: null,
    metadata: {},
  };
}
