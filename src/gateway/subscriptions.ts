/**
 * The streams that one session follows, each from its own place on: what was missed comes from the log, what is new from the tail, and
 * `CatchUp` joins the two. Owns coming into a conversation and going out of it while connected. Refuses to send anything of a stream
 * before the session has begun, and anything after the event by which its user was taken out.
 */
import { closeCodes } from '../errors.ts';
import { conversationStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import { CatchUp } from './catchup.ts';
import { frameFor } from './frames.ts';
import type { Framed } from './frames.ts';
import { keyOf } from './fanout.ts';
import type { Effect, Fanout, Follower, Subscriber } from './fanout.ts';
import type { Outbox } from './outbox.ts';

export interface SubscriptionsParts {
  readonly fanout: Fanout;
  readonly outbox: Outbox;
  readonly userId: string;
  readonly sessionId: string;
  /** Set on a socket that carries one conversation only. */
  readonly only: string | undefined;
  /** Id of the event before the one by which the user came into a conversation; undefined where they are not in it. */
  beforeJoining(stream: StreamRef): Promise<string | undefined>;
  close(code: number, reason: string): void;
  /** For a peer that does not take what it is sent. */
  cut(code: number, reason: string): void;
  onError(error: unknown): void;
}

/** One stream of one session. */
class Subscription implements Subscriber {
  readonly stream: StreamRef;
  readonly userId: string;
  readonly outbox: Outbox;
  /** `listed`: of the user's list, which may be old. `arriving`: the user just came in, where is being looked up. */
  stage: 'listed' | 'arriving' | 'placed' = 'listed';
  /** Id of the event before those to be sent; '' where what waits is the beginning. */
  place = '';
  /** True when the log may have more after `place` than what waits. */
  mustRead = false;
  /** Seq at which Redis said that the user is in. What the tail still tells of leavings up to it is old. */
  private memberAt = 0;
  private catchUp: CatchUp | undefined = new CatchUp(0);
  private readonly session: Subscriptions;
  private readonly fanout: Fanout;

  constructor(stream: StreamRef, session: Subscriptions, { outbox, fanout, userId }: SubscriptionsParts) {
    this.stream = stream;
    this.session = session;
    this.userId = userId;
    this.outbox = outbox;
    this.fanout = fanout;
    fanout.follow(this);
  }

  /** Undefined once events flow. */
  get catching(): CatchUp | undefined {
    return this.catchUp;
  }

  /** The log is to be read from a place on: live events wait there. */
  hold(catching: CatchUp): void {
    this.catchUp = catching;
    this.fanout.holds(this);
  }

  deliver(events: readonly Framed[]): void {
    const { catching, outbox } = this;
    if (!catching) return;
    for (const event of catching.live(events)) outbox.push(frameFor(event, this.userId));
    this.flowFrom(events.at(-1)!.seq);
  }

  /** The tail has passed this seq: when nothing before it is lacking, events flow. */
  flowFrom(seq: number): void {
    if (!this.catchUp?.isOver(seq)) return;
    this.catchUp = undefined;
    this.fanout.flows(this);
  }

  end(): void {
    this.catchUp = undefined;
    this.fanout.unfollow(this);
  }

  resync(from: string): void {
    // Seqs may begin anew: in a restored Redis a leaving below the old one is new.
    this.memberAt = 0;
    this.session.resync(this, from);
  }

  restart(): void {
    this.session.restart();
  }

  /** Where the stream stood when Redis said that the user is in. */
  moveTo(id: string): void {
    this.stage = 'placed';
    this.place = id;
    this.memberAt = seqOf(id);
    this.catching?.moveTo(this.memberAt);
    if (this.catching?.hasLeft) this.catching.goOn();
  }

  /** The user came in by the event at this seq, of the stream itself. */
  comeIn(seq: number): void {
    this.catching?.goOn();
    if (this.stage !== 'listed') return;
    this.stage = 'placed';
    this.catching?.moveTo(seq - 1);
  }

  /**
   * The user was taken out by the event at this seq. True where nothing more is to be sent; else what the session lacks up to that event
   * still comes, or the user came back in since.
   */
  leave(seq: number): boolean {
    if (seq <= this.memberAt) return false;
    if (!this.catching?.isReading || this.stage === 'arriving') return true;
    this.catching.endAt(seq);
    return false;
  }
}

const PAGE = 200;
/** So much goes out before the socket must have taken it. */
const PAGE_BYTES = 65_536;
const STREAMS_AT_ONCE = 16;
/** A conversation that is written faster than this session can read it has no end to reach. */
const MAX_ROUNDS = 10_000;

export class Subscriptions implements Follower {
  readonly userId: string;
  private readonly parts: SubscriptionsParts;
  private readonly all = new Map<string, Subscription>();
  private state: 'collecting' | 'begun' | 'ended' = 'collecting';

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
    this.userId = parts.userId;
  }

  has(stream: StreamRef): boolean {
    return this.all.has(keyOf(stream));
  }

  /** Live events of these streams are kept from now on, until `begin`. */
  start(streams: readonly StreamRef[]): void {
    for (const stream of streams) this.follow(stream);
  }

  /** The place of each stream, read after `start`. One without a place is none that the user may follow, unless they came in since. */
  settle(places: ReadonlyMap<StreamRef, string>): void {
    const placed = new Map([...places].map(([stream, id]) => [keyOf(stream), id]));
    for (const [key, subscription] of this.all) {
      const id = placed.get(key);
      if (id !== undefined) subscription.moveTo(id);
      else if (subscription.stage === 'listed') this.drop(subscription);
    }
  }

  /** Sends what was missed after the cursors, by `keyOf` their streams; then live events flow. Streams without a cursor begin at their place. */
  async begin(cursors: ReadonlyMap<string, string>): Promise<void> {
    this.state = 'begun';
    const todo = [...this.all].filter(([, { stage }]) => stage === 'placed');
    const worker = async () => {
      for (let next = todo.pop(); next; next = todo.pop()) {
        const [key, subscription] = next;
        const cursor = cursors.get(key);
        if (cursor !== undefined && cursor !== subscription.place) {
          subscription.place = cursor;
          subscription.mustRead = true;
          subscription.catching?.moveTo(seqOf(cursor));
        }
        await this.catchUp(subscription);
      }
    };
    await Promise.all(Array.from({ length: Math.min(STREAMS_AT_ONCE, todo.length) }, worker));
  }

  /** Sends the events after a cursor again. False while an earlier call for the same stream is under way. */
  async again(stream: StreamRef, after: string): Promise<boolean> {
    const subscription = this.all.get(keyOf(stream));
    if (!subscription || subscription.catching?.isReading) return false;
    await this.readFrom(subscription, new CatchUp(seqOf(after)), after);
    return true;
  }

  end(): void {
    this.state = 'ended';
    this.parts.fanout.remove(this);
    for (const subscription of this.all.values()) subscription.end();
    this.all.clear();
  }

  effect(effect: Effect): void {
    if (this.state === 'ended') return;
    const { only, sessionId } = this.parts;
    if (effect.kind === 'session_ended') {
      if (effect.sessionId === sessionId) this.parts.close(closeCodes.unauthenticated, 'the session has ended');
    } else if (only === undefined || only === effect.conversationId) {
      const stream = conversationStream(effect.conversationId);
      if (effect.kind === 'left') this.leave(stream, effect.ends);
      else this.join(stream, effect.begins).catch((error: unknown) => this.broke(error));
    }
  }

  resync(subscription: Subscription, from: string): void {
    if (this.state === 'collecting') {
      subscription.mustRead = true;
      return;
    }
    const { catching } = subscription;
    // It reads the log already, but what it has of it may be of a log that is no more.
    if (catching?.isReading) return catching.readAgain();
    const again = new CatchUp(Math.max(seqOf(from), catching?.position ?? 0));
    void this.readFrom(subscription, again, from);
  }

  restart(): void {
    this.parts.close(closeCodes.restart, 'come back with resume');
  }

  /**
   * The user came into a conversation. From its own stream the event is at hand and everything after it comes by the tail; from the
   * user's stream only that it happened is known, and the log says the rest.
   */
  private async join(stream: StreamRef, begins: Framed | undefined): Promise<void> {
    const known = this.all.get(keyOf(stream));
    // Taken out and brought in again while it was still catching up: it simply goes on. What the user's stream says may be older than a
    // leaving that was heard of since.
    if (known) return begins && known.comeIn(begins.seq);
    const subscription = this.follow(stream);
    if (begins) {
      subscription.comeIn(begins.seq);
      subscription.catching?.live([begins]);
    } else {
      subscription.stage = 'arriving';
      const before = await this.parts.beforeJoining(stream);
      const isPlaced = (subscription as Subscription).stage === 'placed';
      if (isPlaced || this.all.get(keyOf(stream)) !== subscription) return;
      if (before === undefined) return this.drop(subscription);
      subscription.moveTo(before);
      subscription.mustRead = true;
    }
    if (this.state === 'begun') await this.catchUp(subscription);
  }

  /** The user was taken out. What the session lacks up to that event still comes. */
  private leave(stream: StreamRef, ends: number | undefined): void {
    const subscription = this.all.get(keyOf(stream));
    if (subscription && (ends === undefined || subscription.leave(ends))) this.drop(subscription);
  }

  private readFrom(subscription: Subscription, catching: CatchUp, from: string): Promise<void> {
    subscription.hold(catching);
    subscription.place = from;
    subscription.mustRead = true;
    return this.catchUp(subscription);
  }

  private async catchUp(subscription: Subscription): Promise<void> {
    const { catching } = subscription;
    if (!catching) return;
    try {
      await this.send(subscription, catching);
    } catch (error) {
      this.broke(error);
    }
  }

  /**
   * Sends what the session lacks of one stream after its place, in pages that wait for the socket, then lets live events flow. Nothing
   * is read where nothing can be missing.
   */
  private async send(subscription: Subscription, catching: CatchUp): Promise<void> {
    const { fanout, outbox } = this.parts;
    const { stream } = subscription;
    let { place: cursor, mustRead } = subscription;
    let headBefore = -1;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (mustRead) {
        if (cursor === '') cursor = await fanout.idAtSeq(stream, catching.position);
        const page = await fanout.read(stream, cursor, PAGE);
        if (this.isOver(subscription, catching)) return;
        if (page === undefined) {
          cursor = await this.reset(stream, catching);
          continue;
        }
        for (const event of page) {
          for (const fresh of catching.history([event])) outbox.push(frameFor(fresh, this.userId));
          if (outbox.backlog < PAGE_BYTES) continue;
          await outbox.drained();
          if (this.isOver(subscription, catching)) return;
        }
        cursor = page.at(-1)?.id ?? cursor;
        mustRead = page.length === PAGE && !catching.hasLeft;
        // Twice at the log's end and still not at the head: the head is of a log that is no more.
        if (page.length === 0 && fanout.headSeq(stream) === headBefore) await fanout.correctHead(stream);
        headBefore = page.length === 0 ? fanout.headSeq(stream) : -1;
      }
      const waiting = mustRead ? 'again' : catching.finish(fanout.headSeq(stream));
      if (waiting !== 'again') {
        for (const event of waiting) outbox.push(frameFor(event, this.userId));
        return this.finished(subscription, catching, waiting.at(-1)?.id ?? cursor);
      }
      mustRead = true;
      await outbox.drained();
    }
    this.parts.cut(closeCodes.too_slow, 'the conversation is faster than this reader');
  }

  /** True when somebody else sees to the stream now, or nobody. */
  private isOver(subscription: Subscription, catching: CatchUp): boolean {
    return this.state === 'ended' || subscription.catching !== catching;
  }

  private finished(subscription: Subscription, catching: CatchUp, last: string): void {
    const { fanout } = this.parts;
    if (catching.isLeaving) return this.drop(subscription);
    if (last !== '') fanout.learnHead(subscription.stream, last);
    subscription.flowFrom(fanout.headSeq(subscription.stream));
  }

  /** The log does not know the client's cursor: it is told to reload, and live events go on from the log's end. */
  private async reset(stream: StreamRef, catching: CatchUp): Promise<string> {
    const last = await this.parts.fanout.headInLog(stream);
    const whose = stream.kind === 'user' ? { user_id: stream.id } : { conversation_id: stream.id };
    this.parts.outbox.send({ type: 'sync.reset', data: { ...whose, last_event_id: last } });
    catching.moveTo(seqOf(last));
    return last;
  }

  private follow(stream: StreamRef): Subscription {
    const key = keyOf(stream);
    const known = this.all.get(key);
    if (known) return known;
    const subscription = new Subscription(stream, this, this.parts);
    this.all.set(key, subscription);
    return subscription;
  }

  private drop(subscription: Subscription): void {
    subscription.end();
    this.all.delete(keyOf(subscription.stream));
    if (this.parts.only !== undefined) this.parts.close(closeCodes.refused, 'no longer in the conversation');
  }

  private broke(error: unknown): void {
    this.parts.onError(error);
    this.restart();
  }
}
