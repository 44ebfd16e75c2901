/**
 * Which sessions follow which streams on this node, and the way from the tail to them. Frames are built once per event; what a batch
 * brings of one stream is joined once and the same bytes go to every session. Owns the head of every followed stream, so that a
 * thousand reconnects need not ask Redis where it stands. Refuses features: what an event means for membership arrives as a function.
 */
import { START } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import type { Signal } from '../log/signals.ts';
import type { Log } from '../log/log.ts';
import { frameFor, framed } from './frames.ts';
import type { Framed, WithheldFrom } from './frames.ts';
import { textFrame } from './outbox.ts';
import type { Flusher, Outbox } from './outbox.ts';
import { Watching } from './watching.ts';

/** What happens to sessions because of an event, beyond its delivery. */
export type Effect =
  | {
      readonly kind: 'joined';
      readonly userId: string;
      readonly conversationId: string;
      /** The event itself, where it is of the conversation: the session begins with it. */
      readonly begins?: Framed | undefined;
    }
  | {
      readonly kind: 'left';
      readonly userId: string;
      readonly conversationId: string;
      /** Seq of the event, the last one for this user. */
      readonly ends?: number;
    }
  | { readonly kind: 'session_ended'; readonly userId: string; readonly sessionId: string };

/** What a session is told about its user. */
export interface Follower {
  readonly userId: string;
  effect(effect: Effect): void;
}

/** One session's side of one stream. It begins as one that catches up, and says by `flows` and `holds` when that changes. */
export interface Subscriber {
  readonly stream: StreamRef;
  readonly userId: string;
  readonly outbox: Outbox;
  /** Events that the tail brings while it catches up. */
  deliver(events: readonly Framed[]): void;
  /** The tail lost its place: go on from this event of the stream by the log. */
  resync(from: string): void;
  /** The same where nobody knows from where. */
  restart(): void;
}

interface Followed {
  readonly stream: StreamRef;
  /** Those who have all that came, by their outboxes: with many of them the time goes into fetching objects from memory. */
  readonly live: Map<Outbox, Subscriber>;
  readonly catchingUp: Set<Subscriber>;
  /** Id of the last event that the tail brought, or up to which a session read the log; '' while neither is known. */
  head: string;
}

export interface FanoutOptions {
  readonly log: Pick<Log, 'keys' | 'heads' | 'readAfter' | 'readFromCursor' | 'idAtSeq'>;
  readonly effectsOf: (event: RawEvent) => Effect[];
  readonly flusher: Flusher;
  /** Types of a user's events that others may see who watch the user; none when absent. */
  readonly isPublic?: (type: string) => boolean;
  readonly withheldFrom?: WithheldFrom;
}

export const keyOf = (stream: StreamRef): string => stream.kind + stream.id;

export class Fanout {
  readonly watching: Watching;
  private readonly options: FanoutOptions;
  private readonly followed = new Map<string, Followed>();
  private readonly byUser = new Map<string, Set<Follower>>();
  private readonly reads = new Map<string, Promise<Framed[] | undefined>>();

  constructor(options: FanoutOptions) {
    this.options = options;
    this.watching = new Watching(options.isPublic ?? (() => false));
  }

  /** Streams followed now. */
  get size(): number {
    return this.followed.size;
  }

  /** Effects for this user reach the follower from now on. */
  add(follower: Follower): void {
    addTo(this.byUser, follower.userId, follower);
  }

  remove(follower: Follower): void {
    removeFrom(this.byUser, follower.userId, follower);
  }

  follow(subscriber: Subscriber): void {
    const { stream } = subscriber;
    const key = keyOf(stream);
    const known = this.followed.get(key);
    if (known) known.catchingUp.add(subscriber);
    else this.followed.set(key, { stream, live: new Map(), catchingUp: new Set([subscriber]), head: '' });
  }

  /** It has everything: what comes is written to its socket. */
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
    known.live.delete(subscriber.outbox);
    known.catchingUp.delete(subscriber);
    if (known.live.size + known.catchingUp.size === 0) this.followed.delete(key);
  }

  /** Seq of the last event of a followed stream that is known here; 0 when none is. */
  headSeq(stream: StreamRef): number {
    return seqOf(this.followed.get(keyOf(stream))?.head ?? '');
  }

  /**
   * A session stands at this event, so what the tail still brings up to it is old. A subscriber that stands further back must not go
   * live before it has caught up with `headSeq`.
   */
  learnHead(stream: StreamRef, id: string): void {
    const known = this.followed.get(keyOf(stream));
    if (known && known.head === '') known.head = id;
  }

  /**
   * The log does not have the head that is believed here: a restored Redis, and the tail has not noticed yet. Every subscriber stands on
   * what is no more, so each is brought up from the log and told; a head that was only forgotten would let a new one hide the loss.
   */
  async correctHead(stream: StreamRef): Promise<void> {
    const known = this.followed.get(keyOf(stream));
    if (!known) return;
    const from = known.head;
    const head = await this.headInLog(stream);
    if (known.head !== from || head === from) return;
    known.head = head;
    this.resync(known, from);
  }

  /** A page of a stream's log after a cursor, framed; undefined for a cursor that the log does not know. Equal reads under way are one. */
  read(stream: StreamRef, cursor: string, count: number): Promise<Framed[] | undefined> {
    const name = `${keyOf(stream)} ${cursor} ${count}`;
    const under = this.reads.get(name);
    if (under) return under;
    const reading = this.options.log
      .readFromCursor(stream, cursor, count)
      .then((events) => events?.map((event) => this.framed(event)))
      .finally(() => this.reads.delete(name));
    this.reads.set(name, reading);
    return reading;
  }

  /** Id of a stream's last event, as the log has it now. */
  async headInLog(stream: StreamRef): Promise<string> {
    return (await this.options.log.heads([stream], []))[0]?.id ?? START;
  }

  /** Id of the event at a seq, looked for from the end. */
  idAtSeq(stream: StreamRef, seq: number): Promise<string> {
    return this.options.log.idAtSeq(stream, seq);
  }

  /** What the tail brings: events of one partition, in their order. */
  take(events: readonly RawEvent[]): void {
    const deliveries = new Map<Followed, Framed[]>();
    for (const event of events) {
      const known = this.followed.get(keyOf(event.stream));
      const last = known ? seqOf(known.head) : Infinity;
      if (known && event.seq > last) {
        if (known.head !== '' && event.seq !== last + 1) this.resync(known, known.head);
        const list = deliveries.get(known);
        if (list) list.push(this.framed(event));
        else deliveries.set(known, [this.framed(event)]);
        known.head = event.id;
      }
      this.watching.take(event, () => this.framed(event));
      const effects = this.options.effectsOf(event);
      if (effects.length === 0) continue;
      // Who leaves by this event still gets it, and who joins by it begins with it: what came so far goes out first.
      this.deliver(deliveries);
      for (const effect of effects) this.tell(effect, event);
    }
    this.deliver(deliveries);
    this.options.flusher.flush();
  }

  /** To the sockets that are live on the stream and those that watch its user; who catches up does without. */
  signal({ stream, actorId, json }: Signal): void {
    const frame = textFrame(json);
    const watchers = stream.kind === 'user' ? this.watching.of(stream.id) : [];
    for (const others of [this.followed.get(keyOf(stream))?.live.values() ?? [], watchers]) {
      for (const { userId, outbox } of others) if (userId !== actorId) outbox.push(frame);
    }
  }

  /**
   * The feed was cut behind the tail: streams whose head moved are brought up from the logs, session by session. What the lost events
   * meant for who is in is made up for first, so that nobody is sent what came after they were taken out.
   */
  async lost(partition: number): Promise<void> {
    const { log } = this.options;
    const affected = [...this.followed.values()].filter(({ stream }) => log.keys.partitionOf(stream.id) === partition);
    const heads = await log.heads(
      affected.map(({ stream }) => stream),
      [],
    );
    for (const [i, known] of affected.entries()) {
      const head = heads[i]?.id ?? '';
      if (known.head === '') for (const subscriber of subscribersOf(known)) subscriber.restart();
      else if (head !== known.head) await this.makeUp(known, head);
    }
    this.options.flusher.flush();
  }

  private async makeUp(known: Followed, head: string): Promise<void> {
    const from = known.head;
    const missed: RawEvent[] = [];
    for (let page = await this.options.log.readFromCursor(known.stream, from); page && page.length > 0;) {
      missed.push(...page.filter((event) => this.options.effectsOf(event).length > 0));
      page = await this.options.log.readAfter(known.stream, page.at(-1)!.id);
    }
    // It may also be lower than it was, in a restored Redis: the next event of the tail must not be taken for an old one.
    known.head = head;
    this.resync(known, from);
    for (const event of missed) for (const effect of this.options.effectsOf(event)) this.tell(effect, event);
  }

  private tell(effect: Effect, event: RawEvent): void {
    const followers = this.byUser.get(effect.userId);
    if (!followers) return;
    const isOwn = effect.kind !== 'session_ended' && event.stream.id === effect.conversationId;
    let whole = effect;
    if (effect.kind === 'joined' && isOwn) whole = { ...effect, begins: this.framed(event) };
    else if (effect.kind === 'left' && isOwn) whole = { ...effect, ends: event.seq };
    for (const follower of followers) follower.effect(whole);
  }

  private framed(event: RawEvent): Framed {
    return framed(event, this.options.withheldFrom);
  }

  private deliver(deliveries: Map<Followed, Framed[]>): void {
    const isAlone = deliveries.size === 1;
    for (const [{ live, catchingUp }, events] of deliveries) {
      if (events.some(({ withheld }) => withheld)) {
        for (const { outbox, userId } of live.values()) for (const e of events) outbox.push(frameFor(e, userId));
        for (const subscriber of catchingUp) subscriber.deliver(events);
        continue;
      }
      const joined = events.length === 1 ? events[0]!.frame : Buffer.concat(events.map((e) => e.frame));
      // A single stream has nothing to be gathered with.
      if (isAlone) this.options.flusher.broadcast(live.keys(), joined);
      else for (const outbox of live.keys()) outbox.push(joined);
      // Last, because who has caught up by these events goes over to the others.
      for (const subscriber of catchingUp) subscriber.deliver(events);
    }
    deliveries.clear();
  }

  private resync(known: Followed, from: string): void {
    for (const subscriber of subscribersOf(known)) subscriber.resync(from);
  }
}

/** A list of its own, since whoever is called may go over from one kind to the other. */
const subscribersOf = ({ live, catchingUp }: Followed): Subscriber[] => [...live.values(), ...catchingUp];

function addTo<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  set?.delete(value);
  if (set?.size === 0) map.delete(key);
}
