/**
 * Reads that fold a long piece of a log: what was long ago, what a view lacks that stands still or is being made. In bounded memory, a few
 * at a time. Answers are shared by all who ask the same.
 */
import { compareEventIds, eventId } from '../envelope.ts';
import type { Decode, EventId, RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { stepsIfReadable } from './backlog.ts';
import { LongFolds } from './long-folds.ts';
import type { CheckTime, FoldLimits } from './long-folds.ts';
import { pick, Sheet, viewName } from './projection.ts';
import type { Placed, Projection, PageRange, Step } from './projection.ts';
import { Window } from './window.ts';

/** Events of a log, up to the end and with it. */
interface Piece {
  readonly stream: StreamRef;
  readonly after: string;
  readonly end: EventId;
}

/** Which events are folded, and onto which documents. */
export interface Task<Doc extends object> extends Piece {
  readonly projection: Projection<Doc>;
  /** What the view holds of the answer at `after`. */
  readonly stored: readonly Placed<Doc>[];
  readonly fits?: ((doc: Doc) => boolean) | undefined;
}

export interface LongReadLimits extends FoldLimits {
  /** Documents that one fold holds at once. */
  readonly held: number;
}

export class LongReads {
  private readonly log: Log;
  private readonly decode: Decode;
  private readonly held: number;
  private readonly folds: LongFolds;

  constructor(log: Log, decode: Decode, limits: LongReadLimits) {
    this.log = log;
    this.decode = decode;
    this.held = limits.held;
    this.folds = new LongFolds(limits);
  }

  /** Documents of a range that fit, nearest first. */
  page<Doc extends object>(task: Task<Doc>, range: PageRange): Promise<Placed<Doc>[]> {
    return this.folds.run(nameOf(task, range), (checkTime) => this.foldPage(task, range, checkTime));
  }

  /** Every document that fits, by order. Nobody else asks the same: `fits` has no name. */
  all<Doc extends object>(task: Task<Doc>): Promise<Placed<Doc>[]> {
    return this.folds.run(undefined, (checkTime) =>
      this.foldPage(task, { direction: 'up', limit: Infinity }, checkTime),
    );
  }

  /** A sheet on which these documents are, as far as there are any. */
  byKeys<Doc extends object>(task: Task<Doc>, keys: readonly string[]): Promise<Sheet<Doc>> {
    return this.folds.run(nameOf(task, keys), (checkTime) => this.foldOnly(task, keys, checkTime));
  }

  /** Tells of each event that is folded, in their order. */
  each<Doc extends object>(task: Task<Doc>, take: (steps: readonly Step<Doc>[]) => void): Promise<void> {
    return this.folds.run(undefined, (checkTime) => this.foldLog(task, { apply: take }, checkTime));
  }

  /** Hands over the events of a piece of a log as they are, where the caller knows what they mean. */
  events(piece: Piece, take: (events: readonly RawEvent[]) => void): Promise<void> {
    return this.folds.run(undefined, async (checkTime) => {
      for await (const events of this.eventsOf(piece, checkTime)) take(events);
    });
  }

  private async foldPage<Doc extends object>(
    task: Task<Doc>,
    range: PageRange,
    checkTime: CheckTime,
  ): Promise<Placed<Doc>[]> {
    const { projection, fits } = task;
    const window = new Window<Doc>({ fits, held: this.held });
    for (const { order, doc } of task.stored) window.load(projection.key(doc), order, doc);
    await this.foldLog(task, window, checkTime);
    const nearest = window.nearest(range);
    const notHeld = nearest.flatMap(({ key, doc }) => (doc === undefined ? [key] : []));
    const again = notHeld.length > 0 ? await this.foldOnly(task, notHeld, checkTime) : undefined;
    const all = nearest.flatMap(({ key, order, doc }) => (doc ? { order, doc } : (again!.get(key) ?? [])));
    return pick(all, range, fits);
  }

  private async foldOnly<Doc extends object>(
    task: Task<Doc>,
    keys: readonly string[],
    checkTime: CheckTime,
  ): Promise<Sheet<Doc>> {
    const sheet = new Sheet<Doc>(new Set(keys));
    for (const { order, doc } of task.stored) sheet.load(task.projection.key(doc), order, doc);
    await this.foldLog(task, sheet, checkTime);
    return sheet;
  }

  private async foldLog<Doc extends object>(
    task: Task<Doc>,
    onto: Pick<Sheet<Doc>, 'apply'>,
    checkTime: CheckTime,
  ): Promise<void> {
    for await (const events of this.eventsOf(task, checkTime))
      fold(onto, stepsOfAll(task.projection, events, this.decode));
  }

  private async *eventsOf({ stream, after, end }: Piece, checkTime: CheckTime): AsyncGenerator<RawEvent[]> {
    for await (const events of this.log.readAll(stream, after)) {
      checkTime();
      const within = events.filter((event) => compareEventIds(eventId(event.id), end) <= 0);
      yield within;
      if (within.length < events.length) return;
    }
  }
}

export const stepsOfAll = <Doc extends object>(
  projection: Projection<Doc>,
  events: readonly RawEvent[],
  decode: Decode,
): Step<Doc>[][] => events.map((event) => stepsIfReadable(projection, event, decode));

/** Each event by itself: one that does not fit the documents is passed over, as its stream is parked in the view. */
export function fold<Doc extends object>(
  onto: Pick<Sheet<Doc>, 'apply'>,
  events: readonly (readonly Step<Doc>[])[],
): void {
  for (const steps of events) {
    try {
      onto.apply(steps);
    } catch {
      continue;
    }
  }
}

const nameOf = <Doc extends object>(
  { projection, stream, after, end }: Task<Doc>,
  what: PageRange | readonly string[],
): string => JSON.stringify([viewName(projection), stream.kind, stream.id, after, end.ms, end.seq, what]);
