/**
 * The messages of one conversation as far as they are loaded: history by REST, newest first and older on demand, and live events, in any
 * order. Keyed by seq, so each stands once and in its place.
 */
import { changeOf, messageOf } from './messages.js';
import { wordsOf } from './words.js';

/** @typedef {import('/client/lib/client.js').Client} Client */
/** @typedef {import('./messages.js').ChatEvent} ChatEvent */
/** @typedef {import('./messages.js').Message} Message */

const PAGE = 50;
/** Receipts of others come close to each other. */
const STATUS_MS = 500;

export class Timeline {
  /** @readonly @type {string} */ id;
  /** Why the last read failed. @type {string} */ trouble = '';
  isLoading = false;
  /** @type {Client} */ #client;
  /** @type {string} */ #me;
  /** @type {() => void} */ #onChange;
  /** @type {Map<number, Message>} */ #bySeq = new Map();
  /** Where older messages go on: undefined before the first page, null at the beginning. @type {string | null | undefined} */ #older;
  /** A read that began before the last `reset` has nothing to say any more. */
  #readings = 0;
  #isStatusDue = false;

  /** @param {{ client: Client, me: string, id: string, onChange: () => void }} options */
  constructor({ client, me, id, onChange }) {
    this.#me = me;
    this.id = id;
    this.#client = client;
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
      const { items, next_cursor } = await this.#page(cursor);
      if (reading !== this.#readings) return;
      for (const message of items) this.#bySeq.set(message.seq, message);
      this.#older = next_cursor;
    } catch (error) {
      if (reading !== this.#readings) return;
      this.trouble = wordsOf(error);
    }
    this.isLoading = false;
    this.#onChange();
  }

  /** @param {ChatEvent} event */
  apply(event) {
    if (event.type.startsWith('receipt.')) this.#receipt(event);
    const message = messageOf(event);
    if (message) this.add(message);
    const change = changeOf(event);
    if (!change) return;
    const changed = this.messages.find(({ id }) => id === event.data.message_id);
    if (changed) this.add(change(changed));
  }

  /** Somebody has got further: what the own messages say of that only the server has counted. @param {ChatEvent} event */
  #receipt({ actor_id }) {
    if (actor_id === this.#me || this.#isStatusDue) return;
    const isWaiting = [...this.#bySeq.values()].some(
      ({ sender_id, message_type, read_status }) =>
        sender_id === this.#me && message_type !== 'system' && read_status !== 'read',
    );
    if (!isWaiting) return;
    this.#isStatusDue = true;
    setTimeout(() => void this.#readStatuses(), STATUS_MS);
  }

  async #readStatuses() {
    this.#isStatusDue = false;
    const reading = this.#readings;
    const { items } = await this.#page().catch(() => ({ items: [] }));
    if (reading !== this.#readings) return;
    for (const { seq, read_status } of items) {
      const message = this.#bySeq.get(seq);
      if (message && read_status) this.#bySeq.set(seq, { ...message, read_status });
    }
    this.#onChange();
  }

  /** @param {string} [cursor] @returns {Promise<{ items: Message[], next_cursor: string | null }>} */
  #page(cursor) {
    const where = { conversation_id: this.id, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    return this.#client.call('GET /conversations/{conversation_id}/messages', where);
  }

  /** @param {Message} message */
  add(message) {
    this.#bySeq.set(message.seq, message);
    this.#onChange();
  }
}
