/**
 * REST in the name of who is logged in on this browser. Owns the tokens: they are kept in the browser's storage for every tab, renewed
 * before they expire, and gone when the server says that the session has ended. Every refusal becomes a `Refusal` in plain words.
 */

/**
 * @typedef {{ id: string, username: string, display_name: string }} User
 * @typedef {{ access_token: string, refresh_token: string, expires_in: number }} TokenPair
 * @typedef {{ user: User, access_token: string, refresh_token: string, expires_at: number }} Login
 * @typedef {{ code?: string, detail?: string, retry_after?: number, errors?: { pointer: string, message: string }[] }} Problem
 */

const BASE = '/api/v1';
/** Where the log-in is stored. */
export const STORED = 'rill.login';
const RENEW_BEFORE_MS = 30_000;

/** What to say for a code, where the server's own words say less to a person. @type {Record<string, string>} */
const WORDS = {
  unreachable: 'The server cannot be reached. Check your connection and try again.',
  lost: 'The connection was lost.',
  unavailable: 'The server is busy. Try again in a moment.',
  unknown_outcome: 'It is not sure whether this was done. Try again: it will not be done twice.',
  internal: 'Something went wrong on the server.',
  payload_too_large: 'This is too long.',
};

/** What a field takes. @type {Record<string, string>} */
const FIELDS = {
  '/username': 'A username has 3 to 32 letters, digits or any of _ . -',
  '/password': 'A password has at least 8 characters, and at most 72.',
  '/display_name': 'A name has 1 to 64 readable characters.',
  '/name': 'Give it a name of 1 to 100 readable characters.',
};

/** An error frame or a problem document in plain words. @param {Problem} problem @returns {string} */
function inWords({ code = '', detail = '', retry_after, errors }) {
  const [, pointer, message] = /^(\/[^:\s]*): (.+)$/s.exec(detail) ?? [];
  const field = FIELDS[errors?.[0]?.pointer ?? pointer ?? ''];
  if (field && code === 'validation_failed') return field;
  if (code === 'rate_limited') {
    const seconds = Math.ceil(retry_after ?? 1);
    return `Too many at once. Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
  }
  if (pointer === '/content') return `The message ${message}.`;
  return WORDS[code] ?? (detail || 'This did not work.');
}

/** What the server refused, or could not be asked. `message` is for people, `code` for programs. */
export class Refusal extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(inWords(problem));
    this.code = problem.code ?? '';
    this.retryAfter = problem.retry_after;
  }
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: 48 bits of time, 80 of chance. */
export function newId() {
  let time = Date.now();
  let id = '';
  for (let i = 0; i < 10; i += 1) {
    id = ALPHABET[time % 32] + id;
    time = Math.floor(time / 32);
  }
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += ALPHABET[byte % 32];
  return id;
}

export class Api {
  /** @type {Storage} */ #storage;
  /** @type {() => void} */ #onEnded;
  /** @type {Promise<Login> | undefined} */ #renewing;

  /** @param {{ storage: Storage, onEnded: () => void }} options `onEnded`: the server no longer knows the session. */
  constructor({ storage, onEnded }) {
    this.#storage = storage;
    this.#onEnded = onEnded;
  }

  /** Who is logged in; read anew each time, since another tab may have renewed the tokens. @returns {Login | undefined} */
  get login() {
    try {
      return JSON.parse(this.#storage.getItem(STORED) ?? '') ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** @param {'login' | 'register'} door @param {Record<string, string>} fields @returns {Promise<User>} */
  async enter(door, fields) {
    const { user, ...pair } = await this.#fetch('POST', `/auth/${door}`, { body: fields });
    this.#keep(user, pair);
    return user;
  }

  /** Ends the session here and on the server, if it can be reached. */
  async leave() {
    const { login } = this;
    this.#storage.removeItem(STORED);
    if (login)
      await this.#fetch('POST', '/auth/logout', { body: { refresh_token: login.refresh_token } }).catch(() => {});
  }

  /** Drops a login that the server has ended. */
  end() {
    this.#storage.removeItem(STORED);
    this.#onEnded();
  }

  /** @param {string} path @param {Record<string, string | number | undefined>} [query] @returns {Promise<any>} */
  get(path, query = {}) {
    const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, `${value}`]]));
    return this.#call('GET', given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path);
  }

  /** @param {string} path @param {object} [body] @param {string} [key] makes a repeat harmless @returns {Promise<any>} */
  post(path, body = {}, key) {
    return this.#call('POST', path, { body, key });
  }

  /** @param {File} file @returns {Promise<any>} */
  upload(file) {
    const form = new FormData();
    form.append('file', file);
    return this.#call('POST', '/attachments', { body: form });
  }

  /** A ticket that opens one socket. @returns {Promise<string>} */
  async ticket() {
    return (await this.post('/auth/ws-ticket')).ticket;
  }

  /** @param {string} method @param {string} path @param {{ body?: object, key?: string | undefined }} [options] @returns {Promise<any>} */
  async #call(method, path, options = {}) {
    let login = this.login;
    if (!login) throw new Refusal({ code: 'unauthenticated', detail: 'Log in first.' });
    if (login.expires_at - Date.now() < RENEW_BEFORE_MS) login = await this.#renew(login);
    try {
      return await this.#fetch(method, path, { ...options, token: login.access_token });
    } catch (error) {
      const { code } = /** @type {Refusal} */ (error);
      if (code !== 'token_expired' && code !== 'unauthenticated') throw error;
      const renewed = await this.#renew(login);
      return this.#fetch(method, path, { ...options, token: renewed.access_token });
    }
  }

  /** Spends the refresh token for a new pair, once for all who wait. @param {Login} spent @returns {Promise<Login>} */
  #renew(spent) {
    this.#renewing ??= this.#renewNow(spent).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  /** @param {Login} spent @returns {Promise<Login>} */
  async #renewNow(spent) {
    const now = this.login;
    if (now && now.access_token !== spent.access_token) return now; // another tab was faster
    try {
      return this.#keep(
        spent.user,
        await this.#fetch('POST', '/auth/refresh', { body: { refresh_token: spent.refresh_token } }),
      );
    } catch (error) {
      if (/** @type {Refusal} */ (error).code === 'unauthenticated') this.end();
      throw error;
    }
  }

  /** @param {User} user @param {TokenPair} pair @returns {Login} */
  #keep(user, { access_token, refresh_token, expires_in }) {
    const login = { user, access_token, refresh_token, expires_at: Date.now() + expires_in * 1_000 };
    this.#storage.setItem(STORED, JSON.stringify(login));
    return login;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, token?: string, key?: string | undefined }} options
   * @returns {Promise<any>}
   */
  async #fetch(method, path, { body, token, key }) {
    const headers = {
      ...(body === undefined || body instanceof FormData ? {} : { 'Content-Type': 'application/json' }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    };
    /** @type {Response} */ let response;
    /** @type {any} */ let answer;
    try {
      const sent = body instanceof FormData ? body : JSON.stringify(body);
      response = await fetch(BASE + path, { method, headers, ...(body && { body: sent }) });
      const text = await response.text();
      answer = text === '' ? {} : JSON.parse(text);
    } catch {
      throw new Refusal({ code: 'unreachable' });
    }
    if (response.ok) return answer;
    throw new Refusal({ retry_after: Number(response.headers.get('Retry-After') ?? 1), ...answer });
  }
}
