/**
 * How many entries of each feed to ask for at once. A read is bounded by entries alone, and what they weigh shows only when they are there:
 * so a backlog is begun with few, and more are asked for as long as what came was little. Pure.
 */
import type { RawEntry } from '../envelope.ts';

/** What one reply over all feeds should have at most. */
const REPLY_BYTES = 4_194_304;
/** More than a feed brings between two reads that follow each other quickly, even where one conversation is very busy. */
const FIRST = 8;
/** Of all feeds together: an entry is about 64 KB at most, so even a reply of nothing but such after small ones stays below 64 MB. */
const ENTRIES_AT_ONCE = 1_024;

export class ReplySize {
  readonly most: number;
  private readonly bytes: number;
  private now: number;

  /** `feeds` that are read by one reply, of all `partitions`, which may be read at the same time. */
  constructor(feeds: number, partitions: number) {
    this.most = Math.max(1, Math.floor(ENTRIES_AT_ONCE / partitions));
    this.bytes = (REPLY_BYTES * feeds) / partitions;
    this.now = Math.min(FIRST, this.most);
  }

  get count(): number {
    return this.now;
  }

  /** A reply came. True where a feed had as many as were asked for, and so may have more. */
  saw(feeds: readonly (readonly RawEntry[])[]): boolean {
    const isFull = feeds.some((rows) => rows.length >= this.now);
    if (isFull) {
      const fitting = Math.floor((this.now * this.bytes) / Math.max(1, bytesOf(feeds)));
      this.now = Math.max(1, Math.min(fitting, this.now * 2, this.most));
    } else this.now = Math.min(FIRST, this.most);
    return isFull;
  }
}

const bytesOf = (feeds: readonly (readonly RawEntry[])[]): number =>
  feeds.flat().reduce((sum, [, fields]) => sum + (fields ?? []).reduce((all, field) => all + field.length, 0), 0);
