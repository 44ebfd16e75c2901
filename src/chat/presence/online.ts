/**
 * Who is online where: pages of users, by id, who look online and are in one of some conversations. Walks the shorter way: the members
 * where there are few, the list of everybody online where a room is large. Refuses to look at everybody for one page: a page may be
 * short and still say where to go on.
 */
import { conversationStream, userStream } from '../../keys.ts';
import { NOBODY } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';

export interface OnlinePage {
  readonly ids: readonly string[];
  /** The id to go on after; undefined at the end. */
  readonly next: string | undefined;
}

/** So many members are gone through one by one; rooms that would make them more are asked about those who are online. */
const MAX_MEMBERS = 10_000;
const STEP = 500;
const MAX_STEPS = 20;

interface Wanted {
  readonly conversationIds: readonly string[];
  /** A user who is left out. */
  readonly except?: string;
  readonly after: string;
  readonly limit: number;
}

export async function onlinePage(log: Log, { conversationIds, except, after, limit }: Wanted): Promise<OnlinePage> {
  const { few, large } = await roomsBySize(log, conversationIds);
  const members = await Promise.all(few.map((id) => log.guardAll(conversationStream(id), 'members')));
  const known = new Set(members.flatMap((all) => Object.keys(all)));
  const candidates = [...known].filter((id) => id > after).toSorted();

  /** The next users to look at, and of them those who are wanted. */
  async function look(from: string): Promise<{ seen: readonly string[]; wanted: readonly string[]; more: boolean }> {
    if (large.length === 0) {
      const start = candidates.findIndex((id) => id > from);
      const seen = start < 0 ? [] : candidates.slice(start, start + STEP);
      const shown = await Promise.all(seen.map((id) => log.guardField(userStream(id), 'presence', 'shown')));
      const wanted = seen.filter((_, i) => shown[i] !== null && shown[i] !== 'offline');
      return { seen, wanted, more: start >= 0 && start + STEP < candidates.length };
    }
    const { entries, more } = await log.directoryPage('online', '', from || NOBODY, STEP);
    const inLarge = await Promise.all(large.map((id) => log.guardFields(conversationStream(id), 'members', entries)));
    const wanted = entries.filter((id, i) => known.has(id) || inLarge.some((room) => room[i] !== null));
    return { seen: entries, wanted, more };
  }

  const ids: string[] = [];
  let from = after;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { seen, wanted, more } = await look(from);
    ids.push(...wanted.filter((id) => id !== except));
    if (ids.length > limit) return { ids: ids.slice(0, limit), next: ids[limit - 1] };
    if (!more) return { ids, next: undefined };
    from = seen.at(-1)!;
  }
  return { ids, next: from };
}

async function roomsBySize(log: Log, ids: readonly string[]): Promise<{ few: string[]; large: string[] }> {
  const sizes = await Promise.all(ids.map((id) => log.guardCount(conversationStream(id), 'members')));
  const sorted = ids.map((id, i) => ({ id, size: sizes[i]! })).toSorted((a, b) => a.size - b.size);
  let sum = 0;
  const firstLarge = sorted.findIndex(({ size }) => (sum += size) > MAX_MEMBERS);
  const end = firstLarge < 0 ? sorted.length : firstLarge;
  return { few: sorted.slice(0, end).map(({ id }) => id), large: sorted.slice(end).map(({ id }) => id) };
}
