/**
 * The streams that one session follows, each from its own place on. Owns which they are, coming into a conversation and going out of it
 * while connected, and the reading of logs: a few at a time, of each no more than a page, which waits for the socket, so that the bytes
 * which one socket makes a node hold are bounded whatever it asks for. Refuses to send anything of a stream before the session has begun.
 */
import { closeCodes } from '../errors.ts';
import { conversationStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import { keyOf } from './fanout.ts';
import type { Fanout, Follower } from './fanout.ts';
import type { Framed } from './frames.ts';
import { FIRST_PAGE } from './log-pages.ts';
import type { Outbox } from './outbox.ts';
import { Subscription } from './subscription.ts';
import type { SubscriptionOwner } from './subscription.ts';
import { Turns } from '../turns.ts';
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

const READ_AT_ONCE = 4;
const MAX_DEPARTED = 1_000;
/** Reads in a row that brought nothing while something was missing. */
const MAX_IN_VAIN = 100;

export class Subscriptions implements Follower, SubscriptionOwner {
  readonly userId: string;
  readonly outbox: Outbox;
  readonly waitingRoom = new WaitingRoom();
  private readonly parts: SubscriptionsParts;
  private readonly all = new Map<string, Subscription>();
  private readonly turns = new Turns(READ_AT_ONCE);
  /** What is done for one stream is done in a row. */
  private readonly work = new Map<Subscription, Promise<void>>();
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
    if (!subscription?.isCurrent || this.work.has(subscription)) return false;
    await this.inTurn(subscription, async () => {
      if (this.isGone(subscription)) return;
      const { fanout } = this.parts;
      subscription.hold(fanout.head(stream));
      // Who names an event that was not sent yet lacks those between all the same.
      if (seqOf(after) <= seqOf(subscription.position)) subscription.sendAgainAfter(after);
      else if (!(await fanout.pages.read(stream, after, 1, 'known')) && !this.isGone(subscription))
        await this.reset(subscription, '');
      await this.readOn(subscription);
    });
    return true;
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
    void this.inTurn(subscription, () => this.readOn(subscription));
  }

  flows(subscription: Subscription): void {
    this.parts.fanout.flows(subscription);
  }

  holds(subscription: Subscription): void {
    this.parts.fanout.holds(subscription);
  }

  left(subscription: Subscription): void {
    this.drop(subscription);
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

  private drop(subscription: Subscription): void {
    this.forget(subscription);
    if (this.departed.size < MAX_DEPARTED) this.departed.add(subscription.stream.id);
    if (this.parts.only !== undefined) this.parts.close(closeCodes.refused, 'no longer in the conversation');
  }

  private forget(subscription: Subscription): void {
    subscription.end();
    this.parts.fanout.unfollow(subscription);
    this.all.delete(keyOf(subscription.stream));
  }

  private isGone(subscription: Subscription): boolean {
    return this.all.get(keyOf(subscription.stream)) !== subscription;
  }

  /** Looks up where a stream begins for the user, or drops it where they are not in it. */
  private seek(subscription: Subscription): Promise<void> {
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
    if (before === undefined) this.drop(subscription);
    else subscription.standBefore(before);
  }

  /** Asked again where the user came in while it was being asked. */
  private async placeInLog(subscription: Subscription): Promise<string | undefined> {
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
    return this.inTurn(subscription, () => this.readOn(subscription));
  }

  private inTurn(subscription: Subscription, work: () => Promise<void>): Promise<void> {
    const before = this.work.get(subscription) ?? Promise.resolve();
    const done = before
      .then(() => this.turns.run(work))
      .catch((error: unknown) => this.broke(error))
      .finally(() => {
        if (this.work.get(subscription) === done) this.work.delete(subscription);
      });
    this.work.set(subscription, done);
    return done;
  }

  /** Sends what the session lacks of one stream, in pages that wait for the socket, until live events can follow. */
  private async readOn(subscription: Subscription): Promise<void> {
    const { fanout } = this.parts;
    const { stream } = subscription;
    let count = FIRST_PAGE;
    let inVain = 0;
    let told = '';
    let trust: 'known' | 'any' = 'known';
    while (subscription.isReading) {
      while (subscription.isReading && !this.outbox.takesMore()) await this.outbox.drained();
      if (!subscription.isReading) return;
      const head = fanout.head(stream);
      const hasRead = subscription.needsLog;
      if (hasRead) {
        subscription.readBegins();
        const page = await fanout.pages.read(stream, subscription.position, count, trust);
        if (page) await this.send(subscription, page.events);
        if (!subscription.isReading) return;
        trust = 'known';
        if (!page || subscription.isLost) {
          if (!page && subscription.goBackToLeaving()) continue;
          if (subscription.askAgain()) return void this.seek(subscription);
          const last = await this.reset(subscription, told);
          // The client was sent there already, and it is not in the log: one that does not have its own head. Asking again would never end.
          if (last === told) trust = 'any';
          told = last;
          continue;
        }
        inVain = page.events.length === 0 ? inVain + 1 : 0;
        if (inVain > MAX_IN_VAIN) throw new Error(`the log of ${keyOf(stream)} and its tail do not meet`);
        if (page.hasMore) subscription.readGoesOn();
        count = page.nextCount;
      }
      const outcome = subscription.finish(fanout.head(stream));
      // The log was asked after the tail had brought this event, and does not have it: a log that is no more, and the tail has not noticed yet.
      if (outcome === 'behind' && hasRead && head === fanout.head(stream)) fanout.doubt(stream);
    }
  }

  private async send(subscription: Subscription, page: readonly Framed[]): Promise<void> {
    for (const event of page) {
      // Between looking for room and using it nothing else may happen, or what is read of another stream would use it too.
      while (subscription.isReading && !this.outbox.takesMore()) await this.outbox.drained();
      if (!subscription.isReading || !subscription.read(event)) return;
    }
  }

  /**
   * The log does not know where the client stands: it is told to reload, and live events go on from the log's end, if this log has the
   * user in the conversation at all.
   */
  private async reset(subscription: Subscription, told: string): Promise<string> {
    const { stream } = subscription;
    const { fanout } = this.parts;
    const isOwn = stream.kind === 'user';
    const last = await fanout.pages.head(stream);
    const before = isOwn ? undefined : await this.placeInLog(subscription);
    if (!subscription.isReading) return last;
    const whose = isOwn ? { user_id: stream.id } : { conversation_id: stream.id };
    if (last !== told) this.outbox.send({ type: 'sync.reset', data: { ...whose, last_event_id: last } });
    if (before === undefined && !isOwn) this.drop(subscription);
    else subscription.reload(last, before);
    if (isOwn) await this.relist();
    return last;
  }

  /** What the user's stream said of comings in may have been lost, or passed over: the list has them. */
  private async relist(): Promise<void> {
    if (this.parts.only === undefined) for (const id of await this.parts.conversationIds()) this.cameInto(id);
  }

  private broke(error: unknown): void {
    if (this.state === 'ended') return;
    this.parts.onError(error);
    this.parts.close(closeCodes.restart, 'come back with resume');
  }
}
