/**
 * Where the bytes of files are kept: a folder, or object storage of S3's kind. A key is the SHA-256 of the content and a word that makes
 * the key new each time the content is: so a key that was taken away is never written again, and taking it away late does no harm.
 * Refuses keys of any other form, so that no key is a path.
 */
import type { Readable } from 'node:stream';
import { fail } from '../errors.ts';

/** A file on this machine, complete and no longer written. */
export interface LocalFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface KeptFile {
  readonly key: string;
  readonly modifiedMs: number;
}

/** Every call throws `unavailable` where the place cannot be reached. */
export interface FileStore {
  /** Whatever happens after it resolves, the file stays. It may have moved away from its path. Safe to repeat with the same content. */
  put(key: string, file: LocalFile): Promise<void>;
  /** Undefined where there is no such file. */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /** What is not there is gone already. */
  remove(key: string): Promise<void>;
  /** Every file, in any order. */
  all(): AsyncIterable<KeptFile>;
}

export const notReached = (cause: unknown): Error =>
  fail('unavailable', 'Files cannot be kept or read right now', { cause });

const KEY = /^[0-9a-f]{64}-[0-9A-HJKMNP-TV-Z]{26}$/;

export const fileKey = (sha256: string, word: string): string => checkedKey(`${sha256}-${word}`);

export const isFileKey = (key: string): boolean => KEY.test(key);

export function checkedKey(key: string): string {
  if (!isFileKey(key)) throw new Error('not the key of a file');
  return key;
}
