/** That the feeds say what the logs say: every entry that is still in a feed is, to the byte, the one of its event in the log. */
import { eventOfEntry } from '../../envelope.ts';
import type { RawEntry, RawEvent } from '../../envelope.ts';
import type { StreamRef } from '../../keys.ts';
import type { WrongKey } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';

const PAGE = 500;

export interface WrongEntry extends WrongKey {
  readonly stream: StreamRef | undefined;
}

/** Entries of a partition's feed that are not as in their logs. */
export async function wrongInFeed(log: Log, partition: number): Promise<WrongEntry[]> {
  const { commands } = log.connection;
  const key = log.keys.at(partition, 'feed');
  const wrong: WrongEntry[] = [];
  for (let from = '-'; ;) {
    const rows = (await commands.xrangeBuffer(key, from, '+', 'COUNT', PAGE)) as RawEntry[];
    const events = rows.map(([, fields]) => eventOfEntry(fields));
    const logged = await Promise.all(events.map((event) => inLog(log, event)));
    for (const [i, [id, fields]] of rows.entries()) {
      const event = events[i];
      const reason = event ? difference(fields ?? [], logged[i]) : 'is no event of ours';
      if (reason === undefined) continue;
      wrong.push({ stream: event?.stream, key, event_id: event?.id, reason: `entry ${id.toString()} ${reason}` });
    }
    if (rows.length < PAGE) return wrong;
    from = `(${rows.at(-1)![0].toString()}`;
  }
}

/** The fields of the same event in its log. */
async function inLog(log: Log, event: RawEvent | undefined): Promise<readonly Buffer[] | undefined> {
  if (!event) return undefined;
  const [entry] = await log.entries.at(event.stream, event.id);
  return entry?.[1] ?? undefined;
}

function difference(fed: readonly Buffer[], logged: readonly Buffer[] | undefined): string | undefined {
  if (!logged) return 'is of an event that the log does not have';
  // The log has the proof besides.
  return fed.length === 4 && fed.every((bytes, i) => logged[i]?.equals(bytes)) ? undefined : 'is not as the log has it';
}
