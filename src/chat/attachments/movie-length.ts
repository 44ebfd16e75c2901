/**
 * How long a film in an MP4 container lasts, as its own header (`mvhd`) says. The library tells it by the tracks that sound: one without any
 * has no length there. Reads the heads of boxes and nothing else. Refuses to guess: what is not as it should be tells nothing.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

interface Box {
  readonly type: string;
  /** Where its content begins, and where it ends. */
  readonly from: number;
  readonly to: number;
}

/** A file has a handful of boxes side by side. */
const MAX_BOXES = 1_000;
const HEAD_BYTES = 16;
const LENGTH_BYTES = 32;

/** Seconds. */
export async function movieLength(path: string): Promise<number | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const movie = await boxIn(file, 'moov', { from: 0, to: size });
    const header = movie && (await boxIn(file, 'mvhd', movie));
    return header && lengthIn(await piece(file, header.from, LENGTH_BYTES));
  } finally {
    await file.close();
  }
}

async function boxIn(file: FileHandle, type: string, { from, to }: Pick<Box, 'from' | 'to'>): Promise<Box | undefined> {
  let at = from;
  for (let looked = 0; looked < MAX_BOXES && at < to; looked += 1) {
    const box = boxOf(await piece(file, at, HEAD_BYTES), at, to);
    if (!box || box.type === type) return box;
    at = box.to;
  }
  return undefined;
}

/** A length of 1 stands for one of 64 bits behind the type, of 0 for all that is left. */
function boxOf(head: Buffer, at: number, end: number): Box | undefined {
  if (head.length < 8) return undefined;
  const short = head.readUInt32BE(0);
  if (short === 1 && head.length < HEAD_BYTES) return undefined;
  const [size, from] = short === 1 ? [Number(head.readBigUInt64BE(8)), at + 16] : [short || end - at, at + 8];
  const to = at + size;
  return to > from && to <= end ? { type: head.toString('latin1', 4, 8), from, to } : undefined;
}

/** The version of the header says how wide its times are. */
function lengthIn(header: Buffer): number | undefined {
  if (header.length < LENGTH_BYTES) return undefined;
  const isWide = header[0] === 1;
  const scale = header.readUInt32BE(isWide ? 20 : 12);
  const ticks = isWide ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  const isKnown = scale > 0 && ticks > 0 && ticks !== (isWide ? 2 ** 64 : 0xffff_ffff);
  return isKnown ? ticks / scale : undefined;
}

async function piece(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
