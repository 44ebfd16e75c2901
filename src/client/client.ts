/**
 * A client of the chat: one object that is logged in, connected, and tells what happens. Puts the parts together and says who hears of what.
 *
 *   session ─ tokens, REST ──────────┐
 *   connection ─ events, commands ───┼─ client ─ on(…), send(…), command(…), call(…)
 *   outbox ─ messages not confirmed ─┤
 *   presence ─ who is there, typing ─┘
 *
 * Works in browsers and in Node, and needs no package: where there is no global WebSocket, as in Node 20, one is given.
 */
import { Connection, SESSION_ENDED } from './connection.ts';
import type { ConnectionOptions, SocketMaker, State } from './connection.ts';
import type { AnyEvent, Ready, Reset } from './frames.ts';
import { Outbox } from './outbox.ts';
import type { MessageFields, OutboxStore, Sending, Unsent } from './outbox.ts';
import { Presence } from './presence.ts';
import type { Commands, Events, Message, Operations, OwnUser, Signals } from './protocol.d.ts';
import { Refusal } from './refusal.ts';
import { loginInMemory, Session } from './session.ts';
import type { CallOptions, LoginStore } from './session.ts';
import { ulids } from './ulid.ts';
import { upload } from './upload.ts';
import type { Uploaded, UploadOptions, UploadSource } from './upload.ts';

export type * from './protocol.d.ts';
export type { SocketLike, SocketMaker, State } from './connection.ts';
export { seqOf } from './cursors.ts';
export type { AnyEvent, AnySignal, Ready, Reset } from './frames.ts';
export type { MessageFields, OutboxStore, Sending, Unsent } from './outbox.ts';
export { outboxInIndexedDb } from './outbox-indexeddb.ts';
export type { Presence, Status } from './presence.ts';
export { Refusal } from './refusal.ts';
export type { Problem } from './refusal.ts';
export { loginInMemory } from './session.ts';
export type { CallOptions, Login, LoginStore } from './session.ts';
export type { Uploaded, UploadOptions, UploadSource } from './upload.ts';

export interface ClientOptions extends Pick<ConnectionOptions, 'deviceId' | 'cursors' | 'backOff'> {
  /** Of the server: `https://chat.example.com` */
  readonly url: string;
  /** Where there is no global one. */
  readonly WebSocket?: SocketMaker;
  /** Where the log-in is kept. Absent: in memory. */
  readonly login?: LoginStore;
  /** Of a bot, in the place of a log-in. */
  readonly apiKey?: string;
  /** Where messages are kept that are not confirmed yet. Absent: in memory. */
  readonly outbox?: OutboxStore;
}

/** What `on` tells, besides each event and each signal by its own name. */
export interface Tidings extends Events, Signals {
  /** Every event of the conversations and of the user, in the order of its stream, once. */
  readonly event: AnyEvent;
  readonly state: State;
  readonly 'session.ready': Ready;
  /** Events of this conversation (`user_id`: of the own stream; neither: of all) are lost: see `reload`. */
  readonly 'sync.reset': Partial<Reset>;
  /** What waits to be sent there has changed; with the message once one is sent. */
  readonly outbox: { readonly conversation_id: string; readonly sent?: Message | undefined };
  /** Somebody came, went, or types. */
  readonly presence: undefined;
  /** The server has ended the session: log in again. */
  readonly ended: undefined;
  /** What a handler threw, or a store could not do. */
  readonly trouble: unknown;
}

type Page = Operations['GET /conversations/{conversation_id}/messages']['answer'];

/** What is told anew soon enough, or asks: a repeat would come too late. */
const PASSING = /^(typing|presence)\./;
const LIST = 100;
const MAX_LISTS = 10;
const MAX_HELD = 1_000;

export class Client {
  readonly presence: Presence;
  /** A ULID, greater than the one before: for what gets its id from who makes it. */
  readonly newId = ulids();
  private readonly session: Session;
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly handlers = new Map<string, Set<(told: never) => void>>();
  /** Conversations that are being read anew, with what has come of them meanwhile. */
  private readonly held = new Map<string, { events: AnyEvent[]; readonly page: Promise<Page> }>();
  private readonly wake = (): void => this.connection.wake();
  private loading: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    const { url, apiKey, login, WebSocket = globalThis.WebSocket as SocketMaker | undefined } = options;
    if (!WebSocket) throw new Error('There is no global WebSocket here: give one, as that of the package ws');
    this.session = new Session({
      url,
      store: login ?? loginInMemory(apiKey === undefined ? undefined : { access_token: apiKey }),
      newId: this.newId,
      onEnded: () => {
        this.stop();
        this.tell('ended', undefined);
      },
    });
    this.connection = new Connection({
      ...options,
      url: () => `${url.replace(/^http/, 'ws')}/api/v1/ws`,
      WebSocket,
      token: (standing) => this.session.token(standing),
      heads: () => this.heads(),
      onReady: (ready) => this.tell('session.ready', ready),
      onEvent: (event) => this.happened(event),
      onWatched: (event) => this.seen(event),
      onSignal: (signal) => {
        this.presence.heard(signal);
        this.tell(signal.type, signal as never);
      },
      onReset: (reset) => this.tell('sync.reset', reset),
      onState: (state) => this.entered(state),
    });
    this.outbox = new Outbox({
      store: options.outbox,
      newId: this.newId,
      // Answered again by what the first try made, so there is always one.
      send: async (data) => (await this.command('message.send', data)).message!,
      isLive: () => this.state.name === 'live',
      onChange: (conversation_id, sent) => this.tell('outbox', { conversation_id, sent }),
      onTrouble: (error) => this.tell('trouble', error),
    });
    this.presence = new Presence(
      (type, data) => this.command(type, data),
      () => this.tell('presence', undefined),
    );
  }

  /** Who is logged in. */
  get user(): OwnUser | undefined {
    return this.session.login?.user;
  }

  get state(): State {
    return this.connection.state;
  }

  /** The last event of each stream, by the id of its conversation or of the user: `cursors` of a later client that goes on from here. */
  get cursors(): Map<string, string> {
    return this.connection.snapshot();
  }

  /** Has a function called with what it names; answers one that ends that. */
  on<K extends keyof Tidings>(name: K, handler: (told: Tidings[K]) => void): () => void {
    const handlers = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  register(fields: Operations['POST /auth/register']['data']): Promise<OwnUser> {
    return this.session.enter('register', fields);
  }

  logIn(fields: Operations['POST /auth/login']['data']): Promise<OwnUser> {
    return this.session.enter('login', fields);
  }

  /** Ends the session, here and on the server. What waits to be sent stays in its store. */
  async logOut(): Promise<void> {
    this.stop();
    await this.session.leave();
  }

  /** Connects, and stays so. Takes up what an earlier life has left in the outbox. */
  start(): void {
    this.loading ??= this.outbox.load().catch((error: unknown) => this.tell('trouble', error));
    if (typeof document !== 'undefined') {
      addEventListener('online', this.wake);
      addEventListener('offline', this.wake);
      document.addEventListener('visibilitychange', this.wake);
    }
    this.connection.start();
  }

  stop(): void {
    if (typeof document !== 'undefined') {
      removeEventListener('online', this.wake);
      removeEventListener('offline', this.wake);
      document.removeEventListener('visibilitychange', this.wake);
    }
    this.connection.stop();
    this.presence.end();
  }

  /** Tries again at once, or finds out whether the connection still stands. */
  retryNow(): void {
    this.connection.wake();
  }

  /** Writes a message: it goes out in its turn, until the server has it or refuses it. */
  send(conversationId: string, message: string | MessageFields): Sending {
    this.presence.sent(conversationId);
    return this.outbox.write(conversationId, typeof message === 'string' ? { content: message } : message);
  }

  /** What was written, in a conversation or anywhere, and is not confirmed, oldest first. */
  unsent(conversationId?: string): Unsent[] {
    return this.outbox.of(conversationId);
  }

  /** Sends one that was refused once more. */
  resend(id: string): void {
    this.outbox.retry(id);
  }

  discard(id: string): void {
    this.outbox.discard(id);
  }

  /** Over the socket. Outlives it: what is not answered is sent again under the same id, within the deadline. Throws `Refusal`. */
  async command<C extends keyof Commands>(type: C, data: Commands[C]['data']): Promise<Commands[C]['ack']> {
    const requestId = PASSING.test(type) ? undefined : this.newId();
    return (await this.connection.command(type, data, requestId)) as Commands[C]['ack'];
  }

  /** Over REST: `call('GET /conversations/{conversation_id}', { conversation_id })`. Throws `Refusal`. */
  call<O extends keyof Operations>(
    operation: O,
    data: Operations[O]['data'],
    options?: CallOptions,
  ): Promise<Operations[O]['answer']> {
    return this.session.call(operation, data, options);
  }

  /** A file for messages to carry. */
  upload(source: UploadSource, options: UploadOptions = {}): Promise<Uploaded> {
    const url = this.session.addressOf('/attachments');
    return this.session.authorised((token) => upload(url, token, source, options));
  }

  /**
   * The newest page of a conversation, in the place of all that is known of it, as `sync.reset` asks. Events that come meanwhile are told
   * after the page, so that nothing falls between.
   */
  reload(conversation_id: string): Promise<Page> {
    const held = this.held.get(conversation_id);
    if (held) return held.page;
    const page = this.call('GET /conversations/{conversation_id}/messages', { conversation_id });
    this.held.set(conversation_id, { events: [], page });
    // After whoever waits for the page has had it.
    const release = () => setTimeout(() => this.release(conversation_id));
    page.then(release, release);
    return page;
  }

  private release(conversationId: string): void {
    const { events = [] } = this.held.get(conversationId) ?? {};
    this.held.delete(conversationId);
    for (const event of events) this.happened(event);
  }

  private happened(event: AnyEvent): void {
    const conversationId = 'conversation_id' in event ? String(event.conversation_id) : '';
    const held = this.held.get(conversationId);
    if (held) {
      held.events.push(event);
      if (held.events.length > MAX_HELD) this.release(conversationId);
      return;
    }
    this.presence.happened(event);
    this.seen(event);
    this.tell('event', event);
  }

  private seen(event: AnyEvent): void {
    if (event.type === 'presence.changed') this.presence.changed(event);
    this.tell(event.type, event as never);
  }

  private entered(state: State): void {
    if (state.name === 'live') {
      this.presence.connected();
      this.outbox.flush();
    }
    if (state.name === 'stopped' && state.code === SESSION_ENDED) this.session.end();
    else this.tell('state', state);
  }

  /** Of more conversations than fit into `cursors` nothing is asked: they are read when they are opened. */
  private async heads(): Promise<[string, string][]> {
    const heads: [string, string][] = [];
    let cursor: string | undefined;
    for (let n = 0; n < MAX_LISTS; n += 1) {
      const { items, next_cursor } = await this.call('GET /conversations', { limit: LIST, ...(cursor && { cursor }) });
      heads.push(...items.map(({ id, last_event_id }): [string, string] => [id, last_event_id]));
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    return heads;
  }

  private tell<K extends keyof Tidings>(name: K, told: Tidings[K]): void {
    for (const handler of this.handlers.get(name) ?? []) {
      try {
        (handler as (told: Tidings[K]) => void)(told);
      } catch (error) {
        if (name === 'trouble' || !this.handlers.get('trouble')?.size) setTimeout(() => rethrow(error));
        else this.tell('trouble', error);
      }
    }
  }
}

/** Where nobody listens for trouble it is an error like any other. */
function rethrow(error: unknown): never {
  throw error instanceof Error ? error : new Refusal({}, error);
}
