/**
 * Turns a batch of a feed into the writes of all views. Owns the rule that a view takes each event of a stream once and in order: it
 * compares the event's seq with the view's `applied`, passes over what is in already, and reads the log where something is missing.
 * An event that cannot be folded parks its stream in that view only; reads of the stream still answer, from view and log.
 */
import type { Decode, RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Write } from '../log/feed.ts';
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

export interface Folded {
  readonly writes: Write[];
  /** `<view> <stream kind> <stream id>` → why, for streams that this batch parked. */
  readonly parked: Map<string, Parked>;
  /** Positions that hold once the writes are done; for the caller's cache. */
  readonly applied: Map<string, string>;
}

export const placeOf = (projection: Projection, stream: StreamRef): string =>
  `${viewName(projection)} ${stream.kind} ${stream.id}`;

/** Folds one partition's events. `known` holds positions that this worker wrote; `isParked` says what stands still. */
export async function foldBatch(
  options: FoldOptions,
  events: readonly RawEvent[],
  known: ReadonlyMap<string, string>,
  isParked: (place: string) => boolean,
): Promise<Folded> {
  const folded: Folded = { writes: [], parked: new Map(), applied: new Map() };
  const tasks = jobsOf(options.projections, events).filter(({ place }) => !isParked(place));
  const unknown = tasks.filter(({ place }) => !known.has(place));
  const asked = await options.views.applied(unknown.map(({ projection, stream }) => [projection, stream] as const));
  const appliedBefore = new Map(unknown.map(({ place }, i) => [place, asked[i]!]));
  const results = await Promise.all(
    tasks.map((task) => foldStream(options, task, known.get(task.place) ?? appliedBefore.get(task.place)!)),
  );
  results.forEach(({ writes, parked, applied }, i) => {
    const { place } = tasks[i]!;
    folded.writes.push(...writes);
    folded.applied.set(place, applied);
    if (parked) folded.parked.set(place, parked);
  });
  return folded;
}

interface Task {
  readonly place: string;
  readonly projection: Projection;
  readonly stream: StreamRef;
  readonly events: RawEvent[];
}

function jobsOf(projections: readonly Projection[], events: readonly RawEvent[]): Task[] {
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

async function foldStream(
  options: FoldOptions,
  { projection, stream, events }: Task,
  applied: string,
): Promise<{ writes: Write[]; applied: string; parked?: Parked }> {
  const from = seqOf(applied);
  let fresh = events.filter((event) => event.seq > from);
  if (fresh.length === 0) return { writes: [], applied };
  if (fresh[0]!.seq !== from + 1 || !isDense(fresh))
    fresh = await missing(options.log, stream, applied, fresh.at(-1)!.seq);

  const steps: { event: RawEvent; steps: Step<object>[] }[] = [];
  let parked: Parked | undefined;
  for (const event of fresh) {
    try {
      steps.push({ event, steps: stepsOf(projection, options.decode(event)) });
    } catch (error) {
      parked = { event_id: event.id, type: event.type, error: (error as Error).message };
      break;
    }
  }
  const sheet = await loadSheet(
    options.views,
    projection,
    stream,
    steps.flatMap((s) => s.steps),
  );
  let reached = applied;
  for (const { event, steps: ofEvent } of steps) {
    try {
      sheet.apply(ofEvent);
    } catch (error) {
      parked = { event_id: event.id, type: event.type, error: (error as Error).message };
      break;
    }
    reached = event.id;
  }
  const writes = reached === applied ? [] : options.views.writes(projection, stream, sheet, reached);
  return { writes, applied: reached, ...(parked ? { parked } : {}) };
}

const isDense = (events: readonly RawEvent[]): boolean =>
  events.every((e, i) => i === 0 || e.seq === events[i - 1]!.seq + 1);

/** The log's own events between a view's position and a batch's end: the feed is only where we heard of them. */
async function missing(log: Log, stream: StreamRef, applied: string, upTo: number): Promise<RawEvent[]> {
  const events: RawEvent[] = [];
  for await (const page of log.readAll(stream, applied)) {
    events.push(...page.filter((event) => event.seq <= upTo));
    if (page.at(-1)!.seq >= upTo) break;
  }
  return events;
}

/** Documents that the steps change and do not make themselves. */
async function loadSheet(
  views: Views,
  projection: Projection,
  stream: StreamRef,
  steps: readonly Step<object>[],
): Promise<Sheet<object>> {
  const sheet = new Sheet<object>();
  const made = new Set<string>();
  const needed = new Set<string>();
  for (const step of steps) {
    if (!('put' in step) && !made.has(step.key)) needed.add(step.key);
    else made.add(step.key);
  }
  if (needed.size === 0) return sheet;
  if (projection.shape === 'entity') {
    const { doc } = await views.entity(projection, stream);
    if (doc) sheet.load('', 0, doc);
  } else {
    const found = await views.byKeys(projection, stream, [...needed]);
    found.docs.forEach(({ order, json }, i) => sheet.load(found.keys[i]!, order, JSON.parse(json) as object));
  }
  return sheet;
}
