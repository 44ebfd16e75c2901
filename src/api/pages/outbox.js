/**
 * Messages that were written here and that the server has not confirmed yet. Each keeps the id it was made with, so that sending it
 * again, after a lost connection or by hand, never makes two. They go out one after the other in each conversation, and are kept in the
 * tab's storage over a reload.
 */
import { newId } from './api.js';

/** @typedef {{ id: string, conversation_id: string, content: string, reply_to?: string, at: string, trouble: string }} Unsent `trouble`: why it failed, '' while it is being sent */
/** @typedef {import('./messages.js').Message} Message */

const MAX_BYTES = 60_000;

/** What no frame can carry is not even tried. @param {string} content */
const troubleOf = (content) => (new Blob([JSON.stringify(content)]).size > MAX_BYTES ? 'The message is too long.' : '');

export class Outbox {
  /** @type {Unsent[]} */ #unsent;
  /** Conversations with a message on its way. @type {Set<string>} */ #busy = new Set();
  /** @type {(type: string, data: object) => Promise<{ message: Message }>} */ #command;
  /** @type {() => boolean} */ #isLive;
  /** @type {Storage} */ #storage;
  /** @type {string} */ #key;
  /** @type {(conversationId: string, message?: Message) => void} */ #onChange;

  /**
   * @param {object} options
   * @param {string} options.userId
   * @param {Storage} options.storage
   * @param {(type: string, data: object) => Promise<any>} options.command
   * @param {() => boolean} options.isLive
   * @param {(conversationId: string, message?: Message) => void} options.onChange with the message once it is sent
   */
  constructor({ userId, storage, command, isLive, onChange }) {
    this.#key = `rill.unsent.${userId}`;
    this.#storage = storage;
    this.#command = command;
    this.#isLive = isLive;
    this.#onChange = onChange;
    this.#unsent = JSON.parse(storage.getItem(this.#key) ?? '[]');
  }

  /** @param {string} conversationId */
  of(conversationId) {
    return this.#unsent.filter(({ conversation_id }) => conversation_id === conversationId);
  }

  /** @param {string} conversationId @param {string} content @param {string} [reply_to] */
  send(conversationId, content, reply_to) {
    const at = new Date().toISOString();
    const trouble = troubleOf(content);
    this.#change(conversationId, [
      ...this.#unsent,
      { id: newId(), conversation_id: conversationId, content, reply_to, at, trouble },
    ]);
    void this.#pump(conversationId);
  }

  /** @param {string} id */
  retry(id) {
    const found = this.#unsent.find((message) => message.id === id);
    if (!found) return;
    this.#fail(found, troubleOf(found.content));
    void this.#pump(found.conversation_id);
  }

  /** Takes a message out: it was sent, or is no longer wanted. @param {string} id @param {Message} [sent] */
  settle(id, sent) {
    const found = this.#unsent.find((message) => message.id === id);
    if (!found) return;
    this.#change(
      found.conversation_id,
      this.#unsent.filter((message) => message !== found),
      sent,
    );
  }

  /** The connection is live: what waited goes out. */
  flush() {
    for (const id of new Set(this.#unsent.map(({ conversation_id }) => conversation_id))) void this.#pump(id);
  }

  /** @param {string} conversationId */
  async #pump(conversationId) {
    if (this.#busy.has(conversationId)) return;
    this.#busy.add(conversationId);
    for (let next = this.#next(conversationId); next && this.#isLive(); next = this.#next(conversationId)) {
      const { id, conversation_id, content, reply_to } = next;
      try {
        const { message } = await this.#command('message.send', { conversation_id, id, content, reply_to });
        this.settle(id, message);
      } catch (error) {
        const { code, message } = /** @type {Error & { code?: string }} */ (error);
        if (code === 'lost') break; // it goes out again when the connection is back
        const found = this.#unsent.find((unsent) => unsent.id === id);
        if (found) this.#fail(found, message);
      }
    }
    this.#busy.delete(conversationId);
    // A connection may have come back between the loss and here.
    if (this.#isLive() && this.#next(conversationId)) void this.#pump(conversationId);
  }

  /** @param {string} conversationId */
  #next(conversationId) {
    return this.of(conversationId).find(({ trouble }) => trouble === '');
  }

  /** @param {Unsent} which @param {string} trouble */
  #fail(which, trouble) {
    this.#change(
      which.conversation_id,
      this.#unsent.map((message) => (message === which ? { ...message, trouble } : message)),
    );
  }

  /** @param {string} conversationId @param {Unsent[]} unsent @param {Message} [sent] */
  #change(conversationId, unsent, sent) {
    this.#unsent = unsent;
    this.#storage.setItem(this.#key, JSON.stringify(unsent));
    this.#onChange(conversationId, sent);
  }
}
