/**
 * The one socket of this page, and its cursors.
 *
 *   waiting → opening → resuming → live → waiting …        stopped: by us, or because the server said so (4500–4999)
 *
 * waiting: a back-off with full jitter runs. opening: a ticket, then a handshake, then `session.ready`. resuming: the cursors were sent,
 * missed events come in order. live: commands may be sent. Every event of a stream is handed on once, in order. A socket that is lost
 * takes its unanswered commands with it: whoever sent them repeats them under the same id.
 */
import { Refusal } from './api.js';

/** @typedef {import('./messages.js').ChatEvent} ChatEvent */
/** @typedef {'waiting' | 'opening' | 'resuming' | 'live' | 'stopped'} State */
/**
 * @typedef {object} Handlers
 * @property {(ready: { conversations: { id: string }[] }, known: ReadonlySet<string>) => void} onReady `known`: who had a cursor before
 * @property {(event: ChatEvent) => void} onEvent
 * @property {(event: any) => void} onSeen something of another user, who is watched
 * @property {(signal: any) => void} onSignal somebody is typing, or no longer
 * @property {(conversationId: string | undefined) => void} onReset events of this stream are lost: what is shown must be read again
 * @property {(state: State) => void} onState
 * @property {(code: number) => void} onRefused the server does not want this session back
 */

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
const OPEN_WITHIN_MS = 15_000;
const PONG_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 20_000;
/** More would not fit into one frame; those least recently active are read anew instead. */
const MAX_CURSORS = 1_000;

/** @param {string | undefined} eventId */
export const seqOf = (eventId) => Number(eventId?.slice(eventId.indexOf('-') + 1) ?? 0);

export class Connection {
  /** @type {string} */ #userId;
  /** @type {() => Promise<string>} */ #ticket;
  /** @type {Handlers} */ #handlers;
  /** @type {State} */ #state = 'stopped';
  /** @type {WebSocket | undefined} */ #socket;
  /** @type {Map<string, string>} */ #cursors = new Map();
  /** @type {string | undefined} */ #userCursor;
  /** @type {Map<string, { resolve: (data: any) => void, reject: (error: Error) => void }>} */ #unanswered = new Map();
  #commands = 0;
  #attempts = 0;
  /** @type {number | undefined} */ #retry;
  /** @type {number | undefined} */ #heartbeat;
  /** @type {number | undefined} */ #deadline;

  /** @param {{ userId: string, ticket: () => Promise<string> } & Handlers} options */
  constructor({ userId, ticket, ...handlers }) {
    this.#userId = userId;
    this.#ticket = ticket;
    this.#handlers = handlers;
  }

  start() {
    // Whether the link has outlived this, only a try tells.
    const wake = () => (this.isLive ? this.#ping() : this.retryNow());
    addEventListener('online', wake);
    addEventListener('offline', () => this.isLive && this.#ping());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wake());
    void this.#open();
  }

  get isLive() {
    return this.#state === 'live';
  }

  /** Ends a back-off that is running. */
  retryNow() {
    if (this.#state === 'waiting') void this.#open();
  }

  stop() {
    this.#letGo();
    this.#enter('stopped');
  }

  /** The user is no longer in it. @param {string} conversationId */
  forget(conversationId) {
    this.#cursors.delete(conversationId);
  }

  /** Sends a command; throws a `Refusal`, with the code `lost` if the answer did not come. @param {string} type @param {object} data @returns {Promise<any>} */
  command(type, data) {
    return new Promise((resolve, reject) => {
      if (!this.isLive) return reject(new Refusal({ code: 'lost' }));
      const id = `c${(this.#commands += 1)}`;
      this.#unanswered.set(id, { resolve, reject });
      this.#expectWithin(ANSWER_WITHIN_MS);
      this.#send({ type, id, data });
    });
  }

  async #open() {
    clearTimeout(this.#retry);
    this.#enter('opening');
    /** @type {string} */ let ticket;
    try {
      ticket = await this.#ticket();
    } catch (error) {
      return this.#lost(/** @type {Refusal} */ (error).retryAfter);
    }
    if (this.#state !== 'opening') return; // stopped in the meantime
    const query = new URLSearchParams({ resume: '1', ticket });
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/ws?${query}`);
    this.#socket = socket;
    this.#expectWithin(OPEN_WITHIN_MS);
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** @param {any} frame */
  #receive(frame) {
    this.#expectWithin(undefined);
    if ((frame.user_id ?? this.#userId) !== this.#userId) return this.#handlers.onSeen(frame);
    if (frame.seq !== undefined) return this.#event(frame);
    if (frame.actor_id !== undefined) return this.#handlers.onSignal(frame);
    if (frame.type === 'ack') this.#answered(frame.id)?.resolve(frame.data);
    else if (frame.type === 'error') this.#answered(frame.id)?.reject(new Refusal(frame.error));
    else if (frame.type === 'session.ready') this.#ready(frame.data);
    else if (frame.type === 'session.resumed') this.#resumed();
    else if (frame.type === 'sync.reset') this.#reset(frame.data);
  }

  /** @param {string | undefined} id */
  #answered(id = '') {
    const waiting = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    return waiting;
  }

  /** @param {{ heartbeat_interval: number, user_event_id: string, conversations: { id: string, last_event_id: string }[] }} ready */
  #ready(ready) {
    const known = new Set(this.#cursors.keys());
    for (const { id, last_event_id } of ready.conversations) {
      if (!known.has(id)) this.#cursors.set(id, last_event_id);
    }
    this.#userCursor ??= ready.user_event_id;
    const cursors = Object.fromEntries([...this.#cursors].slice(-MAX_CURSORS));
    this.#enter('resuming');
    this.#heartbeat = setInterval(() => this.#ping(), ready.heartbeat_interval * 1_000);
    this.#send({ type: 'session.resume', data: { cursors, user: this.#userCursor } });
    this.#handlers.onReady(ready, known);
  }

  #resumed() {
    this.#attempts = 0;
    this.#enter('live');
  }

  /** @param {ChatEvent} event */
  #event(event) {
    const { conversation_id: id } = event;
    const cursor = id === undefined ? this.#userCursor : this.#cursors.get(id);
    if (event.seq <= seqOf(cursor)) return;
    if (id === undefined) this.#userCursor = event.id;
    else {
      this.#cursors.delete(id); // so that the most recently active stand last
      this.#cursors.set(id, event.id);
    }
    this.#handlers.onEvent(event);
  }

  /** @param {{ conversation_id?: string, last_event_id: string }} reset */
  #reset({ conversation_id: id, last_event_id }) {
    if (id === undefined) this.#userCursor = last_event_id;
    else this.#cursors.set(id, last_event_id);
    this.#handlers.onReset(id);
  }

  /** @param {object} frame */
  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** The browser answers the server's pings unseen, so a link that went dead without a word is only found by one of ours. */
  #ping() {
    this.#expectWithin(PONG_WITHIN_MS);
    this.#send({ type: 'ping' });
  }

  /** Gives the socket up unless something comes within this time. @param {number | undefined} ms */
  #expectWithin(ms) {
    clearTimeout(this.#deadline);
    if (ms !== undefined) this.#deadline = setTimeout(() => this.#lost(), ms);
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    if (code >= 4500 && code <= 4999) {
      this.stop();
      return this.#handlers.onRefused(code);
    }
    const wasLive = this.isLive;
    this.#lost(code === 4429 ? retryAfter(reason) : undefined);
    if (code === 4401 && wasLive) this.retryNow(); // only the token was old, and the ticket renews it
  }

  /** @param {number} [atLeast] seconds that the server asked for */
  #lost(atLeast = 0) {
    if (this.#state === 'stopped') return;
    this.#letGo();
    const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#retry = setTimeout(() => void this.#open(), atLeast * 1_000 + Math.random() * ceiling);
    this.#enter('waiting');
  }

  #letGo() {
    for (const timer of [this.#retry, this.#heartbeat, this.#deadline]) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const waiting = [...this.#unanswered.values()];
    this.#unanswered.clear();
    for (const { reject } of waiting) reject(new Refusal({ code: 'lost' }));
  }

  /** @param {State} state */
  #enter(state) {
    this.#state = state;
    this.#handlers.onState(state);
  }
}

/** @param {string} reason */
function retryAfter(reason) {
  try {
    return Number(JSON.parse(reason).retry_after) || 1;
  } catch {
    return 1;
  }
}
