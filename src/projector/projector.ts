/**
 * A projector process: keeps its fair share of the partitions leased, reads their feeds as a consumer group and hands the entries to
 * their partitions; trims feeds to what every group has finished with. Any number of these run side by side. Refuses to know any
 * feature: projections and the writes for other slots arrive as arguments.
 */
import type { Redis } from 'ioredis';
import { ChatError } from '../errors.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Warn } from '../log/connection.ts';
import { Partition } from './partition.ts';
import type { PartitionOptions } from './partition.ts';

export interface ProjectorOptions extends Omit<PartitionOptions, 'group'> {
  readonly groupName: string;
  /** Unique to this start of this process. */
  readonly worker: string;
  readonly leaseMs: number;
  /** What comes within this time of a read is one batch, unless there is more than fits one: reads are right without us. */
  readonly gatherMs: number;
  /** How long feed entries stay for gateways after every group is done with them. */
  readonly keepFeedMs: number;
}

/** After an error a loop waits this long at first, doubling to the most: never a hot loop. */
const BACK_OFF_MS = { first: 1_000, most: 5_000 };
const TRIM_SLICE = '1000';
/** A quiet room's every message would else wake a projector, and the node that serves its sockets; a view lags by little more. */
export const GATHER_MS = 400;

export class Projector {
  private readonly options: ProjectorOptions;
  private readonly group: ConsumerGroup;
  private readonly owned = new Map<number, Partition>();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly readers = new Set<Redis>();
  private standing = { workers: 1, place: 0 };

  constructor(options: ProjectorOptions) {
    this.options = options;
    this.group = new ConsumerGroup(options.log, options.groupName, options.worker);
  }

  /** Takes its share of the partitions and begins to read. Resolves once the first share is worked up to date. */
  async start(): Promise<void> {
    const { log, leaseMs, keepFeedMs } = this.options;
    try {
      await this.renew();
      // Leases are renewed by a loop of their own: to bring a partition up to date may take longer than a lease lasts.
      this.loops.push(this.every(leaseMs / 3, () => this.renew()));
      await this.assign();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.loops.push(this.every(leaseMs / 3, () => this.assign()));
    this.loops.push(this.every(keepFeedMs / 4, () => this.trim()));
    const all = Array.from({ length: log.keys.partitions }, (_, i) => i);
    if (log.connection.isCluster) for (const p of all) this.loops.push(this.readLoop([p]));
    else this.loops.push(this.readLoop(all));
  }

  /** Finishes the batches in hand and gives the leases back. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const owned = new Set(this.owned.values());
    for (const partition of owned) partition.lose();
    for (const reader of this.readers) reader.disconnect();
    await Promise.allSettled(this.loops);
    for (const partition of this.owned.values()) owned.add(partition);
    await Promise.allSettled([...owned].map((partition) => this.release(partition)));
    await this.enlist(0).catch(() => {});
  }

  /** Says that this worker lives, and keeps what it owns. */
  private async renew(): Promise<void> {
    this.standing = await this.enlist(this.options.leaseMs);
    const owned = [...this.owned.values()];
    const numbers = owned.map(({ number }) => number);
    const leases = await this.group.leases(numbers, this.options.leaseMs);
    for (const [i, partition] of owned.entries()) {
      const lease = leases[i];
      if (lease?.fence !== partition.fence || partition.isLost) this.drop(partition);
      else partition.lookAt(lease.head);
    }
  }

  /** Gives back what is over the fair share and takes what is free. */
  private async assign(): Promise<void> {
    const { partitions } = this.options.log.keys;
    const { workers, place } = this.standing;
    const share = Math.ceil(partitions / workers);
    await Promise.all([...this.owned.values()].slice(share).map((partition) => this.release(partition)));
    for (let i = 0; i < partitions && this.owned.size < share; i += 1) {
      if (this.stopping.signal.aborted) return;
      const number = (i + place * share) % partitions;
      if (!this.owned.has(number)) await this.take(number);
    }
  }

  private async take(number: number): Promise<void> {
    const lease = await this.group.lease(number, this.options.leaseMs);
    if (!lease) return;
    const partition = new Partition({ ...this.options, group: this.group }, number, lease.fence);
    this.owned.set(number, partition);
    if (!this.stopping.signal.aborted) await this.apart(partition, () => partition.open());
  }

  /**
   * One partition's own trouble (a key of a wrong kind, say) holds up no other: it is let go, and taken again with the next share. Only
   * what is wrong with Redis itself is thrown.
   */
  private async apart(partition: Partition, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (error instanceof ChatError) throw error;
      this.drop(partition);
      tell(this.options.warn, error, { partition: partition.number });
    }
  }

  private drop(partition: Partition): void {
    partition.lose();
    if (this.owned.get(partition.number) === partition) this.owned.delete(partition.number);
  }

  private async release(partition: Partition): Promise<void> {
    this.drop(partition);
    await partition.idle();
    await this.group.lease(partition.number, 0);
  }

  private async enlist(ttlMs: number): Promise<{ workers: number; place: number }> {
    const args = { group: this.group.name, worker: this.options.worker, ttl: String(ttlMs) };
    const [, workers, place] = await this.options.log.runAt('projector.enlist', 0, args);
    return { workers: Math.max(1, Number(workers)), place: Number(place) };
  }

  private async readLoop(candidates: readonly number[]): Promise<void> {
    const { log, batchSize, gatherMs } = this.options;
    let client: Redis | undefined;
    await this.retrying(async () => {
      const mine = candidates.flatMap((n) => this.owned.get(n) ?? []).filter((p) => !p.isOpening && !p.isLost);
      try {
        for (const partition of mine) await this.apart(partition, () => partition.open());
        const open = mine.filter((partition) => !partition.isLost);
        if (open.length === 0) return await this.pause(100);
        const numbers = open.map(({ number }) => number);
        client ??= await this.reader(log.keys.at(numbers[0]!, 'feed'));
        const entries = await this.group.read(client, numbers, batchSize);
        // One after the other, so that a node which also serves sockets is held up by no more than one batch at a time.
        for (const p of open) {
          const rows = entries.get(p.number);
          if (rows) await this.apart(p, () => p.work(rows));
        }
        const isBehind = [...entries.values()].some((rows) => rows.length === batchSize);
        if (entries.size > 0 && !isBehind) await this.pause(gatherMs);
      } catch (error) {
        client?.disconnect();
        if (client) this.readers.delete(client);
        client = undefined;
        for (const partition of mine) partition.interrupt();
        throw error;
      }
    });
    client?.disconnect();
  }

  private async reader(key: string): Promise<Redis> {
    const client = await this.options.log.connection.forBlocking(key);
    this.readers.add(client);
    if (this.stopping.signal.aborted) client.disconnect();
    return client;
  }

  private async trim(): Promise<void> {
    const { log, keepFeedMs } = this.options;
    for (const partition of this.owned.values()) {
      await this.apart(partition, async () => {
        for (let cut = Infinity; cut > Number(TRIM_SLICE) / 2 && !this.stopping.signal.aborted;) {
          const args = { keep: String(keepFeedMs), slice: TRIM_SLICE };
          cut = Number((await log.runAt('feed.trim', partition.number, args))[1]);
        }
      });
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

function tell(warn: Warn, error: unknown, about: Record<string, unknown> = {}): void {
  const cause = error instanceof ChatError ? (error.cause as Error | undefined) : undefined;
  warn(`projector: ${(cause ?? (error as Error)).message}`, about);
}
