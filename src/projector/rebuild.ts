/**
 * Making views again. A rebuild takes a partition's lease, so that its projector is fenced off meanwhile, clears the view of each stream
 * and folds the whole log into it. Reads stay right all the while: a view that is not there is an empty one with a long backlog.
 */
import { START } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Expected, Write } from '../log/consumer-group.ts';
import type { Log } from '../log/log.ts';
import { foldBatch, laneOf } from './fold.ts';
import type { FoldOptions } from './fold.ts';
import { sideBySide } from './trying.ts';
import { noteOfComplete } from './versions.ts';

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
export async function everyStream(log: Log): Promise<StreamRef[]> {
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
    const progress = { after: checkpoint, upTo: checkpoint };
    const outcome = await group.apply({ partition, fence, ...progress, expects, writes });
    if (outcome !== 'ok') throw new Error(`another rebuild took partition ${partition}`);
  };
  let count = 0;
  try {
    await sideBySide(STREAMS_AT_ONCE, streams, async (stream) => {
      for await (const events of rebuildStream(options, stream, group.parkedKey(partition), write)) {
        count += events;
        await group.lease(partition, LEASE_MS);
      }
      onStream();
    });
    await write([noteOfComplete(options, partition)]);
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
  const lanes = projections.map((p) => laneOf(p, stream));
  const release = { command: 'HDEL', key: parkedKey, args: lanes };
  await write([
    ...(lanes.length > 0 ? [release] : []),
    ...projections.flatMap((p) => views.shape(p, stream).clearing()),
  ]);
  const known = new Map(lanes.map((lane) => [lane, START]));
  const parked = new Set<string>();
  for await (const page of log.readAll(stream, START, PAGE)) {
    const parts = await foldBatch({ ...options, projections }, page, known, (lane) => parked.has(lane));
    for (const part of parts) {
      known.set(part.lane, part.applied);
      if (part.parked) parked.add(part.lane);
      if (part.writes.length > 0) await write(part.writes, [part.expected]);
      if (part.parked) {
        await write([{ command: 'HSET', key: parkedKey, args: [part.lane, JSON.stringify(part.parked)] }]);
      }
    }
    yield page.length;
  }
}
