/**
 * Pictures are drawn anew: upright, without what a camera wrote beside them (place, time, device), and without anything that was hidden
 * behind or inside; and once more, small. Refuses more pixels than memory should hold, before they are unpacked. A few at a time, one
 * thread each: who is not yet drawn waits.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sharp } from 'sharp';
import { fail } from '../../errors.ts';
import type { LocalFile } from '../../files/store.ts';

export interface Redrawn {
  readonly file: LocalFile;
  readonly thumbnail: LocalFile;
  readonly width: number;
  readonly height: number;
}

/** Of all frames together. */
const MAX_PIXELS = 50_000_000;
const MAX_SIDE = 320;
const SECONDS = 20;

const draw: Readonly<Record<string, (picture: Sharp) => Sharp>> = {
  'image/jpeg': (picture) => picture.jpeg({ quality: 90 }),
  'image/png': (picture) => picture.png(),
  'image/webp': (picture) => picture.webp({ quality: 90 }),
  'image/gif': (picture) => picture.gif(),
  'image/avif': (picture) => picture.avif(),
  'image/tiff': (picture) => picture.tiff(),
};
const MOVING = new Set(['image/gif', 'image/webp']);

export const isPicture = (contentType: string): boolean => contentType.startsWith('image/');

/** Writes both pictures into the folder. Throws `unsupported_media_type` or `payload_too_large`. */
export async function redrawn(path: string, folder: string, contentType: string): Promise<Redrawn> {
  const drawn = draw[contentType];
  if (!drawn) throw fail('unsupported_media_type', `Pictures of type ${contentType} cannot be read`);
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  sharp.concurrency(1);
  const opened = (animated: boolean) =>
    sharp(path, { animated, limitInputPixels: MAX_PIXELS, failOn: 'error' }).timeout({ seconds: SECONDS });
  try {
    const { width, height, pages = 1, pageHeight = height } = await opened(MOVING.has(contentType)).metadata();
    if (width * pageHeight * pages > MAX_PIXELS) throw tooLarge();
    const [whole, small] = [join(folder, 'picture'), join(folder, 'thumbnail')];
    // A camera's turn is lost where frames are kept: only a picture of one frame is turned.
    const isMoving = pages > 1;
    const source = opened(isMoving);
    const made = await drawn(isMoving ? source : source.autoOrient()).toFile(whole);
    const square = { width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true } as const;
    await opened(false).autoOrient().resize(square).webp({ quality: 80 }).toFile(small);
    const [file, thumbnail] = [await hashed(whole), await hashed(small)];
    return { file, thumbnail, width: made.width, height: made.pageHeight ?? made.height };
  } catch (error) {
    if (/pixel limit/.test((error as Error).message)) throw tooLarge();
    if (error instanceof Error && 'code' in error) throw error;
    throw fail('unsupported_media_type', 'The picture cannot be read', { cause: error });
  }
}

const tooLarge = (): Error =>
  fail('payload_too_large', `A picture may have at most ${MAX_PIXELS / 1e6} million pixels`);

async function hashed(path: string): Promise<LocalFile> {
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(createReadStream(path), async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) {
      hash.update(piece);
      size += piece.length;
    }
  });
  return { path, size, sha256: hash.digest('hex') };
}
