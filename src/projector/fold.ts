/**
 * Turns a batch of a feed into the writes of all views. Owns the rule that a view takes each event of a stream once and in order: it
 * compares the event's seq with the view's `applied`, passes over what is in already, and reads the log where something is missing.
 * An event that cannot be folded parks its stream in that view only; reads of the stream still answer, from view and log.
 */
import { START } from '../envelope.ts';
import type { Decode, RawEvent } from '../envelope.ts';
import { ChatError } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import type { Expected, Write } from '../log/consumer-group.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import { isSkipped } from './skipped.ts';
import { Sheet, stepsOf, viewName } from '../views/projection.ts';
import type { Projection, Step } from '../views/projection.ts';
import type { Shape } from '../views/shape.ts';
import type { Views } from '../views/store.ts';

export interface FoldOptions {
  readonly log: Log;
  readonly views: Views;
  readonly projections: readonly Projection[];
  readonly decode: Decode;
  /** Views of which a stream that is far behind is left as it is: somebody else brings it up. */
  readonly leaves?: (projection: Projection) => boolean;
}

/** Why a stream stands still in a view, as it is kept under `parked`. */
export interface Parked {
  readonly event_id: string;
  readonly type: string;
  readonly error: string;
}

/** What a batch means for one view of one stream. */
export interface Part {
  /** `<view> <stream kind> <stream id>` */
  readonly lane: string;
  readonly writes: readonly Write[];
  /** What the writes continue, and where the view moves on to when there are none. */
  readonly expected: Expected;
  readonly isMoved: boolean;
  /** The view's position once the writes are done. */
  readonly applied: string;
  /** This batch parks the stream in the view. */
  readonly parked: Parked | undefined;
  /** The view lacks more than one part may bring: the same batch is to be folded again once the writes are done. */
  readonly isPartial: boolean;
}

/** Events of the log that one part brings at most, so that no script and no memory grows with a view that is far behind. */
const SLICE = 2_000;

/** One view of one stream: what is brought up, and stands still, by itself. */
export const laneOf = (projection: Projection, stream: StreamRef): string =>
  `${viewName(projection)} ${stream.kind} ${stream.id}`;

/** Whether a lane is one of the view with this name and version. */
export const laneIn = (view: string, lane: string): boolean => lane.startsWith(`${view} `);

/** Folds one partition's events. `known` holds positions that this worker wrote; `isParked` says what stands still. */
export async function foldBatch(
  options: FoldOptions,
  events: readonly RawEvent[],
  known: ReadonlyMap<string, string>,
  isParked: (lane: string) => boolean,
): Promise<Part[]> {
  const tasks = tasksOf(options.projections, events).filter(({ lane }) => !isParked(lane));
  return Promise.all(tasks.map((task) => foldStream(options, task, known.get(task.lane))));
}

/** A script blocks Redis and takes only so many arguments: the parts of a batch go out in as many scripts as that asks for. */
const MAX_VALUES = 20_000;

export function portionsOf(parts: readonly Part[]): Part[][] {
  const portions: Part[][] = [[]];
  let values = 0;
  for (const part of parts) {
    const size = part.writes.reduce((sum, { args }) => sum + args.length, 0);
    if (values > 0 && values + size > MAX_VALUES) {
      portions.push([]);
      values = 0;
    }
    values += size;
    portions.at(-1)!.push(part);
  }
  return portions;
}

interface Task {
  readonly lane: string;
  readonly projection: Projection;
  readonly stream: StreamRef;
  readonly events: RawEvent[];
}

function tasksOf(projections: readonly Projection[], events: readonly RawEvent[]): Task[] {
  const tasks = new Map<string, Task>();
  for (const event of events) {
    for (const projection of projections) {
      if (projection.source !== event.stream.kind) continue;
      const lane = laneOf(projection, event.stream);
      const task = tasks.get(lane);
      if (task) task.events.push(event);
      else tasks.set(lane, { lane, projection, stream: event.stream, events: [event] });
    }
  }
  return [...tasks.values()];
}

async function foldStream(options: FoldOptions, task: Task, known: string | undefined): Promise<Part> {
  const { lane, projection, stream } = task;
  const { views } = options;
  const shape = views.shape(projection, stream);
  let applied = known ?? START;
  let fresh: Fresh;
  let sheet: Sheet<object>;
  try {
    applied = known ?? (await views.applied(shape));
    fresh = await freshAfter(options, task, applied);
    sheet = await loadedFor(fresh, shape, applied);
  } catch (error) {
    // Redis itself is away, or else what lies in the keys of this view or stream cannot be read.
    if (error instanceof ChatError) throw error;
    const expected = views.standsAt(shape, applied);
    const parked = parkedBy(task.events[0]!, error);
    return { lane, writes: [], expected, isMoved: false, applied, parked, isPartial: false };
  }
  let { parked } = fresh;
  let reached = applied;
  for (const { event, steps } of fresh.folding) {
    try {
      sheet.apply(steps);
    } catch (error) {
      if (!(await isSkipped(options.log, lane, event))) {
        parked = parkedBy(event, error);
        break;
      }
    }
    reached = event.id;
  }
  // What lies in the keys of a view that holds nothing is nobody's.
  const beginning = applied === START ? shape.beginning() : [];
  // Where no document changed there is nothing to write but how far the view is.
  const isSame = sheet.touched.size === 0 && applied !== START;
  const isMoved = reached !== applied;
  const writes = isSame || !isMoved ? [] : [...beginning, ...shape.writes(sheet, reached)];
  const expected = views.standsAt(shape, applied, isSame ? reached : undefined);
  return { lane, writes, expected, isMoved, applied: reached, parked, isPartial: fresh.isPartial && !parked };
}

const parkedBy = (event: RawEvent, error: unknown): Parked => ({
  event_id: event.id,
  type: event.type,
  error: (error as Error).message,
});

/** What a view lacks, with what it means, up to the event that cannot be read. */
interface Fresh {
  readonly folding: readonly { readonly event: RawEvent; readonly steps: readonly Step<object>[] }[];
  readonly parked: Parked | undefined;
  readonly isPartial: boolean;
}

async function freshAfter(options: FoldOptions, task: Task, applied: string): Promise<Fresh> {
  const { log, decode, leaves } = options;
  const { lane, projection, stream } = task;
  const next = seqOf(applied) + 1;
  const upTo = task.events.at(-1)!.seq;
  let events = task.events.filter((event) => event.seq >= next);
  // The feed is only where we heard of the events; the log has them all.
  const isGapped = events.some((event, i) => event.seq !== next + i);
  if (isGapped && upTo - next >= SLICE && leaves?.(projection)) return NOTHING;
  if (isGapped) events = (await log.readAfter(stream, applied, SLICE)).filter((event) => event.seq <= upTo);
  const isPartial = isGapped && events.length === SLICE && events.at(-1)!.seq < upTo;

  const folding: { event: RawEvent; steps: Step<object>[] }[] = [];
  let expected = next;
  for (const event of events) {
    try {
      if (event.seq !== expected) throw new Error(`the log has no event ${expected} before it`);
      folding.push({ event, steps: stepsOf(projection, event, decode) });
    } catch (error) {
      if (!(await isSkipped(log, lane, event))) return { folding, parked: parkedBy(event, error), isPartial };
      folding.push({ event, steps: [] });
    }
    expected = event.seq + 1;
  }
  return { folding, parked: undefined, isPartial };
}

const NOTHING: Fresh = { folding: [], parked: undefined, isPartial: false };

/** A sheet with the documents that the steps name, also those that they put: one that is there already must go. */
async function loadedFor({ folding }: Fresh, shape: Shape<object>, applied: string): Promise<Sheet<object>> {
  const named = new Set(folding.flatMap(({ steps }) => steps.map(({ key }) => key)));
  if (applied === START || named.size === 0) return new Sheet();
  return shape.load([...named]);
}
