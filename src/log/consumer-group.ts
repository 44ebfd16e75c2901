/**
 * A consumer group's side of the feeds: making the group, reading its entries, and the lease and apply scripts. Owns every stream command
 * that projectors need. The truth of progress is the checkpoint beside the read models, so the group keeps no list of what was given and
 * not acknowledged, which would cost Redis a line of its file for every entry and could be rolled back by a failover all the same: whoever
 * takes a partition, or had trouble, reads on from the checkpoint.
 */
import type { Redis } from 'ioredis';
import { eventOfEntry } from '../envelope.ts';
import type { RawEntry, RawEvent } from '../envelope.ts';
import { FeedRead } from './feed-read.ts';
import { NOBODY } from './guard.ts';
import type { Log } from './log.ts';

/** An entry of a feed. `event` is undefined for what is not an event of ours. */
export interface FeedEntry {
  readonly id: string;
  readonly event: RawEvent | undefined;
}

/** One Redis command to be carried out by the apply script. */
export interface Write {
  readonly command: string;
  readonly key: string;
  readonly args: readonly string[];
}

/** A hash field that must be as it was when the writes were worked out; '' where it was not there. */
export interface Expected {
  readonly key: string;
  readonly field: string;
  readonly value: string;
  /** What it is set to; absent where it stays, or the writes set it. */
  readonly becomes?: string | undefined;
}

export interface Batch {
  readonly partition: number;
  readonly fence: string;
  /** The checkpoint that the batch continues, and the one after it. */
  readonly after: string;
  readonly upTo: string;
  readonly expects?: readonly Expected[];
  readonly writes: readonly Write[];
}

/** What a worker holds a partition by: its fencing token; and where the feed ends. */
export interface Lease {
  readonly fence: string;
  readonly head: string;
}

/** Where a group that is new begins: with all that ever happened, or with what happens from now on. */
export type Since = 'beginning' | 'now';

/** What the names of groups begin with that programs outside of the server have. */
export const CONSUMER = 'consumer:';

export class ConsumerGroup {
  readonly name: string;
  readonly worker: string;
  private readonly log: Log;
  /** The last read, which on a single Redis is mostly the next one too. */
  private reading: { of: string; read: FeedRead } | undefined;

  constructor(log: Log, name: string, worker: string) {
    this.log = log;
    this.name = name;
    this.worker = worker;
  }

  /** Says that this worker lives, for so long; a ttl of 0 takes leave. Answers how many of the group do, and this one's rank among them. */
  async enlist(ttlMs: number): Promise<{ workers: number; rank: number }> {
    const args = { group: this.name, worker: this.worker, ttl: String(ttlMs) };
    const [, workers, rank] = await this.log.runAt('projector.enlist', 0, args);
    return { workers: Math.max(1, Number(workers)), rank: Number(rank) };
  }

  /** Takes or renews the lease; a ttl of 0 gives it back. Undefined while another worker holds it. */
  async lease(partition: number, ttlMs: number): Promise<Lease | undefined> {
    return (await this.leases([partition], ttlMs))[0];
  }

  /** The same for many partitions; one call for all on one Redis. */
  async leases(partitions: readonly number[], ttlMs: number): Promise<(Lease | undefined)[]> {
    const { connection, keys } = this.log;
    const args = { group: this.name, worker: this.worker, ttl: String(ttlMs) };
    const calls = connection.isCluster ? partitions.map((partition) => [partition]) : [partitions];
    const replies = await Promise.all(
      calls.map(async ([first, ...others]) => {
        if (first === undefined) return [];
        const leasesAndHeads = [first, ...others].flatMap((p) => [keys.at(p, 'leases'), keys.at(p, 'feed_head')]);
        return (await this.log.runAt('projector.lease', first, args, leasesAndHeads)).slice(1).map(String);
      }),
    );
    const answers = replies.flat();
    return partitions.map((_, i) => {
      const [fence, head] = [answers[2 * i]!, answers[2 * i + 1]!];
      return fence === '' ? undefined : { fence, head };
    });
  }

  /** Takes the lease whoever holds it. */
  async seize(partition: number, ttlMs: number): Promise<string> {
    const args = { group: this.name, worker: this.worker, ttl: String(ttlMs) };
    return String((await this.log.runAt('projector.seize', partition, args))[1]);
  }

  /** Makes the group at its checkpoint where it is missing, and forgets consumers of workers that are gone. */
  async open(partition: number, since: Since = 'beginning'): Promise<{ checkpoint: string; head: string }> {
    const args = { group: this.name, worker: this.worker, since };
    const [, checkpoint, head] = await this.log.runAt('projector.open', partition, args);
    return { checkpoint: String(checkpoint), head: String(head) };
  }

  /** Moves the group to its checkpoint, so that what lies after it is delivered again. */
  async rewind(partition: number, checkpoint: string): Promise<void> {
    await this.log.connection.commands.xgroup('SETID', this.feed(partition), this.name, checkpoint);
  }

  /** New entries of the partitions for this worker; blocks for up to `BLOCK_MS`. One call for all on one Redis. */
  async read(client: Redis, partitions: readonly number[], count: number): Promise<Map<number, FeedEntry[]>> {
    const of = `${count} of ${partitions.join(' ')}`;
    if (this.reading?.of !== of) {
      const keys = partitions.map((p) => this.feed(p));
      this.reading = { of, read: new FeedRead(this.name, this.worker, count, keys) };
    }
    const brought = await this.reading.read.send(client);
    return new Map(brought.map(([i, rows]) => [partitions[i]!, rows.map(toEntry)]));
  }

  /** The same without waiting. */
  async readNow(partitions: readonly number[], count: number): Promise<Map<number, FeedEntry[]>> {
    const keys = partitions.map((p) => this.feed(p));
    const from = ['GROUP', this.name, this.worker, 'COUNT', String(count), 'NOACK', 'STREAMS'];
    const words = [...from, ...keys, ...keys.map(() => '>')];
    const reply = await this.log.connection.commands.callBuffer('xreadgroup', words);
    const brought = (reply ?? []) as [Buffer, RawEntry[]][];
    return new Map(brought.map(([key, rows]) => [partitions[keys.indexOf(key.toString())]!, rows.map(toEntry)]));
  }

  /** Entries after a checkpoint, outside of the group's own bookkeeping. */
  async after(partition: number, checkpoint: string, count: number): Promise<FeedEntry[]> {
    const rows = await this.log.connection.commands.xrangeBuffer(
      this.feed(partition),
      `(${checkpoint}`,
      '+',
      'COUNT',
      count,
    );
    return (rows as RawEntry[]).map(toEntry);
  }

  /**
   * Writes and checkpoint in one script. `fenced`: another worker has the lease; `elsewhere`: the checkpoint is not
   * where the batch begins, or a view is not what the writes continue. Both wrote nothing.
   */
  async apply(batch: Batch): Promise<'ok' | 'fenced' | 'elsewhere'> {
    const { partition, fence, after, upTo } = batch;
    const { keys, list } = this.listed(batch);
    const args = { group: this.name, worker: this.worker, fence, after, up_to: upTo, rest: list };
    const [status] = await this.log.runAt('projector.apply', partition, args, keys);
    return status as 'ok' | 'fenced' | 'elsewhere';
  }

  /** Writes under a lease of a group that follows no feed: no checkpoint moves. */
  async build(batch: Omit<Batch, 'after' | 'upTo'>): Promise<'ok' | 'fenced' | 'elsewhere'> {
    const { partition, fence } = batch;
    const { keys, list } = this.listed(batch);
    const args = { group: this.name, worker: this.worker, fence, rest: list };
    const [status] = await this.log.runAt('projector.build', partition, args, keys);
    return status as 'ok' | 'fenced' | 'elsewhere';
  }

  /** What is expected and written as scripts read it: one list, in which keys are numbers. */
  private listed({ partition, expects = [], writes }: Pick<Batch, 'partition' | 'expects' | 'writes'>): {
    keys: string[];
    list: string[];
  } {
    const keys = [this.parkedKey(partition)];
    const index = new Map([[keys[0]!, 1]]);
    const indexOf = (key: string): string => {
      let at = index.get(key);
      if (at === undefined) index.set(key, (at = keys.push(key)));
      return String(at);
    };
    const list = [
      ...alike(expects).flatMap(([{ field, value, becomes = '' }, those]) => [
        field,
        value,
        becomes,
        those.map(indexOf).join(' '),
      ]),
      '',
      ...writes.flatMap(({ command, key, args }) => [command, indexOf(key), String(args.length), ...args]),
    ];
    return { keys: keys.slice(1), list };
  }

  /** What is parked in a partition: `<view> <stream kind> <stream id>` → why, as JSON. */
  async parked(partition: number): Promise<Record<string, string>> {
    const { [NOBODY]: _, ...parked } = await this.log.connection.commands.hgetall(this.parkedKey(partition));
    return parked;
  }

  parkedKey(partition: number): string {
    return this.log.keys.at(partition, 'parked');
  }

  private feed(partition: number): string {
    return this.log.keys.at(partition, 'feed');
  }
}

/** Most views of a stream stand at the same event and move on to the same one: what is said of many fields is said once. */
function alike(expects: readonly Expected[]): [Expected, string[]][] {
  const found = new Map<string, [Expected, string[]]>();
  for (const expected of expects) {
    const { key, field, value, becomes } = expected;
    const what = `${field} ${value} ${becomes}`;
    const others = found.get(what);
    if (others) others[1].push(key);
    else found.set(what, [expected, [key]]);
  }
  return [...found.values()];
}

function toEntry([id, fields]: RawEntry): FeedEntry {
  return { id: id.toString(), event: eventOfEntry(fields) };
}
