/**
 * What left Redis: which segments a log has, and their entries. Owns the bounded memory of segments that were read, and the deadline of each
 * read. Refuses to pass over what cannot be read: a segment that is missing or damaged is an error, never a gap.
 */
import type { Cluster, Redis } from 'ioredis';
import { compareEventIds, eventId } from '../../envelope.ts';
import type { RawEntry } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import type { Keys, StreamRef } from '../../keys.ts';
import { within } from '../deadline.ts';
import { KeptFiles } from './kept-files.ts';
import { entriesBetween, segmentAt, unpacked, WrongSegment } from './segment.ts';
import type { Segment, SegmentContent } from './segment.ts';

/** Where the files of segments are. A name follows from the content, and what is read is what was put. */
export interface SegmentFiles {
  put(content: Buffer): Promise<string>;
  /** Throws `unavailable` where the file is missing or damaged. */
  read(name: string): Promise<Buffer>;
}

export interface ArchiveOptions {
  readonly redis: Redis | Cluster;
  readonly keys: Keys;
  /** Absent where nobody said where they are: what left Redis cannot be read then. */
  readonly files: SegmentFiles | undefined;
  readonly warn: (message: string, fields?: Record<string, unknown>) => void;
}

const READ_WITHIN_MS = 15_000;
/** Of entries that are held in memory, so that a page after the other does not unpack the same file. */
const KEPT_BYTES = 32_000_000;
/** Places that are asked for at once. */
const PLACES = 8;

export class Archive {
  private readonly options: ArchiveOptions;
  private readonly kept = new KeptFiles<SegmentContent>(KEPT_BYTES, ({ entries }) =>
    entries.reduce((sum, [, fields]) => sum + fields!.reduce((all, { length }) => all + length, 0), 0),
  );

  constructor(options: ArchiveOptions) {
    this.options = options;
  }

  /** Entries of segments after an id, oldest first, at most `count`; fewer only where the segments end. */
  async up(stream: StreamRef, after: string, count: number): Promise<RawEntry[]> {
    const found: RawEntry[] = [];
    for (let passed = await this.passed(stream, after); ;) {
      const segments = await this.above(stream, passed);
      for (const segment of segments) {
        const entries = entriesBetween(await this.content(stream, segment), after);
        found.push(...entries.slice(0, count - found.length));
        if (found.length === count) return found;
        passed = lastSeq(segment);
      }
      if (segments.length === 0) return found;
    }
  }

  /** Entries of segments before an id, newest first, at most `count`; fewer only where the segments begin. */
  async down(stream: StreamRef, before: string, count: number): Promise<RawEntry[]> {
    const found: RawEntry[] = [];
    const passed = await this.passed(stream, justBefore(before));
    for (let segments = (await this.above(stream, passed)).slice(0, 1), next = passed; ;) {
      for (const segment of segments) {
        const entries = entriesBetween(await this.content(stream, segment), justBefore(segment.first), before);
        found.push(...entries.toReversed().slice(0, count - found.length));
        if (found.length === count) return found;
      }
      segments = await this.below(stream, next);
      if (segments.length === 0) return found;
      next = lastSeq(segments.at(-1)!) - 1;
    }
  }

  /** Id of the entry at a seq, where that is in a segment. */
  async idAtSeq(stream: StreamRef, seq: number): Promise<string | undefined> {
    const [segment] = await this.above(stream, seq - 1, 1);
    if (!segment || seq < eventId(segment.first).seq) return undefined;
    const { entries } = await this.content(stream, segment);
    return entries[seq - eventId(segment.first).seq]?.[0].toString('latin1');
  }

  /** The newest segment of a log. */
  async newest(stream: StreamRef): Promise<Segment | undefined> {
    return (await this.below(stream, Infinity))[0];
  }

  /** All segments of a log, oldest first. */
  async segments(stream: StreamRef): Promise<Segment[]> {
    return segmentsAt(await this.options.redis.zrange(this.keyOf(stream), '0', '-1'));
  }

  /** The segments that end after a seq, oldest first, a few of them. */
  after(stream: StreamRef, seq: number): Promise<Segment[]> {
    return this.above(stream, seq);
  }

  /** What a segment's file holds. Throws `unavailable` where that is not the segment. */
  content(stream: StreamRef, segment: Segment): Promise<SegmentContent> {
    return this.kept.get(segment.file, () => this.read(stream, segment));
  }

  /** Reads a segment's file, and not what is remembered of it. */
  async read(stream: StreamRef, segment: Segment): Promise<SegmentContent> {
    const { files, keys, warn } = this.options;
    const { file, first, last } = segment;
    const about = { stream: `${stream.kind} ${stream.id}`, file, first, last };
    const refuse = (error: Error): never => {
      warn(`a segment cannot be read: ${causeOf(error)}`, about);
      const detail = `What happened here from ${timeOf(first)} to ${timeOf(last)} lies in the archive and cannot be read`;
      throw fail('unavailable', detail, { cause: error });
    };
    if (!files) return refuse(new Error('nobody said where the files are'));
    try {
      const bytes = await within(READ_WITHIN_MS, files.read(file), () => {
        throw new Error('it does not come in time');
      });
      const content = unpacked(bytes);
      const isIt = content.log === keys.of(stream, 'log') && content.first === first && content.last === last;
      if (!isIt || content.chain !== segment.chain || content.before !== segment.before)
        throw new WrongSegment('it is another segment');
      return content;
    } catch (error) {
      return refuse(error as Error);
    }
  }

  /**
   * Up to which seq the segments lie that end at or before an id. Mostly the seq of the id itself; an id that is none of the log's, as of a
   * time alone, is looked for.
   */
  private async passed(stream: StreamRef, id: string): Promise<number> {
    const { seq } = eventId(id);
    const [[next], [last]] = await Promise.all([this.above(stream, seq, 1), this.below(stream, seq, 1)]);
    const isSo = (!next || isBefore(id, next.last)) && (!last || !isBefore(id, last.last));
    if (isSo) return seq;
    const all = await this.segments(stream);
    return all.reduce((passed, segment) => (isBefore(id, segment.last) ? passed : lastSeq(segment)), 0);
  }

  /** Segments that end after a seq, oldest first. */
  private async above(stream: StreamRef, seq: number, most = PLACES): Promise<Segment[]> {
    const from = `(${Math.max(seq, 0)}`;
    return segmentsAt(await this.options.redis.zrangebyscore(this.keyOf(stream), from, '+inf', 'LIMIT', 0, most));
  }

  /** Segments that end at or before a seq, newest first. */
  private async below(stream: StreamRef, seq: number, most = PLACES): Promise<Segment[]> {
    const to = seq === Infinity ? '+inf' : String(seq);
    return segmentsAt(await this.options.redis.zrevrangebyscore(this.keyOf(stream), to, '(0', 'LIMIT', 0, most));
  }

  private keyOf(stream: StreamRef): string {
    return this.options.keys.of(stream, 'archive');
  }
}

const segmentsAt = (places: readonly string[]): Segment[] => places.flatMap((place) => segmentAt(place) ?? []);
const lastSeq = ({ last }: Segment): number => eventId(last).seq;
const isBefore = (a: string, b: string): boolean => compareEventIds(eventId(a), eventId(b)) < 0;

/** The id that would stand right before one. */
export function justBefore(id: string): string {
  const { ms, seq } = eventId(id);
  return seq > 0 ? `${ms}-${seq - 1}` : id;
}

const timeOf = (id: string): string => new Date(eventId(id).ms).toISOString();

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
