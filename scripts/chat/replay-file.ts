/** A file of events, one JSON line each, that a later run goes on with: its last whole line says where. */
import { open } from 'node:fs/promises';
import { rawEvent } from '../../src/envelope.ts';
import type { StreamRef } from '../../src/keys.ts';
import { Problem } from './problem.ts';

export interface Place {
  readonly stream: StreamRef;
  readonly id: string;
}

export interface ReplayFile {
  readonly name: string;
  /** The last event in it; undefined where it has none. */
  readonly last: Place | undefined;
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** An event is 64 KB at most: a whole line is in a piece of this size. */
const PIECE = 256 * 1024;

/** A new one must not be there yet; one that is gone on with loses what a run that died wrote of a line. */
export async function openReplayFile(name: string, how: 'new' | 'resumed'): Promise<ReplayFile> {
  const file = await open(name, how === 'new' ? 'wx' : 'a+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new Problem('conflict', `${name} is there already: --resume goes on with it`);
    throw new Problem('file', error.message);
  });
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - PIECE);
    const piece = Buffer.alloc(size - from);
    await file.read(piece, 0, piece.length, from);
    const end = piece.lastIndexOf('\n') + 1;
    const last = end === 0 ? undefined : placeOf(piece.subarray(piece.lastIndexOf('\n', end - 2) + 1, end - 1));
    if (size > 0 && last === undefined && end > 0) throw new Problem('file', `${name} is no file of events`);
    if (end < piece.length) await file.truncate(from + end);
    return {
      name,
      last,
      write: (text) => file.appendFile(text),
      async close() {
        await file.sync();
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function placeOf(line: Buffer): Place | undefined {
  const event = rawEvent('', line);
  return event && { stream: event.stream, id: event.id };
}
