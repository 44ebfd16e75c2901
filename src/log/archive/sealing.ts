/**
 * How the old end of a log leaves Redis: its entries are written into a file, the file is read back and compared to the bit, and only then one
 * script names it beside the log and trims the log, or does neither. Whoever is ended in between begins anew and finds what is done.
 */
import { createHash } from 'node:crypto';
import { eventId, START } from '../../envelope.ts';
import type { RawEntry } from '../../envelope.ts';
import type { StreamRef } from '../../keys.ts';
import type { Log } from '../log.ts';
import type { SegmentFiles } from './archive.ts';
import { contentOf, packed, placeOf, WrongSegment } from './segment.ts';

export interface SealOptions {
  readonly log: Log;
  readonly files: SegmentFiles;
  /** Only entries of before this millisecond. */
  readonly before: number;
  readonly sizes?: SegmentSizes;
}

/** How many entries a segment has at most and at least, and after how many bytes it ends. */
export interface SegmentSizes {
  readonly most: number;
  readonly least: number;
  readonly bytes: number;
}

/** What one segment takes up: in Redis before, and in its file. */
export interface Sealed {
  readonly events: number;
  readonly bytes: number;
  readonly packed: number;
}

/** A script looks at all of a segment's entries, and nobody else is served meanwhile. Fewer than the least are not worth a file. */
const SIZES: SegmentSizes = { most: 1_000, least: 32, bytes: 400_000 };

/** Entries of which a segment would be made next, if there are enough; of a log without a segment that is ready, none. */
export async function ripe(options: Omit<SealOptions, 'files'>, stream: StreamRef): Promise<RawEntry[]> {
  const { log, before, sizes = SIZES } = options;
  const [entries, [head]] = await Promise.all([log.entries.oldest(stream, sizes.most), log.heads([stream], [])]);
  const ready: RawEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const id = entry[0].toString('latin1');
    bytes += sizeOf(entry);
    if (eventId(id).ms >= before || id === head?.id) break;
    ready.push(entry);
    if (bytes > sizes.bytes) return ready;
  }
  return ready.length < sizes.least ? [] : ready;
}

/** Seals the next segment of a log. Undefined where nothing is ripe. Throws `WrongSegment` where the log does not hold. */
export async function sealNext(options: SealOptions, stream: StreamRef): Promise<Sealed | undefined> {
  const { log, files } = options;
  const entries = await ripe(options, stream);
  if (entries.length === 0) return undefined;
  const key = log.keys.of(stream, 'log');
  const newest = await log.archive.newest(stream);
  const after = { last: newest?.last ?? START, chain: newest?.chain ?? key };
  const content = contentOf(key, after, entries);
  const bytes = packed(content);
  const segment = { ...content, file: await files.put(bytes) };
  const again = await log.archive.read(stream, segment);
  const digest = digestOf(entries);
  if (digestOf(again.entries) !== digest) throw new WrongSegment('what was read back is not what was written');
  const [status] = await log.run('archive.seal', stream, {
    place: placeOf(segment),
    score: String(eventId(segment.last).seq),
    after: after.last,
    last: segment.last,
    digest,
  });
  // Somebody else did it, or changed what was to be sealed: the next turn sees what there is.
  if (status !== 'ok') return NOTHING;
  return {
    events: entries.length,
    bytes: entries.reduce((sum, entry) => sum + sizeOf(entry), 0),
    packed: bytes.length,
  };
}

const NOTHING: Sealed = { events: 0, bytes: 0, packed: 0 };

/** The script makes the same of what it finds. */
function digestOf(entries: readonly RawEntry[]): string {
  const hash = createHash('sha1');
  entries.forEach(([id, fields], i) => {
    if (i > 0) hash.update('\n');
    hash.update(id);
    for (const value of fields ?? []) hash.update('\n').update(value);
  });
  return hash.digest('hex');
}

const sizeOf = ([id, fields]: RawEntry): number =>
  id.length + (fields ?? []).reduce((sum, { length }) => sum + length, 0);
