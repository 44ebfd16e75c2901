/**
 * The read-model store: how documents and pages of them are read, all of one instant, with how far the view is. How they lie in Redis is
 * the matter of their shape. Never read by a guard.
 */
import type { Cluster, Redis } from 'ioredis';
import { eventId, eventOfEntry, parseEventId, START } from '../envelope.ts';
import type { EventId, RawEntry, RawEvent } from '../envelope.ts';
import type { Keys, StreamRef } from '../keys.ts';
import type { Expected } from '../log/consumer-group.ts';
import type { Row, RowRange } from '../log/archive/rows.ts';
import type { Append, Log } from '../log/log.ts';
import { EntityReader } from './entities.ts';
import { viewName } from './projection.ts';
import type { Projection, PageRange } from './projection.ts';
import { APPLIED, ARCHIVED, BEYOND } from './shape.ts';
import type { Shape } from './shape.ts';
import { placeOnShelf, shapeOf } from './shapes.ts';
import { Sides, sidesOf } from './sides.ts';
import type { Naming } from './sides.ts';

export interface StoredDoc {
  readonly order: number;
  readonly json: Buffer;
}

/** How far a view is, of one instant with what was read of it. */
export interface Applied {
  /** Id of the last event that the view holds. */
  readonly applied: string;
  /** Id of the stream's last event, read in the same instant; undefined when there is no such stream. */
  readonly head: string | undefined;
  /** Events of the log that the view lacks, and the id after which more of them follow, if they do. */
  readonly missing: readonly RawEvent[];
  readonly more: string | undefined;
}

export interface Page extends Applied {
  readonly docs: StoredDoc[];
}

/** What is looked for in a view of terms: `=word`, or `^beginning of a word`, all of them. */
export interface TermsRange {
  readonly wanted: readonly string[];
  /** After so many places a look ends. */
  readonly most: number;
  /** Only what was put by an event of a lower seq, and of at least this one. */
  readonly below?: number | undefined;
  readonly least?: number | undefined;
  /** Only what was put before this millisecond, and not before this one. */
  readonly before?: number | undefined;
  readonly since?: number | undefined;
}

export interface TermsPage extends Applied {
  /** Newest first. */
  readonly places: readonly EventId[];
  /** The newest that the look did not come to; undefined where it came to the end. */
  readonly next: EventId | undefined;
}

export interface EntityPage<Doc> {
  readonly applied: string;
  readonly head: string | undefined;
  readonly doc: Doc | undefined;
}

/** Where a collection of a stream lies: on the side that is read now, where no other is named. */
interface Place {
  readonly projection: Projection;
  readonly stream: StreamRef;
  readonly view?: string | undefined;
}

/** The keys of a collection that come first; one for its shelves follows where it has any. */
const INDEX_AND_DOCUMENTS = 2;
/** Nobody waits that long for a page, and where nothing is built nobody takes the hints away. */
const WANTED_SECONDS = 600;
/** After every place on a shelf. */
const LAST_ON_SHELF = '~';

export class Views {
  private readonly redis: Redis | Cluster;
  private readonly keys: Keys;
  private readonly entities: EntityReader;
  private readonly log: Log;
  private readonly sides: Naming;

  /** `sides` says on which side of a view is read and written: the first, where nobody does. */
  constructor(log: Log, sides: Naming = new Sides(log)) {
    this.log = log;
    this.sides = sides;
    this.redis = log.connection.commands;
    this.keys = log.keys;
    this.entities = new EntityReader(this.redis, this.keys);
  }

  /** How a projection's documents of a stream lie in Redis, and how they are brought there. */
  shape<Doc extends object>(projection: Projection<Doc>, stream: StreamRef): Shape<Doc> {
    return this.shapeIn(projection, stream, this.sides.nameOf(projection, stream));
  }

  /** The keys of a view on both of its sides: the one that is not read may have been, and be read again. */
  everyKey(projection: Projection, stream: StreamRef): string[] {
    return sidesOf(viewName(projection)).flatMap((view) => [...this.shapeIn(projection, stream, view).keys]);
  }

  /** Looks on which sides is read now. Where that cannot be told, what was known goes on being right. */
  async refresh(): Promise<void> {
    await this.sides.refresh?.().catch(() => {});
  }

  private shapeIn<Doc extends object>(projection: Projection<Doc>, stream: StreamRef, view: string): Shape<Doc> {
    return shapeOf({ projection, stream, view, keys: this.keys, views: this });
  }

  /**
   * One page of a collection, with how far the view and the log are, all of one instant. Where the view is behind, at most `missing` events
   * that it lacks come along.
   */
  async page(
    projection: Projection,
    stream: StreamRef,
    { direction, from, limit, shelf }: PageRange,
    missing = 0,
  ): Promise<Page> {
    if (shelf !== undefined) {
      const beyond = direction === 'up' ? '' : LAST_ON_SHELF;
      const place = from === undefined ? beyond : placeOnShelf(from);
      const args = { direction, shelf, from: place, limit: String(limit) };
      const { archived: _, ...onShelf } = await this.collection('view.shelf', { projection, stream }, args, missing);
      return onShelf;
    }
    const end = direction === 'up' ? '-inf' : `(${BEYOND}`;
    const args = { direction, from: from === undefined ? end : `(${from}`, limit: String(limit) };
    const { archived, ...page } = await this.collection('view.page', { projection, stream }, args, missing);
    const rows = rowsNeeded({ ...page, archived }, { direction, from, limit });
    if (!rows) return page;
    const found = await this.log.cold.page(this.shape(projection, stream).archived!, rows);
    return { ...page, docs: merged(page.docs, found.map(docOf(projection)), { direction, from, limit }) };
  }

  /** Documents of a collection by key, all of one instant. A key that is not there has no entry. */
  async byKeys(
    projection: Projection,
    stream: StreamRef,
    keys: readonly string[],
    { missing = 0, view }: { missing?: number; view?: string } = {},
  ): Promise<Page> {
    const place = { projection, stream, view };
    const { archived: marked, ...page } = await this.collection('view.documents', place, { wanted: keys }, missing);
    const left = keys.filter((key) => marked && key <= marked.key);
    if (left.length === 0) return page;
    const there = new Set(page.docs.map(({ json }) => projection.key(JSON.parse(json.toString()) as object)));
    const gone = left.filter((key) => !there.has(key));
    if (gone.length === 0) return page;
    const { archived } = this.shapeIn(projection, stream, view ?? this.sides.nameOf(projection, stream));
    const found = await this.log.cold.byKeys(archived!, gone);
    return { ...page, docs: [...page.docs, ...[...found.values()].map(docOf(projection))] };
  }

  /** Whether a collection may have any of these documents, which is cheaper to ask than to get them. Throws where its keys cannot be read. */
  async hasAny({ keys: [index, docs] }: Pick<Shape<object>, 'keys'>, keys: readonly string[]): Promise<boolean> {
    const [found] = await Promise.all([this.redis.hmget(index!, ...keys, ARCHIVED), this.redis.zcard(docs!)]);
    const archived = archivedIn(found.at(-1) ?? '');
    return keys.some((key, i) => found[i] !== null || (archived !== undefined && key <= archived.key));
  }

  private async collection(
    script: string,
    { projection, stream, view = this.sides.nameOf(projection, stream) }: Place,
    args: Append['args'],
    missing: number,
  ): Promise<Page & { readonly archived: Archived | undefined }> {
    const { keys } = this.shapeIn(projection, stream, view);
    const needed = keys.slice(0, INDEX_AND_DOCUMENTS + (script === 'view.shelf' ? 1 : 0));
    const reply = await this.log.ask(script, stream, { ...args, missing: String(missing) }, needed);
    const [, , , orderText, found, , archived] = reply as [Buffer, Buffer, Buffer, Buffer, Buffer[], unknown, Buffer];
    const orders = orderText.toString('latin1').split(' ');
    const { packing } = projection;
    const docs = found.map((bytes, i) => ({ order: Number(orders[i]), json: packing ? packing.unpack(bytes) : bytes }));
    return { ...appliedOf(reply, missing), docs, archived: archivedIn(archived.toString('latin1')) };
  }

  /**
   * Where documents of a view of terms may be that have all that is wanted: one look, from its newest end or from where the last one ended.
   * Where the view is behind, at most `missing` events that it lacks come along.
   */
  async terms(projection: Projection, stream: StreamRef, range: TermsRange, missing = 0): Promise<TermsPage> {
    const { wanted, most, below = Infinity, before = Infinity, least = 0, since = 0 } = range;
    const args = { below: number(below), before: number(before), least: number(least), since: number(since) };
    const { keys } = this.shape(projection, stream);
    const reply = await this.log.ask(
      'view.terms',
      stream,
      { ...args, most: String(most), missing: String(missing), wanted },
      keys,
    );
    const [, , , , found, , , next] = reply as [Buffer, Buffer, Buffer, Buffer, Buffer[], RawEntry[], Buffer, Buffer];
    const ended = next.toString('latin1');
    return {
      ...appliedOf(reply, missing),
      places: found.map((id) => eventId(id.toString('latin1'))),
      next: ended === '' ? undefined : eventId(ended),
    };
  }

  /** The events that put these documents of a view of terms; undefined for one that is not there. */
  async places(projection: Projection, stream: StreamRef, keys: readonly string[]): Promise<(string | undefined)[]> {
    const facts = await this.log.guardFields(stream, projection.placedIn!, keys);
    return facts.map((words) => words?.split(' ', 1)[0]);
  }

  /** How many those are that `members` gives. */
  count(key: string): Promise<number> {
    return this.redis.zcount(key, '0', '+inf');
  }

  /** All of a sorted set but what keeps it in being, in its order. */
  members(key: string): Promise<string[]> {
    return this.redis.zrangebyscore(key, '0', '+inf');
  }

  /** Id of the last event that a view holds of a stream. */
  async applied({ keys }: Pick<Shape<object>, 'keys'>): Promise<string> {
    return (await this.redis.hget(keys[0]!, APPLIED)) ?? START;
  }

  /** A stream's entity with `applied` and the stream's head, in one round trip; `doc` is undefined before its first event. */
  async entity<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    view = this.sides.nameOf(projection, stream),
  ): Promise<EntityPage<Doc>> {
    // The entity is asked for first: what it holds can then never be newer than the head.
    const [found, head] = await Promise.all([
      this.entities.fetch(projection, stream, view),
      this.redis.hget(this.keys.of(stream, 'head'), 'id'),
    ]);
    return { ...found, head: head ?? undefined };
  }

  /** Lets a projector know that somebody reads a stream whose views hold nothing of it: if they are being built, it comes next. */
  ask(stream: StreamRef): void {
    const key = this.keys.of(stream, 'wanted');
    // Only a hint: what is lost of it costs some time.
    void Promise.all([
      this.redis.sadd(key, `${stream.kind} ${stream.id}`),
      this.redis.expire(key, WANTED_SECONDS),
    ]).catch(() => {});
  }

  /** That a stream's view stands at `applied`: writes that continue it from there are wrong for any other. It moves on to `becomes`. */
  standsAt({ keys }: Pick<Shape<object>, 'keys'>, applied: string, becomes?: string): Expected {
    return { key: keys[0]!, field: APPLIED, value: applied === START ? '' : applied, becomes };
  }
}

/** Which documents may lie in files: none of a higher order, and none of a higher key. */
interface Archived {
  readonly order: number;
  readonly key: string;
}

function archivedIn(text: string): Archived | undefined {
  const [order, key] = text.split(' ');
  return key === undefined ? undefined : { order: Number(order), key };
}

/** What a page needs of files; undefined where what is in Redis is all of it. */
function rowsNeeded(
  { docs, archived }: { readonly docs: readonly StoredDoc[]; readonly archived: Archived | undefined },
  { direction, from, limit }: PageRange,
): RowRange | undefined {
  if (!archived) return undefined;
  const isFull = docs.length === limit;
  if (direction === 'up') return (from ?? -1) < archived.order ? { direction, from, limit } : undefined;
  return isFull && docs.at(-1)!.order > archived.order ? undefined : { direction, from, limit };
}

/** Documents of both, nearest first; what is in Redis is the newer one. */
function merged(hot: readonly StoredDoc[], cold: readonly StoredDoc[], { direction, limit }: PageRange): StoredDoc[] {
  const orders = new Set(hot.map(({ order }) => order));
  const sign = direction === 'up' ? 1 : -1;
  return [...hot, ...cold.filter(({ order }) => !orders.has(order))]
    .toSorted((a, b) => sign * (a.order - b.order))
    .slice(0, limit);
}

const docOf =
  ({ packing }: Projection) =>
  ({ order, value }: Row): StoredDoc => ({ order, json: packing ? packing.unpack(value) : value });

/** A number as scripts read it. */
const number = (n: number): string => (n === Infinity ? 'inf' : String(n));

function appliedOf(reply: readonly unknown[], missing: number): Applied {
  const [, appliedBytes, head, , , behind] = reply as [Buffer, Buffer, Buffer, unknown, unknown, RawEntry[]];
  const applied = appliedBytes.toString('latin1');
  const position = { applied, head: head.length > 0 ? head.toString('latin1') : undefined };
  // A script sees only what is in Redis: of what left it, the log knows where it is.
  const first = behind[0]?.[0].toString('latin1');
  const isCut = first !== undefined && parseEventId(first)?.seq !== eventId(applied).seq + 1;
  if (isCut) return { ...position, missing: [], more: applied };
  return {
    ...position,
    missing: behind.flatMap(([, fields]) => eventOfEntry(fields) ?? []),
    more: behind.length > 0 && behind.length === missing ? behind.at(-1)![0].toString('latin1') : undefined,
  };
}
