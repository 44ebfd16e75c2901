/**
 * REST in the name of who is logged in. Owns the tokens: they are kept where the application says, renewed before they expire and when the
 * server asks for it, once for all who wait, and gone when the server says that the session has ended. What got no answer is asked once
 * more under the same key, so that nothing is done twice.
 */
import type { Operations, OwnUser } from './protocol.d.ts';
import { isWorthRepeating, Refusal } from './refusal.ts';
import type { Problem } from './refusal.ts';

export interface Login {
  readonly access_token: string;
  /** Absent with the key of a bot, which does not expire. */
  readonly refresh_token?: string;
  /** Unix ms by this clock. */
  readonly expires_at?: number;
  readonly user?: OwnUser;
}

/** Where a log-in is kept. It is read anew each time, since another tab may have renewed the tokens. */
export interface LoginStore {
  load(): Login | undefined;
  save(login: Login | undefined): void;
}

export const loginInMemory = (login?: Login): LoginStore => {
  let kept = login;
  return { load: () => kept, save: (next) => (kept = next) };
};

export interface CallOptions {
  /** A ULID that makes a repeat harmless. One is made for every write that has none. */
  readonly key?: string;
}

export interface SessionOptions {
  /** Of the server: `https://chat.example.com` */
  readonly url: string;
  readonly store: LoginStore;
  readonly newId: () => string;
  /** The server no longer knows the session. */
  readonly onEnded: () => void;
}

const BASE = '/api/v1';
const RENEW_BEFORE_MS = 30_000;
const ANSWER_WITHIN_MS = 20_000;
const REPEAT_AFTER_MS = 300;
const MAX_REPEAT_AFTER_S = 5;

type Pair = Operations['POST /auth/refresh']['answer'];

export class Session {
  private readonly options: SessionOptions;
  private renewing: Promise<Login> | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  get login(): Login | undefined {
    return this.options.store.load();
  }

  addressOf(path: string): string {
    return `${this.options.url}${BASE}${path}`;
  }

  /** By an account, or by making one. */
  async enter(door: 'login' | 'register', fields: object): Promise<OwnUser> {
    const answer = (await this.send('POST', `/auth/${door}`, { body: fields })) as Pair & { user: OwnUser };
    this.keep(answer.user, answer);
    return answer.user;
  }

  /** Ends the session here, and on the server if it can be reached. */
  async leave(): Promise<void> {
    const refresh_token = this.login?.refresh_token;
    this.options.store.save(undefined);
    if (refresh_token) await this.send('POST', '/auth/logout', { body: { refresh_token } }).catch(() => {});
  }

  /** The server has ended it. */
  end(): void {
    this.options.store.save(undefined);
    this.options.onEnded();
  }

  /** A token that is good for a while. `doubted`: asks the server whether it is. `expired`: takes another. */
  async token(standing: 'fresh' | 'doubted' | 'expired' = 'fresh'): Promise<string> {
    if (standing === 'doubted') await this.call('GET /users/me', {});
    const login = this.current();
    const left = (login.expires_at ?? Infinity) - Date.now();
    if (standing !== 'expired' && left > RENEW_BEFORE_MS) return login.access_token;
    return (await this.renew(login)).access_token;
  }

  /** Fields that the path does not name go into the query or the body. */
  async call<O extends keyof Operations>(
    operation: O,
    data: Operations[O]['data'],
    { key }: CallOptions = {},
  ): Promise<Operations[O]['answer']> {
    const [method, route] = operation.split(' ') as [string, string];
    const rest: Record<string, unknown> = { ...data };
    const path = route.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    const isRead = method === 'GET';
    const idempotency = isRead ? undefined : (key ?? this.options.newId());
    const request = {
      ...(isRead || Object.keys(rest).length === 0 ? {} : { body: rest }),
      ...(idempotency === undefined ? {} : { key: idempotency }),
    };
    const address = isRead ? path + queryOf(rest) : path;
    const send = () => this.authorised((token) => this.send(method, address, { ...request, token }));
    try {
      return (await send()) as Operations[O]['answer'];
    } catch (error) {
      if (!isWorthRepeating(error)) throw error;
      const { retryAfter = 0 } = error as Refusal;
      if (retryAfter > MAX_REPEAT_AFTER_S) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000 + Math.random() * REPEAT_AFTER_MS));
      return (await send()) as Operations[O]['answer'];
    }
  }

  /** Does what needs a token; once more with another one where the first turned out to be old. */
  async authorised<T>(work: (token: string) => Promise<T>): Promise<T> {
    const token = await this.token();
    try {
      return await work(token);
    } catch (error) {
      const { code } = error as Refusal;
      if (code !== 'token_expired' && code !== 'unauthenticated') throw error;
      return work((await this.renew({ ...this.current(), access_token: token })).access_token);
    }
  }

  private current(): Login {
    const { login } = this;
    if (!login) throw new Refusal({ code: 'unauthenticated', detail: 'Log in first' });
    return login;
  }

  private renew(spent: Login): Promise<Login> {
    this.renewing ??= this.renewNow(spent).finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  private async renewNow(spent: Login): Promise<Login> {
    const now = this.current();
    if (now.access_token !== spent.access_token) return now;
    const { user, refresh_token } = now;
    try {
      if (refresh_token === undefined) throw new Refusal({ code: 'unauthenticated' });
      return this.keep(user, (await this.send('POST', '/auth/refresh', { body: { refresh_token } })) as Pair);
    } catch (error) {
      if ((error as Refusal).code === 'unauthenticated') this.end();
      throw error;
    }
  }

  private keep(user: OwnUser | undefined, { access_token, refresh_token, expires_in }: Pair): Login {
    const expires_at = Date.now() + expires_in * 1_000;
    const login = { access_token, refresh_token, expires_at, ...(user ? { user } : {}) };
    this.options.store.save(login);
    return login;
  }

  private async send(
    method: string,
    path: string,
    { body, token, key }: { body?: object; token?: string; key?: string },
  ): Promise<unknown> {
    const headers = {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    };
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    return ask(this.addressOf(path), { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
  }
}

/** One request. Answers what is said; throws the refusal that it is, or that no answer came. */
export async function ask(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    throw unreachable(error);
  }
  return answerOf(response.status, text, response.headers.get('Retry-After'));
}

export const unreachable = (error: unknown): Refusal =>
  new Refusal({ code: (error as Error).name === 'TimeoutError' ? 'timeout' : 'unreachable' }, error);

/** What an answer says; throws the refusal that it is. */
export function answerOf(status: number, text: string, retryAfter: string | null): unknown {
  let answer: unknown;
  try {
    answer = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    // Something between us and the server has answered.
    throw new Refusal({ code: 'unreachable' }, error);
  }
  if (status < 300) return answer;
  throw new Refusal({ ...(retryAfter === null ? {} : { retry_after: Number(retryAfter) }), ...(answer as Problem) });
}

function queryOf(fields: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, `${value as string}`]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
