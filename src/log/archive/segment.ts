/**
 * A segment: a run of entries from the old end of a log, bit for bit, in a file of its own. The text is plain lines, compressed by gzip, so
 * that `zcat` shows it: a header, then of each entry its id, type, salt, digest, chain and event. Owns the format and the checks: what is not
 * chained to what came before is neither written nor read. Pure.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { compareEventIds, eventId, parseEventId, START } from '../../envelope.ts';
import type { RawEntry } from '../../envelope.ts';

/** Where a segment lies and what it holds, as it stands beside the log: its place is one word after the other. */
export interface Segment {
  /** Ids of its first and last entry. */
  readonly first: string;
  readonly last: string;
  readonly count: number;
  /** The chain's hash before the first entry and at the last one. */
  readonly before: string;
  readonly chain: string;
  /** The name of the file. */
  readonly file: string;
}

/** What stands in a segment's file. */
export interface SegmentContent extends Omit<Segment, 'file'> {
  /** The key of the log. */
  readonly log: string;
  readonly entries: readonly RawEntry[];
}

const FORMAT = 'rill-segment/1';
const FIELDS = ['type', 'event', 'proof'] as const;
/** A file that grows beyond this when it is unpacked is none of ours. */
const MOST_BYTES = 64_000_000;

/** Why entries cannot be sealed, or a file is not the segment that it should be. */
export class WrongSegment extends Error {}

export const placeOf = ({ first, last, count, before, chain, file }: Segment): string =>
  [first, last, count, before, chain, file].join(' ');

/** Undefined for what only keeps the key in being. */
export function segmentAt(place: string): Segment | undefined {
  const [first = '', last = '', count = '', before = '', chain = '', file] = place.split(' ');
  return file === undefined ? undefined : { first, last, count: Number(count), before, chain, file };
}

/** Checks the entries, which follow `before`, and what they are when they lie in a file. Throws `WrongSegment`. */
export function contentOf(
  log: string,
  before: { readonly last: string; readonly chain: string },
  entries: readonly RawEntry[],
): SegmentContent {
  let seq = before.last === START ? 0 : eventId(before.last).seq;
  let { chain } = before;
  for (const [bytes, fields] of entries) {
    const id = bytes.toString('latin1');
    const { type, event, proof } = fieldsOf(id, fields);
    const [salt = '', digest = '', link = ''] = proof.toString('latin1').split(' ');
    seq += 1;
    if (parseEventId(id)?.seq !== seq) throw new WrongSegment(`${id} is not the entry ${seq}`);
    if (salt !== '' && sha1(Buffer.concat([Buffer.from(salt, 'latin1'), event])) !== digest)
      throw new WrongSegment(`the event ${id} is not the one that was appended`);
    chain = sha1(`${chain} ${id} ${type.toString()} ${digest}`);
    if (chain !== link) throw new WrongSegment(`the chain breaks at ${id}`);
  }
  const [first, last] = [entries[0], entries.at(-1)].map((entry) => entry?.[0].toString('latin1'));
  if (first === undefined || last === undefined) throw new WrongSegment('there are no entries');
  return { log, first, last, count: entries.length, before: before.chain, chain, entries };
}

/** The same content always gives the same bytes. */
export function packed({ entries, ...about }: SegmentContent): Buffer {
  const lines: Buffer[] = [Buffer.from(`${JSON.stringify({ format: FORMAT, ...about })}\n`)];
  for (const [id, fields] of entries) {
    const { type, event, proof } = fieldsOf(id.toString('latin1'), fields);
    lines.push(id, SPACE, type, SPACE, proof, SPACE, event, NEW_LINE);
  }
  return gzipSync(Buffer.concat(lines));
}

/** What a file holds. Throws `WrongSegment` where it is not what was sealed. */
export function unpacked(bytes: Buffer): SegmentContent {
  const text = opened(bytes);
  const end = text.indexOf(NEW_LINE);
  const about = headerIn(text.subarray(0, Math.max(end, 0)));
  const entries: RawEntry[] = [];
  for (let from = end + 1; from < text.length;) {
    const to = text.indexOf(NEW_LINE, from);
    if (to < 0) throw new WrongSegment('its last line is cut');
    entries.push(entryOn(text.subarray(from, to)));
    from = to + 1;
  }
  const before = { last: `${eventId(about.first).ms}-${eventId(about.first).seq - 1}`, chain: about.before };
  const content = contentOf(about.log, before, entries);
  for (const name of ['first', 'last', 'count', 'chain'] as const)
    if (content[name] !== about[name]) throw new WrongSegment(`its header names another ${name}`);
  return content;
}

/** Entries of a segment between two ids, both left out. */
export function entriesBetween(
  { entries }: Pick<SegmentContent, 'entries'>,
  after: string,
  before?: string,
): readonly RawEntry[] {
  const [low, high] = [eventId(after), before === undefined ? undefined : eventId(before)];
  // Ids stand in order: the first that is not before.
  const firstWhere = (fits: (id: ReturnType<typeof eventId>) => boolean) => {
    let [from, to] = [0, entries.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (fits(eventId(entries[middle]![0].toString('latin1')))) to = middle;
      else from = middle + 1;
    }
    return from;
  };
  const from = firstWhere((id) => compareEventIds(id, low) > 0);
  return entries.slice(from, high && firstWhere((id) => compareEventIds(id, high) >= 0));
}

const SPACE = Buffer.from(' ');
const NEW_LINE = Buffer.from('\n');

function fieldsOf(id: string, fields: RawEntry[1]): Record<(typeof FIELDS)[number], Buffer> {
  const isOurs =
    fields?.length === 2 * FIELDS.length && FIELDS.every((name, i) => fields[2 * i]!.toString('latin1') === name);
  if (!isOurs) throw new WrongSegment(`the entry ${id} is no event of ours`);
  const [, type, , event, , proof] = fields as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
  const isLine = !type.includes(SPACE) && ![type, event, proof].some((value) => value.includes(NEW_LINE));
  if (!isLine || proof.toString('latin1').split(' ').length !== 3)
    throw new WrongSegment(`the entry ${id} is no event of ours`);
  return { type, event, proof };
}

/** `<id> <type> <salt> <digest> <chain> <event>` */
function entryOn(line: Buffer): RawEntry {
  const cuts: number[] = [];
  for (let at = -1; cuts.length < 5; cuts.push(at)) {
    at = line.indexOf(SPACE, at + 1);
    if (at < 0) throw new WrongSegment('a line of it is cut');
  }
  const [id, type, , , chain] = cuts as [number, number, number, number, number];
  const values = [line.subarray(id + 1, type), line.subarray(chain + 1), line.subarray(type + 1, chain)];
  return [line.subarray(0, id), FIELDS.flatMap((name, i) => [Buffer.from(name), values[i]!])];
}

function opened(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    throw new WrongSegment(`it cannot be unpacked: ${(error as Error).message}`);
  }
}

function headerIn(line: Buffer): Omit<SegmentContent, 'entries'> {
  let header: Partial<SegmentContent> & { format?: unknown };
  try {
    header = JSON.parse(line.toString()) as typeof header;
  } catch {
    throw new WrongSegment('its first line is no header');
  }
  if (header.format !== FORMAT) throw new WrongSegment('it is of no format that is known here');
  const { log, first, last, count, before, chain } = header;
  if (parseEventId(first ?? '') === undefined) throw new WrongSegment('its header names no first entry');
  return { log: log!, first: first!, last: last!, count: count!, before: before!, chain: chain! };
}

const sha1 = (content: string | Buffer): string => createHash('sha1').update(content).digest('hex');
