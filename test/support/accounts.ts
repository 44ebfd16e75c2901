/** Accounts as a server has them, without the server: commands and queries by name, each validated as its door would. */
import { ulid } from 'ulid';
import { chat } from '../../src/chat/index.ts';
import type { Chat } from '../../src/chat/index.ts';
import type { Answer } from '../../src/chat/feature.ts';
import { readConfig } from '../../src/config.ts';
import { START } from '../../src/envelope.ts';
import type { Context } from '../../src/envelope.ts';
import { ChatError } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { Views } from '../../src/views/store.ts';

export const SECRET_KEY = 'a secret of at least 32 characters!';
export const PASSWORD = 'correct horse battery';

export type Json = Record<string, unknown>;
export interface Tokens {
  access_token: string;
  refresh_token: string;
}
export type LoggedIn = Tokens & { user: { id: string } };

/** One server of the product, as far as accounts go. */
export class AccountsNode {
  readonly chat: Chat;
  private readonly log: Log;

  constructor(log: Log, settings: Record<string, string> = {}) {
    const config = readConfig({
      SECRET_KEY,
      PASSWORD_HASH_COST: '4',
      DEFAULT_CHANNELS: '',
      RATE_LIMIT_LOGINS_PER_MINUTE: '0',
      ...settings,
    });
    this.log = log;
    this.chat = chat(log, new Views(log), config);
  }

  run(type: string, data: Json, context: Partial<Context> = {}): Promise<Answer> {
    return this.chat.door.command(type, contextOf(context), data);
  }

  async ask(name: string, data: Json, context: Partial<Context> = {}): Promise<Json> {
    return (await this.chat.door.query(name, contextOf(context), data)) as Json;
  }

  async register(username: string, more: Json = {}): Promise<LoggedIn> {
    return (await this.run('user.register', { username, password: PASSWORD, ...more })).body as LoggedIn;
  }

  async logIn(username: string, password = PASSWORD, context: Partial<Context> = {}): Promise<LoggedIn> {
    return (await this.run('session.start', { username, password }, context)).body as LoggedIn;
  }

  async refresh(refresh_token: string): Promise<Tokens> {
    return (await this.run('session.refresh', { refresh_token })).body as Tokens;
  }

  async asCaller({ access_token }: Tokens): Promise<Pick<Context, 'caller'>> {
    return { caller: (await this.chat.identity.authenticate(access_token, Date.now())).caller };
  }

  async eventsOf(userId: string): Promise<[string, Json][]> {
    const all = await this.log.readAfter(userStream(userId), START);
    return all.map((raw) => [raw.type, this.chat.decode(raw).data as Json]);
  }

  logOut = ({ refresh_token }: Tokens) => this.run('session.end', { refresh_token });
  isIn = (tokens: Tokens, now = Date.now()) => codeOf(this.chat.identity.authenticate(tokens.access_token, now));
}

export const contextOf = (more: Partial<Context>): Context => ({
  caller: { userId: '', sessionId: '' },
  requestId: undefined,
  now: Date.now(),
  newId: ulid,
  ip: '192.0.2.1',
  userAgent: 'a browser',
  ...more,
});

export async function refusal(work: Promise<unknown>): Promise<ChatError> {
  const error: unknown = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (error instanceof ChatError) return error;
  throw error ?? new Error('was not refused');
}

/** The code of the refusal, or 'ok'. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (e: unknown) => (e instanceof ChatError ? e.code : Promise.reject(e as Error)),
  );
