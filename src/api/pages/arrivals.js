/** Tells the server what has arrived here, so that others see it delivered: at most once a second for each conversation. */

const GATHER_MS = 1_000;

export class Arrivals {
  /** The newest message of each conversation that nobody was told of. @type {Map<string, string>} */ #arrived =
    new Map();
  #isDue = false;
  /** @type {import('/client/lib/client.js').Client} */ #client;

  /** @param {import('/client/lib/client.js').Client} client */
  constructor(client) {
    this.#client = client;
  }

  /** @param {string} conversationId @param {string} messageId */
  add(conversationId, messageId) {
    this.#arrived.set(conversationId, messageId);
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => void this.#tell(), GATHER_MS);
  }

  /** One after the other: after a long absence there may be many. One that is lost is told with the next. */
  async #tell() {
    const arrived = [...this.#arrived];
    this.#arrived.clear();
    for (const [conversation_id, up_to] of arrived) {
      await this.#client.command('receipt.delivered', { conversation_id, up_to }).catch(() => {});
    }
    this.#isDue = this.#arrived.size > 0;
    if (this.#isDue) setTimeout(() => void this.#tell(), GATHER_MS);
  }
}
