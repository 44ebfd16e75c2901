/** The rows of an open conversation: days, what was joined, left and renamed, messages, those not sent yet, and where unread begins. */
import { avatar, element } from './dom.js';
import { contentOf, dayOf, systemText, timeOf } from './messages.js';
import { reactionPicker, reactionsOf } from './reactions.js';
import { wordsOfProblem } from './words.js';

/** @typedef {import('./dom.js').Item} Item */
/** @typedef {import('./messages.js').Message} Message */
/** @typedef {import('/client/lib/client.js').Unsent} Unsent */
/**
 * @typedef {object} Reader
 * @property {string} me
 * @property {(userId: string) => string} nameOf "You" for the reader
 * @property {(userId: string) => string} fullNameOf the name also of the reader
 * @property {boolean} isDirect
 * @property {number | undefined} unreadAfter seq after which messages were unread when the conversation was opened
 * @property {boolean} mayDeleteAny as an admin
 * @property {(message: Message) => void} onAnswer
 * @property {(message: Message) => void} onEdit
 * @property {(message: Message) => void} onDelete
 * @property {(message: Message, emoji: string, isMine: boolean) => void} onReact
 * @property {(attachment: import('./files.js').Attachment) => HTMLElement} show a file
 * @property {(id: string) => void} onRetry
 * @property {(id: string) => void} onDiscard
 */

const STATUS = { sent: 'Sent', delivered: 'Delivered', read: 'Read' };

/** Messages of one person that follow each other this closely stand under one name. */
const TOGETHER_MS = 5 * 60_000;

/** @param {Message[]} messages the oldest first @param {Unsent[]} unsent @param {Reader} reader @returns {Item[]} */
export function rowsOf(messages, unsent, reader) {
  const now = new Date();
  /** @type {Item[]} */ const rows = [];
  let day = '';
  /** @type {Message | undefined} */ let before;
  let isMarked = reader.unreadAfter === undefined;
  /** @param {string} at */
  const beginDay = (at) => {
    const next = dayOf(at, now);
    if (next === day) return;
    day = next;
    before = undefined;
    rows.push(separator(`day ${at.slice(0, 10)} ${next}`, 'day', next));
  };
  const byId = new Map(messages.map((message) => [message.id, message]));
  for (const message of messages) {
    beginDay(message.created_at);
    const isSystem = message.message_type === 'system';
    if (!isMarked && !isSystem && message.sender_id !== reader.me && message.seq > (reader.unreadAfter ?? 0)) {
      rows.push(separator('unread', 'unread', 'New messages'));
      isMarked = true;
      before = undefined;
    }
    const quote = quoteOf(message, byId.get(message.reply_to ?? ''), reader);
    rows.push(isSystem ? systemRow(message, reader) : messageRow(message, !follows(message, before), quote, reader));
    before = isSystem ? undefined : message;
  }
  const sent = new Set(messages.map(({ id }) => id));
  let isFirst = before?.sender_id !== reader.me;
  for (const waiting of unsent) {
    if (sent.has(waiting.id)) continue;
    beginDay(waiting.written_at);
    rows.push(unsentRow(waiting, isFirst, reader));
    isFirst = false;
  }
  return rows;
}

/** @param {Message} message @param {Message | undefined} before */
function follows(message, before) {
  if (before?.sender_id !== message.sender_id) return false;
  return Date.parse(message.created_at) - Date.parse(before.created_at) < TOGETHER_MS;
}

/** @param {string} key @param {string} kind @param {string} text @returns {Item} */
function separator(key, kind, text) {
  return { key, look: text, build: () => element('li', { class: kind }, element('span', { text })) };
}

/** @param {Message} message @param {Reader} reader @returns {Item} */
function systemRow(message, { nameOf }) {
  const text = systemText(message, nameOf);
  const build = () => element('li', { class: 'system muted', text, dir: 'auto', 'data-seq': `${message.seq}` });
  return { key: `${message.seq}`, look: text, build };
}

/** What stands above a message's own words: what it answers, or whose words they are. @param {Message} message @param {Message | undefined} answered @param {Reader} reader */
function quoteOf({ reply_to, forwarded_from }, answered, { nameOf }) {
  if (forwarded_from) return `Forwarded from ${nameOf(forwarded_from.sender_id)}`;
  if (reply_to === null) return '';
  if (!answered) return 'An earlier message';
  return answered.message_type === 'system'
    ? systemText(answered, nameOf)
    : `${nameOf(answered.sender_id)}: ${contentOf(answered)}`;
}

/** @param {Message} message @param {boolean} isOwn @param {Reader} reader */
function actsOf(message, isOwn, reader) {
  const { mayDeleteAny, onAnswer, onEdit, onDelete } = reader;
  const act = (/** @type {string} */ text, /** @type {(message: Message) => void} */ run) =>
    element('button', { type: 'button', class: 'link', text, onclick: () => run(message) });
  return element(
    'span',
    { class: 'acts' },
    reactionPicker(message, reader),
    act('Reply', onAnswer),
    isOwn && !message.forwarded_from ? act('Edit', onEdit) : undefined,
    isOwn || mayDeleteAny ? act('Delete', onDelete) : undefined,
  );
}

/** @param {Message} message @param {boolean} isFirst of those of one person @param {string} quote @param {Reader} reader @returns {Item} */
function messageRow(message, isFirst, quote, reader) {
  const { id, seq, sender_id, created_at, edited, is_deleted, reactions, attachments } = message;
  const isOwn = sender_id === reader.me;
  const name = reader.fullNameOf(sender_id);
  const text = attachments.length > 0 ? message.content : contentOf(message);
  const status = isOwn && !is_deleted ? (message.read_status ?? 'sent') : undefined;
  return {
    // The row of a message that was just sent takes the place of the waiting one, so its key is the message's id.
    key: id,
    look: [
      seq,
      name,
      text,
      isFirst,
      isOwn,
      edited,
      is_deleted,
      quote,
      reader.mayDeleteAny,
      status,
      reactions,
      attachments,
    ],
    build: () =>
      row({ id, isOwn, isFirst, seq: `${seq}` }, [
        isOwn || reader.isDirect ? undefined : isFirst ? avatar(sender_id, name) : element('span', { class: 'gap' }),
        element(
          'div',
          { class: 'bubble' },
          senderOf(isOwn ? 'You' : name, isFirst && !isOwn && !reader.isDirect),
          quote && !is_deleted ? element('p', { class: 'quote', text: quote, dir: 'auto' }) : undefined,
          attachments.length > 0 ? element('div', { class: 'files' }, ...attachments.map(reader.show)) : undefined,
          text === '' ? undefined : element('p', { class: is_deleted ? 'text muted' : 'text', text, dir: 'auto' }),
          reactions.length > 0 ? reactionsOf(message, reader) : undefined,
          element(
            'p',
            { class: 'meta' },
            is_deleted ? undefined : actsOf(message, isOwn, reader),
            edited && !is_deleted ? element('span', { text: 'edited' }) : undefined,
            element('time', {
              datetime: created_at,
              text: timeOf(created_at),
              title: new Date(created_at).toLocaleString(),
            }),
            status && element('span', { class: 'status', text: STATUS[status], 'data-status': status }),
          ),
        ),
      ]),
  };
}

/** @param {Unsent} unsent @param {boolean} isFirst @param {Reader} reader @returns {Item} */
function unsentRow({ id, fields, refused }, isFirst, { onRetry, onDiscard }) {
  const content = fields.content || 'A file';
  const trouble = refused ? wordsOfProblem(refused) : '';
  const waiting = () => element('span', { class: 'status', text: 'Sending…', 'data-status': 'sending' });
  const failed = () => [
    element('span', { class: 'status', text: `Not sent. ${trouble}`, 'data-status': 'failed', role: 'alert' }),
    element('button', { type: 'button', class: 'link', text: 'Retry', onclick: () => onRetry(id) }),
    element('button', { type: 'button', class: 'link', text: 'Discard', onclick: () => onDiscard(id) }),
  ];
  return {
    key: id,
    look: [content, trouble, isFirst],
    build: () =>
      row({ id, isOwn: true, isFirst, isFailed: trouble !== '' }, [
        element(
          'div',
          { class: 'bubble' },
          senderOf('You', false),
          element('p', { class: 'text', text: content, dir: 'auto' }),
          element('p', { class: 'meta' }, ...(trouble ? failed() : [waiting()])),
        ),
      ]),
  };
}

/**
 * @param {{ id: string, isOwn: boolean, isFirst: boolean, seq?: string, isFailed?: boolean }} about
 * @param {(Node | undefined)[]} children
 */
function row({ id, isOwn, isFirst, seq, isFailed = false }, children) {
  const kinds = ['message', isOwn ? 'own' : 'other', isFirst ? 'first' : '', isFailed ? 'failed' : ''];
  return element('li', { class: kinds.filter(Boolean).join(' '), 'data-id': id, 'data-seq': seq }, ...children);
}

/** Who speaks: always said to those who listen, shown where it changes. @param {string} name @param {boolean} isShown */
function senderOf(name, isShown) {
  return element('p', { class: isShown ? 'sender' : 'unseen', text: isShown ? name : `${name}:`, dir: 'auto' });
}
