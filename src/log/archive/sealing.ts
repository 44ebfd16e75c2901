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
import type { SegmentContent } from './segment.ts';

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
  /** Nothing was done: somebody else had, or changed what was to be taken away. */
  readonly isMoved?: true;
}

/** A script looks at all of a segment's entries, and nobody else is served meanwhile. Fewer than the least are not worth a file. */
const SIZES: SegmentSizes = { most: 1_000, least: 32, bytes: 400_000 };

/** What would be sealed next after a place of the chain, or nothing where too little is ripe. Throws `WrongSegment` where the log does not hold. */
async function ripe(
  { log, before, sizes = SIZES }: Omit<SealOptions, 'files'>,
  stream: StreamRef,
  after: Pick<SegmentContent, 'last' | 'chain'>,
): Promise<SegmentContent | undefined> {
  const [entries, [head]] = await Promise.all([
    log.entries.inRedis(stream, after.last, sizes.most),
    log.heads([stream], []),
  ]);
  const ready: RawEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const id = entry[0].toString('latin1');
    if (eventId(id).ms >= before || id === head?.id) break;
    ready.push(entry);
    bytes += sizeOf(entry);
    if (bytes > sizes.bytes) return contentOf(log.keys.of(stream, 'log'), after, ready);
  }
  return ready.length < sizes.least ? undefined : contentOf(log.keys.of(stream, 'log'), after, ready);
}

/** The end of what is sealed of a log: where its next segment begins. */
async function endOfSealed(log: Log, stream: StreamRef): Promise<Pick<SegmentContent, 'last' | 'chain'>> {
  return (await log.archive.newest(stream)) ?? { last: START, chain: log.keys.of(stream, 'log') };
}

/** What would be sealed, segment by segment; changes nothing. */
export async function* wouldSeal(options: Omit<SealOptions, 'files'>, stream: StreamRef): AsyncGenerator<Sealed> {
  let after = await endOfSealed(options.log, stream);
  for (;;) {
    const content = await ripe(options, stream, after);
    if (!content) return;
    yield { events: content.count, bytes: bytesOf(content), packed: packed(content).length };
    after = content;
  }
}

/** Seals the next segment of a log. Undefined where nothing is ripe. Throws `WrongSegment` where the log does not hold. */
export async function sealNext(options: SealOptions, stream: StreamRef): Promise<Sealed | undefined> {
  const { log, files } = options;
  const after = await endOfSealed(log, stream);
  const content = await ripe(options, stream, after).catch(async (error: Error) => {
    if ((await endOfSealed(log, stream)).last === after.last) throw error;
    return 'moved' as const;
  });
  if (!content) return undefined;
  if (content === 'moved') return NOTHING_SEALED;
  const bytes = packed(content);
  const segment = { ...content, file: await files.put(bytes) };
  const again = await log.archive.read(stream, segment);
  const digest = digestOf(content.entries);
  if (digestOf(again.entries) !== digest) throw new WrongSegment('what was read back is not what was written');
  const [status] = await log.run('archive.seal', stream, {
    place: placeOf(segment),
    score: String(eventId(segment.last).seq),
    after: after.last,
    last: segment.last,
    digest,
  });
  // Somebody else did it, or changed what was to be sealed: the next turn sees what there is.
  if (status !== 'ok') return NOTHING_SEALED;
  return { events: content.count, bytes: bytesOf(content), packed: bytes.length };
}

export const NOTHING_SEALED: Sealed = { events: 0, bytes: 0, packed: 0, isMoved: true };

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

const bytesOf = ({ entries }: SegmentContent): number => entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
