/**
 * The entries of a log, wherever they are: the newest in Redis, older ones in segments. Every reader of logs reads through here and notices
 * nothing. What is in Redis is read first: seqs are dense, so that it shows by itself where something is missing before it, and a reader of
 * what is new pays nothing. Entries leave Redis in the same step in which their segment is named, so what a reader misses it finds there.
 */
import type { Cluster, Redis } from 'ioredis';
import { compareEventIds, eventId, parseEventId } from '../../envelope.ts';
import type { RawEntry } from '../../envelope.ts';
import type { Keys, StreamRef } from '../../keys.ts';
import { justBefore } from './archive.ts';
import type { Archive } from './archive.ts';

const NEWEST = '+';
const PAGE = 500;

export interface EntriesOptions {
  readonly redis: Redis | Cluster;
  readonly keys: Keys;
  readonly archive: Archive;
}

export class StreamEntries {
  private readonly redis: Redis | Cluster;
  private readonly keys: Keys;
  private readonly archive: Archive;

  constructor({ redis, keys, archive }: EntriesOptions) {
    this.redis = redis;
    this.keys = keys;
    this.archive = archive;
  }

  /** Entries after an id, up to another one and with it, oldest first, at most `count`. */
  async up(stream: StreamRef, after: string, to: string, count: number): Promise<RawEntry[]> {
    const key = this.keys.of(stream, 'log');
    const rows = (await this.redis.xrangeBuffer(key, `(${after}`, to, 'COUNT', count)) as RawEntry[];
    const follows = rows[0] ? seqOf(idOf(rows[0])) === eventId(after).seq + 1 : to === NEWEST;
    if (follows || !hasArchive(stream)) return rows;
    const cold = await this.archive.up(stream, after, count);
    if (cold.length === 0) return rows;
    const last = idOf(cold.at(-1)!);
    if (to !== NEWEST && !isBefore(last, to)) return cold.filter((entry) => !isBefore(to, idOf(entry)));
    if (cold.length === count) return cold;
    return [...cold, ...(await this.up(stream, last, to, count - cold.length))];
  }

  /** The entry with an id, ours or not; none where there is none. */
  at(stream: StreamRef, id: string): Promise<RawEntry[]> {
    return this.up(stream, justBefore(id), id, 1);
  }

  /** All entries after an id in pages, with their proofs, for whoever checks them. */
  async *proofs(
    stream: StreamRef,
    after: string,
  ): AsyncGenerator<{ id: string; type: string; event: string; proof: string }[]> {
    for (let from = after; ;) {
      const rows = await this.up(stream, from, NEWEST, PAGE);
      yield rows.map((row) => {
        const [, type = '', , event = '', , proof = ''] = row[1]!.map((bytes) => bytes.toString());
        return { id: idOf(row), type, event, proof };
      });
      if (rows.length < PAGE) return;
      from = idOf(rows.at(-1)!);
    }
  }

  /** Those after an id that are in Redis, oldest first. */
  inRedis(stream: StreamRef, after: string, count: number): Promise<RawEntry[]> {
    const key = this.keys.of(stream, 'log');
    return this.redis.xrangeBuffer(key, `(${after}`, NEWEST, 'COUNT', count) as Promise<RawEntry[]>;
  }

  /** Entries before an id, newest first, at most `count`. `before` may be '+' for the newest. */
  async down(stream: StreamRef, before: string, count: number): Promise<RawEntry[]> {
    const key = this.keys.of(stream, 'log');
    const end = before === NEWEST ? NEWEST : `(${before}`;
    const rows = (await this.redis.xrevrangeBuffer(key, end, '-', 'COUNT', count)) as RawEntry[];
    const last = rows.at(-1);
    const lowest = last ? idOf(last) : before;
    const isAll = rows.length === count || lowest === NEWEST || (last !== undefined && seqOf(lowest) <= 1);
    if (isAll || !hasArchive(stream)) return rows;
    return [...rows, ...(await this.archive.down(stream, lowest, count - rows.length))];
  }
}

/** What users do is little, and stays where it is. */
const hasArchive = ({ kind }: StreamRef): boolean => kind === 'conversation';

const idOf = ([id]: RawEntry): string => id.toString('latin1');
const seqOf = (id: string): number => parseEventId(id)?.seq ?? 0;
const isBefore = (a: string, b: string): boolean => compareEventIds(eventId(a), eventId(b)) < 0;
