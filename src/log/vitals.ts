/**
 * What operators watch of Redis and of the groups: whether each server answers and how fast, its memory and its file, how far each of our
 * groups is behind, how many streams stand still. Asked when somebody looks, in one write for all, with a deadline. Refuses to throw: what
 * does not answer is left out.
 */
import type { Redis } from 'ioredis';
import { within } from './deadline.ts';
import { NOBODY } from './guard.ts';
import { seqOf } from './log.ts';
import type { Log } from './log.ts';
import { infoFields } from './server-info.ts';

export interface ServerVitals {
  /** `host:port` of a Cluster's master; `redis` where there is one. */
  readonly server: string;
  /** Undefined where it does not answer. */
  readonly info: ServerInfo | undefined;
}

export interface ServerInfo {
  /** From the question to the answer. */
  readonly seconds: number;
  readonly memoryBytes: number;
  /** 0 is no limit. */
  readonly maxMemoryBytes: number;
  readonly clients: number;
  /** Writes to the append-only file that had to wait for the disk. */
  readonly delayedFsyncs: number;
  readonly isFileWritten: boolean;
}

export interface GroupVitals {
  /** Events that a group has yet to come to, in all partitions. */
  readonly lag: ReadonlyMap<string, number>;
  /** Streams that stand still, by the view or reactor. */
  readonly parked: ReadonlyMap<string, number>;
}

const WITHIN_MS = 1_500;

export async function serverVitals({ connection }: Pick<Log, 'connection'>): Promise<ServerVitals[]> {
  return Promise.all(
    connection.masters().map(async (master) => ({
      server: connection.isCluster ? `${master.options.host}:${master.options.port}` : 'redis',
      info: await within(WITHIN_MS, infoOf(master), () => undefined),
    })),
  );
}

/** Undefined where Redis does not answer. */
export async function groupVitals(log: Log): Promise<GroupVitals | undefined> {
  const all = Array.from({ length: log.keys.partitions }, (_, partition) => standing(log, partition));
  const asked = Promise.all(all).catch(() => undefined);
  const partitions = await within(WITHIN_MS, asked, () => undefined);
  if (!partitions) return undefined;
  const [lag, parked] = [new Map<string, number>(), new Map<string, number>()];
  for (const partition of partitions) {
    for (const [group, behind] of partition.lag) lag.set(group, (lag.get(group) ?? 0) + behind);
    for (const by of partition.parked) parked.set(by, (parked.get(by) ?? 0) + 1);
  }
  return { lag, parked };
}

async function standing(log: Log, partition: number): Promise<{ lag: [string, number][]; parked: string[] }> {
  const [{ head, checkpoints }, parked] = await Promise.all([
    log.progress(partition),
    log.connection.commands.hkeys(log.keys.at(partition, 'parked')),
  ]);
  return {
    lag: Object.entries(checkpoints).map(([group, at]) => [group, Math.max(0, seqOf(head) - seqOf(at))]),
    parked: parked.filter((name) => name !== NOBODY).map((name) => name.split(' ', 1)[0]!),
  };
}

async function infoOf(master: Redis): Promise<ServerInfo | undefined> {
  const since = performance.now();
  const text = await master.info('memory', 'clients', 'persistence').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = infoFields(text);
  return {
    seconds: (performance.now() - since) / 1_000,
    memoryBytes: Number(fields.get('used_memory')),
    maxMemoryBytes: Number(fields.get('maxmemory')),
    clients: Number(fields.get('connected_clients')),
    delayedFsyncs: Number(fields.get('aof_delayed_fsync') ?? 0),
    isFileWritten: fields.get('aof_last_write_status') === 'ok',
  };
}
