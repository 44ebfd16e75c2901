/**
 * Every event of every log from some time on, and then what comes, for a reader who keeps the place and is served by any node. What is long
 * ago is read log by log; what is new comes from the feeds, a stretch of time after the other, across all partitions in the order of time.
 * Refuses to rest on the feeds: where one was trimmed within a stretch, the logs are read for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventId, eventOfEntry, idBeforeMs, START } from '../envelope.ts';
import type { RawEntry, RawEvent } from '../envelope.ts';
import { conversationStream, userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import { translated } from './connection.ts';
import { seqOf } from './log.ts';
import type { Log } from './log.ts';

/**
 * A reader has everything from before `from`, and of the logs of what came from then on and before `to`, in the order of their names, all
 * that comes up to this event of this one. `stream` is '' where that has not begun.
 */
export interface Place {
  readonly from: number;
  readonly to: number;
  /** `<kind> <id>` */
  readonly stream: string;
  readonly id: string;
}

/** Unix ms, inclusive. */
export const placeAt = (from: number): Place => ({ from, to: 0, stream: '', id: START });

export interface Stretch {
  readonly events: readonly RawEvent[];
  /** Where the reader stands who has all of them. */
  readonly place: Place;
}

const PAGE = 200;
/** How often the feeds are looked at. */
const LOOK_MS = 250;
/** What came longer ago is read from the logs; what came since is held at once. */
const LONGEST_MS = 10_000;
/** Where nothing comes, that much is said this often. */
const QUIET_MS = 15_000;

/** Of events that are wanted; goes on for ever. A stretch without events says that there are none just now. */
export async function* allEvents(
  log: Log,
  place: Place,
  isWanted: (event: RawEvent) => boolean,
): AsyncGenerator<Stretch> {
  let saidAt = -Infinity;
  for await (const stretch of stretches(log, place)) {
    const events = stretch.events.filter(isWanted);
    if (events.length === 0 && performance.now() - saidAt < QUIET_MS) continue;
    yield { ...stretch, events };
    saidAt = performance.now();
  }
}

async function* stretches(log: Log, place: Place): AsyncGenerator<Stretch> {
  if (place.to > 0) yield* oldEvents(log, place);
  const feeds = new Feeds(log);
  for (let from = place.to || place.from; ;) {
    const now = await present(log);
    const isLongAgo = now - from > LONGEST_MS;
    const events = isLongAgo ? undefined : await feeds.between(from, now);
    if (!events) {
      yield* oldEvents(log, { ...placeAt(from), to: now });
      await feeds.begin(now);
    } else yield { events, place: placeAt(Math.max(from, now)) };
    from = Math.max(from, now);
    await sleep(LOOK_MS);
  }
}

/** Of each log what came within the place's times, log by log. */
async function* oldEvents(log: Log, { from, to, stream: begun, id }: Place): AsyncGenerator<Stretch> {
  const first = begun === '' ? 0 : log.keys.partitionOf(streamOf(begun).id);
  for (let partition = first; partition < log.keys.partitions; partition += 1) {
    const names: string[] = [];
    for await (const { kind, id: of } of log.streams(partition)) names.push(`${kind} ${of}`);
    for (const name of names.toSorted()) {
      if (partition === first && name < begun) continue;
      const after = name === begun ? id : idBeforeMs(from);
      for await (const page of log.readAll(streamOf(name), after, PAGE)) {
        const events = page.filter((event) => eventId(event.id).ms < to);
        if (events.length > 0) yield { events, place: { from, to, stream: name, id: events.at(-1)!.id } };
        if (events.length < page.length) break;
      }
    }
  }
  yield { events: [], place: placeAt(to) };
}

/** The feeds from some time on. Their seqs have no hole, so what was cut off before it was read shows. */
class Feeds {
  private readonly log: Log;
  /** By partition, the seq of the last event before the time that is read next; undefined where that is not known. */
  private last: (number | undefined)[] = [];

  constructor(log: Log) {
    this.log = log;
  }

  /** Everything before this time is had. */
  async begin(from: number): Promise<void> {
    const { log } = this;
    const partitions = Array.from({ length: log.keys.partitions }, (_, partition) => partition);
    this.last = await Promise.all(
      partitions.map(async (partition) => {
        const feed = log.keys.at(partition, 'feed');
        const [before, first] = await Promise.all([
          log.connection.commands.xrevrange(feed, `(${from}-0`, '-', 'COUNT', 1),
          log.connection.commands.xrange(feed, `${from}-0`, '+', 'COUNT', 1),
        ]);
        if (before[0]) return seqOf(before[0][0]);
        if (first[0]) return seqOf(first[0][0]) === 1 ? 0 : undefined;
        const head = (await log.connection.commands.hget(log.keys.at(partition, 'feed_head'), 'id')) || START;
        return eventId(head).ms < from ? seqOf(head) : undefined;
      }),
    );
  }

  /** What came from one time on and before another, in the order of time; undefined where a feed does not have all of it any more. */
  async between(from: number, to: number): Promise<RawEvent[] | undefined> {
    if (this.last.length === 0) await this.begin(from);
    const { log, last } = this;
    if (last.includes(undefined)) return undefined;
    if (to <= from) return [];
    const found = await Promise.all(
      last.map((_, p) => log.connection.commands.xrangeBuffer(log.keys.at(p, 'feed'), `${from}-0`, idBeforeMs(to))),
    );
    const entries = found.flatMap((rows, partition) =>
      (rows as RawEntry[]).flatMap(([id, fields]) => {
        const event = eventOfEntry(fields);
        return event ? [{ partition, event, ...eventId(id.toString('latin1')) }] : [];
      }),
    );
    for (const { partition, seq } of entries) {
      if (seq !== last[partition]! + 1) return undefined;
      last[partition] = seq;
    }
    return entries.toSorted((a, b) => a.ms - b.ms).map(({ event }) => event);
  }
}

/** Unix ms by the clock of Redis; of a Cluster by that which is furthest behind: what is from before it is all there. */
async function present({ connection }: Log): Promise<number> {
  const clocks = await Promise.all(connection.masters().map((master) => translated(master.time())));
  return Math.min(...clocks.map(([seconds, micros]) => Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)));
}

function streamOf(name: string): StreamRef {
  const [kind, id = ''] = name.split(' ');
  return kind === 'user' ? userStream(id) : conversationStream(id);
}
