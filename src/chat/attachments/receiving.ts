/**
 * Files on their way in: written to a folder of their own as they come, never whole in memory, and gone when the upload is over, whatever
 * came of it. Only so many at once, of one user and in all: who comes then is refused before a byte is read.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../errors.ts';
import { invalid } from '../../envelope.ts';
import type { LocalFile } from '../../files/store.ts';

export type Receive<T> = (write: (piece: Buffer) => Promise<void>) => Promise<T>;

const AT_ONCE = 64;
const AT_ONCE_OF_ONE = 10;
/** What is older was left by a crash: an upload ends before. */
const LEFT_BEHIND_MS = 3_600_000;

export class Incoming {
  private readonly folder: string;
  private readonly maxSize: number;
  private readonly busy = new Map<string, number>();
  private total = 0;
  private cleared: Promise<void> | undefined;

  constructor(folder: string, maxSize: number) {
    this.folder = folder;
    this.maxSize = maxSize;
  }

  /** Runs with a folder of its own, which is gone afterwards. Throws `unavailable` or `rate_limited` where there are too many. */
  async with<T>(userId: string, name: string, now: number, work: (folder: string) => Promise<T>): Promise<T> {
    const own = this.busy.get(userId) ?? 0;
    if (own >= AT_ONCE_OF_ONE) throw fail('rate_limited', `At most ${AT_ONCE_OF_ONE} uploads at a time`);
    if (this.total >= AT_ONCE) throw fail('unavailable', 'Too many files are being uploaded just now');
    this.busy.set(userId, own + 1);
    this.total += 1;
    const folder = join(this.folder, name);
    try {
      this.cleared ??= this.clear(now);
      await this.cleared;
      await onDisk(() => mkdir(folder, { recursive: true, mode: 0o700 }));
      return await work(folder);
    } finally {
      this.total -= 1;
      const left = this.busy.get(userId)! - 1;
      if (left > 0) this.busy.set(userId, left);
      else this.busy.delete(userId);
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Throws `payload_too_large`, or `validation_failed` for a file of nothing. */
  async receive<T>(path: string, receive: Receive<T>): Promise<LocalFile & { given: T }> {
    const hash = createHash('sha256');
    let size = 0;
    const file = await onDisk(() => open(path, 'wx', 0o600));
    try {
      const given = await receive(async (piece) => {
        size += piece.length;
        if (size > this.maxSize) throw this.tooLarge();
        hash.update(piece);
        await onDisk(() => file.writeFile(piece));
      });
      if (size === 0) throw invalid([{ pointer: '/file', message: 'must not be empty' }]);
      return { path, size, sha256: hash.digest('hex'), given };
    } finally {
      await file.close();
    }
  }

  tooLarge(): Error {
    return fail('payload_too_large', `A file may have at most ${this.maxSize} bytes`);
  }

  /** Takes away what a crash has left. What another node is receiving is younger. */
  private async clear(now: number): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names) {
      const path = join(this.folder, name);
      const age = now - ((await stat(path).catch(() => undefined))?.mtimeMs ?? now);
      // What cannot be taken away just now is no reason to take no file.
      if (age > LEFT_BEHIND_MS) await rm(path, { recursive: true, force: true }).catch(() => {});
    }
  }
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fail('unavailable', 'Files cannot be received right now', { cause: error });
  }
}
