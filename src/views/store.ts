/**
 * The read-model store: how documents lie in Redis and how pages of them are read. Collections are a sorted set of JSON by order with
 * a hash from key to order; entities are flat hashes that redis-om reads. Both carry `applied`, the id of the last event in them.
 * Writes are only described here: the projector's script carries them out together with its checkpoint. Never read by a guard.
 */
import type { Cluster, Redis } from 'ioredis';
import { START } from '../envelope.ts';
import type { Keys, StreamRef } from '../keys.ts';
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
  readonly json: string;
}

export interface Page {
  /** Id of the last event that the view holds. */
  readonly applied: string;
  /** Id of the stream's last event, read in the same instant; undefined when there is no such stream. */
  readonly head: string | undefined;
  readonly docs: StoredDoc[];
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

export class Views {
  private readonly redis: Redis | Cluster;
  private readonly keys: Keys;
  private readonly entities: EntityReader;

  constructor(redis: Redis | Cluster, keys: Keys) {
    this.redis = redis;
    this.keys = keys;
    this.entities = new EntityReader(redis, keys);
  }

  indexKey(projection: Projection, stream: StreamRef): string {
    return this.keys.view(viewName(projection), stream);
  }

  docsKey(projection: Projection, stream: StreamRef): string {
    return this.keys.view(viewName(projection), stream, 'docs');
  }

  /** One page of a collection, with how far the view and the log are, all of one instant. */
  async page(projection: Projection, stream: StreamRef, range: PageRange): Promise<Page> {
    const docs = this.docsKey(projection, stream);
    const batch = this.redis
      .multi()
      .hget(this.indexKey(projection, stream), APPLIED)
      .hget(this.keys.of(stream, 'head'), 'id');
    if (range.direction === 'up') {
      batch.zrangebyscore(docs, `(${range.from ?? '-inf'}`, '+inf', 'WITHSCORES', 'LIMIT', 0, range.limit);
    } else {
      batch.zrevrangebyscore(docs, `(${range.from ?? '+inf'}`, '-inf', 'WITHSCORES', 'LIMIT', 0, range.limit);
    }
    const [applied, head, rows] = await exec<[string | null, string | null, string[]]>(batch);
    return { applied: applied ?? START, head: head ?? undefined, docs: pairs(rows) };
  }

  /** Documents of a collection by key, all of one instant. A key that is not there has no entry. */
  async byKeys(projection: Projection, stream: StreamRef, keys: readonly string[]): Promise<Page & { keys: string[] }> {
    const index = this.indexKey(projection, stream);
    for (;;) {
      const [asked, ...orders] = await this.redis.hmget(index, APPLIED, ...keys);
      const found = keys.flatMap((key, i) => (orders[i] ? [{ key, order: orders[i]! }] : []));
      const batch = this.redis.multi().hget(index, APPLIED).hget(this.keys.of(stream, 'head'), 'id');
      for (const { order } of found) batch.zrangebyscore(this.docsKey(projection, stream), order, order);
      const [applied, head, ...rows] = await exec<[string | null, string | null, ...string[][]]>(batch);
      const there = found.flatMap(({ key, order }, i) => {
        const json = rows[i]![0];
        return json === undefined ? [] : [{ key, order: Number(order), json }];
      });
      // A projector came in between: a key that had no order then may have one now, or another.
      if (applied !== asked && there.length < keys.length) continue;
      return { applied: applied ?? START, head: head ?? undefined, docs: there, keys: there.map(({ key }) => key) };
    }
  }

  /** `applied` of many streams' collections or entities, in one pipeline. */
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
    const { applied, docs } = await this.page(projection, stream, { direction: 'up', limit: -1 });
    return { applied, docs: docs.map(({ order, json }) => ({ order, doc: JSON.parse(json) as object })) };
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

function pairs(rows: string[]): StoredDoc[] {
  const docs: StoredDoc[] = [];
  for (let i = 0; i < rows.length; i += 2) docs.push({ json: rows[i]!, order: Number(rows[i + 1]) });
  return docs;
}

function chunks(args: string[]): string[][] {
  const parts: string[][] = [];
  for (let i = 0; i < args.length; i += ARGS_PER_WRITE) parts.push(args.slice(i, i + ARGS_PER_WRITE));
  return parts;
}

async function exec<T extends unknown[]>(batch: { exec(): Promise<[Error | null, unknown][] | null> }): Promise<T> {
  const replies = (await batch.exec()) ?? [];
  return replies.map(([error, value]) => {
    if (error) throw error;
    return value;
  }) as T;
}
