/**
 * Making views again, and proving them. A rebuild takes a partition's lease, so that its projector is fenced off meanwhile, clears the
 * view of each stream and folds the whole log into it. A proof folds every log in memory and compares it with what the view holds, and
 * recomputes every log's chain. Reads stay right all the while: a view that is not there is an empty one with a long tail.
 */
import { createHash } from 'node:crypto';
import { START } from '../envelope.ts';
import type { Decode, RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Expected, Write } from '../log/consumer-group.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import { Sheet, stepsOf, viewName } from '../views/projection.ts';
import type { Projection } from '../views/projection.ts';
import type { Views } from '../views/store.ts';
import { foldBatch, placeOf } from './fold.ts';
import type { FoldOptions } from './fold.ts';

export interface RebuildOptions extends FoldOptions {
  readonly groupName: string;
  /** Unique to this run. */
  readonly worker: string;
  readonly onProgress?: OnProgress;
}

/** Told after each log. */
export type OnProgress = (done: number, of: number) => void;

const PAGE = 1_000;
/** Most logs are short, and each costs a few round trips: what goes to Redis together is synced to its disk together. */
const STREAMS_AT_ONCE = 16;
/** The lease is renewed for every page; a run that dies gives the partition back after this. */
const LEASE_MS = 15_000;

/** Clears and refills the given projections everywhere. Answers how many events were folded. */
export async function rebuild(options: RebuildOptions): Promise<number> {
  const { keys } = options.log;
  const all = await everyStream(options.log);
  const parts = Array.from({ length: keys.partitions }, (): StreamRef[] => []);
  for (const stream of all) parts[keys.partitionOf(stream.id)]!.push(stream);
  let events = 0;
  let done = 0;
  const onStream = () => options.onProgress?.((done += 1), all.length);
  for (const [partition, streams] of parts.entries()) {
    if (streams.length > 0) events += await rebuildPartition(options, partition, streams, onStream);
  }
  return events;
}

/** One look at all keys: a look for each partition would go through all of them as often. */
async function everyStream(log: Log): Promise<StreamRef[]> {
  const found: StreamRef[] = [];
  for await (const stream of log.streams()) found.push(stream);
  return found;
}

async function rebuildPartition(
  options: RebuildOptions,
  partition: number,
  streams: readonly StreamRef[],
  onStream: () => void,
): Promise<number> {
  const group = new ConsumerGroup(options.log, options.groupName, options.worker);
  const fence = await group.seize(partition, LEASE_MS);
  const { checkpoint } = await group.open(partition);
  const write = async (writes: readonly Write[], expects: readonly Expected[] = []) => {
    const progress = { after: checkpoint, upTo: checkpoint, ids: [] };
    const outcome = await group.apply({ partition, fence, ...progress, expects, writes });
    if (outcome !== 'ok') throw new Error(`another rebuild took partition ${partition}`);
  };
  let count = 0;
  const waiting = streams.values();
  const takeTurns = async () => {
    for (const stream of waiting) {
      for await (const events of rebuildStream(options, stream, group.parkedKey(partition), write)) {
        count += events;
        await group.lease(partition, LEASE_MS);
      }
      onStream();
    }
  };
  try {
    await Promise.all(Array.from({ length: STREAMS_AT_ONCE }, takeTurns));
  } finally {
    await group.lease(partition, 0);
  }
  return count;
}

/** Clears the views of one stream and folds its log into them; says after each page how many events it was. */
async function* rebuildStream(
  options: RebuildOptions,
  stream: StreamRef,
  parkedKey: string,
  write: (writes: readonly Write[], expects?: readonly Expected[]) => Promise<void>,
): AsyncGenerator<number> {
  const { log, views } = options;
  const projections = options.projections.filter((p) => p.source === stream.kind);
  const places = projections.map((p) => placeOf(p, stream));
  const release = { command: 'HDEL', key: parkedKey, args: places };
  await write([...(places.length > 0 ? [release] : []), ...projections.flatMap((p) => views.clearing(p, stream))]);
  const known = new Map(places.map((place) => [place, START]));
  const parked = new Set<string>();
  for await (const page of log.readAll(stream, START, PAGE)) {
    const parts = await foldBatch({ ...options, projections }, page, known, (place) => parked.has(place));
    for (const part of parts) {
      known.set(part.place, part.applied);
      if (part.parked) parked.add(part.place);
      if (part.writes.length > 0) await write(part.writes, [part.expected]);
      if (part.parked) {
        await write([{ command: 'HSET', key: parkedKey, args: [part.place, JSON.stringify(part.parked)] }]);
      }
    }
    yield page.length;
  }
}

export interface Difference {
  readonly stream: StreamRef;
  readonly view: string;
  readonly reason: string;
}

/** Folds every log from its start and compares with the views, as far as each is applied; checks every chain. */
export async function verify(
  options: FoldOptions & { readonly onProgress?: OnProgress },
): Promise<{ streams: number; events: number; differences: Difference[] }> {
  const streams = await everyStream(options.log);
  const result = { streams: streams.length, events: 0, differences: [] as Difference[] };
  for (const [done, stream] of streams.entries()) {
    // The views first: what they hold is then in the log that is read after them, also while others write.
    const mine = options.projections.filter((p) => p.source === stream.kind);
    const dumps = await Promise.all(mine.map((projection) => options.views.dump(projection, stream)));
    const events: RawEvent[] = [];
    for await (const page of options.log.readAll(stream, START)) events.push(...page);
    result.events += events.length;
    const broken = await checkChain(options.log, stream);
    if (broken) result.differences.push({ stream, view: 'chain', reason: broken });
    for (const [i, projection] of mine.entries()) {
      const reason = compare(options.decode, projection, dumps[i]!, events);
      if (reason) result.differences.push({ stream, view: viewName(projection), reason });
    }
    options.onProgress?.(done + 1, streams.length);
  }
  return result;
}

function compare(
  decode: Decode,
  projection: Projection,
  dump: Awaited<ReturnType<Views['dump']>>,
  events: readonly RawEvent[],
): string | undefined {
  const upTo = seqOf(dump.applied);
  const sheet = new Sheet<object>();
  for (const event of events) if (event.seq <= upTo) sheet.apply(stepsOf(projection, event, decode));
  const expected = sheet.sorted().map(({ order, doc }) => `${order} ${canonical(doc)}`);
  const found = dump.docs.map(({ order, doc }) => `${order} ${canonical(doc)}`);
  if (expected.length !== found.length)
    return `the log makes ${expected.length} documents, the view has ${found.length}`;
  const at = expected.findIndex((text, i) => text !== found[i]);
  return at < 0 ? undefined : `the log makes ${expected[at]}, the view has ${found[at]}`;
}

/** JSON with sorted keys: what is compared is the content. */
function canonical(doc: object): string {
  return JSON.stringify(doc, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** Recomputes a log's digests and chain; the first entry that does not hold, or undefined. */
async function checkChain(log: Log, stream: StreamRef): Promise<string | undefined> {
  let chain = log.keys.of(stream, 'log');
  for await (const page of log.readProofs(stream)) {
    for (const { id, type, event, proof } of page) {
      const [salt, digest, link] = proof.split(' ');
      if (sha1(salt + event) !== digest) return `the event at ${id} is not the one that was appended`;
      chain = sha1(`${chain} ${id} ${type} ${digest}`);
      if (chain !== link) return `the chain breaks at ${id}`;
    }
  }
  return undefined;
}
