/**
 * Logs in pages of frames, for sessions that catch up: what many ask for at the same time is read once, and a page has no more bytes than
 * a socket is given room for, since it may be kept as long as a slow reader takes. Refuses features: how events are told to who comes
 * late arrives from outside.
 */
import { START } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { framed } from './frames.ts';
import type { Framed, Framing } from './frames.ts';

export interface LogPage {
  readonly events: readonly Framed[];
  /** The log may go on after it. */
  readonly hasMore: boolean;
  /** How many to ask for next. */
  readonly nextCount: number;
}

export interface LateFraming extends Framing {
  /** Events of a stream as who reads its log late is told them; as they are when absent. */
  toldLate?(stream: StreamRef, events: readonly RawEvent[]): Promise<readonly RawEvent[]>;
}

export type ReadableLog = Pick<Log, 'heads' | 'readAfter' | 'readFromCursor'>;

const PAGE_BYTES = 65_536;
/** Events of a page, while nothing is known of their size, and at most. */
export const FIRST_PAGE = 8;
const FULL_PAGE = 256;

export class LogPages {
  private readonly log: ReadableLog;
  private readonly framing: LateFraming;
  private readonly reads = new Map<string, Promise<LogPage | undefined>>();

  constructor(log: ReadableLog, framing: LateFraming) {
    this.log = log;
    this.framing = framing;
  }

  /** What comes after an id, at most so many; undefined where the log must know the id and does not. Equal reads under way are one. */
  read(stream: StreamRef, after: string, count: number, id: 'known' | 'any'): Promise<LogPage | undefined> {
    const name = `${stream.kind}${stream.id} ${after} ${count} ${id}`;
    const under = this.reads.get(name);
    if (under) return under;
    const reading = this.readNow(stream, after, count, id).finally(() => this.reads.delete(name));
    this.reads.set(name, reading);
    return reading;
  }

  /** Id of a stream's last event, as the guard state of its log has it now. */
  async head(stream: StreamRef): Promise<string> {
    return (await this.log.heads([stream], []))[0]?.id ?? START;
  }

  private async readNow(
    stream: StreamRef,
    after: string,
    count: number,
    id: 'known' | 'any',
  ): Promise<LogPage | undefined> {
    const { log, framing } = this;
    const read =
      id === 'any' ? await log.readAfter(stream, after, count) : await log.readFromCursor(stream, after, count);
    if (!read) return undefined;
    const events = firstOf(read, PAGE_BYTES);
    const told = (await framing.toldLate?.(stream, events)) ?? events;
    return {
      events: told.map((event) => framed(event, framing)),
      hasMore: read.length === count || events.length < read.length,
      nextCount: events.length === 0 ? count : countFor(events),
    };
  }
}

/** Those that have so many bytes, with the one that goes beyond. What was read behind it is read again when it is wanted. */
function firstOf(events: readonly RawEvent[], bytes: number): readonly RawEvent[] {
  let sum = 0;
  const last = events.findIndex(({ json }) => (sum += json.length) >= bytes);
  return last < 0 ? events : events.slice(0, last + 1);
}

/** So many as will have about the wanted bytes, going by those that came; in steps, so that equal reads meet. */
function countFor(events: readonly RawEvent[]): number {
  const bytes = events.reduce((sum, { json }) => sum + json.length, 0);
  const wanted = Math.max(1, (PAGE_BYTES * events.length) / bytes);
  return Math.min(FULL_PAGE, 2 ** Math.floor(Math.log2(wanted)));
}
