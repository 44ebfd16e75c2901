/** Entries of a log as events: what is not ours in between is passed over, and never makes a page look like the last one. */
import { eventOfEntry } from '../envelope.ts';
import type { RawEntry, RawEvent } from '../envelope.ts';

/**
 * Events from a place on, as many as asked for unless the log ends before. An entry that is not ours is left out: projectors see it in
 * the feed and park it. More is read in its place, so that a page that is not full is always the last.
 */
export async function onlyEvents(
  read: (from: string, most: number) => Promise<RawEntry[]>,
  from: string,
  count: number,
): Promise<RawEvent[]> {
  const events: RawEvent[] = [];
  for (let next = from; ;) {
    const wanted = count - events.length;
    const rows = await read(next, wanted);
    events.push(...rows.flatMap(([, fields]) => eventOfEntry(fields) ?? []));
    if (rows.length < wanted || events.length >= count) return events;
    next = rows.at(-1)![0].toString('latin1');
  }
}
