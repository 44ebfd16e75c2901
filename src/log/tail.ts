/**
 * Follows the end of every feed from explicit cursors and hands over events in feed order. Nothing is pushed that could be missed:
 * after any trouble it reads on from its cursor, and where the feed does not know the cursor any more it says `lost`, takes the new
 * end as its cursor, and leaves it to the reader to bring itself up from the logs.
 *
 * One connection and one XREAD over all feeds on a single Redis; on a Cluster one small connection per partition, as a read may not
 * span slots.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { eventOfEntry, START } from '../envelope.ts';
import type { RawEntry, RawEvent } from '../envelope.ts';
import type { Warn } from './connection.ts';
import { FeedRead } from './feed-read.ts';
import { seqOf } from './log.ts';
import type { Log } from './log.ts';
import { ReplySize } from './reply-size.ts';

export interface TailOptions {
  readonly log: Log;
  /** Events of one partition, in order; called at the end of the turn that brought them. */
  readonly onEvents: (events: readonly RawEvent[]) => void;
  /** The feed of a partition cannot be followed on without a gap; reading goes on when the promise resolves. */
  readonly onLost: (partition: number) => Promise<void>;
  readonly warn: Warn;
}

interface Cursor {
  readonly partition: number;
  readonly key: string;
  /** Last entry read, whatever it was. */
  id: string;
  /** Feed seq of the last event. */
  seq: number;
  /** The same when the feed was last seen to go on behind it; -1 where it did not. */
  behindAt: number;
}

/** A wake over all feeds has a price of its own, so reads follow each other this far apart, but for a few: one event alone never waits. */
const GATHER_MS = 1;
const READS_AT_ONCE = 8;
const BACK_OFF_MS = { first: 100, most: 2_000 };
/** A feed that was emptied under us brings nothing until someone writes to it, so where it stands is asked now and then. */
const ASK_HEADS_EVERY_MS = 2_000;

export class Tail {
  private readonly options: TailOptions;
  private readonly stopping = new AbortController();
  private readonly clients = new Set<Redis>();
  private readonly brought: RawEvent[][] = [];
  private loops: Promise<void>[] = [];

  constructor(options: TailOptions) {
    this.options = options;
  }

  /** Takes the present ends as cursors; from then on nothing is missed. */
  async start(): Promise<void> {
    const { log } = this.options;
    const cursors = await Promise.all(
      Array.from({ length: log.keys.partitions }, async (_, partition) => this.atEnd(partition)),
    );
    const groups = log.connection.isCluster ? cursors.map((cursor) => [cursor]) : [cursors];
    this.loops = groups.map((group) => this.follow(group));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const client of this.clients) client.disconnect();
    await Promise.allSettled(this.loops);
    this.handOverAll();
  }

  private async atEnd(partition: number): Promise<Cursor> {
    const { connection, keys } = this.options.log;
    const id = (await connection.commands.hget(keys.at(partition, 'feed_head'), 'id')) ?? START;
    return { partition, key: keys.at(partition, 'feed'), id, seq: seqOf(id), behindAt: -1 };
  }

  private async follow(cursors: Cursor[]): Promise<void> {
    let client: Redis | undefined;
    let failures = 0;
    const size = new ReplySize(cursors.length, this.options.log.keys.partitions);
    const read = new FeedRead(
      ['xread'],
      size.count,
      cursors.map(({ key }) => key),
      cursors.map(({ id }) => id),
    );
    let readsLeft = READS_AT_ONCE;
    let counted = performance.now();
    let lastAsked = performance.now();
    while (!this.stopping.signal.aborted) {
      try {
        if (!client) {
          client = await this.options.log.connection.forBlocking(cursors[0]!.key);
          this.clients.add(client);
          if (this.stopping.signal.aborted) break;
          for (const cursor of cursors) await this.verify(client, cursor);
        }
        if (readsLeft < 1) await sleep(GATHER_MS);
        read.ask(size.count);
        const feeds = await this.readOnce(client, cursors, read);
        const hasMore = size.saw(feeds);
        // Where there is more, there is nothing to gather.
        if (feeds.length > 0 && !hasMore) readsLeft -= 1;
        const now = performance.now();
        readsLeft = Math.min(READS_AT_ONCE, readsLeft + (now - counted) / GATHER_MS);
        counted = now;
        if (now - lastAsked > ASK_HEADS_EVERY_MS) {
          await this.askHeads(cursors);
          lastAsked = performance.now();
        }
        failures = 0;
      } catch (error) {
        if (client) {
          client.disconnect();
          this.clients.delete(client);
          client = undefined;
        }
        if (this.stopping.signal.aborted) return;
        if (failures === 0) this.options.warn(`tail: ${(error as Error).message}`);
        await this.pause(Math.min(BACK_OFF_MS.first * 2 ** failures, BACK_OFF_MS.most));
        failures += 1;
      }
    }
    client?.disconnect();
  }

  /** What came, by feeds. */
  private async readOnce(client: Redis, cursors: readonly Cursor[], read: FeedRead): Promise<(readonly RawEntry[])[]> {
    for (let i = 0; i < cursors.length; i += 1) read.moveTo(i, cursors[i]!.id);
    const brought = await read.send(client);
    for (const [i, rows] of brought) await this.take(cursors[i]!, rows);
    return brought.map(([, rows]) => rows);
  }

  private async take(cursor: Cursor, rows: readonly RawEntry[]): Promise<void> {
    const events: RawEvent[] = [];
    for (const [id, fields] of rows) {
      const entryId = id.toString('latin1');
      const event = eventOfEntry(fields);
      if (event) {
        const seq = seqOf(entryId);
        if (seq !== cursor.seq + 1) {
          this.handOver(events);
          await this.lost(cursor);
          return;
        }
        cursor.seq = seq;
        events.push(event);
      }
      cursor.id = entryId;
    }
    this.handOver(events);
  }

  /**
   * Last in its turn: the next read is on its way by then and the answers to senders are made, by code and data that hundreds of writes to
   * sockets would have driven out of the caches.
   */
  private handOver(events: RawEvent[]): void {
    if (events.length > 0 && this.brought.push(events) === 1) setImmediate(() => this.handOverAll());
  }

  /** A defect of the reader's must not end the process: nobody above this turn would catch it. */
  private handOverAll(): void {
    for (const events of this.brought.splice(0)) {
      try {
        this.options.onEvents(events);
      } catch (error) {
        this.options.warn(`tail: ${(error as Error).message}`);
      }
    }
  }

  /**
   * After a new connection: the entry at the cursor must still be there, unless it was the very beginning. A restored or failed-over
   * Redis may have other entries under seqs that we have passed.
   */
  private async verify(client: Redis, cursor: Cursor): Promise<void> {
    const { keys } = this.options.log;
    const head = (await client.hget(keys.at(cursor.partition, 'feed_head'), 'id')) ?? START;
    if (head === cursor.id) return;
    const found = cursor.id === START ? [null] : await client.xrange(cursor.key, cursor.id, cursor.id);
    if (found.length === 0 || seqOf(head) < cursor.seq) await this.lost(cursor);
  }

  /**
   * What we have read can only be at or before the head, unless Redis lost it. And where the head is further on, a read since the last
   * time has brought something of it, unless that was trimmed away.
   */
  private async askHeads(cursors: readonly Cursor[]): Promise<void> {
    const heads = await this.options.log.feedHeads(cursors.map(({ partition }) => partition));
    for (const [i, cursor] of cursors.entries()) {
      const head = seqOf(heads[i]!);
      if (head < cursor.seq || (head > cursor.seq && cursor.behindAt === cursor.seq)) await this.lost(cursor);
      cursor.behindAt = head > cursor.seq ? cursor.seq : -1;
    }
  }

  /** The cursor moves last: if the reader cannot be brought up now, the next connection must find the loss again. */
  private async lost(cursor: Cursor): Promise<void> {
    const end = await this.atEnd(cursor.partition);
    this.options.warn('the feed was cut off behind our cursor: what is followed is brought up from the logs', {
      partition: cursor.partition,
    });
    this.handOverAll();
    await this.options.onLost(cursor.partition);
    cursor.id = end.id;
    cursor.seq = end.seq;
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => {});
  }
}
