/** Pages of sorted sets that are in byte order, all of one score: directories and the like. */
import type { Cluster, Redis } from 'ioredis';

/** What begins with `prefix`, after `after`. */
export interface EntryPage {
  readonly prefix?: string;
  readonly after: string;
  readonly limit: number;
}

export function entryPage(client: Redis | Cluster, key: string, page: EntryPage): Promise<string[]> {
  const { prefix = '', after, limit } = page;
  const isWithin = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) > 0;
  const from = isWithin ? `(${after}` : `[${prefix}`;
  return client.zrangebylex(key, from, `[${prefix}\u{10ffff}`, 'LIMIT', 0, limit);
}

/** Of pages of several sets, each with one entry more than the limit where it goes on, the page of them all. */
export function mergedPage(parts: readonly string[][], limit: number): { entries: string[]; more: boolean } {
  const merged = parts.flat().toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { entries: merged.slice(0, limit), more: merged.length > limit };
}
