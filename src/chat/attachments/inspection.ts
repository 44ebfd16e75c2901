/**
 * What a file is, by its content: the name and the type that came with it count for nothing. Text is what is UTF-8 throughout and has no
 * control characters. Refuses what is not among the types that are allowed, and pictures that are none.
 */
import { createReadStream } from 'node:fs';
import { link } from 'node:fs/promises';
import { fail } from '../../errors.ts';
import { movieLength } from './movie-length.ts';
import { isPicture, redrawn } from './pictures.ts';
import type { Redrawn } from './pictures.ts';

export interface Inspected extends Partial<Redrawn> {
  readonly contentType: string;
  /** Seconds. */
  readonly duration?: number;
}

const TEXT = 'text/plain';
/** Names that one type has beside the usual one. */
const USUAL: Readonly<Record<string, string>> = {
  'audio/x-m4a': 'audio/mp4',
  'audio/m4a': 'audio/mp4',
  'video/x-m4v': 'video/mp4',
  'audio/mp3': 'audio/mpeg',
  'audio/opus': 'audio/ogg',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
};
/** By the ending of a name the library finds its reader, in every way that the program is started. */
const ENDINGS: Readonly<Record<string, string>> = {
  'audio/mpeg': '.mp3',
  'audio/mp4': '.m4a',
  'video/mp4': '.mp4',
  'audio/webm': '.mka',
  'video/webm': '.mkv',
  'audio/ogg': '.ogg',
  'video/ogg': '.ogv',
};
/** Either may hold sound alone. */
const SOUND_OF: Readonly<Record<string, string>> = { 'video/webm': 'audio/webm', 'video/mp4': 'audio/mp4' };

/** Writes what is to be kept in the file's place beside it, in `folder`. Throws `unsupported_media_type` or `payload_too_large`. */
export async function inspected(path: string, folder: string, allowed: ReadonlySet<string>): Promise<Inspected> {
  const { fileTypeFromFile } = await import('file-type');
  const found = (await fileTypeFromFile(path))?.mime.split(';')[0]?.trim();
  const named = found === undefined ? ((await isText(path)) ? TEXT : undefined) : (USUAL[found] ?? found);
  const media =
    named !== undefined && /^(audio|video)\//.test(named) ? await playing(path, ENDINGS[named] ?? '') : undefined;
  const contentType = media && !media.hasPicture ? (SOUND_OF[named!] ?? named) : named;
  if (contentType === undefined || !allowed.has(contentType)) {
    const what = contentType ?? 'of an unknown kind';
    throw fail('unsupported_media_type', `The content is ${what}; allowed are ${[...allowed].join(', ')}`);
  }
  if (isPicture(contentType)) return { contentType, ...(await redrawn(path, folder, contentType)) };
  return { contentType, ...(media?.duration === undefined ? {} : { duration: media.duration }) };
}

/** What the container tells without being decoded. One that cannot be read tells nothing, and plays nowhere. */
async function playing(path: string, ending: string): Promise<{ duration?: number; hasPicture: boolean }> {
  const { parseFile } = await import('music-metadata');
  const named = `${path}${ending}`;
  try {
    if (named !== path) await link(path, named);
    const { format } = await parseFile(named, { duration: false, skipCovers: true, skipPostHeaders: true });
    const { duration = ending === '.mp4' ? await movieLength(path) : undefined, hasVideo, trackInfo } = format;
    const hasPicture = hasVideo ?? trackInfo.some(({ video }) => video !== undefined);
    const isKnown = duration !== undefined && Number.isFinite(duration) && duration >= 0;
    return { hasPicture, ...(isKnown ? { duration: Math.round(duration * 1_000) / 1_000 } : {}) };
  } catch {
    return { hasPicture: true };
  }
}

async function isText(path: string): Promise<boolean> {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const isPlain = (text: string) => !/[^\P{Cc}\t\n\r\f]/u.test(text);
  try {
    for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
      if (!isPlain(utf8.decode(piece, { stream: true }))) return false;
    }
    return isPlain(utf8.decode());
  } catch {
    return false;
  }
}
