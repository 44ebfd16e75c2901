/**
 * One authenticated socket.
 *
 *   opening → waiting → catching-up → live → closing
 *
 * opening: follows the user's streams, then reads where they stand; live events wait. waiting: the client said resume=1 and names its
 * cursors within five seconds; nothing is delivered. catching-up: missed events of each stream come before its live ones. live: events
 * flow; single streams may catch up again (`conversation.sync`, a new membership, a tail that lost its place). closing: nothing is sent.
 *
 * Owns what one client may cost: frames a second, commands in flight, bytes unsent. Knows no feature: commands arrive as a table.
 */
import type { WebSocket } from 'ws';
import { checkCommandFrame, checkPlain } from '../envelope.ts';
import type { CommandFrame } from '../envelope.ts';
import { asChatError, closeCodes, fail } from '../errors.ts';
import type { ChatError } from '../errors.ts';
import { conversationStream, userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import { CatchUp } from './catchup.ts';
import type { Framed } from './catchup.ts';
import { checkResume, checkSync } from './contract.ts';
import { keyOf } from './fanout.ts';
import type { Delivery, Effect, Fanout, Follower } from './fanout.ts';
import type { Outbox } from './outbox.ts';

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
  readonly ws: WebSocket;
  readonly caller: { readonly userId: string; readonly sessionId: string };
  readonly expiresAt: number;
  /** Set on a socket that carries one conversation only. */
  readonly only: string | undefined;
  readonly resumes: boolean;
  readonly heartbeatSeconds: number;
  readonly maxFramesPerSecond: number;
  conversationIds(): Promise<string[]>;
  opening(): Promise<Opening>;
  /** Id of the event before the one by which the user came into a conversation. */
  beforeJoining(stream: StreamRef): Promise<string>;
  /** Runs a command of a feature; answers the ack's data. */
  run(frame: CommandFrame): Promise<object>;
  now(): number;
  onClosed(session: Session): void;
  onError(error: unknown): void;
}

const PAGE = 200;
const RESUME_WITHIN_MS = 5_000;
const MAX_IN_FLIGHT = 64;
const STREAMS_AT_ONCE = 16;
const MAX_BAD_FRAMES = 3;
/** A conversation that is written faster than this session can read it has no end to reach. */
const MAX_ROUNDS = 10_000;

export class Session implements Follower {
  readonly userId: string;
  readonly sessionId: string;
  readonly expiresAt: number;
  missedPongs = 0;
  private readonly parts: SessionParts;
  private state: 'opening' | 'waiting' | 'catching-up' | 'live' | 'closing' = 'opening';
  private readonly streams = new Map<string, StreamRef>();
  private readonly catching = new Map<string, CatchUp>();
  private inFlight = 0;
  private badFrames = 0;
  private second = 0;
  private framesInSecond = 0;
  private resumeTimer: NodeJS.Timeout | undefined;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.userId = parts.caller.userId;
    this.sessionId = parts.caller.sessionId;
    this.expiresAt = parts.expiresAt;
  }

  /** Subscribes first, then reads where everything stands, then says `session.ready`. */
  async open(): Promise<void> {
    const { parts } = this;
    parts.fanout.add(this);
    if (parts.only === undefined) this.follow(userStream(this.userId));
    const ids = parts.only === undefined ? await parts.conversationIds() : [parts.only];
    for (const id of ids) this.follow(conversationStream(id));
    const { ready, heads, userEventId } = await parts.opening();
    if (this.isClosing) return;
    const places = [...heads].map(([id, head]) => [conversationStream(id), head] as const);
    if (parts.only === undefined) places.push([userStream(this.userId), userEventId]);
    for (const [stream, head] of places) {
      if (!this.streams.has(keyOf(stream))) this.follow(stream);
      this.catching.get(keyOf(stream))!.moveTo(seqOf(head));
      parts.fanout.learnHead(stream, head);
    }
    const session = `"session_id":"${this.sessionId}","heartbeat_interval":${parts.heartbeatSeconds}`;
    parts.outbox.pushText(`{"type":"session.ready","data":{${session},${ready},"user_event_id":"${userEventId}"}}`);
    this.baseline = new Map(places.map(([stream, head]) => [keyOf(stream), head]));
    if (parts.resumes) {
      this.state = 'waiting';
      this.resumeTimer = setTimeout(
        () => this.close(closeCodes.heartbeat_missed, 'no session.resume came'),
        RESUME_WITHIN_MS,
      );
    } else await this.goLive(new Map());
  }

  /** Where `session.ready` said that each stream stands; let go once the session is live. */
  private baseline: Map<string, string> | undefined;

  private async goLive(cursors: ReadonlyMap<string, string>): Promise<void> {
    this.state = 'catching-up';
    const { baseline = new Map<string, string>() } = this;
    this.baseline = undefined;
    // A stream without a place was joined in the meantime: it begins with what waits for it.
    const todo = [...this.streams].map(([key, stream]) => ({
      stream,
      from: cursors.get(key) ?? baseline.get(key),
      at: baseline.get(key),
    }));
    const worker = async () => {
      for (let next = todo.pop(); next; next = todo.pop()) await this.catchUp(next.stream, next.from, next.at);
    };
    await Promise.all(Array.from({ length: Math.min(STREAMS_AT_ONCE, todo.length) }, worker));
    if (!this.isClosing) this.state = 'live';
  }

  /** Streams that come now have to see to themselves; before, `goLive` takes them along. */
  private get isUnderWay(): boolean {
    return this.state === 'live' || this.state === 'catching-up';
  }

  get isClosing(): boolean {
    return this.state === 'closing';
  }

  deliver(key: string, batch: Delivery): void {
    if (this.state === 'closing') return;
    const catching = this.catching.get(key);
    if (!catching) return this.parts.outbox.push(batch.joined);
    for (const event of catching.live(batch.events)) this.parts.outbox.push(event.frame);
    if (catching.isOver(batch.events.at(-1)!.seq)) this.catching.delete(key);
  }

  effect(effect: Effect): void {
    if (effect.kind === 'session_ended') {
      if (effect.sessionId === this.sessionId) this.close(closeCodes.unauthenticated, 'the session has ended');
      return;
    }
    const stream = conversationStream(effect.conversationId);
    if (this.parts.only !== undefined && this.parts.only !== effect.conversationId) return;
    if (effect.kind === 'left') {
      this.unfollow(stream);
      if (this.parts.only !== undefined) this.close(closeCodes.refused, 'no longer in the conversation');
    } else if (!this.streams.has(keyOf(stream))) {
      this.join(stream, effect.begins).catch((error: unknown) => this.broke(error));
    }
  }

  resync(stream: StreamRef, from: string): void {
    const catching = this.catching.get(keyOf(stream));
    if (this.state === 'opening' || this.state === 'waiting') return this.restart();
    if (catching) return; // it reads the log already and finds the same
    this.catching.set(keyOf(stream), new CatchUp(seqOf(from)));
    this.catchUp(stream, from, undefined).catch((error: unknown) => this.broke(error));
  }

  restart(): void {
    this.close(closeCodes.restart, 'come back with resume');
  }

  /** The socket's message handler. */
  receive(data: Buffer, isBinary: boolean): void {
    if (this.state === 'closing') return;
    if (this.isFlooding()) {
      this.parts.outbox.flush();
      return this.close(closeCodes.flooding, JSON.stringify({ retry_after: 1 }));
    }
    const parsed = isBinary ? undefined : parseObject(data);
    if (!parsed) {
      this.badFrames += 1;
      this.refuse(undefined, fail('bad_frame'));
      if (this.badFrames === MAX_BAD_FRAMES) this.close(closeCodes.not_a_frame, 'these are not frames');
      return;
    }
    const id = typeof parsed['id'] === 'string' && parsed['id'].length <= 64 ? parsed['id'] : undefined;
    this.inFlight += 1;
    if (this.inFlight === MAX_IN_FLIGHT) this.parts.ws.pause();
    this.obey(parsed, id)
      .catch((error: unknown) => this.refuse(id, error))
      .finally(() => {
        this.inFlight -= 1;
        if (this.inFlight === MAX_IN_FLIGHT - 1) this.parts.ws.resume();
      });
  }

  close(code: number, reason: string): void {
    if (this.state === 'closing') return;
    this.state = 'closing';
    this.parts.outbox.flush();
    this.parts.ws.close(code, reason);
  }

  /** A peer that does not take our bytes would not take a close frame either. */
  cut(code: number, reason: string): void {
    if (this.state === 'closing') return;
    this.close(code, reason);
    this.parts.ws.terminate();
  }

  ping(): void {
    this.missedPongs += 1;
    if (this.parts.ws.readyState === this.parts.ws.OPEN) this.parts.ws.ping();
  }

  /** Ends the socket without waiting for the peer. */
  abandon(): void {
    this.parts.ws.terminate();
  }

  /** The socket is gone. */
  ended(): void {
    this.state = 'closing';
    clearTimeout(this.resumeTimer);
    this.parts.fanout.remove(this, this.streams.values());
    this.catching.clear();
    this.parts.onClosed(this);
  }

  private async obey(parsed: Record<string, unknown>, id: string | undefined): Promise<void> {
    checkPlain(parsed);
    const frame = checkCommandFrame(parsed);
    if (frame.type === 'ping')
      return this.parts.outbox.send({ type: 'pong', ...(id === undefined ? {} : { id }), data: {} });
    if (frame.type === 'session.resume') await this.resume(frame);
    else if (frame.type === 'conversation.sync') await this.sync(frame);
    else return this.ack(id, await this.parts.run(frame));
    this.ack(id, {});
  }

  private async resume(frame: CommandFrame): Promise<void> {
    if (this.state !== 'waiting') throw fail('conflict', 'This session was not opened with resume=1, or has resumed');
    const { cursors, user } = checkResume(frame.data ?? {});
    clearTimeout(this.resumeTimer);
    const places = new Map(Object.entries(cursors).map(([id, cursor]) => [keyOf(conversationStream(id)), cursor]));
    if (user !== undefined) places.set(keyOf(userStream(this.userId)), user);
    await this.goLive(places);
    this.parts.outbox.send({ type: 'session.resumed', data: {} });
  }

  /** Sends the events after a cursor again, on a stream that is live. */
  private async sync(frame: CommandFrame): Promise<void> {
    const { conversation_id, after } = checkSync(frame.data ?? {});
    const stream = conversationStream(conversation_id);
    const key = keyOf(stream);
    if (!this.streams.has(key)) throw fail('not_found', 'There is no such conversation');
    if (this.state !== 'live') throw fail('conflict', 'The session is not live yet');
    const running = this.catching.get(key);
    if (running?.isReading) throw fail('conflict', 'This conversation is being synchronised already');
    this.catching.set(key, new CatchUp(seqOf(after)));
    await this.catchUp(stream, after, undefined);
  }

  /**
   * The user came into a conversation. From its own stream the event is at hand and everything after it comes by the tail; from the
   * user's stream only that it happened is known, and the log says the rest.
   */
  private async join(stream: StreamRef, begins: Framed | undefined): Promise<void> {
    this.follow(stream);
    const catching = this.catching.get(keyOf(stream))!;
    if (begins) {
      catching.moveTo(begins.seq - 1);
      catching.live([begins]);
      if (this.isUnderWay) await this.catchUp(stream, undefined, undefined);
      return;
    }
    const from = await this.parts.beforeJoining(stream);
    if (this.isUnderWay) await this.catchUp(stream, from, undefined);
  }

  /**
   * Sends what the session lacks of one stream after `from`, in pages that wait for the socket, then lets live events flow. Nothing is
   * read where nothing can be missing: `from` is `at`, where the stream stood after it was followed, or absent, where what waits is all.
   */
  private async catchUp(stream: StreamRef, from: string | undefined, at: string | undefined): Promise<void> {
    const { fanout, outbox } = this.parts;
    const key = keyOf(stream);
    if (from !== undefined) this.catching.get(key)?.moveTo(seqOf(from));
    let atEnd = from === at;
    let cursor = from;
    for (let round = 0; round < MAX_ROUNDS && !this.isClosing; round += 1) {
      const catching = this.catching.get(key);
      if (!catching) return;
      if (!atEnd) {
        cursor ??= await fanout.idAtSeq(stream, catching.position);
        const page = await fanout.read(stream, cursor, PAGE);
        if (this.isClosing) return;
        if (page === undefined) {
          cursor = await this.reset(stream, catching);
          continue;
        }
        for (const event of catching.history(page)) outbox.push(event.frame);
        cursor = page.at(-1)?.id ?? cursor;
        atEnd = page.length < PAGE;
      }
      const waiting = atEnd ? catching.finish() : 'again';
      if (waiting !== 'again') {
        for (const event of waiting) outbox.push(event.frame);
        if (catching.isOver(seqOf(fanout.head(stream)))) this.catching.delete(key);
        return;
      }
      atEnd = false;
      await outbox.drained();
    }
    this.cut(closeCodes.too_slow, 'the conversation is faster than this reader');
  }

  /** The log does not know the client's cursor: it is told to reload, and live events go on from the log's end. */
  private async reset(stream: StreamRef, catching: CatchUp): Promise<string> {
    const last = await this.parts.fanout.headInLog(stream);
    const whose = stream.kind === 'user' ? { user_id: stream.id } : { conversation_id: stream.id };
    this.parts.outbox.send({ type: 'sync.reset', data: { ...whose, last_event_id: last } });
    catching.moveTo(seqOf(last));
    return last;
  }

  private follow(stream: StreamRef): void {
    const key = keyOf(stream);
    this.streams.set(key, stream);
    this.catching.set(key, new CatchUp(0));
    this.parts.fanout.follow(stream, this);
  }

  private unfollow(stream: StreamRef): void {
    this.streams.delete(keyOf(stream));
    this.catching.delete(keyOf(stream));
    this.parts.fanout.unfollow(stream, this);
  }

  private ack(id: string | undefined, data: object): void {
    this.parts.outbox.send({ type: 'ack', ...(id === undefined ? {} : { id }), data });
  }

  private refuse(id: string | undefined, error: unknown): void {
    const known: ChatError = asChatError(error);
    if (known.code === 'internal') this.parts.onError(error);
    const { code, message: detail, retryAfter: retry_after } = known;
    const told = { code, detail, ...(retry_after === undefined ? {} : { retry_after }) };
    this.parts.outbox.send({ type: 'error', ...(id === undefined ? {} : { id }), error: told });
  }

  private broke(error: unknown): void {
    this.parts.onError(error);
    this.restart();
  }

  private isFlooding(): boolean {
    if (this.parts.maxFramesPerSecond === 0) return false;
    const second = Math.floor(this.parts.now() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.framesInSecond = 0;
    }
    this.framesInSecond += 1;
    return this.framesInSecond > this.parts.maxFramesPerSecond;
  }
}

function parseObject(data: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    const isFrame =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      typeof (value as { type?: unknown }).type === 'string';
    return isFrame ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
