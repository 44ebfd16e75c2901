/**
 * What stood beside a log in Redis and left it: values under keys, each with a place among the others, as documents of a view or the facts of
 * messages. They lie in files like segments, a few hundred together, and a sorted set beside the log names the files. Owns their format, how a
 * row is found by its place or by its key, and how much of them is held in memory. What is in Redis under the same key is newer, always.
 */
import type { Cluster, Redis } from 'ioredis';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fail } from '../../errors.ts';
import { within } from '../deadline.ts';
import type { SegmentFiles } from './archive.ts';
import { KeptFiles } from './kept-files.ts';

export interface Row {
  /** A whole number; the rows of a file stand in its order. */
  readonly order: number;
  readonly key: string;
  readonly value: Buffer;
}

/** Rows that lie together. */
interface Drawer {
  /** The highest order that it is for, whether it has rows or none. */
  readonly last: number;
  readonly lowestKey: string;
  readonly highestKey: string;
  readonly file: string;
}

export interface ColdRowsOptions {
  readonly redis: Redis | Cluster;
  readonly files: SegmentFiles | undefined;
  readonly warn: (message: string, fields?: Record<string, unknown>) => void;
}

/** Which rows are asked for: with `from` < order (`up`) or order < `from` (`down`), nearest first. */
export interface RowRange {
  readonly direction: 'up' | 'down';
  readonly from: number | undefined;
  readonly limit: number;
}

const FORMAT = 'rill-rows/1';
const READ_WITHIN_MS = 15_000;
const KEPT_BYTES = 32_000_000;
const MOST_BYTES = 64_000_000;
const NO_FILE = '-';

/** Rows as a file has them, in their order. The same rows always give the same bytes. */
export function packedRows(rows: readonly Row[]): Buffer {
  const lines = rows.flatMap(({ order, key, value }) => [Buffer.from(`${order} ${key} `), value, Buffer.from('\n')]);
  return gzipSync(Buffer.concat([Buffer.from(`${FORMAT}\n`), ...lines]));
}

/** Throws where the bytes are no such file. */
export function unpackedRows(bytes: Buffer): Row[] {
  const text = gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  if (text.indexOf(`${FORMAT}\n`) !== 0 || text.at(-1) !== NEW_LINE)
    throw new Error('it is of no format that is known');
  const rows: Row[] = [];
  for (let from = FORMAT.length + 1; from < text.length;) {
    const to = text.indexOf('\n', from);
    const key = text.indexOf(' ', from) + 1;
    const value = text.indexOf(' ', key) + 1;
    rows.push({
      order: Number(text.toString('latin1', from, key - 1)),
      key: text.toString('latin1', key, value - 1),
      value: text.subarray(value, to),
    });
    from = to + 1;
  }
  return rows;
}

const NEW_LINE = '\n'.charCodeAt(0);

/** How a file of rows is named in the sorted set, whose score is the highest order that it is for. */
export function drawerText(rows: readonly Row[], last: number, file: string): string {
  const keys = rows.map(({ key }) => key).toSorted();
  return [last, keys[0] ?? '-', keys.at(-1) ?? '-', rows.length === 0 ? NO_FILE : file].join(' ');
}

/** Whether a name in a sorted set may be that of a file. */
export const isDrawer = (text: string): boolean => /^\d+ \S+ \S+ \S+$/.test(text);

export class ColdRows {
  private readonly options: ColdRowsOptions;
  private readonly kept = new KeptFiles<readonly Row[]>(KEPT_BYTES, (rows) =>
    rows.reduce((sum, { value }) => sum + value.length, 0),
  );

  constructor(options: ColdRowsOptions) {
    this.options = options;
  }

  /** The newest row of each of these keys, as far as there is one. `set` names the sorted set. */
  async byKeys(set: string, keys: readonly string[]): Promise<Map<string, Row>> {
    const drawers = await this.drawers(set, '-inf', '+inf');
    const found = new Map<string, Row>();
    for (const drawer of drawers) {
      const wanted = keys.filter((key) => key >= drawer.lowestKey && key <= drawer.highestKey);
      if (wanted.length === 0 || drawer.file === NO_FILE) continue;
      const rows = new Map((await this.read(set, drawer)).map((row) => [row.key, row]));
      for (const key of wanted) if (rows.has(key)) found.set(key, rows.get(key)!);
    }
    return found;
  }

  /** Rows of a range. */
  async page(set: string, { direction, from, limit }: RowRange): Promise<Row[]> {
    const isUp = direction === 'up';
    // A row lies in the first drawer that is for its order or a higher one.
    const all = await this.drawers(set, isUp && from !== undefined ? `(${from}` : '-inf', '+inf');
    const beyond = isUp || from === undefined ? -1 : all.findIndex(({ last }) => last >= from - 1);
    const drawers = isUp ? all : all.slice(0, beyond < 0 ? undefined : beyond + 1).toReversed();
    const found: Row[] = [];
    for (const drawer of drawers) {
      if (found.length >= limit) break;
      if (drawer.file === NO_FILE) continue;
      const rows = await this.read(set, drawer);
      const fit = rows.filter(({ order }) => from === undefined || (isUp ? order > from : order < from));
      found.push(...(isUp ? fit : fit.toReversed()));
    }
    return found.slice(0, limit);
  }

  /** All rows, file by file, in their order. */
  async *all(set: string): AsyncGenerator<readonly Row[]> {
    for (const drawer of await this.drawers(set, '-inf', '+inf'))
      if (drawer.file !== NO_FILE) yield await this.read(set, drawer);
  }

  /** The highest key of all rows; '' where there are none. */
  async highestKey(set: string): Promise<string> {
    const drawers = await this.drawers(set, '-inf', '+inf');
    return drawers.reduce((most, { highestKey: key, file }) => (file !== NO_FILE && key > most ? key : most), '');
  }

  /** The highest order that files are for; 0 where there are none. */
  async end(set: string): Promise<number> {
    const [newest] = await this.options.redis.zrevrangebyscore(set, '+inf', '(0', 'LIMIT', 0, 1);
    return newest === undefined ? 0 : drawerIn(newest).last;
  }

  /** Reads what was just put, and not what is remembered. */
  async again(file: string): Promise<Row[]> {
    return unpackedRows(await this.bytesOf(file));
  }

  private async drawers(set: string, from: string, to: string): Promise<Drawer[]> {
    return (await this.options.redis.zrangebyscore(set, from, to)).flatMap((text) =>
      text === '-' ? [] : drawerIn(text),
    );
  }

  private read(set: string, { file }: Drawer): Promise<readonly Row[]> {
    return this.kept.get(file, async () => {
      try {
        return await this.again(file);
      } catch (error) {
        const { message, cause } = error as Error;
        this.options.warn(`archived rows cannot be read: ${cause instanceof Error ? cause.message : message}`, {
          set,
          file,
        });
        throw fail('unavailable', 'Something of what is long ago lies in the archive and cannot be read', {
          cause: error,
        });
      }
    });
  }

  private bytesOf(file: string): Promise<Buffer> {
    const { files } = this.options;
    if (!files) throw new Error('nobody said where the files are');
    return within(READ_WITHIN_MS, files.read(file), () => {
      throw new Error('it does not come in time');
    });
  }
}

function drawerIn(text: string): Drawer {
  const [last = '', lowestKey = '', highestKey = '', file = ''] = text.split(' ');
  return { last: Number(last), lowestKey, highestKey, file };
}
