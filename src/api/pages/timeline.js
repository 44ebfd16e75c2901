/**
 * The messages of one conversation as far as they are loaded: history by REST, newest first and older on demand, and live events, in any
 * order. Keyed by seq, so each stands once and in its place.
 */
import { changeOf, messageOf } from './messages.js';

/** @typedef {import('./api.js').Api} Api */
/** @typedef {import('./messages.js').ChatEvent} ChatEvent */
/** @typedef {import('./messages.js').Message} Message */

const PAGE = 50;

export class Timeline {
  /** @readonly @type {string} */ id;
  /** Why the last read failed. @type {string} */ trouble = '';
  isLoading = false;
  /** @type {Api} */ #api;
  /** @type {() => void} */ #onChange;
  /** @type {Map<number, Message>} */ #bySeq = new Map();
  /** Where older messages go on: undefined before the first page, null at the beginning. @type {string | null | undefined} */ #older;
  /** A read that began before the last `reset` has nothing to say any more. */
  #readings = 0;

  /** @param {{ api: Api, id: string, onChange: () => void }} options */
  constructor({ api, id, onChange }) {
    this.id = id;
    this.#api = api;
    this.#onChange = onChange;
  }

  /** The oldest first. */
  get messages() {
    return [...this.#bySeq.values()].toSorted((a, b) => a.seq - b.seq);
  }

  get isLoaded() {
    return this.#older !== undefined;
  }

  /** True when nothing older is left. */
  get isWhole() {
    return this.#older === null;
  }

  /** Forgets everything and begins again: events were missed that nobody will send. */
  async reload() {
    this.#bySeq.clear();
    this.#older = undefined;
    this.#readings += 1;
    this.isLoading = false;
    await this.loadOlder();
  }

  /** The newest page at first, then the one before what is there. Does nothing while one is on its way. */
  async loadOlder() {
    if (this.isLoading || this.isWhole) return;
    const reading = (this.#readings += 1);
    this.isLoading = true;
    this.trouble = '';
    this.#onChange();
    try {
      const cursor = this.#older ?? undefined;
      const { items, next_cursor } = await this.#api.get(`/conversations/${this.id}/messages`, { limit: PAGE, cursor });
      if (reading !== this.#readings) return;
      for (const message of items) this.#bySeq.set(message.seq, message);
      this.#older = next_cursor;
    } catch (error) {
      if (reading !== this.#readings) return;
      this.trouble = /** @type {Error} */ (error).message;
    }
    this.isLoading = false;
    this.#onChange();
  }

  /** @param {ChatEvent} event */
  apply(event) {
    const message = messageOf(event);
    if (message) this.add(message);
    const change = changeOf(event);
    if (!change) return;
    const changed = this.messages.find(({ id }) => id === event.data.message_id);
    if (changed) this.add(change(changed));
  }

  /** @param {Message} message */
  add(message) {
    this.#bySeq.set(message.seq, message);
    this.#onChange();
  }
}
