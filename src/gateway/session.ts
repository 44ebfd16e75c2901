/**
 * One authenticated socket.
 *
 *   opening → waiting → catching-up → live → closing
 *
 * opening: follows the user's streams, then reads where they stand; live events wait. waiting: the client said resume=1 and names its
 * cursors within five seconds; nothing is delivered. catching-up: missed events of each stream come before its live ones. live: events
 * flow; single streams may catch up again (`conversation.sync`, a new membership, a tail that lost its place). closing: nothing is sent.
 *
 * Owns the order in which a client hears of things, and how many of its commands are under way. Knows no feature: commands are run
 * elsewhere.
 */
import type { WebSocket } from 'ws';
import { checkCommandFrame, checkPlain } from '../envelope.ts';
import type { CommandFrame } from '../envelope.ts';
import { asChatError, closeCodes, fail } from '../errors.ts';
import type { ChatError } from '../errors.ts';
import { conversationStream, userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { checkNumbers } from '../numbers.ts';
import { checkResume, checkSync } from './contract.ts';
import { countOne } from './counts.ts';
import type { Fanout } from './fanout.ts';
import { Inbound } from './inbound.ts';
import type { Incoming } from './inbound.ts';
import { PING_FRAME } from './outbox.ts';
import type { Outbox } from './outbox.ts';
import { Reached } from './reached.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Watcher } from './watching.ts';

/** Where a user's streams stood at one instant after they were followed. */
export interface Opening {
  /** `data` of `session.ready`, as JSON without its braces: the user, the most recent conversations. */
  readonly ready: string;
  /** Conversation id → id of its last event; every one that the user is in. */
  readonly heads: ReadonlyMap<string, string>;
  readonly userEventId: string;
}

export interface SessionParts {
  readonly fanout: Fanout;
  readonly outbox: Outbox;
  readonly ws: Pick<WebSocket, 'close' | 'terminate' | 'pause' | 'resume'>;
  readonly caller: { readonly userId: string; readonly sessionId: string };
  readonly expiresAt: number;
  /** Set on a socket that carries one conversation only. */
  readonly only: string | undefined;
  readonly resumes: boolean;
  readonly heartbeatSeconds: number;
  readonly maxFramesPerSecond: number;
  conversationIds(): Promise<string[]>;
  opening(): Promise<Opening>;
  /** Whether the caller's session has ended, as Redis has it now. */
  hasEnded(): Promise<boolean>;
  /** Id of the event before the one by which the user came into a conversation; undefined where they are not in it. */
  beforeJoining(stream: StreamRef): Promise<string | undefined>;
  /**
   * Where the client's device goes on, by the ids of conversations and of the user; of what it does not name, at the heads. Absent where the
   * client named no device.
   */
  readonly deviceMarks?: ((heads: ReadonlyMap<string, string>) => Promise<ReadonlyMap<string, string>>) | undefined;
  /** Runs a command of a feature; answers the ack's data. */
  run(frame: CommandFrame): Promise<object>;
  now(): number;
  /** The client was told that it is in. */
  onReady(): void;
  onClosed(): void;
  onError(error: unknown): void;
}

const RESUME_WITHIN_MS = 5_000;
const MAX_IN_FLIGHT = 64;

export class Session {
  readonly expiresAt: number;
  missedPongs = 0;
  /** How this side ended the socket, if it did. */
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  private readonly parts: SessionParts;
  private readonly user: StreamRef;
  private readonly subscriptions: Subscriptions;
  private readonly watcher: Watcher;
  private readonly inbound: Inbound;
  private state: 'opening' | 'waiting' | 'catching-up' | 'live' | 'closing' = 'opening';
  private inFlight = 0;
  private resumeTimer: NodeJS.Timeout | undefined;
  /** Of a socket whose client named its device. */
  private readonly account: Reached | undefined;
  private deviceMarks: ReadonlyMap<string, string> = new Map();

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.expiresAt = parts.expiresAt;
    this.user = userStream(parts.caller.userId);
    this.inbound = new Inbound(parts.maxFramesPerSecond);
    this.watcher = { userId: parts.caller.userId, outbox: parts.outbox };
    this.subscriptions = new Subscriptions({
      ...parts.caller,
      fanout: parts.fanout,
      outbox: parts.outbox,
      only: parts.only,
      conversationIds: () => parts.conversationIds(),
      beforeJoining: (stream) => parts.beforeJoining(stream),
      recheck: () => void this.recheck(),
      close: (code, reason) => this.close(code, reason),
      onError: (error) => parts.onError(error),
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
    if (this.state === 'closing') return;
    if (this.inbound.isFlooding(this.parts.now()))
      return this.close(closeCodes.flooding, JSON.stringify({ retry_after: 1 }));
    const incoming = this.inbound.read(data, isBinary);
    if (!incoming) {
      this.refuse(undefined, fail('bad_frame'));
      if (this.inbound.isHopeless) this.close(closeCodes.not_a_frame, 'these are not frames');
      return;
    }
    this.inFlight += 1;
    if (this.inFlight === MAX_IN_FLIGHT) this.parts.ws.pause();
    this.obey(incoming)
      .catch((error: unknown) => this.refuse(incoming.id, error))
      .finally(() => {
        this.inFlight -= 1;
        if (this.inFlight === MAX_IN_FLIGHT - 1) this.parts.ws.resume();
      });
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
    if (this.isClosing || this.inFlight >= MAX_IN_FLIGHT) return;
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

  private async obey({ parsed, text, id }: Incoming): Promise<void> {
    checkNumbers(text);
    checkPlain(parsed);
    const frame = checkCommandFrame(parsed);
    this.checkReach(frame);
    if (frame.type === 'ping') {
      this.send({ type: 'pong', id, data: {} });
    } else if (frame.type === 'session.resume') {
      await this.resume(frame);
      this.ack(id, {});
    } else if (frame.type === 'conversation.sync') {
      await this.sync(frame);
      this.ack(id, {});
    } else {
      this.ack(id, await this.parts.run(frame));
    }
  }

  private async resume(frame: CommandFrame): Promise<void> {
    const { cursors, user } = checkResume(frame.data ?? {});
    if (this.state !== 'waiting') throw fail('conflict', 'This session was not opened with resume=1, or has resumed');
    clearTimeout(this.resumeTimer);
    await this.resumeFrom(
      new Map([...Object.entries(cursors), ...(user === undefined ? [] : [[this.user.id, user] as const])]),
    );
  }

  /** By the id of a conversation or of the user. What the client does not name itself, its device may have kept. */
  private async resumeFrom(cursors: ReadonlyMap<string, string>): Promise<void> {
    const all = new Map([...this.deviceMarks, ...cursors]);
    this.account?.standsAt(new Map([...this.reached, ...cursors]));
    const streamOf = (id: string) => (id === this.user.id ? this.user : conversationStream(id));
    await this.goLive(new Map([...all].map(([id, cursor]) => [streamOf(id), cursor])));
    this.parts.fanout.counts.resumes += 1;
    this.send({ type: 'session.resumed', data: {} });
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

  /** Sends the events after a cursor again, on a stream that is live. */
  private async sync(frame: CommandFrame): Promise<void> {
    const { conversation_id, after } = checkSync(frame.data ?? {});
    const stream = conversationStream(conversation_id);
    if (!this.subscriptions.isIn(stream)) throw fail('not_found', 'There is no such conversation');
    if (this.state !== 'live') throw fail('conflict', 'The session is not live yet');
    const isDone = await this.subscriptions.again(stream, after);
    if (!isDone) throw fail('conflict', 'This conversation is being synchronised already');
  }

  /** A socket of one conversation takes no commands for another. */
  private checkReach({ data }: CommandFrame): void {
    const { only } = this.parts;
    const conversationId = data?.['conversation_id'];
    if (only !== undefined && conversationId !== undefined && conversationId !== only)
      throw fail('forbidden', 'This socket is of one conversation and takes commands for no other');
  }

  private ack(id: string | undefined, data: object): void {
    this.send({ type: 'ack', id, data });
  }

  private refuse(id: string | undefined, error: unknown): void {
    const known: ChatError = asChatError(error);
    if (known.code === 'internal') this.parts.onError(error);
    const { code, message: detail, retryAfter: retry_after } = known;
    this.send({ type: 'error', id, error: { code, detail, retry_after } });
  }

  /** A field that is undefined is left out of the frame. After a close frame nothing may follow. */
  private send(message: object): void {
    if (!this.isClosing) this.parts.outbox.send(message);
  }
}
