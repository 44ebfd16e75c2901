/**
 * Entities (profiles, conversation cards) read through redis-om: it turns a flat hash back into typed fields. It only reads here,
 * since a write must be one script with the projector's checkpoint, and only hashes, since nothing but plain Redis is assumed.
 * Its connection is our own client behind the few calls that redis-om makes, so there is no second client and Cluster works too.
 */
import type { Cluster, Redis } from 'ioredis';
import { Repository, Schema } from 'redis-om';
import type { Entity, RedisConnection } from 'redis-om';
import { START } from '../envelope.ts';
import type { Keys, StreamRef } from '../keys.ts';
import type { Projection } from './projection.ts';
import { APPLIED } from './shape.ts';

export class EntityReader {
  private readonly connection: RedisConnection;
  private readonly keys: Keys;
  private readonly repositories = new Map<string, Repository>();

  constructor(redis: Redis | Cluster, keys: Keys) {
    this.keys = keys;
    this.connection = { hGetAll: (key: string) => redis.hgetall(key) } as unknown as RedisConnection;
  }

  /** `view`: the name under which it lies. */
  async fetch<Doc extends object>(
    projection: Projection<Doc>,
    stream: StreamRef,
    view: string,
  ): Promise<{ applied: string; doc: Doc | undefined }> {
    const found: Entity = await this.repository(projection, stream, view).fetch(stream.id);
    const { [APPLIED]: applied, ...rest } = found;
    // A key that does not exist comes back as an entity without fields, never as null.
    if (typeof applied !== 'string') return { applied: START, doc: undefined };
    const known = Object.keys(projection.fields ?? {}).filter(
      (field) => rest[field] !== undefined && rest[field] !== null,
    );
    if (known.length === 0) return { applied, doc: undefined };
    return { applied, doc: Object.fromEntries(known.map((field) => [field, rest[field]])) as Doc };
  }

  /** One repository per view and partition: redis-om puts the schema's name and a colon before the id, which must give our key. */
  private repository<Doc extends object>(projection: Projection<Doc>, stream: StreamRef, view: string): Repository {
    const key = this.keys.view(view, stream);
    const name = key.slice(0, -stream.id.length - 1);
    let repository = this.repositories.get(name);
    if (!repository) {
      const fields = Object.entries(projection.fields ?? {}).map(([field, type]) => [field, { type }] as const);
      const schema = new Schema(name, Object.fromEntries([...fields, [APPLIED, { type: 'string' as const }]]), {
        dataStructure: 'HASH',
      });
      repository = new Repository(schema, this.connection);
      this.repositories.set(name, repository);
    }
    return repository;
  }
}
