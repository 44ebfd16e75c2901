/**
 * Turns a batch of a feed into the writes of all views. Owns the rule that a view takes each event of a stream once and in order: it
 * compares the event's seq with the view's `applied`, passes over what is in already, and reads the log where something is missing.
 * An event that cannot be folded parks its stream in that view only; reads of the stream still answer, from view and log.
 */
import type { Decode, RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { translated } from '../log/connection.ts';
import type { Expected, Write } from '../log/consumer-group.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import { Sheet, stepsOf, viewName } from '../views/projection.ts';
import type { Projection, Step } from '../views/projection.ts';
import type { Views } from '../views/store.ts';

export interface FoldOptions {
  readonly log: Log;
  readonly views: Views;
  readonly projections: readonly Projection[];
  readonly decode: Decode;
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
  readonly place: string;
  readonly writes: readonly Write[];
  /** What the writes continue. */
  readonly expected: Expected;
  /** The view's position once the writes are done. */
  readonly applied: string;
  /** This batch parks the stream in the view. */
  readonly parked: Parked | undefined;
  /** The view lacks more than one part may bring: the same batch is to be folded again once the writes are done. */
  readonly isPartial: boolean;
}

/** Events of the log that one part brings at most, so that no script and no memory grows with a view that is far behind. */
const SLICE = 2_000;

export const placeOf = (projection: Projection, stream: StreamRef): string =>
  `${viewName(projection)} ${stream.kind} ${stream.id}`;

/** Folds one partition's events. `known` holds positions that this worker wrote; `isParked` says what stands still. */
export async function foldBatch(
  options: FoldOptions,
  events: readonly RawEvent[],
  known: ReadonlyMap<string, string>,
  isParked: (place: string) => boolean,
): Promise<Part[]> {
  const tasks = tasksOf(options.projections, events).filter(({ place }) => !isParked(place));
  const unknown = tasks.filter(({ place }) => !known.has(place));
  const asked = await translated(
    options.views.applied(unknown.map(({ projection, stream }) => [projection, stream] as const)),
  );
  const appliedBefore = new Map(unknown.map(({ place }, i) => [place, asked[i]!]));
  return Promise.all(
    tasks.map((task) => foldStream(options, task, known.get(task.place) ?? appliedBefore.get(task.place)!)),
  );
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
  readonly place: string;
  readonly projection: Projection;
  readonly stream: StreamRef;
  readonly events: RawEvent[];
}

function tasksOf(projections: readonly Projection[], events: readonly RawEvent[]): Task[] {
  const tasks = new Map<string, Task>();
  for (const event of events) {
    for (const projection of projections) {
      if (projection.source !== event.stream.kind) continue;
      const place = placeOf(projection, event.stream);
      const task = tasks.get(place);
      if (task) task.events.push(event);
      else tasks.set(place, { place, projection, stream: event.stream, events: [event] });
    }
  }
  return [...tasks.values()];
}

async function foldStream(options: FoldOptions, task: Task, applied: string): Promise<Part> {
  const { place, projection, stream } = task;
  const { log, views, decode } = options;
  const next = seqOf(applied) + 1;
  const upTo = task.events.at(-1)!.seq;
  let fresh = task.events.filter((event) => event.seq >= next);
  let parked: Parked | undefined;
  const park = (event: RawEvent, error: unknown) => {
    parked = { event_id: event.id, type: event.type, error: (error as Error).message };
  };

  // The feed is only where we heard of the events; the log has them all.
  const isGapped = fresh.some((event, i) => event.seq !== next + i);
  if (isGapped) fresh = (await log.readAfter(stream, applied, SLICE)).filter((event) => event.seq <= upTo);

  const folding: { event: RawEvent; steps: Step<object>[] }[] = [];
  for (const [i, event] of fresh.entries()) {
    try {
      if (event.seq !== next + i) throw new Error(`the log has no event ${next + i} before it`);
      folding.push({ event, steps: stepsOf(projection, event, decode) });
    } catch (error) {
      park(event, error);
      break;
    }
  }
  const sheet = new Sheet<object>();
  let reached = applied;
  try {
    await load(
      sheet,
      views,
      task,
      folding.flatMap(({ steps }) => steps),
    );
    for (const { event, steps } of folding) {
      try {
        sheet.apply(steps);
      } catch (error) {
        park(event, error);
        break;
      }
      reached = event.id;
    }
  } catch (error) {
    // A document of the view itself cannot be read.
    if (!(error instanceof SyntaxError)) throw error;
    park(fresh[0]!, error);
  }
  return {
    place,
    writes: reached === applied ? [] : views.writes(projection, stream, sheet, reached),
    expected: views.standsAt(projection, stream, applied),
    applied: reached,
    parked,
    isPartial: isGapped && parked === undefined && fresh.length === SLICE && fresh.at(-1)!.seq < upTo,
  };
}

/** Puts the documents that the steps change and do not make themselves onto the sheet. */
async function load(
  sheet: Sheet<object>,
  views: Views,
  { projection, stream }: Task,
  steps: readonly Step<object>[],
): Promise<void> {
  const made = new Set<string>();
  const needed = new Set<string>();
  for (const step of steps) {
    if (!('put' in step) && !made.has(step.key)) needed.add(step.key);
    else made.add(step.key);
  }
  if (needed.size === 0) return;
  if (projection.shape === 'entity') {
    const { doc } = await translated(views.entity(projection, stream));
    if (doc) sheet.load('', 0, doc);
  } else {
    const found = await translated(views.byKeys(projection, stream, [...needed]));
    for (const { order, json } of found.docs) {
      const doc = JSON.parse(json.toString()) as object;
      sheet.load(projection.key(doc), order, doc);
    }
  }
}
