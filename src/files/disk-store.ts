/**
 * Files in a folder, in 256 folders by the first letters of their key. A file is flushed, then renamed into its place, then the folder is
 * flushed: after a power cut it is there whole, or not at all. Several nodes may share the folder.
 */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { checkedKey, isFileKey, notReached } from './store.ts';
import type { ByteRange, FileStore, KeptFile, LocalFile } from './store.ts';

const FOLDER = /^[0-9a-f]{2}$/;

export class DiskStore implements FileStore {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async put(key: string, { path }: LocalFile): Promise<void> {
    const place = this.placeOf(key);
    await reached(async () => {
      const made = await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      await flush(path);
      await rename(path, place);
      await flush(dirname(place));
      if (made !== undefined) await flush(this.folder);
    });
  }

  async read(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const place = this.placeOf(key);
    const file = await reached(() => open(place).catch(absent));
    return file?.createReadStream({ ...range });
  }

  async remove(key: string): Promise<void> {
    const place = this.placeOf(key);
    await reached(() => rm(place, { force: true }));
  }

  async *all(): AsyncGenerator<KeptFile> {
    for (const folder of await namesIn(this.folder)) {
      if (!FOLDER.test(folder)) continue;
      for (const key of await namesIn(join(this.folder, folder))) {
        const found = isFileKey(key) ? await stat(this.placeOf(key)).catch(absent) : undefined;
        if (found) yield { key, modifiedMs: found.mtimeMs };
      }
    }
  }

  private placeOf(key: string): string {
    return join(this.folder, checkedKey(key).slice(0, 2), key);
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const namesIn = async (folder: string): Promise<string[]> => (await reached(() => readdir(folder).catch(absent))) ?? [];

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** A disk that is full or away is nobody's mistake. */
async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw notReached(error);
  }
}
