/**
 * Follows the end of every feed and hands over events in feed order. Push first, repaired by pull: the append scripts publish each event
 * with its feed id, and what continues the position is handed on at once. Nothing rests on that: whatever else comes, or does not come,
 * the feed is read from the position on, of that partition alone, and where every feed ends is asked now and then. Where a feed does not
 * know the position any more it says so, takes the new end as its position, and leaves it to the reader to bring itself up from the logs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventId, eventOfEntry, rawEvent, START } from '../envelope.ts';
import type { EventId, RawEntry, RawEvent } from '../envelope.ts';
import { Channels } from './channels.ts';
import type { Warn } from './connection.ts';
import { seqOf } from './log.ts';
import type { Log } from './log.ts';

export interface TailOptions {
  readonly log: Log;
  /** Events of one partition, in order; called at the end of the turn that brought them. */
  readonly onEvents: (events: readonly RawEvent[]) => void;
  /** The feed of a partition cannot be followed on without a gap; reading goes on when the promise resolves. */
  readonly onLost: (partition: number) => Promise<void>;
  readonly warn: Warn;
}

/** What became of the feeds, in plain numbers. */
export interface TailCounts {
  /** Times that a feed was read, since what was published did not continue it. */
  repairs: number;
  /** Times that a feed was cut off behind the position. */
  losses: number;
}

interface Cursor {
  readonly partition: number;
  readonly key: string;
  /** Last entry taken, whatever it was, and the time in it. */
  id: string;
  ms: number;
  /** Feed seq of the last event. */
  seq: number;
  /** The same when the feed was last seen to go on behind it; -1 where it did not. */
  behindAt: number;
  /** The highest feed seq that was published. */
  published: number;
  /** The entry at the position may be another by now, or gone. */
  isDoubted: boolean;
  isInRepair: boolean;
  /** Events that are handed over at the end of the turn. */
  brought: RawEvent[];
}

/** How a message begins. Anybody who may publish can send others, which are passed over. */
const MESSAGE_HEAD = /^(\d{1,15})-(\d{1,15}) (\S{1,80}) /;
/** Longer than any head. */
const HEAD_BYTES = 120;
/** An entry is about 64 KB at most, so what is read at once stays below 32 MB, however much was missed. */
const ENTRIES_AT_ONCE = 64;
const REPAIRS_AT_ONCE = 8;
/**
 * How often the feeds' ends are asked: seldom while everything that is published comes, and for some seconds often after something did not.
 * What was ahead of its position may be on its way, as something always is under load: one more look soon after says.
 */
const LOOK_MS = { first: 20, most: 1_000, growth: 1.1 };
const BACK_OFF_MS = { first: 100, most: 2_000 };

export class Tail {
  readonly counts: TailCounts = { repairs: 0, losses: 0 };
  private readonly options: TailOptions;
  private readonly stopping = new AbortController();
  private readonly channels: Channels;
  private readonly byChannel = new Map<string, Cursor>();
  private readonly toRepair: Cursor[] = [];
  private readonly toHandOver: Cursor[] = [];
  private readonly repairs = new Set<Promise<void>>();
  private looking: Promise<void> = Promise.resolve();

  constructor(options: TailOptions) {
    this.options = options;
    const { log, warn } = options;
    this.channels = new Channels({
      connection: log.connection,
      channels: Array.from({ length: log.keys.partitions }, (_, partition) => log.keys.at(partition, 'feed')),
      onMessage: (channel, message) => this.hear(channel, message),
      onListening: (channels) => this.doubt(channels),
      warn,
    });
  }

  /** Takes the present ends as positions; from then on nothing is missed. */
  async start(): Promise<void> {
    const { keys } = this.options.log;
    // Listening first: what is published before the ends are known is at or before them, or found by the first look.
    await this.channels.start();
    const ends = await this.ends();
    for (const [partition, id] of ends.entries()) {
      const key = keys.at(partition, 'feed');
      const state = { behindAt: -1, published: 0, isDoubted: false, isInRepair: false, brought: [] };
      this.byChannel.set(key, { partition, key, id, ms: eventId(id).ms, seq: seqOf(id), ...state });
    }
    this.looking = this.keepLooking();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.channels.stop();
    await Promise.allSettled([this.looking, ...this.repairs]);
    this.handOverAll();
  }

  /** `<feed id> <type> <event>`, as the append scripts publish it. */
  private hear(channel: string, message: Buffer): void {
    const cursor = this.byChannel.get(channel);
    const match = MESSAGE_HEAD.exec(message.toString('latin1', 0, HEAD_BYTES));
    const event = match && rawEvent(match[3]!, message.subarray(match[0].length));
    if (!cursor || !event) return;
    const [ms, seq] = [Number(match[1]), Number(match[2])];
    cursor.published = Math.max(cursor.published, seq);
    // Whoever repairs it reads on until it has what was published meanwhile.
    if (cursor.isInRepair) return;
    if (seq === cursor.seq + 1 && ms >= cursor.ms) {
      this.moveTo(cursor, `${ms}-${seq}`, { ms, seq });
      return this.bring(cursor, event);
    }
    if (seq <= cursor.seq && ms <= cursor.ms) return;
    // A seq that we had already, at a later time: this is another feed than the one that we followed.
    if (seq <= cursor.seq) cursor.isDoubted = true;
    this.repair(cursor);
  }

  private moveTo(cursor: Cursor, id: string, { ms, seq }: EventId): void {
    cursor.id = id;
    cursor.ms = ms;
    cursor.seq = seq;
  }

  private bring(cursor: Cursor, event: RawEvent): void {
    if (cursor.brought.push(event) > 1) return;
    if (this.toHandOver.push(cursor) === 1) setImmediate(() => this.handOverAll());
  }

  /**
   * Last in its turn: the answers to senders are made by then, by code and data that hundreds of writes to sockets would have driven out of
   * the caches. A defect of the reader's must not end the process: nobody above this turn would catch it.
   */
  private handOverAll(): void {
    for (const cursor of this.toHandOver.splice(0)) {
      const { brought } = cursor;
      cursor.brought = [];
      try {
        this.options.onEvents(brought);
      } catch (error) {
        this.options.warn(`tail: ${(error as Error).message}`);
      }
    }
  }

  /** What was published to these may have been missed, and the server may be another, with another feed. */
  private doubt(channels: readonly string[]): void {
    for (const channel of channels) {
      const cursor = this.byChannel.get(channel);
      if (!cursor) continue;
      cursor.isDoubted = true;
      this.repair(cursor);
    }
  }

  private repair(cursor: Cursor): void {
    if (cursor.isInRepair) return;
    cursor.isInRepair = true;
    this.counts.repairs += 1;
    this.toRepair.push(cursor);
    this.repairSome();
  }

  private repairSome(): void {
    while (this.repairs.size < REPAIRS_AT_ONCE && this.toRepair.length > 0) {
      const repair = this.bringUp(this.toRepair.shift()!).finally(() => {
        this.repairs.delete(repair);
        this.repairSome();
      });
      this.repairs.add(repair);
    }
  }

  /** Reads the feed on from the position until it has all that was published, however often that takes. */
  private async bringUp(cursor: Cursor): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted; failures += 1) {
      try {
        if (cursor.isDoubted) await this.verify(cursor);
        for (;;) {
          const count = await this.readOn(cursor);
          if (count < ENTRIES_AT_ONCE && cursor.seq >= cursor.published && !cursor.isDoubted) break;
          if (this.stopping.signal.aborted) return;
          if (cursor.isDoubted) await this.verify(cursor);
          else if (count === 0) await this.lost(cursor);
        }
        cursor.isInRepair = false;
        return;
      } catch (error) {
        if (failures === 0 && !this.stopping.signal.aborted) this.options.warn(`tail: ${(error as Error).message}`);
        cursor.isDoubted = true;
        await this.pause(Math.min(BACK_OFF_MS.first * 2 ** failures, BACK_OFF_MS.most));
      }
    }
  }

  /** How many entries there were. */
  private async readOn(cursor: Cursor): Promise<number> {
    const { commands } = this.options.log.connection;
    const from = `(${cursor.id}`;
    const rows = (await commands.xrangeBuffer(cursor.key, from, '+', 'COUNT', ENTRIES_AT_ONCE)) as RawEntry[];
    for (const [id, fields] of rows) {
      const entryId = id.toString('latin1');
      const event = eventOfEntry(fields);
      const { ms, seq } = eventId(entryId);
      if (!event) this.moveTo(cursor, entryId, { ms, seq: cursor.seq });
      else if (seq === cursor.seq + 1) {
        this.moveTo(cursor, entryId, { ms, seq });
        this.bring(cursor, event);
      } else {
        await this.lost(cursor);
        break;
      }
    }
    return rows.length;
  }

  /**
   * The entry at the position must still be there, unless it was the very beginning. A restored or failed-over Redis may have other
   * entries under seqs that we have passed.
   */
  private async verify(cursor: Cursor): Promise<void> {
    cursor.isDoubted = false;
    const { commands } = this.options.log.connection;
    const end = await this.end(cursor.partition);
    if (end === cursor.id) return;
    const found = cursor.id === START ? [null] : await commands.xrange(cursor.key, cursor.id, cursor.id);
    if (found.length === 0 || seqOf(end) < cursor.seq) await this.lost(cursor);
  }

  /** The position moves last: if the reader cannot be brought up now, the loss must be found again. */
  private async lost(cursor: Cursor): Promise<void> {
    cursor.published = 0;
    this.counts.losses += 1;
    const end = await this.end(cursor.partition);
    this.options.warn('the feed was cut off behind our cursor: what is followed is brought up from the logs', {
      partition: cursor.partition,
    });
    this.handOverAll();
    await this.options.onLost(cursor.partition);
    this.moveTo(cursor, end, eventId(end));
  }

  private async end(partition: number): Promise<string> {
    const { connection, keys } = this.options.log;
    return (await connection.commands.hget(keys.at(partition, 'feed_head'), 'id')) || START;
  }

  /** Where every feed ends: by one script, on a Cluster by one for each partition. */
  private async ends(): Promise<string[]> {
    const { log } = this.options;
    const partitions = Array.from({ length: log.keys.partitions }, (_, partition) => partition);
    const groups = log.connection.isCluster ? partitions.map((partition) => [partition]) : [partitions];
    const ends = await Promise.all(groups.map((group) => log.feedHeads(group)));
    return ends.flat().map((id) => id || START);
  }

  private async keepLooking(): Promise<void> {
    let wait = 0;
    let isSecond = false;
    let failures = 0;
    while (!this.stopping.signal.aborted) {
      await this.pause(isSecond ? LOOK_MS.first : wait);
      if (this.stopping.signal.aborted) return;
      try {
        const found = await this.look();
        const longer = Math.min(LOOK_MS.most, Math.max(LOOK_MS.first, wait * LOOK_MS.growth));
        wait = found === 'behind' ? LOOK_MS.first : longer;
        isSecond = found === 'ahead' && !isSecond;
        failures = 0;
      } catch (error) {
        if (failures === 0) this.options.warn(`tail: ${(error as Error).message}`);
        wait = Math.min(BACK_OFF_MS.first * 2 ** failures, BACK_OFF_MS.most);
        failures += 1;
      }
    }
  }

  /**
   * A position can only be at or before the end, unless Redis lost it. Where the end is further on, what is published may be on its way:
   * only where the position has not moved since the last look it is read.
   */
  private async look(): Promise<'well' | 'ahead' | 'behind'> {
    let found: 'well' | 'ahead' | 'behind' = 'well';
    const since = new Map([...this.byChannel.values()].map((cursor) => [cursor, cursor.seq]));
    const ends = await this.ends();
    for (const [cursor, before] of since) {
      if (cursor.isInRepair) continue;
      const end = ends[cursor.partition]!;
      const seq = seqOf(end);
      const isAhead = seq > cursor.seq;
      if (seq < before || (seq === cursor.seq && eventId(end).ms > cursor.ms)) {
        cursor.isDoubted = true;
        this.repair(cursor);
      } else if (isAhead) {
        const isBehind = cursor.behindAt === cursor.seq;
        if (isBehind) this.repair(cursor);
        if (isBehind || found === 'well') found = isBehind ? 'behind' : 'ahead';
        cursor.published = Math.max(cursor.published, seq);
      }
      cursor.behindAt = isAhead ? cursor.seq : -1;
    }
    return found;
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => {});
  }
}
