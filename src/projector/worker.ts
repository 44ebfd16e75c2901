/**
 * A worker of a consumer group: keeps its fair share of the partitions leased, reads their feeds and hands the entries to the partitions;
 * trims feeds to what every group has finished with. Any number of these run side by side. Refuses to know what the group does with
 * the events: that is the effect's, made anew for each partition that is taken.
 */
import type { Redis } from 'ioredis';
import { ChatError } from '../errors.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Since } from '../log/consumer-group.ts';
import type { Say, Warn } from '../log/connection.ts';
import { within } from '../log/deadline.ts';
import type { Log } from '../log/log.ts';
import { Partition } from './partition.ts';
import type { Effect } from './partition.ts';

export interface WorkerOptions {
  readonly log: Log;
  readonly warn: Warn;
  readonly info?: Say;
  /** Unique to this start of this process. */
  readonly worker: string;
  readonly batchSize: number;
  readonly leaseMs: number;
  /** What comes within this time of a read is one batch, unless there is more than fits one: nobody waits for us. */
  readonly gatherMs: number;
}

/** What a group is for. */
export interface Duty {
  /** The group's name. */
  readonly name: string;
  /** Where the group begins when it is new. */
  readonly since: Since;
  /** Woken by events over a connection that waits for them, or asking now and then, which costs less and is in nobody's way. */
  readonly reads: 'woken' | 'now and then';
  effect(partition: number): Effect;
  /** Trims the feeds; entries stay this long, for gateways, after every group is done with them. One group's workers do it for all. */
  readonly keepFeedMs?: number;
}

/** After an error a loop waits this long at first, doubling to the most: never a hot loop. */
const BACK_OFF_MS = { first: 1_000, most: 5_000 };
/** What waits for something that was not there looks this often whether its time has come. */
const LOOK_AGAIN_MS = 500;
const TRIM_SLICE = '1000';
/** A stop does not wait longer for what is in hand: it will be done again. */
const LAST_BATCH_MS = 3_000;

export class Worker {
  private readonly options: WorkerOptions;
  private readonly duty: Duty;
  private readonly group: ConsumerGroup;
  private readonly owned = new Map<number, Partition>();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly readers = new Set<Redis>();
  /** How many workers the group has, and which one of them this is. */
  private crew = { workers: 1, rank: 0 };
  /** How many partitions it last said to own. */
  private said = 0;

  constructor(options: WorkerOptions, duty: Duty) {
    this.options = options;
    this.duty = duty;
    this.group = new ConsumerGroup(options.log, duty.name, options.worker);
  }

  /**
   * Takes its share of the partitions and begins to read. Where the group is woken by events, resolves once the first share is worked up
   * to date; nobody waits for one that asks now and then.
   */
  async start(): Promise<void> {
    const { log, leaseMs } = this.options;
    const { keepFeedMs, reads } = this.duty;
    try {
      await this.renew();
      // Leases are renewed by a loop of their own: to bring a partition up to date may take longer than a lease lasts.
      this.loops.push(this.every(leaseMs / 3, () => this.renew()));
      if (reads === 'woken') await this.assign();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.loops.push(
      this.retrying(async () => {
        await this.assign();
        await this.pause(leaseMs / 3);
      }),
      this.every(LOOK_AGAIN_MS, () => this.lookAgain()),
    );
    if (keepFeedMs !== undefined) this.loops.push(this.every(keepFeedMs / 4, () => this.trim(keepFeedMs)));
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
    await within(LAST_BATCH_MS, Promise.all(this.loops), () => []);
    for (const partition of this.owned.values()) owned.add(partition);
    await Promise.allSettled([...owned].map((partition) => this.release(partition)));
    await this.enlist(0).catch(() => {});
  }

  /** Says that this worker lives, and keeps what it owns. */
  private async renew(): Promise<void> {
    this.crew = await this.enlist(this.options.leaseMs);
    const owned = [...this.owned.values()];
    const numbers = owned.map(({ number }) => number);
    const leases = await this.group.leases(numbers, this.options.leaseMs);
    for (const [i, partition] of owned.entries()) {
      const lease = leases[i];
      if (lease?.fence !== partition.fence || partition.isLost) this.drop(partition);
      else partition.lookAt(lease.head);
    }
    this.sayOwned();
  }

  /** Gives back what is over the fair share and takes what is free. */
  private async assign(): Promise<void> {
    const { partitions } = this.options.log.keys;
    const { workers, rank } = this.crew;
    const share = Math.ceil(partitions / workers);
    await Promise.all([...this.owned.values()].slice(share).map((partition) => this.release(partition)));
    for (let i = 0; i < partitions && this.owned.size < share; i += 1) {
      if (this.stopping.signal.aborted) return;
      const number = (i + rank * share) % partitions;
      if (!this.owned.has(number)) await this.take(number);
    }
    this.sayOwned();
  }

  /** What one worker loses another takes over, and both say so. */
  private sayOwned(): void {
    const { size } = this.owned;
    if (size === this.said) return;
    const { partitions } = this.options.log.keys;
    this.options.info?.(`${this.group.name}: owns ${size} of ${partitions} partitions`, { before: this.said });
    this.said = size;
  }

  private async take(number: number): Promise<void> {
    const lease = await this.group.lease(number, this.options.leaseMs);
    if (!lease) return;
    const { group, options, duty } = this;
    const partition = new Partition(
      { ...options, group, since: duty.since, effect: duty.effect(number) },
      number,
      lease.fence,
    );
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
      this.tell(error, { partition: partition.number });
    }
  }

  private drop(partition: Partition): void {
    partition.lose();
    if (this.owned.get(partition.number) === partition) this.owned.delete(partition.number);
  }

  private async release(partition: Partition): Promise<void> {
    this.drop(partition);
    await within(LAST_BATCH_MS, partition.idle(), () => {});
    await this.group.lease(partition.number, 0);
  }

  private async enlist(ttlMs: number): Promise<{ workers: number; rank: number }> {
    const args = { group: this.group.name, worker: this.options.worker, ttl: String(ttlMs) };
    const [, workers, rank] = await this.options.log.runAt('projector.enlist', 0, args);
    return { workers: Math.max(1, Number(workers)), rank: Number(rank) };
  }

  private async readLoop(candidates: readonly number[]): Promise<void> {
    const { log, batchSize, gatherMs } = this.options;
    const isWoken = this.duty.reads === 'woken';
    let client: Redis | undefined;
    await this.retrying(async () => {
      const mine = candidates.flatMap((n) => this.owned.get(n) ?? []).filter((p) => !p.isOpening && !p.isLost);
      try {
        for (const partition of mine) await this.apart(partition, () => partition.open());
        const open = mine.filter((partition) => !partition.isLost);
        if (open.length === 0) return await this.pause(100);
        const numbers = open.map(({ number }) => number);
        if (isWoken) client ??= await this.reader(log.keys.at(numbers[0]!, 'feed'));
        const entries = await (client
          ? this.group.read(client, numbers, batchSize)
          : this.group.readNow(numbers, batchSize));
        // One after the other, so that a node which also serves sockets is held up by no more than one batch at a time.
        for (const p of open) {
          const rows = entries.get(p.number);
          if (rows) await this.apart(p, () => p.work(rows));
        }
        const isBehind = [...entries.values()].some((rows) => rows.length === batchSize);
        if (!isBehind && (entries.size > 0 || !isWoken)) await this.pause(gatherMs);
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

  private async lookAgain(): Promise<void> {
    await Promise.all([...this.owned.values()].map((partition) => this.apart(partition, () => partition.lookAgain())));
  }

  private async trim(keepFeedMs: number): Promise<void> {
    for (const partition of this.owned.values()) {
      await this.apart(partition, async () => {
        for (let cut = Infinity; cut > Number(TRIM_SLICE) / 2 && !this.stopping.signal.aborted;) {
          const args = { keep: String(keepFeedMs), slice: TRIM_SLICE };
          cut = Number((await this.options.log.runAt('feed.trim', partition.number, args))[1]);
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
        this.tell(error);
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

  private tell(error: unknown, about: Record<string, unknown> = {}): void {
    const cause = error instanceof ChatError ? (error.cause as Error | undefined) : undefined;
    this.options.warn(`${this.group.name}: ${(cause ?? (error as Error)).message}`, about);
  }
}
