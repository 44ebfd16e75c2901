/**
 * Reads that are never stale: the view, plus the events of the log after it, folded in memory by the same projection. Also `as_of`:
 * the same fold stopped earlier. Every feature's queries read through here.
 */
import { compareEventIds, eventId, invalid, parseEventId, parseTime, START } from '../envelope.ts';
import type { Decode, RawEvent } from '../envelope.ts';
import { translated } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import type { StreamRef } from '../keys.ts';
import { Sheet } from './projection.ts';
import type { Projection, Step } from './projection.ts';
import type { Page, PageRange, StoredDoc, Views } from './store.ts';
import { Backlogs, stepsIfReadable } from './backlog.ts';

/** Where a read stops: everything, or the log up to an event id or a time (its end is the id of that millisecond's last event). */
export type AsOf = string | undefined;

/** Events that come with a page of a view that is behind. Where it lacks more, they are read on their own, once for all readers. */
const MISSING = 16;

export interface ReadingOptions {
  readonly log: Log;
  readonly views: Views;
  readonly decode: Decode;
  /** Composed, as the projectors have them: a feature reads by its own part, and gets what others contribute too. */
  readonly projections: readonly Projection[];
}

export class Reading {
  private readonly log: Log;
  private readonly views: Views;
  private readonly decode: Decode;
  private readonly projections: ReadonlyMap<string, Projection>;
  private readonly backlogs: Backlogs;

  constructor({ log, views, decode, projections }: ReadingOptions) {
    this.log = log;
    this.views = views;
    this.decode = decode;
    this.projections = new Map(projections.map((projection) => [projection.name, projection]));
    this.backlogs = new Backlogs(log, decode);
  }

  /** One page of a collection, nearest to `from` first. Documents are JSON, unparsed where the view was up to date. */
  async page<Doc extends object>(
    part: Projection<Doc>,
    stream: StreamRef,
    range: PageRange,
    asOf: AsOf,
  ): Promise<StoredDoc[]> {
    const projection = this.composed(part);
    const { shelf } = range;
    const fits = shelf === undefined ? undefined : (doc: Doc) => projection.shelves!(doc).includes(shelf);
    if (asOf !== undefined) return pick(await this.foldUntil(projection, stream, asOf), range, { fits });
    for (let limit = range.limit; ;) {
      const stored = await translated(this.views.page(projection, stream, { ...range, limit }, MISSING));
      if (stored.applied === stored.head || stored.head === undefined) return stored.docs.slice(0, range.limit);
      const sheet = new Sheet<Doc>();
      await this.foldStored(projection, stream, stored, sheet);
      // A full page ends at its last document: what the tail has beyond it comes after others that were not read.
      const isFull = stored.docs.length === limit;
      const docs = pick(sheet, range, { fits, last: isFull ? stored.docs.at(-1)?.order : undefined });
      if (docs.length === range.limit || !isFull) return docs;
      // The tail took some of the page away: as many more are needed, at least.
      limit += range.limit - docs.length;
    }
  }

  /** Documents by key; a missing one has no entry. */
  async byKeys<Doc extends object>(
    part: Projection<Doc>,
    stream: StreamRef,
    keys: readonly string[],
    asOf?: AsOf,
  ): Promise<Map<string, { order: number; doc: Doc }>> {
    const projection = this.composed(part);
    let sheet: Sheet<Doc>;
    if (asOf !== undefined) sheet = await this.foldUntil(projection, stream, asOf);
    else {
      sheet = new Sheet<Doc>();
      await this.foldStored(
        projection,
        stream,
        await translated(this.views.byKeys(projection, stream, keys, MISSING)),
        sheet,
      );
    }
    return new Map(
      keys
        .flatMap((key) => [[key, sheet.get(key)] as const])
        .filter((e): e is [string, { order: number; doc: Doc }] => !!e[1]),
    );
  }

  /** Documents of a collection as of then that fit, by order. */
  async allThen<Doc extends object>(
    part: Projection<Doc>,
    stream: StreamRef,
    asOf: string,
    fits: (doc: Doc) => boolean,
  ): Promise<Doc[]> {
    const sheet = await this.foldUntil(this.composed(part), stream, asOf);
    return sheet.sorted().flatMap(({ doc }) => (fits(doc) ? [doc] : []));
  }

  /** A stream's entity, or undefined when there is none. */
  async entity<Doc extends object>(part: Projection<Doc>, stream: StreamRef): Promise<Doc | undefined> {
    const projection = this.composed(part);
    const stored = await translated(this.views.entity(projection, stream));
    if (stored.applied === stored.head || stored.head === undefined) return stored.doc;
    const sheet = new Sheet<Doc>();
    if (stored.doc) sheet.load('', 0, stored.doc);
    const { applied, head } = stored;
    fold(sheet, await this.backlogs.steps({ projection, stream, applied, head }));
    return sheet.get('')?.doc;
  }

  private composed<Doc extends object>(part: Projection<Doc>): Projection<Doc> {
    const found = this.projections.get(part.name);
    if (!found) throw new Error(`no view is called ${part.name}`);
    return found as unknown as Projection<Doc>;
  }

  /** Documents as the view has them, and on them the events that it lacks. */
  private async foldStored<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    { docs, missing, more, applied, head }: Page,
    sheet: Sheet<Doc>,
  ): Promise<void> {
    for (const { order, json } of docs) {
      const doc = JSON.parse(json.toString()) as Doc;
      sheet.load(projection.key(doc), order, doc);
    }
    const isWhole = more === undefined || head === undefined;
    const steps = isWhole
      ? this.stepsOf(projection, missing)
      : await this.backlogs.steps({ projection, stream, applied, head });
    fold(sheet, steps);
  }

  private async foldUntil<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    asOf: string,
  ): Promise<Sheet<Doc>> {
    const end = endOf(asOf);
    const sheet = new Sheet<Doc>();
    for await (const events of this.log.readAll(stream, START)) {
      const within = events.filter((e) => compareEventIds(eventId(e.id), end) <= 0);
      fold(sheet, this.stepsOf(projection, within));
      if (within.length < events.length) break;
    }
    return sheet;
  }

  private stepsOf<Doc extends object>(projection: Projection<Doc>, events: readonly RawEvent[]): Step<Doc>[][] {
    return events.map((event) => stepsIfReadable(projection, event, this.decode));
  }
}

/** Each event by itself: one that does not fit the documents is passed over, as its stream is parked in the view. */
function fold<Doc extends object>(sheet: Sheet<Doc>, events: readonly (readonly Step<Doc>[])[]): void {
  for (const steps of events) {
    try {
      sheet.apply(steps);
    } catch {
      continue;
    }
  }
}

/** Whether an event was there at that id or time. Throws `validation_failed` where it is neither. */
export const isWithin = (id: string, asOf: string): boolean => compareEventIds(eventId(id), endOf(asOf)) <= 0;

function endOf(asOf: string): { ms: number; seq: number } {
  const id = parseEventId(asOf);
  if (id) return id;
  const ms = parseTime(asOf);
  if (ms === undefined)
    throw invalid([{ pointer: '/query/as_of', message: 'must be an event id or an RFC 3339 time' }]);
  return { ms, seq: Number.MAX_SAFE_INTEGER };
}

/** The documents of a range that fit, nearest first, none beyond `last`. */
function pick<Doc extends object>(
  sheet: Sheet<Doc>,
  { direction, from, limit }: PageRange,
  { fits, last }: { fits: ((doc: Doc) => boolean) | undefined; last?: number | undefined },
): StoredDoc[] {
  const all = sheet.sorted();
  const up = fits ? all.filter(({ doc }) => fits(doc)) : all;
  const inRange =
    direction === 'up'
      ? up.filter(({ order }) => order > (from ?? -Infinity) && order <= (last ?? Infinity))
      : up.filter(({ order }) => order < (from ?? Infinity) && order >= (last ?? -Infinity)).toReversed();
  return inRange.slice(0, limit).map(({ order, doc }) => ({ order, json: Buffer.from(JSON.stringify(doc)) }));
}
