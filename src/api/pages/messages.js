/**
 * What an event of a conversation says, in the shape that history gives: a message, or a system message for whoever came and went and what
 * changed. And the words for those. Pure.
 */
import { withReaction, withoutReaction } from './reactions.js';

/**
 * @typedef {object} ChatEvent
 * @property {string} id
 * @property {number} seq
 * @property {string} type
 * @property {string} at
 * @property {string} actor_id
 * @property {string} [conversation_id]
 * @property {string} [user_id]
 * @property {any} data
 */
/**
 * As far as the page shows one: what an event says of it.
 * @typedef {Pick<import('/client/lib/client.js').Message, 'id' | 'event_id' | 'seq' | 'sender_id' | 'content' | 'message_type'
 *   | 'created_at' | 'edited' | 'is_deleted' | 'reply_to' | 'forwarded_from' | 'attachments' | 'reactions' | 'read_status'> & { metadata: Record<string, any> }} Message
 */

/** The events that history shows as system messages. @type {Record<string, (data: any) => Record<string, any> | undefined>} */
const SYSTEM = {
  'participant.added': ({ user_id }) => ({ user_id }),
  'participant.removed': ({ user_id, reason }) => ({ user_id, reason }),
  'participant.role_changed': ({ user_id, role }) => ({ user_id, role }),
  'conversation.updated': ({ policy: _policy, ...changes }) =>
    Object.keys(changes).length === 0 ? undefined : changes,
  'message.pinned': ({ message_id }) => ({ message_id }),
};

/** @type {Record<string, string>} */
const ROLES = { owner: 'the owner', admin: 'an admin', member: 'a member' };

/** The message that an event puts into history, or undefined if it puts none. @param {ChatEvent} event @returns {Message | undefined} */
export function messageOf(event) {
  const { id: event_id, seq, type, at: created_at, actor_id: sender_id, data } = event;
  const common = { event_id, seq, sender_id, created_at, edited: false, is_deleted: false, reactions: [] };
  if (type === 'message.sent') {
    const { message_id: id, content, message_type, reply_to, forwarded_from = null, attachments, metadata } = data;
    return { ...common, id, content, message_type, reply_to, forwarded_from, attachments, metadata };
  }
  const about = SYSTEM[type]?.(data);
  if (!about) return undefined;
  const metadata = { event: type, ...about };
  const alone = { reply_to: null, forwarded_from: null, attachments: [] };
  return { ...common, id: event_id, content: '', message_type: 'system', ...alone, metadata };
}

/** What an event does to a message that is there already; undefined if nothing. @param {ChatEvent} event @returns {((message: Message) => Message) | undefined} */
export function changeOf({ type, actor_id, data }) {
  if (type === 'message.edited') return (message) => ({ ...message, content: data.content, edited: true });
  const gone = { content: '', forwarded_from: null, attachments: [], reactions: [], is_deleted: true };
  if (type === 'message.deleted') return (message) => ({ ...message, ...gone });
  const change = type === 'reaction.added' ? withReaction : type === 'reaction.removed' ? withoutReaction : undefined;
  if (change) return (message) => ({ ...message, reactions: change(message.reactions, data.emoji, actor_id) });
  return undefined;
}

/**
 * A system message as a sentence.
 * @param {Message} message
 * @param {(userId: string) => string} nameOf "You" for the reader
 */
export function systemText({ sender_id, content, metadata }, nameOf) {
  const actor = nameOf(sender_id);
  const user = nameOf(metadata['user_id'] ?? '');
  const someone = user === 'You' ? 'you' : user;
  const self = metadata['user_id'] === sender_id;
  switch (metadata['event']) {
    case 'participant.added':
      return self ? `${actor} joined` : `${actor} added ${someone}`;
    case 'participant.removed':
      if (metadata['reason'] === 'banned') return `${actor} banned ${someone}`;
      return self || metadata['reason'] === 'left' ? `${user} left` : `${actor} removed ${someone}`;
    case 'participant.role_changed':
      return `${actor} made ${someone} ${ROLES[metadata['role']]}`;
    case 'conversation.updated':
      return `${actor} ${changesOf(metadata)}`;
    case 'message.pinned':
      return `${actor} pinned a message`;
    default:
      return `${actor} ${content}`;
  }
}

/** @param {Record<string, any>} metadata */
function changesOf({ name, description, avatar_url }) {
  const changed = (/** @type {string | null | undefined} */ value, /** @type {string} */ what) =>
    value === undefined ? [] : [`${value ? 'changed' : 'removed'} the ${what}`];
  const renamed = name === undefined ? [] : [`renamed the conversation to “${name}”`];
  return [...renamed, ...changed(description, 'description'), ...changed(avatar_url, 'picture')].join(', ');
}

/** What a message says in one piece of text. @param {Message} message */
export function contentOf({ content, is_deleted, attachments }) {
  if (is_deleted) return 'This message was deleted';
  if (content !== '' || attachments.length === 0) return content;
  return attachments.length === 1 ? 'A file' : `${attachments.length} files`;
}

/** A message in the one line of a list. @param {Message} message @param {(userId: string) => string} nameOf @param {boolean} isDirect */
export function previewOf(message, nameOf, isDirect) {
  if (message.message_type === 'system') return systemText(message, nameOf);
  const name = nameOf(message.sender_id);
  return isDirect && name !== 'You' ? contentOf(message) : `${name}: ${contentOf(message)}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat('en', { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_AND_YEAR = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric' });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DAY_MS = 86_400_000;

/** @param {string} at */
export const timeOf = (at) => TIME.format(new Date(at));

/** Today, Yesterday, or the date. @param {string} at @param {Date} now */
export function dayOf(at, now) {
  const date = new Date(at);
  if (date.toDateString() === now.toDateString()) return 'Today';
  if (date.toDateString() === new Date(now.getTime() - DAY_MS).toDateString()) return 'Yesterday';
  return (date.getFullYear() === now.getFullYear() ? DAY : DAY_AND_YEAR).format(date);
}

/** The time of today, the date of what is older. @param {string} at @param {Date} now */
export function shortTimeOf(at, now) {
  const date = new Date(at);
  return (date.toDateString() === now.toDateString() ? TIME : SHORT_DAY).format(date);
}
