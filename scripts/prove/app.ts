/**
 * Somebody at an application that is made with the client library: writes, hears, is reloaded in the middle, and its tokens expire. What
 * the library tells it goes into a ledger, so that the library is held against the logs as the server is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import jwt from 'jsonwebtoken';
import { WebSocket } from 'ws';
import { Client } from '../../src/client/client.ts';
import type { AnyEvent, Login, Unsent } from '../../src/client/client.ts';
import { BACK_OFF } from './client.ts';
import type { Person } from './client.ts';
import { digestOf } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { SECRET_KEY } from './world.ts';

export interface AppOptions {
  readonly person: Person & { readonly refreshToken: string };
  readonly ledger: Ledger;
  readonly random: Random;
  readonly conversations: readonly string[];
  /** To choose from in each life. */
  readonly bases: readonly string[];
}

export class App {
  /** Ids of what was written, and what has not left the outbox: both outlive a reload, as in a browser. */
  readonly written = new Set<string>();
  readonly outbox = new Map<string, Unsent>();
  lives = 0;
  connects = 0;
  resets = 0;
  renewals = 0;
  readonly complaints: string[] = [];
  private readonly options: AppOptions;
  private login: Login;
  private cursors: Map<string, string>;
  private client: Client | undefined;
  private said = 0;

  constructor(options: AppOptions) {
    this.options = options;
    const { person, conversations } = options;
    this.login = { access_token: person.token, refresh_token: person.refreshToken };
    this.cursors = new Map([...conversations, person.id].map((stream) => [stream, '0-0']));
    for (const conversation of this.cursors.keys())
      options.ledger.write({ line: 'began', reader: person.name, conversation, after: '0-0' });
  }

  get name(): string {
    return this.options.person.name;
  }

  start(): void {
    if (this.client) return;
    const { random, bases } = this.options;
    this.lives += 1;
    const client = new Client({
      url: random.pick(bases),
      WebSocket,
      backOff: BACK_OFF,
      cursors: this.cursors,
      login: { load: () => this.login, save: (login) => this.keep(login) },
      outbox: {
        load: () => Promise.resolve([...this.outbox.values()]),
        put: (unsent) => Promise.resolve(void this.outbox.set(unsent.id, unsent)),
        delete: (id) => Promise.resolve(void this.outbox.delete(id)),
      },
    });
    client.on('event', (event) => this.see(event));
    client.on('sync.reset', (reset) => {
      this.resets += 1;
      this.complaints.push(`was told to reload ${JSON.stringify(reset)}`);
    });
    client.on('trouble', (error) => this.complaints.push(String(error)));
    client.on('ended', () => this.complaints.push('its session has ended'));
    client.on('state', ({ name }) => (this.connects += name === 'live' ? 1 : 0));
    this.client = client;
    client.start();
  }

  stop(): void {
    if (!this.client) return;
    this.cursors = this.client.cursors;
    this.client.stop();
    this.client = undefined;
  }

  /** As a page is, a moment later: what is in memory alone is gone. */
  async reload(): Promise<void> {
    this.stop();
    await sleep(this.options.random.below(100));
    this.start();
  }

  /** From here on its access token lives so long. */
  hasToken(ms: number): void {
    const { exp: _exp, ...claims } = jwt.decode(this.login.access_token) as jwt.JwtPayload;
    const exp = Math.floor((Date.now() + ms) / 1_000);
    const access_token = jwt.sign({ ...claims, exp }, SECRET_KEY, { algorithm: 'HS256' });
    this.login = { ...this.login, access_token, expires_at: Date.now() + 86_400_000 };
  }

  /** Writes something, whether there is a connection or not. */
  write(): void {
    const { random, ledger, conversations } = this.options;
    if (!this.client) return;
    const conversation = random.pick(conversations);
    const content = `${this.name} says ${(this.said += 1)}`;
    const { id, sent } = this.client.send(conversation, content);
    ledger.write({ line: 'sent', client: this.name, conversation, message: id, content });
    this.written.add(id);
    sent.then(
      ({ event_id: event }) =>
        ledger.write({ line: 'acked', client: this.name, message: id, event, durability: 'disk' }),
      (error: Error) => this.complaints.push(`${content} was refused: ${error.message}`),
    );
  }

  /** Nothing is left to be sent, and nothing to be heard. */
  isThrough(heads: ReadonlyMap<string, string>): boolean {
    const cursors = this.client?.cursors ?? this.cursors;
    return this.outbox.size === 0 && [...cursors].every(([stream, cursor]) => heads.get(stream) === cursor);
  }

  private keep(login: Login | undefined): void {
    if (!login) return;
    this.login = login;
    this.renewals += 1;
  }

  /** What the product says and what we parsed are the same bytes. */
  private see(event: AnyEvent): void {
    const stream = 'conversation_id' in event ? event.conversation_id! : event.user_id!;
    const digest = digestOf(JSON.stringify(event));
    const { id, seq } = event;
    this.options.ledger.write({ line: 'seen', reader: this.name, conversation: stream, event: id, seq, digest });
  }
}
