/** Tells the others of this user: away after some minutes without a touch, and there again with the next. */

/** @typedef {import('/client/lib/client.js').Presence} Presence */

const IDLE_MS = 5 * 60_000;
const TOUCHES = /** @type {const} */ (['pointerdown', 'keydown', 'pointermove', 'visibilitychange']);

export class Idle {
  /** @type {Presence} */ #presence;
  /** @type {string} */ #me;
  /** @type {number | undefined} */ #timer;
  #isTelling = false;

  /** @param {Presence} presence which watches this user, too @param {string} me */
  constructor(presence, me) {
    this.#presence = presence;
    this.#me = me;
    for (const touch of TOUCHES) document.addEventListener(touch, () => this.#touched(), { passive: true });
    this.#touched();
  }

  /** Also where another page, or the one before, said that this user is away. */
  #touched() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#become('online', 'away'), IDLE_MS);
    this.#become('away', 'online');
  }

  /** Who is busy or invisible chose it, and stays. @param {'online' | 'away'} before @param {'online' | 'away'} status */
  #become(before, status) {
    if (this.#isTelling || this.#presence.statusOf(this.#me) !== before) return;
    this.#isTelling = true;
    const told = () => (this.#isTelling = false);
    this.#presence.set({ status }).then(told, told);
  }
}
