/**
 * What is being written: a new message, an answer to another one, or another text for one's own. Owns the line above the composer that
 * says so, and the way out of it.
 */
import { byId } from './dom.js';
import { contentOf } from './messages.js';

/** @typedef {import('./messages.js').Message} Message */
/** @typedef {'answer' | 'edit'} Kind */

export class Purpose {
  /** @type {{ kind: Kind, message: Message } | undefined} */ #about;
  /** @type {() => void} */ #onCancel;

  /** @param {{ onCancel: () => void }} options `onCancel` is called before it is forgotten */
  constructor({ onCancel }) {
    this.#onCancel = onCancel;
    byId('purpose-cancel').addEventListener('click', () => this.cancel());
  }

  /** @param {Kind} kind @param {Message} message @param {string} name of who wrote it */
  begin(kind, message, name) {
    this.#about = { kind, message };
    byId('purpose-text').textContent = kind === 'edit' ? 'Editing your message' : `To ${name}: ${contentOf(message)}`;
    byId('purpose').hidden = false;
  }

  /** The message that is answered. */
  get answered() {
    return this.#about?.kind === 'answer' ? this.#about.message : undefined;
  }

  /** The message that gets another text. */
  get edited() {
    return this.#about?.kind === 'edit' ? this.#about.message : undefined;
  }

  cancel() {
    if (!this.#about) return;
    this.#onCancel();
    this.end();
  }

  end() {
    this.#about = undefined;
    byId('purpose').hidden = true;
  }
}
