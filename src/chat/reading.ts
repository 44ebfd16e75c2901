/**
 * Reads that are never stale: the view, plus the events of the log after it, folded in memory by the same projection. Also `as_of`:
 * the same fold stopped earlier. Every feature's queries read through here.
 */
import { compareEventIds, eventId, invalid, parseEventId, START } from '../envelope.ts';
import type { Decode, RawEvent } from '../envelope.ts';
import { translated } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import type { StreamRef } from '../keys.ts';
import { Sheet, stepsOf } from '../views/projection.ts';
import type { Projection } from '../views/projection.ts';
import type { Page, PageRange, StoredDoc, Views } from '../views/store.ts';

/** Where a read stops: everything, or the log up to an event id or a time (its end is the id of that millisecond's last event). */
export type AsOf = string | undefined;

/** Events that come with a page of a view that is behind; what is beyond them is read on its own. */
const MISSING = 500;

export class Reading {
  private readonly log: Log;
  private readonly views: Views;
  private readonly decode: Decode;

  constructor(log: Log, views: Views, decode: Decode) {
    this.log = log;
    this.views = views;
    this.decode = decode;
  }

  /** One page of a collection, nearest to `from` first. Documents are JSON, unparsed where the view was up to date. */
  async page<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    range: PageRange,
    asOf: AsOf,
  ): Promise<StoredDoc[]> {
    if (asOf !== undefined) return pick(await this.foldUntil(projection, stream, asOf), range);
    for (let limit = range.limit; ;) {
      const stored = await translated(this.views.page(projection, stream, { ...range, limit }, MISSING));
      if (stored.applied === stored.head || stored.head === undefined) return stored.docs.slice(0, range.limit);
      const sheet = new Sheet<Doc>();
      await this.foldStored(projection, stream, stored, sheet);
      // A full page ends at its last document: what the tail has beyond it comes after others that were not read.
      const isFull = stored.docs.length === limit;
      const docs = pick(sheet, range, isFull ? stored.docs.at(-1)?.order : undefined);
      if (docs.length === range.limit || !isFull) return docs;
      // The tail took some of the page away: as many more are needed, at least.
      limit += range.limit - docs.length;
    }
  }

  /** Documents by key; a missing one has no entry. */
  async byKeys<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    keys: readonly string[],
    asOf?: AsOf,
  ): Promise<Map<string, { order: number; doc: Doc }>> {
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

  /** A stream's entity, or undefined when there is none. */
  async entity<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    asOf?: AsOf,
  ): Promise<Doc | undefined> {
    if (asOf !== undefined) return (await this.foldUntil(projection, stream, asOf)).get('')?.doc;
    const stored = await translated(this.views.entity(projection, stream));
    if (stored.applied === stored.head || stored.head === undefined) return stored.doc;
    const sheet = new Sheet<Doc>();
    if (stored.doc) sheet.load('', 0, stored.doc);
    await this.foldTail(projection, stream, stored.applied, sheet);
    return sheet.get('')?.doc;
  }

  /** Documents as the view has them, and on them the events that it lacks. */
  private async foldStored<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    { docs, missing, more }: Page,
    sheet: Sheet<Doc>,
  ): Promise<void> {
    for (const { order, json } of docs) {
      const doc = JSON.parse(json.toString()) as Doc;
      sheet.load(projection.key(doc), order, doc);
    }
    this.fold(projection, missing, sheet);
    if (more !== undefined) await this.foldTail(projection, stream, more, sheet);
  }

  private async foldTail<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    applied: string,
    sheet: Sheet<Doc>,
  ): Promise<void> {
    for await (const events of this.log.readAll(stream, applied)) this.fold(projection, events, sheet);
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
      this.fold(projection, within, sheet);
      if (within.length < events.length) break;
    }
    return sheet;
  }

  /** An event that cannot be folded is passed over here, as its stream is parked in the view: one bad event must not take a read away. */
  private fold<Doc extends object>(projection: Projection<Doc>, events: readonly RawEvent[], sheet: Sheet<Doc>): void {
    for (const event of events) {
      try {
        sheet.apply(stepsOf(projection, event, this.decode));
      } catch {
        continue;
      }
    }
  }
}

function endOf(asOf: string): { ms: number; seq: number } {
  const id = parseEventId(asOf);
  if (id) return id;
  const ms = Date.parse(asOf);
  if (!Number.isFinite(ms)) throw invalid([{ pointer: '/query/as_of', message: 'must be an event id or a time' }]);
  return { ms, seq: Number.MAX_SAFE_INTEGER };
}

/** The documents of a range, nearest first, none beyond `last`. */
function pick<Doc extends object>(
  sheet: Sheet<Doc>,
  { direction, from, limit }: PageRange,
  last?: number,
): StoredDoc[] {
  const up = sheet.sorted();
  const inRange =
    direction === 'up'
      ? up.filter(({ order }) => order > (from ?? -Infinity) && order <= (last ?? Infinity))
      : up.filter(({ order }) => order < (from ?? Infinity) && order >= (last ?? -Infinity)).toReversed();
  return inRange.slice(0, limit).map(({ order, doc }) => ({ order, json: Buffer.from(JSON.stringify(doc)) }));
}
