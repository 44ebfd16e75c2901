/**
 * The directories of users and of channels: names sort and are found as they are folded, and an id makes each entry one of a kind.
 * Entries are stored, so they are made again when the folding has changed; by hundreds, since one script holds up all others.
 */
import { conversationStream, userStream } from '../keys.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { fold, FOLDING } from './folding.ts';

export const directoryEntry = (name: string, id: string): string => `${fold(name)}\n${id}`;

export const idOfEntry = (entry: string): string => entry.slice(entry.lastIndexOf('\n') + 1);

/** Each directory with the guard hash in which its owners keep their entries. */
const DIRECTORIES: readonly {
  readonly name: string;
  readonly guard: string;
  readonly ownerOf: (id: string) => StreamRef;
}[] = [
  { name: 'users', guard: 'account', ownerOf: userStream },
  { name: 'channels', guard: 'head', ownerOf: conversationStream },
];
const AT_ONCE = 100;

/**
 * Brings all directories up to this program's folding. What was folded by an older one folds further to the same, so the entries are
 * enough. Harmless when many nodes do it, when it is broken off, and while names change: each entry moves in one step or not at all.
 */
export async function refoldDirectories(log: Log): Promise<void> {
  const partitions = Array.from({ length: log.keys.partitions }, (_, partition) => partition);
  const versions = await Promise.all(partitions.map((p) => log.runAt('directory.folding', p, { version: '' })));
  for (const partition of partitions.filter((p) => versions[p]![1] !== FOLDING)) {
    for (const directory of DIRECTORIES) await refold(log, partition, directory);
    await log.runAt('directory.folding', partition, { version: FOLDING });
  }
}

async function refold(
  log: Log,
  partition: number,
  { name, guard, ownerOf }: (typeof DIRECTORIES)[number],
): Promise<void> {
  for (let after = ''; ;) {
    const entries = await log.directoryPart(partition, name, { after, limit: AT_ONCE });
    const changed = entries
      .filter((entry) => entry.includes('\n'))
      .map((old) => ({
        old,
        id: idOfEntry(old),
        now: directoryEntry(old.slice(0, old.lastIndexOf('\n')), idOfEntry(old)),
      }))
      .filter(({ old, now }) => now !== old);
    if (changed.length > 0) {
      const owners = changed.map(({ id }) => log.keys.of(ownerOf(id), guard));
      const pairs = changed.flatMap(({ old, now }) => [old, now]);
      await log.runAt('directory.refold', partition, { old_and_new: pairs }, [log.keys.at(partition, name), ...owners]);
    }
    if (entries.length < AT_ONCE) return;
    after = entries.at(-1)!;
  }
}
