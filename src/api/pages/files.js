/**
 * Files that messages carry: choosing one and sending it, and how it stands in a message. Addresses of bytes expire, so each is asked for
 * when it is to be seen, once for a while.
 */
import { byId, element } from './dom.js';

/** @typedef {Omit<import('/client/lib/client.js').Attachment, 'expires_at'>} Attachment */
/** @typedef {import('/client/lib/client.js').Attachment} Addresses */

/** An address is asked for again so long before it expires. */
const RENEW_BEFORE_MS = 60_000;

/** What a message that carries this file is called. @param {string} contentType */
const kindOf = (contentType) =>
  /** @type {'image' | 'audio' | 'video' | 'file'} */ (/^(image|audio|video)\//.exec(contentType)?.[1] ?? 'file');

/** @param {number} bytes */
function sizeText(bytes) {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kilobytes = bytes / 1_024;
  return kilobytes < 1_024 ? `${Math.round(kilobytes)} KB` : `${(kilobytes / 1_024).toFixed(1)} MB`;
}

export class Files {
  /** @type {import('/client/lib/client.js').Client} */ #client;
  /** @type {(error: unknown) => void} */ #onTrouble;
  /** @type {Map<string, Promise<Addresses>>} */ #asked = new Map();

  /** @param {{ client: import('/client/lib/client.js').Client, current: () => string | undefined, onTrouble: (error: unknown) => void }} options */
  constructor({ client, current, onTrouble }) {
    this.#client = client;
    this.#onTrouble = onTrouble;
    const chosen = byId('file');
    const button = byId('attach');
    button.addEventListener('click', () => chosen.click());
    chosen.addEventListener('change', () => {
      const conversationId = current();
      const files = [...chosen.files];
      chosen.value = '';
      if (!conversationId) return;
      button.disabled = true;
      Promise.all(files.map((file) => this.#send(conversationId, file)))
        .catch(onTrouble)
        .finally(() => (button.disabled = false));
    });
  }

  /** How a file stands in a message. @param {Attachment} attachment */
  show(attachment) {
    const { file_name, size, thumbnail_url } = attachment;
    if (!thumbnail_url) {
      const text = `${file_name} (${sizeText(size)})`;
      return element('button', { type: 'button', class: 'link', text, onclick: () => this.#open(attachment) });
    }
    const picture = element('img', { alt: file_name });
    this.#addresses(attachment).then((found) => (picture.src = found.thumbnail_url ?? found.url), this.#onTrouble);
    const onclick = () => this.#open(attachment);
    return element('button', { type: 'button', class: 'picture', title: file_name, onclick }, picture);
  }

  /** @param {string} conversationId @param {File} file */
  async #send(conversationId, file) {
    const meter = element('progress', { max: '1', 'aria-label': `Sending ${file.name}` });
    byId('attach').after(meter);
    const onProgress = (/** @type {number} */ sent) => (meter.value = file.size === 0 ? 1 : sent / file.size);
    const { id, content_type } = await this.#client.upload(file, { onProgress }).finally(() => meter.remove());
    const message = { message_type: kindOf(content_type), content: '', attachments: [id] };
    await this.#client.send(conversationId, message).sent;
  }

  /** @param {Attachment} attachment */
  #open(attachment) {
    // Opened at once, since a browser opens nothing that comes later than the click.
    const page = open('about:blank');
    this.#addresses(attachment).then(({ url }) => {
      if (page) page.location.href = url;
    }, this.#onTrouble);
  }

  /** @param {Attachment} attachment @returns {Promise<Addresses>} */
  async #addresses({ id }) {
    const known = await this.#asked.get(id)?.catch(() => undefined);
    if (known && Date.parse(known.expires_at) - Date.now() > RENEW_BEFORE_MS) return known;
    const asked = this.#client.call('GET /attachments/{attachment_id}', { attachment_id: id });
    this.#asked.set(id, asked);
    return asked;
  }
}
