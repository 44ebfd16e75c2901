/**
 * What is stored of a log, to be read without a script: events by id, guard state, directories, how far groups are, and for operators every
 * key. Writes nothing.
 */
import { eventOfEntry, START } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import { streamOfKey } from '../keys.ts';
import type { Keys, Owner, StreamRef } from '../keys.ts';
import { Archive, justBefore } from './archive/archive.ts';
import type { SegmentFiles } from './archive/archive.ts';
import { factsOf, MESSAGES } from './archive/facts.ts';
import { ColdRows } from './archive/rows.ts';
import { StreamEntries } from './archive/stream-entries.ts';
import { translated } from './connection.ts';
import type { Connection, Warn } from './connection.ts';
import { onlyEvents } from './entries.ts';
import { entryPage, mergedPage } from './entry-page.ts';
import type { EntryPage } from './entry-page.ts';
import { NOBODY } from './guard.ts';
import { idBefore } from './seek.ts';

/** Events read at a time when a whole log or its tail is read. */
const PAGE = 500;

export interface StoredLogOptions {
  /** Where entries lie that left Redis. */
  readonly archive?: SegmentFiles | undefined;
  readonly warn: Warn;
}

export class StoredLog {
  readonly keys: Keys;
  readonly connection: Connection;
  /** What left Redis. Whoever reads events need not know of it. */
  readonly archive: Archive;
  /** What stood beside logs and left Redis. */
  readonly cold: ColdRows;
  /** Entries as they are, for who proves or moves them. */
  readonly entries: StreamEntries;

  constructor(connection: Connection, keys: Keys, { archive, warn }: StoredLogOptions) {
    const parts = { redis: connection.commands, keys };
    this.connection = connection;
    this.keys = keys;
    this.archive = new Archive({ ...parts, files: archive, warn });
    this.cold = new ColdRows({ redis: connection.commands, files: archive, warn });
    this.entries = new StreamEntries({ ...parts, archive: this.archive });
  }

  /** Events of a stream after an id, oldest first, at most `count`. */
  async readAfter(stream: StreamRef, after: string, count = PAGE): Promise<RawEvent[]> {
    return onlyEvents((from, most) => this.entries.up(stream, from, '+', most), after, count);
  }

  /** Events before an id, newest first, at most `count`. `before` may be '+' for the newest. */
  async readBefore(stream: StreamRef, before: string, count = PAGE): Promise<RawEvent[]> {
    return onlyEvents((end, most) => this.entries.down(stream, end, most), before, count);
  }

  /**
   * Events after a reader's cursor, or undefined when the log does not know the cursor: the entry itself is read too, and must be
   * there with the same milliseconds, since a restored or failed-over Redis uses the same seq again.
   */
  async readFromCursor(stream: StreamRef, cursor: string, count = PAGE): Promise<RawEvent[] | undefined> {
    if (cursor === START) return this.readAfter(stream, START, count);
    const rows = await this.readAfter(stream, justBefore(cursor), count + 1);
    return rows[0]?.id === cursor ? rows.slice(1) : undefined;
  }

  /** One event by its id, or undefined. */
  async readOne(stream: StreamRef, id: string): Promise<RawEvent | undefined> {
    const [entry] = await this.entries.at(stream, id);
    return entry && eventOfEntry(entry[1]);
  }

  /** Id of the event at a seq; the start when there is none. What is asked for is mostly near the end. */
  async idAtSeq(stream: StreamRef, seq: number): Promise<string> {
    const page = await this.readBefore(stream, '+');
    const oldest = page.at(-1);
    if (!oldest || oldest.seq <= seq) return page.find((event) => event.seq === seq)?.id ?? START;
    const archived = await this.archive.idAtSeq(stream, seq);
    if (archived !== undefined) return archived;
    return idBefore((after, count) => this.readAfter(stream, after, count), seq, oldest);
  }

  /** Every event after an id, in pages. */
  async *readAll(stream: StreamRef, after: string, count = PAGE): AsyncGenerator<RawEvent[]> {
    for (let from = after; ;) {
      const page = await this.readAfter(stream, from, count);
      if (page.length > 0) yield page;
      if (page.length < count) return;
      from = page.at(-1)!.id;
    }
  }

  /** Fields of the heads (guard state) of many streams, in one write; undefined for a stream that does not exist. */
  async heads<F extends string>(
    streams: readonly StreamRef[],
    fields: readonly F[],
  ): Promise<(Record<F | 'id', string> | undefined)[]> {
    const rows = await Promise.all(
      streams.map((s) => this.connection.commands.hmget(this.keys.of(s, 'head'), 'id', ...fields)),
    );
    return rows.map(([id, ...values]) =>
      id
        ? (Object.fromEntries([['id', id], ...fields.map((f, i) => [f, values[i] ?? ''])]) as Record<F | 'id', string>)
        : undefined,
    );
  }

  /** A field of a guard hash of an owner, or null. */
  async guardField(owner: Owner, name: string, field: string): Promise<string | null> {
    if (name === MESSAGES) return (await factsOf(this, owner, [field]))[0]!;
    return this.connection.commands.hget(this.keys.of(owner, name), field);
  }

  /** Fields of a guard hash of an owner. */
  guardFields(owner: Owner, name: string, fields: readonly string[]): Promise<(string | null)[]> {
    if (fields.length === 0) return Promise.resolve([]);
    if (name === MESSAGES) return factsOf(this, owner, fields);
    return this.connection.commands.hmget(this.keys.of(owner, name), ...fields);
  }

  /** How many fields a guard hash of an owner has. */
  guardCount(owner: Owner, name: string): Promise<number> {
    return this.connection.commands.hlen(this.keys.of(owner, name));
  }

  /** The members of a guard set of an owner with their scores. */
  async guardScores(owner: Owner, name: string): Promise<ReadonlyMap<string, number>> {
    const found = await this.connection.commands.zrange(this.keys.of(owner, name), '0', '-1', 'WITHSCORES');
    return new Map(found.flatMap((member, i) => (i % 2 === 0 ? [[member, Number(found[i + 1])] as const] : [])));
  }

  /** Members of a guard set of an owner, all of one score, in byte order: those that begin with `prefix`, after `after`. */
  guardEntries(owner: Owner, name: string, page: EntryPage): Promise<string[]> {
    return entryPage(this.connection.commands, this.keys.of(owner, name), page);
  }

  /** A whole guard hash of an owner, without what only keeps its key in being. */
  async guardAll(owner: Owner, name: string): Promise<Record<string, string>> {
    const { [NOBODY]: _, ...all } = await this.connection.commands.hgetall(this.keys.of(owner, name));
    return all;
  }

  /** A page of a directory (entries `<name>\n<id>`) merged over all partitions in byte order, after `after`, beginning with `prefix`. */
  async directoryPage(
    name: string,
    prefix: string,
    after: string,
    limit: number,
  ): Promise<{ entries: string[]; more: boolean }> {
    const page = { prefix, after, limit: limit + 1 };
    const parts = await Promise.all(
      Array.from({ length: this.keys.partitions }, (_, partition) => this.directoryPart(partition, name, page)),
    );
    return mergedPage(parts, limit);
  }

  /** A page of one partition's directory. */
  directoryPart(partition: number, name: string, page: EntryPage): Promise<string[]> {
    return entryPage(this.connection.commands, this.keys.at(partition, name), page);
  }

  /** Where a partition's feed ends, and where each projector group stands in it. */
  async progress(partition: number): Promise<{ head: string; checkpoints: Record<string, string> }> {
    const { commands } = this.connection;
    const [head, checkpoints] = await Promise.all([
      commands.hget(this.keys.at(partition, 'feed_head'), 'id'),
      commands.hgetall(this.keys.at(partition, 'checkpoints')),
    ]);
    delete checkpoints[NOBODY];
    return { head: head ?? START, checkpoints };
  }

  /** Every stream that has a log, each once, in any order; of one partition, or of all. For operators and recovery: it scans the keys. */
  async *streams(partition?: number): AsyncGenerator<StreamRef> {
    // A scan may bring a key twice.
    const seen = new Set<string>();
    for await (const keys of this.scan(this.keys.logPattern(partition))) {
      for (const key of keys) {
        const stream = streamOfKey(key);
        if (stream && !seen.has(key)) yield stream;
        seen.add(key);
      }
    }
  }

  /** Keys by a pattern, some at a time, perhaps one twice. For operators and recovery: it goes through all keys. */
  async *scan(pattern: string): AsyncGenerator<string[]> {
    for (const master of await this.connection.mastersNow()) {
      let cursor = '0';
      do {
        const [next, keys] = await translated(master.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000));
        cursor = next;
        yield keys;
      } while (cursor !== '0');
    }
  }
}
