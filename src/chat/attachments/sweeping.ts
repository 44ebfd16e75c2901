/**
 * Files in the store that no attachment holds: what a Redis that was restored from an older copy knows nothing of. Everything else goes by
 * itself. Leaves what is younger than a day, which may be on its way.
 */
import { isFileKey } from '../../files/store.ts';
import type { FileStore } from '../../files/store.ts';
import type { Log } from '../../log/log.ts';
import { hasEntry } from './access.ts';

const YOUNG_MS = 86_400_000;

/** Keys of the files that nobody holds. */
export async function* strayFiles(log: Log, store: FileStore, now: number): AsyncGenerator<string> {
  for await (const { key, modifiedMs } of store.all()) {
    if (now - modifiedMs < YOUNG_MS || !isFileKey(key)) continue;
    const [sha256, word] = key.split('-') as [string, string];
    const known = (kind: string) => hasEntry(log, { kind: 'file', id: sha256 }, 'files', `${sha256} ${kind} ${word}`);
    if (!(await known('key')) && !(await known('doomed'))) yield key;
  }
}
