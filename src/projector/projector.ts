/**
 * A projector process: keeps its fair share of the partitions leased, reads their feeds as a consumer group and hands the entries to
 * their partitions; trims feeds to what every group has finished with. Any number of these run side by side. Refuses to know any
 * feature: projections and the writes for other slots arrive as arguments.
 */
import type { Redis } from 'ioredis';
import { ChatError } from '../errors.ts';
import { FeedGroup } from '../log/feed.ts';
import type { Warn } from '../log/connection.ts';
import { Partition } from './partition.ts';
import type { PartitionOptions } from './partition.ts';

export interface ProjectorOptions extends Omit<PartitionOptions, 'group'> {
  readonly groupName: string;
  /** Unique to this start of this process. */
  readonly worker: string;
  readonly leaseMs: number;
  /** How long feed entries stay for gateways after every group is done with them. */
  readonly keepFeedMs: number;
}

/** After an error a loop waits this long at first, doubling to the most: never a hot loop. */
const BACK_OFF_MS = { first: 250, most: 5_000 };
const GATHER_MS = 50;
const TRIM_SLICE = '1000';

export class Projector {
  private readonly options: ProjectorOptions;
  private readonly group: FeedGroup;
  private readonly owned = new Map<number, Partition>();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly readers = new Set<Redis>();

  constructor(options: ProjectorOptions) {
    this.options = options;
    this.group = new FeedGroup(options.log, options.groupName, options.worker);
  }

  /** Takes its share of the partitions and begins to read. Resolves once the first share is worked up to date. */
  async start(): Promise<void> {
    await this.assign();
    this.loops.push(this.every(this.options.leaseMs / 3, () => this.assign()));
    this.loops.push(this.every(this.options.keepFeedMs / 4, () => this.trim()));
    const all = Array.from({ length: this.options.log.keys.partitions }, (_, i) => i);
    if (this.options.log.connection.isCluster) for (const p of all) this.loops.push(this.readLoop([p]));
    else this.loops.push(this.readLoop(all));
  }

  /** Finishes the batches in hand and gives the leases back. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const reader of this.readers) reader.disconnect();
    await Promise.allSettled(this.loops);
    const owned = [...this.owned.values()];
    await Promise.allSettled(owned.map((partition) => partition.idle()));
    await Promise.allSettled(owned.map((partition) => this.release(partition)));
    await this.enlist(0).catch(() => {});
  }

  /** Renews what is owned, gives back what is over the fair share and takes what is free. */
  private async assign(): Promise<void> {
    const { log } = this.options;
    const { workers, place } = await this.enlist(this.options.leaseMs);
    const share = Math.ceil(log.keys.partitions / workers);
    const order = Array.from({ length: log.keys.partitions }, (_, i) => (i + place * share) % log.keys.partitions);
    await Promise.all(
      [...this.owned.values()].map(async (partition, i) => {
        if (i >= share) await this.release(partition);
        else if ((await this.group.lease(partition.number, this.options.leaseMs)) === undefined) this.drop(partition);
        else if (partition.isLost) this.owned.delete(partition.number);
      }),
    );
    for (const number of order) {
      if (this.owned.size >= share || this.stopping.signal.aborted) return;
      if (!this.owned.has(number)) await this.take(number);
    }
  }

  private async take(number: number): Promise<void> {
    const fence = await this.group.lease(number, this.options.leaseMs);
    if (fence === undefined) return;
    const partition = new Partition({ ...this.options, group: this.group }, number, fence);
    await partition.open();
    if (!partition.isLost) this.owned.set(number, partition);
  }

  private drop(partition: Partition): void {
    partition.lose();
    this.owned.delete(partition.number);
  }

  private async release(partition: Partition): Promise<void> {
    this.drop(partition);
    await partition.idle().catch(() => {});
    await this.group.lease(partition.number, 0);
  }

  private async enlist(ttlMs: number): Promise<{ workers: number; place: number }> {
    const args = { worker: this.options.worker, ttl: String(ttlMs) };
    const [, workers, place] = await this.options.log.runAt('projector.enlist', 0, args);
    return { workers: Math.max(1, Number(workers)), place: Number(place) };
  }

  private async readLoop(candidates: readonly number[]): Promise<void> {
    const { log, batchSize } = this.options;
    let client: Redis | undefined;
    await this.retrying(async () => {
      const mine = candidates.filter((number) => this.owned.has(number));
      if (mine.length === 0) return this.pause(100);
      try {
        for (const number of mine) await this.owned.get(number)?.ensureOpen();
        client ??= await this.reader(log.keys.at(mine[0]!, 'feed'));
        const entries = await this.group.read(client, mine, batchSize);
        const working = [...entries].map(async ([number, rows]) => this.owned.get(number)?.work(rows));
        // Reads are right without us, so a moment's gathering costs nobody anything and makes batches of single events.
        if (entries.size > 0) await this.pause(GATHER_MS);
        const failed = (await Promise.allSettled(working)).find((r) => r.status === 'rejected');
        if (failed) throw failed.reason;
      } catch (error) {
        client?.disconnect();
        if (client) this.readers.delete(client);
        client = undefined;
        for (const number of mine) this.owned.get(number)?.interrupt();
        throw error;
      }
    });
    client?.disconnect();
  }

  private async reader(key: string): Promise<Redis> {
    const client = await this.options.log.connection.forBlocking(key);
    this.readers.add(client);
    return client;
  }

  private async trim(): Promise<void> {
    const { log, keepFeedMs } = this.options;
    for (const number of this.owned.keys()) {
      for (;;) {
        const [, cut] = await log.runAt('feed.trim', number, { keep: String(keepFeedMs), slice: TRIM_SLICE });
        if (Number(cut) < Number(TRIM_SLICE) / 2 || this.stopping.signal.aborted) break;
      }
    }
  }

  private every(ms: number, task: () => Promise<void>): Promise<void> {
    return this.retrying(async () => {
      await this.pause(ms);
      if (!this.stopping.signal.aborted) await task();
    });
  }

  /** Repeats a turn until the stop; errors are told and waited out. */
  private async retrying(turn: () => Promise<void>): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted;) {
      try {
        await turn();
        failures = 0;
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        tell(this.options.warn, error);
        await this.pause(Math.min(BACK_OFF_MS.first * 2 ** failures, BACK_OFF_MS.most));
        failures += 1;
      }
    }
  }

  private pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}

function tell(warn: Warn, error: unknown): void {
  const cause = error instanceof ChatError ? (error.cause as Error | undefined) : undefined;
  warn(`projector: ${(cause ?? (error as Error)).message}`);
}
