/**
 * The open conversation: its header, its messages, the composer. Owns where it is scrolled to, and says what was read: the newest
 * message that could be seen while the page was in front.
 */
import { seqOf } from '/client/lib/client.js';
import { byId, draw, hueOf, initialsOf, isKey } from './dom.js';
import { contentOf } from './messages.js';
import { Purpose } from './purpose.js';
import { rowsOf } from './rows.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */
/** @typedef {import('./messages.js').ChatEvent} ChatEvent */
/** @typedef {import('./messages.js').Message} Message */
/** @typedef {import('./timeline.js').Timeline} Timeline */
/**
 * @typedef {object} Options
 * @property {import('./conversations.js').Conversations} conversations
 * @property {import('./conversations.js').People} people
 * @property {import('/client/lib/client.js').Client} client
 * @property {import('./files.js').Files} files
 * @property {(userId: string) => string} nameOf
 * @property {(conversationId: string, eventId: string, messageId: string) => Promise<void>} onRead
 * @property {(conversationId: string, message: Message, content: string) => Promise<void>} onEdit
 * @property {(conversationId: string, message: Message) => Promise<void>} onDelete
 * @property {(conversationId: string, message: Message, emoji: string, isMine: boolean) => Promise<void>} onReact
 * @property {(error: unknown) => void} onTrouble
 */

/** This close to an end counts as being there. */
const NEAR = 60;
const OLDER_WITHIN = 400;

export class TalkView {
  /** @type {Options} */ #options;
  /** @type {Timeline | undefined} */ #timeline;
  /** @type {number | undefined} */ #unreadAfter;
  /** Seq of the newest message that was reported as read. */
  #reported = 0;
  #isPlaced = false;
  /** @type {Map<string, string>} */ #drafts = new Map();
  /** @type {HTMLElement} */ #scroller = byId('messages');
  /** @type {HTMLElement} */ #rows = byId('rows');
  /** @type {HTMLTextAreaElement} */ #text = byId('text');
  /** What stood in the composer before a message of one's own came into it. */
  #setAside = '';
  #purpose = new Purpose({ onCancel: () => this.#putBack() });

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
    document.addEventListener('visibilitychange', () => this.markRead());
    byId('to-latest').addEventListener('click', () => this.#toEnd());
    byId('composer').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('keydown', (event) => {
      if (isKey(event, 'Escape')) this.#purpose.cancel();
      if (!isKey(event, 'Enter') || event.shiftKey) return;
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('input', () => {
      this.#fit();
      if (this.#timeline) this.#wrote(this.#timeline.id);
    });
  }

  /** Shows a conversation, or none. @param {Timeline | undefined} timeline */
  open(timeline) {
    this.#purpose.cancel();
    if (this.#timeline) this.#drafts.set(this.#timeline.id, this.#text.value);
    this.#timeline = timeline;
    const conversation = this.#conversation;
    this.#unreadAfter = conversation?.unread_count ? seqOf(conversation.read_up_to) : undefined;
    this.#reported = 0;
    this.#isPlaced = false;
    this.#text.value = this.#drafts.get(timeline?.id ?? '') ?? '';
    this.#fit();
    draw(this.#rows, []);
    this.render();
    // On a touch screen this would bring up the keyboard.
    if (timeline && matchMedia('(pointer: fine)').matches) this.#text.focus();
  }

  get #conversation() {
    return this.#timeline && this.#options.conversations.get(this.#timeline.id);
  }

  render() {
    const timeline = this.#timeline;
    const conversation = this.#conversation;
    byId('talk-open').hidden = !conversation;
    byId('talk-none').hidden = Boolean(conversation);
    if (!timeline || !conversation) return;
    this.#renderHeader(conversation);
    const { client, people, files, nameOf, onReact, onTrouble } = this.#options;
    const top = byId('messages-top');
    top.textContent = timeline.trouble || (timeline.isWhole ? 'This is the beginning.' : 'Loading…');
    const wasAtEnd = this.#isAtEnd;
    const { scrollHeight, scrollTop } = this.#scroller;
    const first = this.#rows.firstElementChild;
    const unsent = client.unsent(timeline.id);
    draw(
      this.#rows,
      rowsOf(timeline.isLoaded ? timeline.messages : [], unsent, {
        me: people.me.id,
        nameOf,
        fullNameOf: (id) => people.name(id),
        isDirect: conversation.type === 'direct',
        unreadAfter: this.#unreadAfter,
        mayDeleteAny: conversation.type !== 'direct' && conversation.role !== 'member',
        onAnswer: (message) => this.#begin('answer', message),
        onEdit: (message) => this.#begin('edit', message),
        onDelete: (message) => this.#delete(message),
        onReact: (message, emoji, isMine) => void onReact(timeline.id, message, emoji, isMine).catch(onTrouble),
        show: (attachment) => files.show(attachment),
        onRetry: (id) => client.resend(id),
        onDiscard: (id) => client.discard(id),
      }),
    );
    if (!this.#isPlaced) this.#place();
    else if (wasAtEnd) this.#toEnd();
    else if (first !== this.#rows.firstElementChild) {
      // What is being read stays where it is when older messages come in above.
      this.#scroller.scrollTop = scrollTop + this.#scroller.scrollHeight - scrollHeight;
    }
    this.#scrolled();
  }

  /** @param {Conversation} conversation */
  #renderHeader(conversation) {
    const { client, conversations, people, nameOf } = this.#options;
    const { presence } = client;
    const title = conversations.titleOf(conversation);
    const other = conversations.otherOf(conversation);
    byId('talk-title').textContent = conversation.type === 'channel' ? `# ${title}` : title;
    const { member_count: count, description } = conversation;
    const members = `${count} ${count === 1 ? 'member' : 'members'}`;
    const username = other === undefined ? '' : people.get(other)?.username;
    const status = other ? presence.statusOf(other) : '';
    byId('talk-about').textContent =
      other === undefined
        ? [members, description].filter(Boolean).join(' · ')
        : [username && `@${username}`, status === 'offline' ? '' : status].filter(Boolean).join(' · ');
    byId('typing').textContent = typingText(presence.typingIn(conversation.id).map(nameOf));
    const avatar = byId('talk-avatar');
    avatar.className = `avatar ${hueOf(other ?? conversation.id)}`;
    avatar.textContent = initialsOf(title);
    avatar.dataset.status = status;
    const isClosed = conversation.policy.post === 'admins' && conversation.role === 'member';
    byId('composer').hidden = isClosed;
    byId('composer-closed').hidden = !isClosed;
  }

  /** Says a message of someone else to those who listen. @param {ChatEvent} event */
  announce({ type, actor_id, data }) {
    const { people } = this.#options;
    if (type === 'message.deleted') byId('announcer').textContent = '';
    if (type !== 'message.sent' || actor_id === people.me.id) return;
    byId('announcer').textContent = `${people.name(actor_id)}: ${contentOf({ ...data, is_deleted: false })}`;
  }

  /** Reports the newest message of others that can be seen, if it was not read before. */
  markRead() {
    const timeline = this.#timeline;
    const conversation = this.#conversation;
    if (!timeline?.isLoaded || !conversation || document.visibilityState !== 'visible') return;
    const read = Math.max(this.#reported, seqOf(conversation.read_up_to));
    const seen = this.#lastSeenSeq();
    const me = this.#options.people.me.id;
    const newest = timeline.messages.findLast(
      ({ seq, sender_id, message_type }) => seq <= seen && sender_id !== me && message_type !== 'system',
    );
    if (!newest || newest.seq <= read) return;
    this.#reported = newest.seq;
    this.#options.onRead(conversation.id, newest.event_id, newest.id).catch(() => (this.#reported = 0));
  }

  #lastSeenSeq() {
    const { bottom } = this.#scroller.getBoundingClientRect();
    for (let row = this.#rows.lastElementChild; row; row = row.previousElementSibling) {
      const { seq } = /** @type {HTMLElement} */ (row).dataset;
      if (seq !== undefined && row.getBoundingClientRect().top < bottom) return Number(seq);
    }
    return 0;
  }

  /** After the first page: to where unread begins, or to the end. */
  #place() {
    if (!this.#timeline?.isLoaded) return;
    this.#isPlaced = true;
    this.#toEnd();
    this.#rows.querySelector('.unread')?.scrollIntoView({ block: 'start' });
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#wasAtEnd = true;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#wasAtEnd = this.#isAtEnd;
    byId('to-latest').hidden = scrollHeight - scrollTop - clientHeight < clientHeight / 2;
    const timeline = this.#timeline;
    if (this.#isPlaced && scrollTop < OLDER_WITHIN && timeline && !timeline.trouble) void timeline.loadOlder();
    this.markRead();
  }

  #wasAtEnd = true;

  /** A keyboard came up or the window changed: who was at the end stays there. */
  #resized() {
    if (this.#wasAtEnd) this.#toEnd();
  }

  /** @param {string} id */
  #wrote(id) {
    const { presence } = this.#options.client;
    if (this.#text.value === '') presence.stopTyping(id);
    else presence.type(id);
  }

  #send() {
    const content = this.#text.value.trim();
    if (content === '' || !this.#timeline) return;
    if (this.#purpose.edited) return this.#edit(this.#timeline.id, this.#purpose.edited, content);
    const answered = this.#purpose.answered?.id;
    this.#purpose.end();
    this.#text.value = '';
    this.#fit();
    this.#unreadAfter = undefined;
    this.#options.client.send(this.#timeline.id, { content, ...(answered ? { reply_to: answered } : {}) });
    this.#text.focus();
    this.render();
    this.#toEnd();
  }

  /** @param {import('./purpose.js').Kind} kind @param {Message} message */
  #begin(kind, message) {
    this.#purpose.cancel();
    this.#purpose.begin(kind, message, this.#options.people.name(message.sender_id));
    if (kind === 'edit') {
      this.#setAside = this.#text.value;
      this.#text.value = message.content;
      this.#fit();
    }
    this.#text.focus();
  }

  #putBack() {
    if (!this.#purpose.edited) return;
    this.#text.value = this.#setAside;
    this.#fit();
  }

  /** The text stays in the composer until it is taken. @param {string} id @param {Message} message @param {string} content */
  #edit(id, message, content) {
    const { onEdit, onTrouble } = this.#options;
    onEdit(id, message, content).then(() => this.#purpose.edited === message && this.#purpose.cancel(), onTrouble);
  }

  /** @param {Message} message */
  #delete(message) {
    const { onDelete, onTrouble } = this.#options;
    if (!this.#timeline || !confirm('Delete this message for everyone?')) return;
    onDelete(this.#timeline.id, message).catch(onTrouble);
  }

  #fit() {
    this.#text.rows = Math.min(6, this.#text.value.split('\n').length);
  }
}

/** @param {string[]} names */
function typingText(names) {
  if (names.length === 0) return '';
  if (names.length > 2) return 'Several people are typing…';
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
}
