/**
 * Small files that are written and read whole, named by what is in them: a name tells by itself whether the bytes that come back are those
 * that were put. The same content has the same name, so that whoever was ended in between puts it again and nothing is left over.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fail } from '../errors.ts';
import { fileKey, isFileKey, notReached } from './store.ts';
import type { FileStore, KeptFile } from './store.ts';

const READ_WITHIN_MS = 10_000;
const LEFT_BEHIND_MS = 3_600_000;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export class WholeFiles {
  private readonly store: FileStore;
  private readonly folder: string;
  private cleared: Promise<void> | undefined;

  /** `folder`: where a file is written before it goes to the store, on the same disk where that is one. */
  constructor(store: FileStore, folder: string) {
    this.store = store;
    this.folder = folder;
  }

  /** Resolves to the name. Whatever happens then, the file stays. */
  async put(content: Buffer): Promise<string> {
    const sha256 = hashOf(content);
    const name = nameOf(sha256);
    const own = await onDisk(async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      return mkdtemp(join(this.folder, 'put-'));
    });
    this.cleared ??= clear(this.folder, own);
    await this.cleared;
    try {
      const path = join(own, name);
      await onDisk(() => writeFile(path, content, { mode: 0o600 }));
      await this.store.put(name, { path, size: content.length, sha256 });
    } finally {
      await rm(own, { recursive: true, force: true });
    }
    return name;
  }

  /** The content as it was put. Throws `unavailable`, with the name, where it is not there, is not what was put, or does not come in time. */
  async read(name: string): Promise<Buffer> {
    const stream = isFileKey(name) ? await this.store.read(name) : undefined;
    if (!stream) throw unreadable(name, 'is missing');
    const content = await wholeOf(name, stream);
    if (nameOf(hashOf(content)) !== name) throw unreadable(name, 'is damaged');
    return content;
  }

  remove(name: string): Promise<void> {
    return this.store.remove(name);
  }

  all(): AsyncIterable<KeptFile> {
    return this.store.all();
  }
}

/** What is much older than `own` was left by who was ended while writing. */
async function clear(folder: string, own: string): Promise<void> {
  await onDisk(async () => {
    const { mtimeMs: now } = await stat(own);
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found && found.mtimeMs < now - LEFT_BEHIND_MS) await rm(path, { recursive: true, force: true });
    }
  });
}

async function wholeOf(name: string, stream: Readable): Promise<Buffer> {
  const late = setTimeout(() => stream.destroy(new Error('it does not come')), READ_WITHIN_MS);
  const pieces: Buffer[] = [];
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  } catch (error) {
    throw unreadable(name, `cannot be read: ${(error as Error).message}`);
  } finally {
    clearTimeout(late);
  }
  return Buffer.concat(pieces);
}

const unreadable = (name: string, what: string): Error =>
  fail('unavailable', `A file of what is long ago ${what}`, { cause: new Error(`the file ${name} ${what}`) });

const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** A key needs a word of its own; here it follows from the content as well. */
function nameOf(sha256: string): string {
  const word = createHash('sha256').update(`whole ${sha256}`).digest().subarray(0, 26);
  return fileKey(sha256, [...word].map((byte) => CROCKFORD[byte % 32]).join(''));
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw notReached(error);
  }
}
