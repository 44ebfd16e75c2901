/**
 * One authenticated socket.
 *
 *   opening → waiting → catching-up → live → closing
 *
 * opening: follows the user's streams, then reads where they stand; live events wait. waiting: the client said resume=1 and names its
 * cursors within five seconds; nothing is delivered. catching-up: missed events of each stream come before its live ones. live: events
 * flow; single streams may catch up again (`conversation.sync`, a new membership, a tail that lost its place). closing: nothing is sent.
 *
 * Owns the order in which a client hears of things. Knows no feature: commands are run elsewhere.
 */
import type { WebSocket } from 'ws';
import { closeCodes, fail } from '../errors.ts';
import { conversationStream, userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { ClientCommands } from './client-commands.ts';
import type { ClientCommandsParts, Conversing } from './client-commands.ts';
import { checkResume, checkSync } from './contract.ts';
import { countOne } from './counts.ts';
import { PING_FRAME } from './outbox.ts';
import { Reached } from './reached.ts';
import { Subscriptions } from './subscriptions.ts';
import type { SubscriptionsParts } from './subscriptions.ts';
import type { Watcher } from './watching.ts';

/** Where a user's streams stood at one instant after they were followed. */
export interface Opening {
  /** `data` of `session.ready`, as JSON without its braces: the user, the most recent conversations. */
  readonly ready: string;
  /** Conversation id → id of its last event; every one that the user is in. */
  readonly heads: ReadonlyMap<string, string>;
  readonly userEventId: string;
}

type Delivering = Pick<SubscriptionsParts, 'fanout' | 'conversationIds' | 'beforeJoining'>;

export interface SessionParts extends ClientCommandsParts, Delivering {
  readonly ws: Pick<WebSocket, 'close' | 'terminate' | 'pause' | 'resume'>;
  readonly caller: { readonly userId: string; readonly sessionId: string };
  readonly expiresAt: number;
  readonly resumes: boolean;
  readonly heartbeatSeconds: number;
  opening(): Promise<Opening>;
  /** Whether the caller's session has ended, as Redis has it now. */
  hasEnded(): Promise<boolean>;
  /**
   * Where the client's device goes on, by the ids of conversations and of the user; of what it does not name, at the heads. Absent where the
   * client named no device.
   */
  readonly deviceMarks?: ((heads: ReadonlyMap<string, string>) => Promise<ReadonlyMap<string, string>>) | undefined;
  /** The client was told that it is in. */
  onReady(): void;
  onClosed(): void;
}

const RESUME_WITHIN_MS = 5_000;

export class Session implements Conversing {
  readonly expiresAt: number;
  missedPongs = 0;
  /** How this side ended the socket, if it did. */
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  private readonly parts: SessionParts;
  private readonly user: StreamRef;
  private readonly subscriptions: Subscriptions;
  private readonly watcher: Watcher;
  private readonly commands: ClientCommands;
  private state: 'opening' | 'waiting' | 'catching-up' | 'live' | 'closing' = 'opening';
  private resumeTimer: NodeJS.Timeout | undefined;
  /** Of a socket whose client named its device. */
  private readonly account: Reached | undefined;
  private deviceMarks: ReadonlyMap<string, string> = new Map();

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.expiresAt = parts.expiresAt;
    this.user = userStream(parts.caller.userId);
    this.commands = new ClientCommands(parts, this);
    this.watcher = { userId: parts.caller.userId, outbox: parts.outbox };
    this.subscriptions = new Subscriptions({
      ...parts,
      ...parts.caller,
      recheck: () => void this.recheck(),
      close: (code, reason) => this.close(code, reason),
    });
    if (!parts.deviceMarks) return;
    const write = (frame: Buffer) => {
      parts.outbox.flush();
      parts.outbox.writeRest(frame, 0);
    };
    this.account = new Reached({ sent: () => this.subscriptions.sent(), write, now: () => parts.now() });
  }

  /** Subscribes first, then reads where everything stands, then says `session.ready`. */
  async open(): Promise<void> {
    const { parts, subscriptions } = this;
    const { caller, only } = parts;
    // Commands wait until the client knows where it stands, or it could miss the event of its own first one.
    parts.ws.pause();
    parts.fanout.add(subscriptions);
    if (only === undefined) subscriptions.start([this.user]);
    const ids = only === undefined ? await parts.conversationIds() : [only];
    // A socket that went in the meantime has been taken off the fan-out, and must not be put on it again.
    if (this.isClosing) return;
    subscriptions.start(ids.map(conversationStream));
    // A session that ended since its token was looked at, and before anyone here listened for that, ends now.
    const [{ ready, heads, userEventId }] = await Promise.all([parts.opening(), this.recheck()]);
    if (this.isClosing) return;
    const places = new Map([...heads].map(([id, head]) => [conversationStream(id), head]));
    if (only === undefined) places.set(this.user, userEventId);
    subscriptions.settle(places);
    if (this.isClosing) return;
    if (parts.deviceMarks) await this.takeUp(parts.deviceMarks, heads, userEventId);
    if (this.isClosing) return;
    const about = `"session_id":"${caller.sessionId}","heartbeat_interval":${parts.heartbeatSeconds}`;
    parts.outbox.pushText(`{"type":"session.ready","data":{${about},${ready},"user_event_id":"${userEventId}"}}`);
    parts.ws.resume();
    parts.onReady();
    if (parts.resumes) {
      this.state = 'waiting';
      this.resumeTimer = setTimeout(() => this.resumeLate(), RESUME_WITHIN_MS);
    } else if (this.account) await this.resumeFrom(new Map());
    else await this.goLive(new Map());
  }

  get isClosing(): boolean {
    return this.state === 'closing';
  }

  /** Ids of the last events that have reached the client, by the id of their conversation or user. */
  get reached(): ReadonlyMap<string, string> {
    return this.account?.events ?? new Map();
  }

  /** Something was written to the socket of a client that named its device. */
  wrote(): void {
    this.account?.wrote();
  }

  pong(payload: Buffer): void {
    this.missedPongs = 0;
    this.account?.pong(payload);
  }

  restart(): void {
    this.close(closeCodes.restart, 'come back with resume');
  }

  /** Whose public events this socket gets from now on, besides what it follows. */
  watch(userIds: readonly string[]): void {
    if (!this.isClosing) this.parts.fanout.watching.set(this.watcher, userIds);
  }

  /** The socket's message handler. */
  receive(data: Buffer, isBinary: boolean): void {
    if (!this.isClosing) this.commands.receive(data, isBinary);
  }

  /** The client says where it stands. */
  async resume(data: object): Promise<void> {
    const { cursors, user } = checkResume(data);
    if (this.state !== 'waiting') throw fail('conflict', 'This session was not opened with resume=1, or has resumed');
    clearTimeout(this.resumeTimer);
    await this.resumeFrom(
      new Map([...Object.entries(cursors), ...(user === undefined ? [] : [[this.user.id, user] as const])]),
    );
  }

  /** Sends the events after a cursor again, on a stream that is live. */
  async sync(data: object): Promise<void> {
    const { conversation_id, after } = checkSync(data);
    const stream = conversationStream(conversation_id);
    if (!this.subscriptions.isIn(stream)) throw fail('not_found', 'There is no such conversation');
    if (this.state !== 'live') throw fail('conflict', 'The session is not live yet');
    const isDone = await this.subscriptions.again(stream, after);
    if (!isDone) throw fail('conflict', 'This conversation is being synchronised already');
  }

  close(code: number, reason: string): void {
    if (this.state === 'closing') return;
    this.closedWith = { code, reason };
    countOne(this.parts.fanout.counts.closed, code);
    this.unfollow();
    this.parts.outbox.flush();
    // One that is paused would not see the peer's goodbye.
    this.parts.ws.resume();
    this.parts.ws.close(code, reason);
  }

  /** A peer that does not take our bytes would not take a close frame either. */
  cut(code: number, reason: string): void {
    if (this.state === 'closing') return;
    this.close(code, reason);
    this.parts.ws.terminate();
  }

  /** One that has as many commands under way as it may is not being read, so its pong would not be heard either. */
  ping(): void {
    if (this.isClosing || this.commands.areMany) return;
    this.missedPongs += 1;
    this.parts.outbox.push(PING_FRAME);
  }

  /** Ends the socket without waiting for the peer. */
  abandon(): void {
    this.parts.ws.terminate();
  }

  /** The socket is gone. */
  ended(): void {
    this.unfollow();
    this.parts.onClosed();
  }

  private unfollow(): void {
    this.state = 'closing';
    clearTimeout(this.resumeTimer);
    this.account?.end();
    this.subscriptions.end();
    this.parts.fanout.watching.clear(this.watcher);
  }

  /** Whoever listens for the end of the session from before on misses none. */
  private async recheck(): Promise<void> {
    try {
      if (await this.parts.hasEnded()) this.close(closeCodes.unauthenticated, 'the session has ended');
    } catch (error) {
      this.parts.onError(error);
      this.restart();
    }
  }

  private async goLive(cursors: ReadonlyMap<StreamRef, string>): Promise<void> {
    this.state = 'catching-up';
    const begun = this.subscriptions.begin(cursors);
    this.account?.begin();
    await begun;
    if (!this.isClosing) this.state = 'live';
  }

  /** By the id of a conversation or of the user. What the client does not name itself, its device may have kept. */
  private async resumeFrom(cursors: ReadonlyMap<string, string>): Promise<void> {
    const all = new Map([...this.deviceMarks, ...cursors]);
    this.account?.standsAt(new Map([...this.reached, ...cursors]));
    const streamOf = (id: string) => (id === this.user.id ? this.user : conversationStream(id));
    await this.goLive(new Map([...all].map(([id, cursor]) => [streamOf(id), cursor])));
    this.parts.fanout.counts.resumes += 1;
    if (!this.isClosing) this.parts.outbox.send({ type: 'session.resumed', data: {} });
  }

  /** A client that named its device may leave it at that. */
  private resumeLate(): void {
    if (!this.account) return this.close(closeCodes.heartbeat_missed, 'no session.resume came');
    void this.resumeFrom(new Map());
  }

  private async takeUp(
    marksOf: NonNullable<SessionParts['deviceMarks']>,
    heads: ReadonlyMap<string, string>,
    own: string,
  ) {
    const marks = new Map(await marksOf(heads));
    const all = new Map(heads);
    if (this.parts.only === undefined) all.set(this.user.id, own);
    else marks.delete(this.user.id);
    this.deviceMarks = marks;
    this.account?.standsAt(new Map([...all, ...marks]));
  }
}
