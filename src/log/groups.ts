/**
 * The groups that follow the feeds, ours and those that others made, for operators: where they stand, whether somebody works for them, and
 * forgetting one. A feed is kept up to the slowest of them, so one of others that nobody uses any more keeps it for ever, and one of ours a week.
 */
import type { Redis } from 'ioredis';
import { fail } from '../errors.ts';
import { translated } from './connection.ts';
import { seqOf } from './log.ts';
import type { Log } from './log.ts';

export interface GroupState {
  readonly name: string;
  /** `false` for one that others made, with XGROUP, and read by XREADGROUP. */
  readonly ours: boolean;
  /** Workers that have said of late that they live; of a group that others made, nobody knows. */
  readonly workers: number;
  /** Events that it has yet to come to, in all partitions. */
  readonly lag: number;
}

export async function groupStates(log: Log): Promise<GroupState[]> {
  const states = new Map<string, GroupState>();
  const alive = await workersOf(log);
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    const { head, checkpoints } = await log.progress(partition);
    const positions = new Map([...(await groupsOfFeed(log, partition)), ...Object.entries(checkpoints)]);
    for (const [name, at] of positions) {
      const before = states.get(name);
      states.set(name, {
        name,
        ours: name in checkpoints || (before?.ours ?? false),
        workers: alive.get(name) ?? 0,
        lag: (before?.lag ?? 0) + Math.max(0, seqOf(head) - seqOf(at)),
      });
    }
  }
  return [...states.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Forgets a group everywhere. Throws `not_found`, and `conflict` while somebody works for it: it would be made again at once. */
export async function removeGroup(log: Log, name: string): Promise<void> {
  const found = (await groupStates(log)).find((group) => group.name === name);
  if (!found) throw fail('not_found', `There is no group ${name}`);
  if (found.workers > 0) throw fail('conflict', `${found.workers} of its workers are at work: stop them first`);
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    const parked = await log.connection.commands.hkeys(log.keys.at(partition, 'parked'));
    const own = parked.filter((place) => place.startsWith(`${name} `));
    await log.runAt('projector.retire', partition, { group: name, parked_names: own });
  }
}

/** Living workers by their group. */
async function workersOf(log: Log): Promise<Map<string, number>> {
  const [{ commands }, key] = [log.connection, log.keys.at(0, 'workers')];
  const found = await (commands as Redis).zrange(key, '0', '-1', 'WITHSCORES');
  const counts = new Map<string, number>();
  const [seconds] = await translated(log.connection.masters()[0]!.time());
  for (let i = 0; i < found.length; i += 2) {
    const [group = ''] = found[i]!.split(' ');
    if (Number(found[i + 1]) > Number(seconds) * 1_000) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}

/** Name and last delivered id of each group that Redis has on a feed. */
async function groupsOfFeed(log: Log, partition: number): Promise<[string, string][]> {
  const feed = log.keys.at(partition, 'feed');
  if ((await log.connection.commands.exists(feed)) === 0) return [];
  const rows = (await log.connection.commands.xinfo('GROUPS', feed)) as string[][];
  return rows.map((row) => {
    const fields = new Map(row.flatMap((field, i) => (i % 2 === 0 ? [[field, String(row[i + 1])] as const] : [])));
    return [fields.get('name')!, fields.get('last-delivered-id')!];
  });
}
