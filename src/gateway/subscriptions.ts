/**
 * The streams that one session follows, each from its own place on. Owns which they are, and coming into a conversation and going out of
 * it while connected. Refuses to send anything of a stream before the session has begun.
 */
import { closeCodes } from '../errors.ts';
import { conversationStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import { CatchUps } from './catch-ups.ts';
import type { CatchUpsOwner } from './catch-ups.ts';
import { keyOf } from './fanout.ts';
import type { Fanout, Follower } from './fanout.ts';
import type { Framed } from './frames.ts';
import type { Outbox } from './outbox.ts';
import { Subscription } from './subscription.ts';
import type { SubscriptionOwner } from './subscription.ts';
import { WaitingRoom } from './waiting.ts';

export interface SubscriptionsParts {
  readonly fanout: Fanout;
  readonly outbox: Outbox;
  readonly userId: string;
  readonly sessionId: string;
  /** Set on a socket that carries one conversation only. */
  readonly only: string | undefined;
  /** Ids of the conversations on the user's list. */
  conversationIds(): Promise<string[]>;
  /** Id of the event before the one by which the user came into a conversation; undefined where they are not in it. */
  beforeJoining(stream: StreamRef): Promise<string | undefined>;
  /** The session may have ended unheard. */
  recheck(): void;
  close(code: number, reason: string): void;
  onError(error: unknown): void;
}

const MAX_DEPARTED = 1_000;

export class Subscriptions implements Follower, SubscriptionOwner, CatchUpsOwner {
  readonly userId: string;
  readonly outbox: Outbox;
  readonly waitingRoom = new WaitingRoom();
  private readonly parts: SubscriptionsParts;
  private readonly all = new Map<string, Subscription>();
  private readonly catchUps: CatchUps;
  private readonly seeking = new Map<Subscription, Promise<void>>();
  /** Where the client said that it stands, by `keyOf` the streams, of those that have not begun yet. */
  private readonly cursors = new Map<string, string>();
  /** Conversations that the user turned out not to be in, or no longer. A log that loses its end may lose that too. */
  private readonly departed = new Set<string>();
  private state: 'collecting' | 'begun' | 'ended' = 'collecting';

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
    this.userId = parts.userId;
    this.outbox = parts.outbox;
    this.catchUps = new CatchUps(this, parts.fanout);
  }

  /** The conversation is followed, and it is not that its user has just been taken out of it. */
  isIn(stream: StreamRef): boolean {
    return this.all.get(keyOf(stream))?.isOut === false;
  }

  /** Live events of these streams are kept from now on, until `begin`. */
  start(streams: readonly StreamRef[]): void {
    for (const stream of streams) this.follow(stream);
  }

  /**
   * The place of each stream, read after `start`. One without a place is none that the user may follow, unless they came in since. One
   * that was not started came on the user's list in between.
   */
  settle(places: ReadonlyMap<StreamRef, string>): void {
    for (const [stream, id] of places) {
      if (this.has(stream)) this.follow(stream).standAt(id);
      else this.follow(stream).standFarBack(id);
    }
    for (const subscription of this.all.values()) {
      if (!subscription.isUnplaced || this.seeking.has(subscription)) continue;
      if (subscription.mayBeIn) void this.seek(subscription);
      else this.drop(subscription);
    }
  }

  /**
   * Sends what was missed after the cursors; then live events flow. Streams without a cursor begin at their place. One with a cursor may
   * not be on the user's list yet, if a node died in between: it is asked after.
   */
  async begin(cursors: ReadonlyMap<StreamRef, string>): Promise<void> {
    this.state = 'begun';
    for (const [stream, cursor] of cursors) {
      this.cursors.set(keyOf(stream), cursor);
      if (!this.has(stream) && this.parts.only === undefined) this.follow(stream);
    }
    await Promise.all([...this.all.values()].map((subscription) => this.go(subscription)));
  }

  /** Sends the events after a cursor again. False while the stream is being read already. */
  async again(stream: StreamRef, after: string): Promise<boolean> {
    const subscription = this.all.get(keyOf(stream));
    if (!subscription?.isCurrent || this.catchUps.has(subscription)) return false;
    await this.catchUps.again(subscription, after);
    return true;
  }

  /** The last event of each stream that was handed to the socket, by the id of the conversation or user. */
  sent(): Map<string, string> {
    const sent = new Map<string, string>();
    for (const subscription of this.all.values()) {
      const id = subscription.sentUpTo(this.parts.fanout.head(subscription.stream));
      if (id !== '') sent.set(subscription.stream.id, id);
    }
    return sent;
  }

  end(): void {
    this.state = 'ended';
    this.parts.fanout.remove(this);
    for (const subscription of this.all.values()) this.forget(subscription);
  }

  sessionEnded(sessionId: string): void {
    if (this.state !== 'ended' && sessionId === this.parts.sessionId)
      this.parts.close(closeCodes.unauthenticated, 'the session has ended');
  }

  lost(isOf: (streamId: string) => boolean): void {
    if (this.state === 'ended') return;
    if (isOf(this.userId)) {
      this.parts.recheck();
      this.relist().catch((error: unknown) => this.broke(error));
    }
    for (const id of this.departed) if (isOf(id)) this.cameInto(id);
  }

  /** The user came into a conversation that is not followed: the event is at hand, and everything after it comes by the tail. */
  cameIn(stream: StreamRef, event: Framed): void {
    const { only } = this.parts;
    if (this.state === 'ended' || this.has(stream) || (only !== undefined && only !== stream.id)) return;
    const subscription = this.follow(stream);
    const cursor = this.cursors.get(keyOf(stream));
    // The tail of this node may be behind the one that the client had before.
    if (cursor === undefined || seqOf(cursor) < event.seq) {
      this.cursors.delete(keyOf(stream));
      subscription.beginWith(event);
    } else subscription.standFarBack(cursor);
    if (this.state === 'begun') void this.go(subscription);
  }

  /** The same by the user's own stream: only that it happened is known, and perhaps it is no more so. The log says the rest. */
  cameInto(conversationId: string): void {
    const stream = conversationStream(conversationId);
    if (this.state !== 'ended' && !this.has(stream)) void this.seek(this.follow(stream));
  }

  catchUp(subscription: Subscription): void {
    void this.catchUps.run(subscription);
  }

  flows(subscription: Subscription): void {
    this.parts.fanout.flows(subscription);
  }

  holds(subscription: Subscription): void {
    this.parts.fanout.holds(subscription);
  }

  private has(stream: StreamRef): boolean {
    return this.all.has(keyOf(stream));
  }

  private follow(stream: StreamRef): Subscription {
    const key = keyOf(stream);
    const known = this.all.get(key);
    if (known) return known;
    this.departed.delete(stream.id);
    const subscription = new Subscription(stream, this);
    this.all.set(key, subscription);
    this.parts.fanout.follow(subscription);
    return subscription;
  }

  /** Its user is not in it, or no longer. */
  drop(subscription: Subscription): void {
    this.forget(subscription);
    if (this.departed.size < MAX_DEPARTED) this.departed.add(subscription.stream.id);
    if (this.parts.only !== undefined) this.parts.close(closeCodes.refused, 'no longer in the conversation');
  }

  private forget(subscription: Subscription): void {
    subscription.end();
    this.parts.fanout.unfollow(subscription);
    this.all.delete(keyOf(subscription.stream));
  }

  /** Looks up where a stream begins for the user, or drops it where they are not in it. */
  seek(subscription: Subscription): Promise<void> {
    const found = this.find(subscription)
      .then(() => this.seeking.delete(subscription))
      .then(() => (this.state === 'begun' ? this.go(subscription) : undefined))
      .catch((error: unknown) => this.broke(error));
    this.seeking.set(subscription, found);
    return found;
  }

  private async find(subscription: Subscription): Promise<void> {
    const before = await this.placeInLog(subscription);
    if (!subscription.isUnplaced) return;
    if (before !== undefined) subscription.standBefore(before);
    else if (!subscription.beginWithComing()) this.drop(subscription);
  }

  /** Asked again where the user came in while it was being asked. */
  async placeInLog(subscription: Subscription): Promise<string | undefined> {
    for (;;) {
      subscription.seek();
      const before = await this.parts.beforeJoining(subscription.stream);
      if (before !== undefined || !subscription.mayBeIn) return before;
    }
  }

  /** The session has begun, and so does the stream: at the client's cursor, or where it was placed. Nothing is read where nothing can be missing. */
  private go(subscription: Subscription): Promise<void> {
    if (subscription.isUnplaced) return this.seeking.get(subscription) ?? this.seek(subscription);
    if (!subscription.isPlaced) return Promise.resolve();
    const key = keyOf(subscription.stream);
    const cursor = this.cursors.get(key);
    this.cursors.delete(key);
    if (cursor !== undefined) subscription.standFarBack(cursor);
    subscription.begin();
    if (!subscription.needsLog && subscription.finish(this.parts.fanout.head(subscription.stream)) === 'done')
      return Promise.resolve();
    return this.catchUps.run(subscription);
  }

  /** What the user's stream said of comings in may have been lost, or passed over: the list has them. */
  async relist(): Promise<void> {
    if (this.parts.only === undefined) for (const id of await this.parts.conversationIds()) this.cameInto(id);
  }

  broke(error: unknown): void {
    if (this.state === 'ended') return;
    this.parts.onError(error);
    this.parts.close(closeCodes.restart, 'come back with resume');
  }
}
