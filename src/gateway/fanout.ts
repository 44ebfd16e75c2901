/**
 * Which sessions follow which streams on this node, and the way from the tail to them. Frames are built once per event; what a batch
 * brings of one stream is joined once and the same bytes go to every session. Owns the head of every followed stream: the very event
 * that the tail brought last, which is where every live session stands. Refuses features: what an event means arrives from outside.
 */
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { TO_ONESELF } from '../log/signals.ts';
import type { Signal } from '../log/signals.ts';
import { Counts } from './counts.ts';
import { framed, isPlain } from './frames.ts';
import type { Framed } from './frames.ts';
import { LogPages } from './log-pages.ts';
import type { LateFraming, ReadableLog } from './log-pages.ts';
import { textFrame } from './outbox.ts';
import type { Flusher, Outbox } from './outbox.ts';
import { Watching } from './watching.ts';

/** What a session is told about its user. */
export interface Follower {
  readonly userId: string;
  /** Of a conversation's own stream: the user came in by this event, and begins with it. */
  cameIn(stream: StreamRef, event: Framed): void;
  sessionEnded(sessionId: string): void;
  /** The tail lost events of the streams for which this holds, by their ids. */
  lost(isOf: (streamId: string) => boolean): void;
}

/** One session's side of one stream. It begins as one that catches up, and says by `flows` and `holds` when that changes. */
export interface Subscriber {
  readonly stream: StreamRef;
  readonly userId: string;
  readonly outbox: Outbox;
  /** It has everything, or all that the log had, and its user is in. */
  readonly isCurrent: boolean;
  /** Events that the tail brings: all of them while it catches up, and later those that are not the same bytes for everyone. */
  deliver(events: readonly Framed[]): void;
  /** The tail lost its place, or the log lost events: go on by the log. `head` is where those stand who are live. */
  doubt(head: string): void;
}

interface Followed {
  readonly stream: StreamRef;
  /** Those who have all that came, by their outboxes: with many of them the time goes into fetching objects from memory. */
  readonly live: Map<Outbox, Subscriber>;
  readonly catchingUp: Set<Subscriber>;
  /** Id and seq of the last event that the tail brought; '' while it has brought none since somebody follows, or lost its place. */
  head: string;
  seq: number;
}

/** What events and signals mean for sockets. */
export interface Meaning extends LateFraming {
  /** Told of each event that the tail brings, once; not of what is read again. */
  hear?(event: RawEvent): void;
  /** Types of a user's events that others may see who watch the user; none when absent. */
  isPublic?(type: string): boolean;
  /** From whom an actor's signals are kept; undefined: from nobody. */
  hiddenFrom?(actorId: string): ((userId: string) => boolean) | undefined;
}

export interface FanoutOptions {
  readonly log: Pick<Log, 'keys'> & ReadableLog;
  readonly flusher: Flusher;
  readonly meaning: Meaning;
  /** Told of the events of a batch that went to live sockets, once they are written. */
  readonly onWritten?: ((events: readonly RawEvent[]) => void) | undefined;
}

export const keyOf = (stream: StreamRef): string => stream.kind + stream.id;

export class Fanout {
  readonly pages: LogPages;
  readonly watching: Watching;
  readonly counts = new Counts();
  private readonly options: FanoutOptions;
  private readonly followed = new Map<string, Followed>();
  private readonly byUser = new Map<string, Set<Follower>>();

  constructor(options: FanoutOptions) {
    this.options = options;
    this.pages = new LogPages(options.log, options.meaning);
    this.watching = new Watching(options.meaning);
  }

  /** Streams followed now. */
  get size(): number {
    return this.followed.size;
  }

  /** What concerns this user reaches the follower from now on. */
  add(follower: Follower): void {
    const { userId } = follower;
    const others = this.byUser.get(userId);
    if (others) others.add(follower);
    else this.byUser.set(userId, new Set([follower]));
  }

  remove(follower: Follower): void {
    const others = this.byUser.get(follower.userId);
    others?.delete(follower);
    if (others?.size === 0) this.byUser.delete(follower.userId);
  }

  follow(subscriber: Subscriber): void {
    const { stream } = subscriber;
    const key = keyOf(stream);
    const known = this.followed.get(key);
    if (known) known.catchingUp.add(subscriber);
    else this.followed.set(key, { stream, live: new Map(), catchingUp: new Set([subscriber]), head: '', seq: 0 });
  }

  /** It stands at the head: what comes is written to its socket. */
  flows(subscriber: Subscriber): void {
    const known = this.followed.get(keyOf(subscriber.stream));
    if (known?.catchingUp.delete(subscriber)) known.live.set(subscriber.outbox, subscriber);
  }

  /** It catches up again, and decides itself what of the tail it takes. */
  holds(subscriber: Subscriber): void {
    const known = this.followed.get(keyOf(subscriber.stream));
    if (known?.live.delete(subscriber.outbox)) known.catchingUp.add(subscriber);
  }

  unfollow(subscriber: Subscriber): void {
    const key = keyOf(subscriber.stream);
    const known = this.followed.get(key);
    if (!known) return;
    if (known.live.get(subscriber.outbox) === subscriber) known.live.delete(subscriber.outbox);
    known.catchingUp.delete(subscriber);
    if (known.live.size + known.catchingUp.size === 0) this.followed.delete(key);
  }

  /** Id of the last event that the tail brought of a followed stream; '' while that is unknown. */
  head(stream: StreamRef): string {
    return this.followed.get(keyOf(stream))?.head ?? '';
  }

  /** What the tail brings: events of one partition, in their order. */
  take(events: readonly RawEvent[]): void {
    const { meaning, flusher, onWritten } = this.options;
    const written: RawEvent[] = [];
    const deliveries = new Map<Followed, Framed[]>();
    for (const raw of events) {
      meaning.hear?.(raw);
      const known = this.followed.get(keyOf(raw.stream));
      const event = known && framed(raw, meaning);
      if (known && event) {
        if (known.head !== '' && raw.seq !== known.seq + 1) {
          this.deliver(deliveries);
          this.doubtAll(known);
        }
        const list = deliveries.get(known);
        if (list) list.push(event);
        else deliveries.set(known, [event]);
        known.head = raw.id;
        known.seq = raw.seq;
        if (onWritten && isHeard(known)) written.push(raw);
      }
      this.watching.take(raw, () => event ?? framed(raw, meaning));
      const effects = event ? event.effects : meaning.effectsOf(raw);
      if (!effects?.length) continue;
      // Who follows has it before others begin with it.
      this.deliver(deliveries);
      for (const effect of effects) {
        for (const follower of this.byUser.get(effect.userId) ?? []) {
          if (effect.kind === 'session_ended') follower.sessionEnded(effect.sessionId);
          else if (effect.kind === 'joined' && effect.conversationId === raw.stream.id)
            follower.cameIn(raw.stream, event ?? framed(raw, meaning));
        }
      }
    }
    this.deliver(deliveries);
    flusher.flush();
    if (written.length > 0) onWritten?.(written);
  }

  /** To the sockets that are live on the stream and those that watch its user; who catches up does without. */
  signal({ stream, actorId, json }: Signal): void {
    const frame = textFrame(json);
    const known = this.followed.get(keyOf(stream));
    const following = known ? subscribersOf(known).filter(({ isCurrent }) => isCurrent) : [];
    const isWatched = stream.kind === 'user' && actorId !== TO_ONESELF;
    const watchers = isWatched ? this.watching.of(stream.id) : [];
    const isHidden = this.options.meaning.hiddenFrom?.(actorId);
    for (const { userId, outbox } of [...following, ...watchers])
      if (userId !== actorId && !isHidden?.(userId)) outbox.push(frame);
  }

  /**
   * The log does not have what the tail brought last: a restored or failed-over Redis, and the tail has not noticed yet. Everybody who
   * follows is brought up from the log.
   */
  doubt(stream: StreamRef): void {
    const known = this.followed.get(keyOf(stream));
    if (known) this.doubtAll(known);
  }

  /**
   * The feed of a partition was cut behind the tail, which goes on from a later end. Whoever has not the very event at which their log
   * ends is brought up from it, each from where they stand.
   */
  async lost(partition: number): Promise<void> {
    const { log, flusher } = this.options;
    const isOf = (id: string) => log.keys.partitionOf(id) === partition;
    const affected = [...this.followed.values()].filter(({ stream }) => isOf(stream.id));
    const heads = await log.heads(
      affected.map(({ stream }) => stream),
      [],
    );
    for (const [i, known] of affected.entries()) {
      if (known.head === '' || known.head !== heads[i]?.id) this.doubtAll(known);
      else for (const subscriber of known.catchingUp) subscriber.doubt(known.head);
    }
    for (const followers of this.byUser.values()) for (const follower of followers) follower.lost(isOf);
    flusher.flush();
  }

  private doubtAll(known: Followed): void {
    const { head } = known;
    known.head = '';
    known.seq = 0;
    for (const subscriber of subscribersOf(known)) subscriber.doubt(head);
  }

  private deliver(deliveries: Map<Followed, Framed[]>): void {
    const isAlone = deliveries.size === 1;
    for (const [known, events] of deliveries) {
      // Who has caught up by these events goes over to the others, and must not get them again.
      const catchingUp = [...known.catchingUp];
      this.counts.frames += events.length * (known.live.size + catchingUp.filter(({ isCurrent }) => isCurrent).length);
      if (!events.every(isPlain)) for (const subscriber of known.live.values()) subscriber.deliver(events);
      else {
        const joined = events.length === 1 ? events[0]!.frame : Buffer.concat(events.map((e) => e.frame));
        // A single stream has nothing to be gathered with.
        if (isAlone) this.options.flusher.broadcast(known.live.keys(), joined);
        else for (const outbox of known.live.keys()) outbox.push(joined);
      }
      for (const subscriber of catchingUp) subscriber.deliver(events);
    }
    deliveries.clear();
  }
}

/** Somebody has all that came so far, and gets what comes at once. */
const isHeard = ({ live, catchingUp }: Followed): boolean =>
  live.size > 0 || [...catchingUp].some(({ isCurrent }) => isCurrent);

/** A list of its own, since whoever is called may go over from one kind to the other. */
const subscribersOf = ({ live, catchingUp }: Followed): Subscriber[] => [...live.values(), ...catchingUp];
