/**
 * The conversations of who is logged in, as the list shows them, and the names of people. A snapshot by REST and the events of the
 * socket may come in any order: each conversation knows the seq that it stands at, and takes nothing older.
 */
import { seqOf } from '/client/lib/client.js';
import { changeOf, messageOf } from './messages.js';

/** @typedef {import('/client/lib/client.js').Client} Client */
/** @typedef {Pick<import('/client/lib/client.js').User, 'id' | 'username' | 'display_name'>} User */
/** @typedef {import('./messages.js').ChatEvent} ChatEvent */
/** @typedef {import('./messages.js').Message} Message */
/** @typedef {Omit<import('/client/lib/client.js').Conversation, 'last_message'> & { last_message: Message | null }} Conversation */

/** Names by user id; who is not known yet is asked for, once. */
export class People {
  /** @type {Map<string, User | 'asked'>} */ #known = new Map();
  /** @type {Client} */ #client;
  /** @type {() => void} */ #onChange;
  /** @readonly @type {User} */ me;

  /** @param {{ client: Client, me: User, onChange: () => void }} options */
  constructor({ client, me, onChange }) {
    this.#client = client;
    this.#onChange = onChange;
    this.me = me;
    this.learn([me]);
  }

  /** @param {User[]} users */
  learn(users) {
    for (const user of users) this.#known.set(user.id, user);
  }

  /** @param {string} id @returns {User | undefined} */
  get(id) {
    const known = this.#known.get(id);
    if (known === undefined && id !== '') void this.#ask(id);
    return known === 'asked' ? undefined : known;
  }

  /** @param {string} id */
  name(id) {
    return this.get(id)?.display_name ?? '…';
  }

  /** @param {string} id */
  async #ask(id) {
    this.#known.set(id, 'asked');
    try {
      this.learn([await this.#client.call('GET /users/{user_id}', { user_id: id })]);
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code !== 'not_found') return this.#known.delete(id);
      this.learn([{ id, username: '', display_name: 'Deleted user' }]);
    }
    this.#onChange();
  }
}

export class Conversations {
  /** @type {Map<string, Conversation>} */ #all = new Map();
  /** @type {string | null} */ #next = null;
  #isLoaded = false;
  /** @type {Client} */ #client;
  /** @type {People} */ #people;
  /** @type {() => void} */ #onChange;
  /** @type {(id: string) => void} */ #onGone;

  /** @param {{ client: Client, people: People, onChange: () => void, onGone: (id: string) => void }} options */
  constructor({ client, people, onChange, onGone }) {
    this.#client = client;
    this.#people = people;
    this.#onChange = onChange;
    this.#onGone = onGone;
  }

  /** The most recently active first. */
  get sorted() {
    return [...this.#all.values()].toSorted((a, b) => (a.last_activity < b.last_activity ? 1 : -1));
  }

  get hasMore() {
    return this.#next !== null;
  }

  get isLoaded() {
    return this.#isLoaded;
  }

  get unread() {
    return this.sorted.reduce((sum, { unread_count }) => sum + unread_count, 0);
  }

  /** @param {string} id */
  get(id) {
    return this.#all.get(id);
  }

  /** @param {Conversation} conversation */
  titleOf(conversation) {
    const other = this.otherOf(conversation);
    return other === undefined ? (conversation.name ?? 'Group without a name') : this.#people.name(other);
  }

  /** The id of the other of a direct conversation. @param {Conversation} conversation */
  otherOf({ type, participants = [] }) {
    if (type !== 'direct') return undefined;
    return participants.find(({ user_id }) => user_id !== this.#people.me.id)?.user_id ?? '';
  }

  /** Reads the first page anew. Where that is all there is, what is not on it has gone while nobody listened. */
  async load() {
    const before = new Set(this.#all.keys());
    const { items, next_cursor } = await this.#client.call('GET /conversations', { limit: 100 });
    this.#isLoaded = true;
    this.#next = next_cursor;
    for (const conversation of items) {
      before.delete(conversation.id);
      this.#put(conversation);
    }
    if (next_cursor === null) for (const id of before) this.remove(id);
    this.#onChange();
  }

  async loadMore() {
    if (this.#next === null) return;
    const { items, next_cursor } = await this.#client.call('GET /conversations', {
      limit: 100,
      cursor: this.#next,
    });
    this.#next = next_cursor;
    for (const conversation of items) this.#put(conversation);
    this.#onChange();
  }

  /** Reads one anew; false if it is not there for this user. @param {string} id */
  async fetch(id) {
    try {
      const conversation = await this.#client.call('GET /conversations/{conversation_id}', { conversation_id: id });
      if (conversation.role === null) return false;
      this.add(conversation);
      return true;
    } catch (error) {
      const { code } = /** @type {{ code?: string }} */ (error);
      if (code === 'not_found' || code === 'validation_failed') return false;
      throw error;
    }
  }

  /** The log begins anew at a lower seq (one conversation's, or any): what is read next counts, however old it looks. @param {string} [id] */
  async reset(id) {
    for (const [key, conversation] of this.#all) {
      if (id === undefined || key === id) this.#all.set(key, { ...conversation, last_event_id: '0-0' });
    }
    await this.load();
  }

  /** @param {Conversation} conversation */
  add(conversation) {
    this.#put(conversation);
    this.#onChange();
  }

  /** @param {string} id */
  remove(id) {
    if (!this.#all.delete(id)) return;
    this.#onGone(id);
    this.#onChange();
  }

  /** The user has read up to this seq. @param {string} id @param {string} eventId */
  read(id, eventId) {
    const conversation = this.#all.get(id);
    if (!conversation || seqOf(eventId) <= seqOf(conversation.read_up_to)) return;
    const isAll = seqOf(eventId) >= (conversation.last_message?.seq ?? 0);
    this.#all.set(id, { ...conversation, read_up_to: eventId, ...(isAll ? { unread_count: 0 } : {}) });
    // How many are left only the server has counted.
    if (!isAll) this.fetch(id).catch(() => {});
    this.#onChange();
  }

  /** Another device of this user's marked something, without an event. @param {{ conversation_id: string, read_up_to: string, unread_count: number }} mark */
  marked({ conversation_id: id, read_up_to, unread_count }) {
    const conversation = this.#all.get(id);
    if (!conversation) return;
    this.#all.set(id, { ...conversation, read_up_to, unread_count });
    this.#onChange();
  }

  /** @param {ChatEvent} event */
  apply(event) {
    const { type, actor_id, data, conversation_id: id = data.conversation_id } = event;
    const conversation = this.#all.get(id);
    const isOld = event.conversation_id !== undefined && event.seq <= seqOf(conversation?.last_event_id);
    if (isOld) return;
    const isMyLeaving = type === 'participant.removed' && data.user_id === this.#people.me.id;
    if (isMyLeaving || type === 'conversation.left' || type === 'conversation.deleted') return this.remove(id);
    if (!conversation) {
      if (id !== undefined) this.fetch(id).catch(() => {});
      return;
    }
    if (event.conversation_id === undefined) return;
    this.#all.set(id, { ...conversation, ...this.#changes(conversation, event), last_event_id: event.id });
    if (type === 'receipt.read' && actor_id === this.#people.me.id) this.read(id, data.up_to);
    this.#onChange();
  }

  /** @param {Conversation} before @param {ChatEvent} event @returns {Partial<Conversation>} */
  #changes(before, event) {
    const { type, actor_id, at, data } = event;
    const message = messageOf(event);
    const change = changeOf(event);
    const isLast = change !== undefined && before.last_message?.id === data.message_id;
    const shown = message ?? (isLast && before.last_message ? change(before.last_message) : before.last_message);
    /** @type {Partial<Conversation>} */ const changes = { last_message: shown };
    if (type === 'message.sent') {
      changes.last_activity = at;
      if (actor_id === this.#people.me.id) Object.assign(changes, { unread_count: 0, read_up_to: event.id });
      else changes.unread_count = before.unread_count + 1;
    } else if (type === 'participant.added') changes.member_count = before.member_count + 1;
    else if (type === 'participant.removed') changes.member_count = before.member_count - 1;
    else if (type === 'participant.role_changed' && data.user_id === this.#people.me.id) changes.role = data.role;
    else if (type === 'conversation.updated') {
      for (const name of /** @type {const} */ (['name', 'description'])) {
        if (data[name] !== undefined) changes[name] = data[name];
      }
      if (data.policy) changes.policy = { ...before.policy, ...data.policy };
    }
    return changes;
  }

  /** @param {Conversation} conversation */
  #put(conversation) {
    const known = this.#all.get(conversation.id);
    if (!known || seqOf(conversation.last_event_id) >= seqOf(known.last_event_id)) {
      this.#all.set(conversation.id, conversation);
    }
  }
}
