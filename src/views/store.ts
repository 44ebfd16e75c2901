/**
 * The read-model store: how documents lie in Redis and how pages of them are read. Collections are a sorted set of JSON by order with
 * a hash from key to order; entities are flat hashes that redis-om reads. Both carry `applied`, the id of the last event in them.
 * Writes are only described here: the projector's script carries them out together with its checkpoint. Never read by a guard.
 */
import type { Cluster, Redis } from 'ioredis';
import { eventOfEntry, START } from '../envelope.ts';
import type { RawEntry, RawEvent } from '../envelope.ts';
import type { Keys, Owner, StreamRef } from '../keys.ts';
import { APPLIED, EntityReader } from './entities.ts';
import { viewName } from './projection.ts';
import type { Projection, Sheet } from './projection.ts';

/** A Redis command on a view key, for the projector's script. */
export interface Write {
  readonly command: 'HSET' | 'HDEL' | 'ZADD' | 'ZREMRANGEBYSCORE' | 'UNLINK';
  readonly key: string;
  readonly args: readonly string[];
}

/** A field of a view key that must be as it was when writes were worked out; '' where it was not there. */
export interface Expected {
  readonly key: string;
  readonly field: string;
  readonly value: string;
}

export interface StoredDoc {
  readonly order: number;
  /** JSON as it is stored. */
  readonly json: Buffer;
}

export interface Page {
  /** Id of the last event that the view holds. */
  readonly applied: string;
  /** Id of the stream's last event, read in the same instant; undefined when there is no such stream. */
  readonly head: string | undefined;
  readonly docs: StoredDoc[];
  /** Events of the log that the view lacks, and the id after which more of them follow, if they do. */
  readonly missing: readonly RawEvent[];
  readonly more: string | undefined;
}

export interface EntityPage<Doc> {
  readonly applied: string;
  readonly head: string | undefined;
  readonly doc: Doc | undefined;
}

/** Docs with `from` < order (`up`) or order < `from` (`down`), nearest first. */
export interface PageRange {
  readonly direction: 'up' | 'down';
  readonly from?: number | undefined;
  readonly limit: number;
}

/** Arguments of one write: Lua can unpack some thousands at most. */
const ARGS_PER_WRITE = 1_000;
const DUMP_PAGE = 1_000;

type ScriptArgs = Readonly<Record<string, string | readonly string[]>>;

/** What the store needs of the log: its connection, its key names and its scripts that read. */
export interface ReadAccess {
  readonly connection: { readonly commands: Redis | Cluster };
  readonly keys: Keys;
  ask(script: string, owner: Owner, args: ScriptArgs, keys: readonly string[]): Promise<unknown[]>;
}

export class Views {
  private readonly redis: Redis | Cluster;
  private readonly keys: Keys;
  private readonly entities: EntityReader;
  private readonly ask: ReadAccess['ask'];

  constructor(log: ReadAccess) {
    this.redis = log.connection.commands;
    this.keys = log.keys;
    this.entities = new EntityReader(this.redis, this.keys);
    this.ask = log.ask.bind(log);
  }

  indexKey(projection: Projection, stream: StreamRef): string {
    return this.keys.view(viewName(projection), stream);
  }

  docsKey(projection: Projection, stream: StreamRef): string {
    return this.keys.view(viewName(projection), stream, 'docs');
  }

  /**
   * One page of a collection, with how far the view and the log are, all of one instant. Where the view is behind, at most `missing` events
   * that it lacks come along.
   */
  async page(
    projection: Projection,
    stream: StreamRef,
    { direction, from, limit }: PageRange,
    missing = 0,
  ): Promise<Page> {
    const end = direction === 'up' ? '-inf' : '+inf';
    const args = { direction, from: from === undefined ? end : `(${from}`, limit: String(limit) };
    return this.collection('view.page', projection, stream, args, missing);
  }

  /** Documents of a collection by key, all of one instant. A key that is not there has no entry. */
  async byKeys(projection: Projection, stream: StreamRef, keys: readonly string[], missing = 0): Promise<Page> {
    return this.collection('view.documents', projection, stream, { wanted: keys }, missing);
  }

  private async collection(
    script: string,
    projection: Projection,
    stream: StreamRef,
    args: ScriptArgs,
    missing: number,
  ): Promise<Page> {
    const keys = [this.indexKey(projection, stream), this.docsKey(projection, stream)];
    const reply = await this.ask(script, stream, { ...args, missing: String(missing) }, keys);
    const [, applied, head, orders, found, behind] = reply as [Buffer, Buffer, Buffer, Buffer, Buffer[], RawEntry[]];
    const places = orders.length > 0 ? orders.toString('latin1').split(' ') : [];
    return {
      applied: applied.toString('latin1'),
      head: head.length > 0 ? head.toString('latin1') : undefined,
      docs: found.map((json, i) => ({ order: Number(places[i]), json })),
      missing: behind.flatMap(([, fields]) => eventOfEntry(fields) ?? []),
      more: behind.length > 0 && behind.length === missing ? behind.at(-1)![0].toString('latin1') : undefined,
    };
  }

  /** `applied` of many streams' collections or entities, in one write. */
  async applied(pairsToAsk: readonly (readonly [Projection, StreamRef])[]): Promise<string[]> {
    return Promise.all(
      pairsToAsk.map(async ([p, s]) => (await this.redis.hget(this.indexKey(p, s), APPLIED)) ?? START),
    );
  }

  /** A stream's entity with `applied` and the stream's head, in one round trip; `doc` is undefined before its first event. */
  async entity<Doc extends object>(projection: Projection<Doc>, stream: StreamRef): Promise<EntityPage<Doc>> {
    // The entity is asked for first: what it holds can then never be newer than the head.
    const [found, head] = await Promise.all([
      this.entities.fetch(projection, stream),
      this.redis.hget(this.keys.of(stream, 'head'), 'id'),
    ]);
    return { ...found, head: head ?? undefined };
  }

  /** All that a view holds of a stream, by order; for proofs. */
  async dump(
    projection: Projection,
    stream: StreamRef,
  ): Promise<{ applied: string; docs: { order: number; doc: object }[] }> {
    if (projection.shape === 'entity') {
      const { applied, doc } = await this.entity(projection, stream);
      return { applied, docs: doc ? [{ order: 0, doc }] : [] };
    }
    for (;;) {
      const docs: { order: number; doc: object }[] = [];
      let page: Page;
      let applied: string | undefined;
      do {
        page = await this.page(projection, stream, { direction: 'up', from: docs.at(-1)?.order, limit: DUMP_PAGE });
        docs.push(...page.docs.map(({ order, json }) => ({ order, doc: JSON.parse(json.toString()) as object })));
        applied ??= page.applied;
      } while (page.docs.length === DUMP_PAGE && page.applied === applied);
      if (page.applied === applied) return { applied, docs };
    }
  }

  /** The writes that bring a stream's view to what the fold made of it. */
  writes<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    sheet: Sheet<Doc>,
    applied: string,
  ): Write[] {
    const index = this.indexKey(projection, stream);
    if (projection.shape === 'entity') {
      const doc = sheet.touched.size > 0 ? sheet.get('')?.doc : undefined;
      const fields = doc ? entityFields(doc as Record<string, unknown>) : [];
      return [{ command: 'HSET', key: index, args: [...fields, APPLIED, applied] }];
    }
    const docs = this.docsKey(projection, stream);
    const placed: string[] = [];
    const ordered: string[] = [];
    const writes: Write[] = [];
    for (const key of sheet.touched) {
      const before = sheet.loadedOrder(key);
      const now = sheet.get(key);
      if (before !== undefined) {
        writes.push({ command: 'ZREMRANGEBYSCORE', key: docs, args: [String(before), String(before)] });
        if (!now) writes.push({ command: 'HDEL', key: index, args: [key] });
      }
      if (now) {
        placed.push(String(now.order), JSON.stringify(now.doc));
        ordered.push(key, String(now.order));
      }
    }
    for (const args of chunks(placed)) writes.push({ command: 'ZADD', key: docs, args });
    for (const args of chunks([...ordered, APPLIED, applied])) writes.push({ command: 'HSET', key: index, args });
    return writes;
  }

  /** That a stream's view stands at `applied`: writes that continue it from there are wrong for any other. */
  standsAt(projection: Projection, stream: StreamRef, applied: string): Expected {
    return { key: this.indexKey(projection, stream), field: APPLIED, value: applied === START ? '' : applied };
  }

  /** The writes that delete a stream's view. */
  clearing(projection: Projection, stream: StreamRef): Write[] {
    return [this.indexKey(projection, stream), this.docsKey(projection, stream)].map((key) => ({
      command: 'UNLINK',
      key,
      args: [],
    }));
  }
}

function entityFields(doc: Record<string, unknown>): string[] {
  return Object.entries(doc).flatMap(([field, value]) => [field, String(value)]);
}

function chunks(args: string[]): string[][] {
  const parts: string[][] = [];
  for (let i = 0; i < args.length; i += ARGS_PER_WRITE) parts.push(args.slice(i, i + ARGS_PER_WRITE));
  return parts;
}
