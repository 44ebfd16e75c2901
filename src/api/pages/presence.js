/**
 * Who is there and who is typing, as far as this page is told: of the people of direct conversations it asks, of typing it simply hears.
 * Owns telling the others of this user: typing while something is being written, away after some minutes without a touch.
 */

/** @typedef {'online' | 'away' | 'busy' | 'offline'} Status */
/** @typedef {{ type: string, conversation_id: string, actor_id: string }} Signal */

const TYPING_MS = 10_000;
/** The server tells it no more often. */
const AGAIN_MS = 3_000;
const IDLE_MS = 5 * 60_000;
const MAX_WATCHED = 500;
const TOUCHES = /** @type {const} */ (['pointerdown', 'keydown', 'pointermove', 'visibilitychange']);

export class Presence {
  /** @type {(type: string, data: object) => Promise<any>} */ #command;
  /** @type {() => void} */ #onChange;
  /** @type {Map<string, Status>} */ #statuses = new Map();
  /** Conversation → who types there, each with what ends it. @type {Map<string, Map<string, number>>} */ #typing =
    new Map();
  #watched = '';
  #toldTyping = { id: '', at: 0 };
  /** @type {string} */ #me;
  /** @type {number | undefined} */ #idle;

  /** @param {{ userId: string, command: (type: string, data: object) => Promise<any>, onChange: () => void }} options */
  constructor({ userId, command, onChange }) {
    this.#me = userId;
    this.#command = command;
    this.#onChange = onChange;
    for (const touch of TOUCHES) document.addEventListener(touch, () => this.#touched(), { passive: true });
    this.#touched();
  }

  /** @param {string} userId @returns {Status} */
  statusOf(userId) {
    return this.#statuses.get(userId) ?? 'offline';
  }

  /** @param {string} conversationId */
  typingIn(conversationId) {
    return [...(this.#typing.get(conversationId)?.keys() ?? [])];
  }

  /** The connection is new: what was watched on the one before is not any more. */
  connected() {
    this.#watched = '';
  }

  /** Asks about these people and this user, and about no others. @param {string[]} userIds */
  watch(userIds) {
    const wanted = [this.#me, ...userIds].slice(0, MAX_WATCHED).toSorted();
    const key = wanted.join();
    if (key === this.#watched) return;
    this.#watched = key;
    this.#command('presence.watch', { user_ids: wanted }).then(
      ({ states }) => {
        this.#statuses = new Map(states.map((/** @type {any} */ { user_id, status }) => [user_id, status]));
        this.#onChange();
      },
      () => (this.#watched = ''),
    );
  }

  /** @param {{ user_id?: string, data: { status: Status } }} event */
  changed({ user_id = '', data }) {
    this.#statuses.set(user_id, data.status);
    this.#onChange();
  }

  /** @param {Signal} signal */
  heard({ type, conversation_id: id, actor_id: userId }) {
    if (type === 'typing.stopped') return this.ended(id, userId);
    const typing = this.#typing.get(id) ?? new Map();
    this.#typing.set(id, typing);
    clearTimeout(typing.get(userId));
    // By this clock: the server's may be another.
    typing.set(
      userId,
      setTimeout(() => this.ended(id, userId), TYPING_MS),
    );
    this.#onChange();
  }

  /** Nobody who has sent is still typing it. @param {string} conversationId @param {string} userId */
  ended(conversationId, userId) {
    const typing = this.#typing.get(conversationId);
    clearTimeout(typing?.get(userId));
    if (typing?.delete(userId)) this.#onChange();
  }

  /** What stands in the composer has changed. @param {string} id @param {string} text */
  wrote(id, text) {
    const now = Date.now();
    const isTold = this.#toldTyping.id === id && now - this.#toldTyping.at < AGAIN_MS;
    if (text === '' ? this.#toldTyping.id !== id : isTold) return;
    this.#toldTyping = text === '' ? { id: '', at: 0 } : { id, at: now };
    this.#tell(text === '' ? 'typing.stop' : 'typing.start', { conversation_id: id });
  }

  /** A message went out: that ends typing by itself. */
  sent() {
    this.#toldTyping = { id: '', at: 0 };
  }

  /** Also where another page, or the one before, said that this user is away. */
  #touched() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#become('online', 'away'), IDLE_MS);
    this.#become('away', 'online');
  }

  /** Who is busy or invisible chose it, and stays. @param {Status} before @param {Status} status */
  #become(before, status) {
    if (this.statusOf(this.#me) !== before) return;
    this.#statuses.set(this.#me, status);
    this.#tell('presence.set', { status });
  }

  /** Nobody waits for it, and a lost one is told again soon enough. @param {string} type @param {object} data */
  #tell(type, data) {
    this.#command(type, data).catch(() => {});
  }
}
