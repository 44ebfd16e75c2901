/**
 * A worker of a consumer group: reads the feeds of its share of the partitions and hands the entries to them; trims feeds to what every
 * group has finished with. Any number of these run side by side. Refuses to know what the group does with the events: that is the
 * effect's, made anew for each partition that is taken.
 */
import type { Redis } from 'ioredis';
import { ChatError, reasonOf } from '../errors.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { FeedEntry, Since } from '../log/consumer-group.ts';
import type { Say, Warn } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import { Loops } from './loops.ts';
import { Partition } from './partition.ts';
import type { GroupEffect } from './partition.ts';
import { Share } from './share.ts';

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
  /** Woken by events over a connection that waits for them, or asking now and then or seldom, which costs less and is in nobody's way. */
  readonly reads: 'woken' | 'now and then' | 'seldom';
  effect(partition: number): GroupEffect;
  /** Trims the feeds; entries stay this long, for gateways, after every group is done with them. One group's workers do it for all. */
  readonly keepFeedMs?: number;
}

/** What waits for something that was not there looks this often whether its time has come. */
const LOOK_AGAIN_MS = 500;
const TRIM_SLICE = '1000';
/** What a consumer outside of the server has not come to is kept in the feeds for so long. */
const CONSUMER_PATIENCE_MS = 3_600_000;
/** A group that no worker has had a lease of for so long is one that an older program left behind. */
const IDLE_MS = 7 * 86_400_000;
/** How long each gathers, as a multiple of `gatherMs`. Whoever waits for a notification waits for what asks now and then. */
const GATHERS = { woken: 1, 'now and then': 0.4, seldom: 5 } as const;

export class Worker {
  private readonly options: WorkerOptions;
  private readonly duty: Duty;
  private readonly group: ConsumerGroup;
  private readonly share: Share<Partition>;
  private readonly loops = new Loops((error) => this.tell(error));
  private readonly readers = new Set<Redis>();

  constructor(options: WorkerOptions, duty: Duty) {
    const { log, worker, leaseMs, info } = options;
    const { name, since } = duty;
    this.options = options;
    this.duty = duty;
    const group = new ConsumerGroup(log, name, worker);
    this.group = group;
    const hold = (number: number, fence: string) =>
      new Partition({ ...options, group, since, effect: duty.effect(number) }, number, fence);
    this.share = new Share({ group, partitions: log.keys.partitions, leaseMs, hold, info });
  }

  /**
   * Takes its share of the partitions and begins to read. Where the group is woken by events, resolves once the first share is worked up
   * to date; nobody waits for one that asks now and then.
   */
  async start(): Promise<void> {
    const { log, leaseMs } = this.options;
    const { keepFeedMs, reads } = this.duty;
    try {
      await this.share.renew();
      // Leases are renewed by a loop of their own: to bring a partition up to date may take longer than a lease lasts.
      this.loops.every(leaseMs / 3, () => this.share.renew());
      if (reads === 'woken') await this.assign();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.loops.repeat(async () => {
      await this.assign();
      await this.loops.pause(leaseMs / 3);
    });
    this.loops.every(LOOK_AGAIN_MS, () => this.lookAgain());
    if (keepFeedMs !== undefined) this.loops.every(keepFeedMs / 4, () => this.trim(keepFeedMs));
    const all = Array.from({ length: log.keys.partitions }, (_, i) => i);
    if (log.connection.isCluster) for (const p of all) this.read([p]);
    else this.read(all);
  }

  /** Finishes the batches in hand and gives the leases back. */
  async stop(): Promise<void> {
    this.share.lose();
    const stopped = this.loops.stop();
    for (const reader of this.readers) reader.disconnect();
    await stopped;
    await this.share.leave();
  }

  private assign(): Promise<void> {
    return this.share.assign((partition) => this.apart(partition, () => partition.open()));
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
      this.share.drop(partition);
      this.tell(error, { partition: partition.number });
    }
  }

  /** Reads those of the candidates that are held, over and over. */
  private read(candidates: readonly number[]): void {
    const { log, batchSize } = this.options;
    const { reads } = this.duty;
    const gatherMs = this.options.gatherMs * GATHERS[reads];
    const isWoken = reads === 'woken';
    let client: Redis | undefined;
    this.loops.repeat(async () => {
      const mine = candidates.flatMap((n) => this.share.held.get(n) ?? []).filter((p) => !p.isOpening && !p.isLost);
      try {
        for (const partition of mine) await this.apart(partition, () => partition.open());
        const open = mine.filter((partition) => !partition.isLost);
        if (open.length === 0) return await this.loops.pause(100);
        const numbers = open.map(({ number }) => number);
        if (isWoken) client ??= await this.reader(log.keys.at(numbers[0]!, 'feed'));
        const entries = await (client
          ? this.group.read(client, numbers, batchSize)
          : this.group.readNow(numbers, batchSize));
        for (const partition of open) if (!entries.has(partition.number)) partition.gotNothing();
        for (const some of batchesOf(open, entries, batchSize)) await this.work(some);
        const isBehind = [...entries.values()].some((rows) => rows.length === batchSize);
        if (!isBehind && (entries.size > 0 || !isWoken)) await this.loops.pause(gatherMs);
      } catch (error) {
        client?.disconnect();
        if (client) this.readers.delete(client);
        client = undefined;
        for (const partition of mine) partition.interrupt();
        throw error;
      }
    });
  }

  /** Side by side: what many partitions have to write leaves together, and a Redis that writes to its disk each time does so once for all. */
  private async work(some: readonly Work[]): Promise<void> {
    const done = await Promise.allSettled(
      some.map(({ partition, entries }) => this.apart(partition, () => partition.work(entries))),
    );
    const failed = done.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async reader(key: string): Promise<Redis> {
    const client = await this.options.log.connection.forBlocking(key);
    this.readers.add(client);
    if (this.loops.areStopping) client.disconnect();
    return client;
  }

  private async lookAgain(): Promise<void> {
    const waiting = [...this.share.held.values()].filter(({ isWaiting }) => isWaiting);
    await Promise.all(waiting.map((partition) => this.apart(partition, () => partition.lookAgain())));
  }

  private async trim(keepFeedMs: number): Promise<void> {
    for (const partition of this.share.held.values()) {
      await this.apart(partition, async () => {
        for (let cut = Infinity; cut > Number(TRIM_SLICE) / 2 && !this.loops.areStopping;) {
          const bounds = { patience: String(CONSUMER_PATIENCE_MS), idle: String(IDLE_MS) };
          const args = { keep: String(keepFeedMs), ...bounds, slice: TRIM_SLICE };
          cut = Number((await this.options.log.runAt('feed.trim', partition.number, args))[1]);
        }
      });
    }
  }

  private tell(error: unknown, about: Record<string, unknown> = {}): void {
    this.options.warn(`${this.group.name}: ${reasonOf(error)}`, about);
  }
}

/** New entries of one partition. */
interface Work {
  readonly partition: Partition;
  readonly entries: readonly FeedEntry[];
}

/**
 * What was read, in parts that together are about one batch: a node which also serves sockets is held up by no more than that at a time. What
 * fills a batch alone comes alone.
 */
function batchesOf(
  partitions: readonly Partition[],
  found: ReadonlyMap<number, readonly FeedEntry[]>,
  size: number,
): Work[][] {
  const batches: Work[][] = [];
  let room = 0;
  for (const partition of partitions) {
    const entries = found.get(partition.number);
    if (!entries) continue;
    if (entries.length > room) {
      batches.push([]);
      room = size;
    }
    room -= entries.length;
    batches.at(-1)!.push({ partition, entries });
  }
  return batches;
}
