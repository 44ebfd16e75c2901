/**
 * How the documents of one stream lie in Redis, one way for each shape that a projection may have. A collection is a sorted set of JSON by
 * order with a hash from key to order, and where it has shelves a set of `<shelf> <order>`, sorted as text; an entity is a flat hash; of
 * terms see `terms.ts`.
 */
import { START } from '../envelope.ts';
import type { Keys, StreamRef } from '../keys.ts';
import { isDrawer } from '../log/archive/rows.ts';
import type { Write } from '../log/consumer-group.ts';
import type { Termed } from './leaf.ts';
import { Sheet } from './projection.ts';
import { sidesOf } from './sides.ts';
import type { Placed } from './projection.ts';
import { APPLIED, ARCHIVED, BEYOND, chunks, NOTHING, standing, unlinking } from './shape.ts';
import type { Content, Shape, ShapeParts } from './shape.ts';
import { Terms, TERMS_PARTS } from './terms.ts';

/** The place of what keeps the set of files in being, before that of every file. */
const NO_FILES = '-1';

/** What comes behind the first key's name in the names of a view's further keys. */
const PARTS = ['docs', 'shelves', ARCHIVED, ...TERMS_PARTS] as const;

/** Every key in which any version of a view may lie, on either side, also one that this program has not. */
export const everyKeyOf = (keys: Keys, view: string, stream: StreamRef): string[] =>
  sidesOf(view).flatMap((name) => [undefined, ...PARTS].map((part) => keys.view(name, stream, part)));

class Collection<Doc extends object> implements Shape<Doc> {
  readonly keys: readonly string[];
  private readonly index: string;
  private readonly docs: string;
  private readonly shelved: string | undefined;
  readonly archived: string | undefined;
  private readonly parts: ShapeParts<Doc>;

  constructor(parts: ShapeParts<Doc>) {
    const { keys, projection, stream, view } = parts;
    this.parts = parts;
    this.index = keys.view(view, stream);
    this.docs = keys.view(view, stream, 'docs');
    this.shelved = projection.shelves && keys.view(view, stream, 'shelves');
    this.archived = projection.leaves && keys.view(view, stream, ARCHIVED);
    this.keys = [this.index, this.docs, this.shelved, this.archived].filter((key) => key !== undefined);
  }

  async load(keys: readonly string[]): Promise<Sheet<Doc>> {
    const { projection, stream, views, view } = this.parts;
    const sheet = new Sheet<Doc>();
    // Most events put what was never there.
    if (!(await views.hasAny(this, keys))) return sheet;
    const found = await views.byKeys(projection, stream, keys, { view });
    for (const { order, json } of found.docs) {
      const doc = JSON.parse(json.toString()) as Doc;
      sheet.load(projection.key(doc), order, doc);
    }
    return sheet;
  }

  writes(sheet: Sheet<Doc>, applied: string): Write[] {
    const placed: string[] = [];
    const ordered: string[] = [];
    const writes: Write[] = [];
    for (const key of sheet.touched) {
      const before = sheet.before(key);
      const now = sheet.get(key);
      if (before) {
        const order = String(before.order);
        writes.push({ command: 'ZREMRANGEBYSCORE', key: this.docs, args: [order, order] });
        if (!now) writes.push({ command: 'HDEL', key: this.index, args: [key] });
      }
      if (now) {
        placed.push(String(now.order), this.stored(now.doc));
        ordered.push(key, String(now.order));
      }
    }
    for (const args of chunks(placed)) writes.push({ command: 'ZADD', key: this.docs, args });
    for (const args of chunks([...ordered, APPLIED, applied])) writes.push({ command: 'HSET', key: this.index, args });
    return [...writes, ...this.shelfWrites(sheet)];
  }

  private stored(doc: Doc): string {
    return this.parts.projection.packing?.pack(doc) ?? JSON.stringify(doc);
  }

  private shelfWrites(sheet: Sheet<Doc>): Write[] {
    const { shelved: key } = this;
    if (key === undefined) return [];
    const gone: string[] = [];
    const fresh: string[] = [];
    for (const touched of sheet.touched) {
      const [before, now] = [this.marks(sheet.before(touched)), this.marks(sheet.get(touched))];
      gone.push(...before.filter((mark) => !now.includes(mark)));
      fresh.push(...now.filter((mark) => !before.includes(mark)));
    }
    const scored = fresh.flatMap((mark) => ['0', mark]);
    return [
      ...chunks(gone).map((args): Write => ({ command: 'ZREM', key, args })),
      ...chunks(scored).map((args): Write => ({ command: 'ZADD', key, args })),
    ];
  }

  private marks(placed: Placed<Doc> | undefined): string[] {
    const shelves = placed && this.parts.projection.shelves?.(placed.doc);
    return shelves?.map((shelf) => `${shelf} ${placeOnShelf(placed!.order)}`) ?? [];
  }

  clearing(): Write[] {
    return unlinking(this.keys);
  }

  beginning(): Write[] {
    const docs: Write = { command: 'ZADD', key: this.docs, args: [BEYOND, NOTHING] };
    const shelf: Write[] =
      this.shelved === undefined ? [] : [{ command: 'ZADD', key: this.shelved, args: ['0', NOTHING] }];
    const files: Write[] =
      this.archived === undefined ? [] : [{ command: 'ZADD', key: this.archived, args: [NO_FILES, NOTHING] }];
    return [...this.clearing(), docs, ...shelf, ...files];
  }

  content(docs: readonly Placed<Doc>[], applied: string): Content {
    const nothing = (score: string): [string, string][] => (applied === START ? [] : [[NOTHING, score]]);
    const orders = docs.map(({ order, doc }) => [this.parts.projection.key(doc), String(order)] as const);
    const placed = docs.map(({ order, doc }) => [this.stored(doc), String(order)] as const);
    const names = new Map([...placed, ...nothing(BEYOND)]);
    const shelved = docs.flatMap((one) => this.marks(one)).map((mark) => [mark, '0'] as const);
    const marks = new Map([...shelved, ...nothing('0')]);
    return new Map([
      [this.index, { type: 'hash', names: new Map([...orders, ...standing(applied)]), mayHave: isArchivedMark }],
      [this.docs, { type: 'zset', names }],
      ...(this.shelved === undefined ? [] : [[this.shelved, { type: 'zset', names: marks }] as const]),
      ...(this.archived === undefined
        ? []
        : [[this.archived, { type: 'zset', names: new Map(nothing(NO_FILES)), mayHave: isDrawer }] as const]),
    ]);
  }
}

class Entity<Doc extends object> implements Shape<Doc> {
  readonly keys: readonly string[];
  private readonly key: string;
  private readonly parts: ShapeParts<Doc>;

  constructor(parts: ShapeParts<Doc>) {
    this.parts = parts;
    this.key = parts.keys.view(parts.view, parts.stream);
    this.keys = [this.key];
  }

  async load(): Promise<Sheet<Doc>> {
    const { projection, stream, views, view } = this.parts;
    const sheet = new Sheet<Doc>();
    const { doc } = await views.entity(projection, stream, view);
    if (doc) sheet.load('', 0, doc);
    return sheet;
  }

  writes(sheet: Sheet<Doc>, applied: string): Write[] {
    const now = sheet.get('')?.doc;
    const isGone = sheet.touched.size > 0 && now === undefined && sheet.before('') !== undefined;
    const fields = Object.keys(this.parts.projection.fields ?? {});
    const removal: Write[] = isGone ? [{ command: 'HDEL', key: this.key, args: fields }] : [];
    const values = sheet.touched.size > 0 && now ? [...fieldsOf(now)].flat() : [];
    return [...removal, { command: 'HSET', key: this.key, args: [...values, APPLIED, applied] }];
  }

  clearing(): Write[] {
    return unlinking(this.keys);
  }

  /** Its one key is made by its first write. */
  beginning(): Write[] {
    return this.clearing();
  }

  content(docs: readonly Placed<Doc>[], applied: string): Content {
    const names = new Map([...docs.flatMap(({ doc }) => [...fieldsOf(doc)]), ...standing(applied)]);
    return new Map([[this.key, { type: 'hash', names }]]);
  }
}

/** An order as shelves have it: as text it sorts as the number does. */
export const placeOnShelf = (order: number): string => String(order).padStart(16, '0');

/** The shape of a projection's documents of one stream. */
export function shapeOf<Doc extends object>(parts: ShapeParts<Doc>): Shape<Doc> {
  const { shape } = parts.projection;
  if (shape === 'terms') return new Terms(parts as unknown as ShapeParts<Termed>) as unknown as Shape<Doc>;
  return shape === 'entity' ? new Entity(parts) : new Collection(parts);
}

const fieldsOf = (doc: object): Map<string, string> =>
  new Map(Object.entries(doc).map(([field, value]) => [field, String(value)]));

const isArchivedMark = (name: string): boolean => name === ARCHIVED;
