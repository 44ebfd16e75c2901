/** Users at the client library, as an application is one: what they are told is kept, and waited for. */
import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';
import { Client, loginInMemory } from '../../src/client/client.ts';
import type { AnyEvent, ClientOptions, Login, Refusal, State, Unsent } from '../../src/client/client.ts';
import { SECRET } from './server.ts';
import type { User } from './server.ts';
import { Waits } from './waits.ts';

/** Tests do not wait as people do. */
const QUICK = { firstMs: 20, mostMs: 200 };
const DEADLINE_MS = 10_000;

const loginOf = ({ token, refreshToken }: Pick<User, 'token' | 'refreshToken'>): Login => ({
  access_token: token,
  refresh_token: refreshToken,
  expires_at: Date.now() + 30 * 60_000,
});

/** How something ended: the code of its refusal, or 'ok'. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: Refusal) => error.code,
  );

/** The same session's access token, of another life. */
export function tokenUntil({ token }: User, unixSeconds: number): string {
  const { exp: _exp, ...claims } = jwt.decode(token) as jwt.JwtPayload;
  return jwt.sign({ ...claims, exp: unixSeconds }, SECRET, { algorithm: 'HS256' });
}

export class App {
  readonly client: Client;
  readonly events: AnyEvent[] = [];
  readonly states: State['name'][] = [];
  readonly resets: object[] = [];
  readonly troubles: unknown[] = [];
  private readonly waits = new Waits();

  constructor(options: Partial<ClientOptions> & Pick<ClientOptions, 'url'>) {
    this.client = new Client({ WebSocket, backOff: QUICK, ...options });
    this.client.on('event', (event) => this.events.push(event));
    this.client.on('state', ({ name }) => this.states.push(name));
    this.client.on('sync.reset', (reset) => this.resets.push(reset));
    this.client.on('trouble', (error) => this.troubles.push(error));
    for (const name of ['event', 'state', 'sync.reset', 'outbox', 'presence', 'ended'] as const)
      this.client.on(name, () => queueMicrotask(() => this.waits.look()));
  }

  /** Resolves when it holds; it is looked at whenever the client tells something. */
  until(holds: () => boolean, what: string): Promise<void> {
    const late = () =>
      `${what} did not come about; ${this.states.slice(-8).join(' ')}; ${this.said().slice(-5).join()}`;
    return this.waits.until(holds, DEADLINE_MS, late);
  }

  async live(): Promise<this> {
    this.client.start();
    await this.until(() => this.client.state.name === 'live', 'a live connection');
    return this;
  }

  /** What was said in a conversation, or anywhere, in the order in which it was told. */
  said(conversationId?: string): string[] {
    return this.events.flatMap((event) =>
      event.type === 'message.sent' && (conversationId ?? event.conversation_id) === event.conversation_id
        ? [event.data.content]
        : [],
    );
  }

  seqs(conversationId: string): number[] {
    return this.events.flatMap((event) =>
      'conversation_id' in event && event.conversation_id === conversationId ? [event.seq] : [],
    );
  }
}

/** Registers the hook of a suite; clients that it makes are stopped after each test. */
export function useApps(): (options: Partial<ClientOptions> & Pick<ClientOptions, 'url'>) => App {
  const apps: App[] = [];
  afterEach(() => apps.splice(0).forEach(({ client }) => client.stop()));
  return (options) => {
    const app = new App(options);
    apps.push(app);
    return app;
  };
}

export const appOf = (user: User, options: Partial<ClientOptions> & Pick<ClientOptions, 'url'>) => ({
  login: loginInMemory(loginOf(user)),
  ...options,
});

/** What a browser keeps over a reload. */
export class KeptOutbox {
  readonly kept = new Map<string, Unsent>();
  load = () => Promise.resolve([...this.kept.values()]);
  put = (unsent: Unsent) => Promise.resolve(void this.kept.set(unsent.id, unsent));
  delete = (id: string) => Promise.resolve(void this.kept.delete(id));
}
