/**
 * The groups whose effect is something other than a view: a write in another slot, a push, a call to somebody's server. Owns the order of
 * each stream's events and what becomes of a failure. Where something is not there just now, the stream waits: its later events are
 * passed over, it is tried again with back-off, and then it goes on through its log. Where an event cannot be reacted to, its stream is
 * parked with the reason. Either way the other streams go on, and all that is kept is one field for each stream that stands still.
 */
import { eventId, idBeforeMs } from '../envelope.ts';
import type { Decode, RawEvent } from '../envelope.ts';
import { reasonOf } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import type { FeedEntry, Write } from '../log/consumer-group.ts';
import type { Warn } from '../log/connection.ts';
import { groupOf } from '../log/effects.ts';
import type { Reactor } from '../log/effects.ts';
import type { Log } from '../log/log.ts';
import type { Parked } from './fold.ts';
import type { Commit, GroupEffect, Gap, Outcome } from './partition.ts';
import { isSkipped } from './skipped.ts';
import { backOffMs, inTime, isPassing, sideBySide } from './trying.ts';
import { Worker } from './worker.ts';
import type { Duty, WorkerOptions } from './worker.ts';

export interface ReactingOptions {
  readonly log: Log;
  readonly decode: Decode;
  readonly warn: Warn;
}

/** Where a stream stands still in a reactor: at the first event that is not done. */
interface Standstill extends Parked {
  /** It waits for something that was not there; otherwise it is parked until a program starts that may know better. */
  readonly waits: boolean;
}

/** A stream that stands still, in memory. */
interface Stopped {
  readonly reactor: Reactor;
  readonly stream: StreamRef;
  standstill: Standstill;
  /** The last event that needs nothing more. */
  after: string;
  /** Tries in a row at the same event. */
  tries: number;
  dueAt: number;
}

/** Streams of a batch that are worked on side by side. */
const AT_ONCE = 16;
const PAGE = 100;

/** The group of all that begin with what happens from now on. */
export const TOGETHER = 'reactions';

/**
 * Two groups, since each further one reads every event again. What begins with all that ever happened makes good what a process that died
 * left undone: it reads seldom, since nobody waits for it.
 */
export function reactorWorkers(options: ReactingOptions & WorkerOptions, reactors: readonly Reactor[]): Worker[] {
  const ever = reactors.filter(({ since }) => since === 'beginning');
  const fromNow = reactors.filter(({ since }) => since === 'now');
  const name = groupOf(ever.map((reactor) => reactor.name));
  return [
    ...(ever.length > 0 ? [reactorWorker(options, { name, reads: 'seldom', reactors: ever })] : []),
    ...(fromNow.length > 0
      ? [reactorWorker(options, { name: TOGETHER, reads: 'now and then', reactors: fromNow })]
      : []),
  ];
}

/** Groups whose place must be kept before the first event: what happens from now on is for them, whenever their first worker comes. */
export const groupsFromNow = (reactors: readonly Reactor[]): string[] =>
  reactors.some(({ since }) => since === 'now') ? [TOGETHER] : [];

/** Reactors of one group, which all begin alike. */
export function reactorWorker(
  options: ReactingOptions & WorkerOptions,
  { name, reads, reactors }: Pick<Duty, 'name' | 'reads'> & { readonly reactors: readonly Reactor[] },
): Worker {
  return new Worker(options, {
    name,
    reads,
    since: reactors[0]!.since,
    effect: (partition) => new Reacting(options, reactors, options.log.keys.at(partition, 'parked')),
  });
}

export class Reacting implements GroupEffect {
  private readonly options: ReactingOptions;
  private readonly reactors: ReadonlyMap<string, Reactor>;
  private readonly parkedKey: string;
  /** By `<reactor> <stream kind> <stream id>`. */
  private stopped = new Map<string, Stopped>();

  constructor(options: ReactingOptions, reactors: readonly Reactor[], parkedKey: string) {
    this.options = options;
    this.reactors = new Map(reactors.map((reactor) => [reactor.name, reactor]));
    this.parkedKey = parkedKey;
  }

  /** Each gets one more try: a newer program may understand what an older one parked. */
  reset(parked: Readonly<Record<string, string>>): void {
    this.stopped = new Map();
    for (const [name, why] of Object.entries(parked)) {
      const [of, kind, id] = name.split(' ');
      const reactor = this.reactors.get(of!);
      if (!reactor) continue;
      const stream = { kind: kind as StreamRef['kind'], id: id! };
      this.stopped.set(name, { ...stoppedAt(reactor, stream, JSON.parse(why) as Standstill), dueAt: 0 });
    }
  }

  async apply(events: readonly RawEvent[], _strangers: readonly FeedEntry[], commit: Commit): Promise<Outcome> {
    const work = new Map<string, { reactor: Reactor; stream: StreamRef; events: RawEvent[] }>();
    for (const reactor of this.reactors.values()) {
      for (const event of await this.sifted(reactor, events)) {
        const { stream } = event;
        const name = nameOf(reactor, stream);
        const others = work.get(name);
        if (others) others.events.push(event);
        else work.set(name, { reactor, stream, events: [event] });
      }
    }
    const failed = new Map<string, Stopped>();
    await sideBySide(AT_ONCE, [...work], async ([name, { reactor, stream, events: mine }]) => {
      const standstill = await this.reactTo(reactor, mine);
      if (standstill) failed.set(name, stoppedAt(reactor, stream, standstill));
    });
    const outcome = await commit(
      'last',
      [...failed].map(([name, { standstill }]) => this.stop(name, standstill)),
    );
    if (outcome === 'ok') for (const [name, stopped] of failed) this.stopped.set(name, stopped);
    return outcome;
  }

  /** What a reactor is to be told of. */
  private async sifted(reactor: Reactor, events: readonly RawEvent[]): Promise<readonly RawEvent[]> {
    const own = events.filter(
      ({ type, stream }) => reactor.types.includes(type) && !this.stopped.has(nameOf(reactor, stream)),
    );
    if (own.length === 0 || !reactor.sift) return own;
    try {
      return await inTime(reactor.sift(own));
    } catch {
      // Whatever is wrong shows again where it can be said of a stream.
      return own;
    }
  }

  /** Only what happened within the gap: a reaction to what was reacted to long ago would come as a surprise. */
  async fill(stream: StreamRef, { after, upTo }: Gap, commit: Commit): Promise<void> {
    const from = idBeforeMs(eventId(after).ms);
    for await (const page of this.options.log.readAll(stream, from)) {
      const lost = page.filter(({ id }) => eventId(id).ms <= eventId(upTo).ms);
      if (lost.length > 0 && (await this.apply(lost, [], commit)) !== 'ok') return;
      if (lost.length < page.length) return;
    }
  }

  get isWaiting(): boolean {
    return this.stopped.size > 0;
  }

  async lookAgain(commit: Commit, alone: (task: () => Promise<void>) => Promise<void>): Promise<void> {
    const now = performance.now();
    const due = [...this.stopped].filter(([, { dueAt }]) => dueAt <= now);
    await sideBySide(AT_ONCE, due, async ([name, stopped]) => {
      const before = stopped.standstill;
      let isDone = await this.goOn(stopped);
      await alone(async () => {
        if (this.stopped.get(name) !== stopped) return;
        // What batches have passed over meanwhile is in the log by now, and no batch runs.
        isDone &&= await this.goOn(stopped);
        const { standstill } = stopped;
        const isNews = standstill.event_id !== before.event_id || standstill.waits !== before.waits;
        if (!isDone) {
          if (isNews) await commit('more', [this.stop(name, standstill)]);
          return;
        }
        const release = { command: 'HDEL', key: this.parkedKey, args: [name] };
        if ((await commit('more', [release])) === 'ok') this.stopped.delete(name);
      });
    });
  }

  /** Reacts to a stream's events from where it stands still on. True when the log's end is reached. */
  private async goOn(stopped: Stopped): Promise<boolean> {
    const { reactor, stream } = stopped;
    for (;;) {
      const page = await this.options.log.readAfter(stream, stopped.after, PAGE);
      const mine = page.filter(({ type }) => reactor.types.includes(type));
      const standstill = await this.reactTo(reactor, mine);
      if (standstill) {
        const tries = standstill.event_id === stopped.standstill.event_id ? stopped.tries + 1 : 1;
        Object.assign(stopped, stoppedAt(reactor, stream, standstill, tries));
        return false;
      }
      stopped.after = page.at(-1)?.id ?? stopped.after;
      if (page.length < PAGE) return true;
    }
  }

  /** Reacts to one stream's events in order, up to the first that fails. */
  private async reactTo(reactor: Reactor, events: readonly RawEvent[]): Promise<Standstill | undefined> {
    for (const raw of events) {
      try {
        await inTime(reactor.react(this.options.decode(raw), raw.stream));
      } catch (error) {
        if (!isPassing(error) && (await isSkipped(this.options.log, nameOf(reactor, raw.stream), raw))) continue;
        return { event_id: raw.id, type: raw.type, error: reasonOf(error), waits: isPassing(error) };
      }
    }
    return undefined;
  }

  private stop(name: string, standstill: Standstill): Write {
    const [of] = name.split(' ', 1);
    this.options.warn(`${of}: a stream ${standstill.waits ? 'waits' : 'is parked'}`, {
      stream: name.slice(of!.length + 1),
      ...standstill,
    });
    return { command: 'HSET', key: this.parkedKey, args: [name, JSON.stringify(standstill)] };
  }
}

const nameOf = ({ name }: Reactor, { kind, id }: StreamRef): string => `${name} ${kind} ${id}`;

function stoppedAt(reactor: Reactor, stream: StreamRef, standstill: Standstill, tries = 1): Stopped {
  const { ms, seq } = eventId(standstill.event_id);
  const dueAt = standstill.waits ? performance.now() + backOffMs(tries) : Infinity;
  return { reactor, stream, standstill, after: `${ms}-${seq - 1}`, tries, dueAt };
}
