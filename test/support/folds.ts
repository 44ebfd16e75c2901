/**
 * What views must hold, worked out the plainest way: every event of a log in order, documents in a Map. Shares no code with the fold of
 * the product. Reads the views as they lie in Redis, so that a key too many is seen as well.
 */
import { expect } from 'chai';
import type { Cluster, Redis } from 'ioredis';
import { events, projections } from '../../src/chat/index.ts';
import { eventOfEntry, START } from '../../src/envelope.ts';
import { eventDecoder } from '../../src/log/decoder.ts';
import type { ChatEvent, Decode, RawEvent } from '../../src/envelope.ts';
import type { StreamRef } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import type { Part } from '../../src/projector/fold.ts';
import { viewName } from '../../src/views/projection.ts';
import type { Projection } from '../../src/views/projection.ts';
import { Views } from '../../src/views/store.ts';

export const decode = eventDecoder(events);

export interface Doc {
  readonly order: number;
  readonly doc: object;
}

/** The documents that a projection makes of these events, by order. */
export function plainFold(projection: Projection, all: readonly ChatEvent[]): Doc[] {
  const docs = new Map<string, Doc>();
  for (const event of all) {
    for (const handler of projection.handlers) {
      if (handler.type !== event.type) continue;
      for (const step of handler.steps(event)) {
        const before = docs.get(step.key);
        if ('put' in step) docs.set(step.key, { order: before?.order ?? step.order, doc: step.put });
        else if ('remove' in step) docs.delete(step.key);
        else if (before) docs.set(step.key, { ...before, doc: step.change(before.doc) });
      }
    }
  }
  const sorted = [...docs.values()].toSorted((a, b) => a.order - b.order);
  return JSON.parse(JSON.stringify(sorted)) as Doc[];
}

/** The whole log of a stream, past the code that reads logs. */
export async function rawLog(log: Log, stream: StreamRef): Promise<RawEvent[]> {
  const rows = await log.entries.up(stream, START, '+', 1_000_000);
  return rows.flatMap(([, fields]) => eventOfEntry(fields) ?? []);
}

/** Carries out what a fold says is to be written, as a projector's script does. */
export async function carryOut({ connection: { commands } }: Log, parts: readonly Part[]): Promise<void> {
  for (const { writes, expected, parked } of parts) {
    expect(parked).to.equal(undefined);
    const { key: first, field, becomes } = expected;
    if (becomes !== undefined) await commands.hset(first, field, becomes);
    for (const { command, key, args } of writes) await commands.call(command, key, ...args);
  }
}

interface Expected {
  /** Understands what the suite's own events are; the product's, when absent. */
  readonly decode?: Decode;
  readonly projections?: readonly Projection[];
  /** `<view> <kind> <id>` that stand still: what they hold is the fold up to this seq. */
  readonly parkedAt?: ReadonlyMap<string, number>;
}

/** Every view of every stream is the fold of its log, to the last event, and there is no view of anything else. */
export async function expectViewsEqualFold(log: Log, options: Expected = {}): Promise<void> {
  const redis = log.connection.commands;
  const found = new Set<string>();
  const views = new Views(log);
  await views.refresh();
  for await (const stream of log.streams()) {
    const raw = await rawLog(log, stream);
    for (const projection of options.projections ?? projections) {
      if (projection.source !== stream.kind) continue;
      const place = `${viewName(projection)} ${stream.kind} ${stream.id}`;
      const end = options.parkedAt?.get(place) ?? Infinity;
      const within = raw.filter(({ seq }) => seq <= end);
      const docs = plainFold(projection, within.map(options.decode ?? decode));
      const applied = within.at(-1)?.id;
      const shape = views.shape(projection, stream);
      for (const [key, { type, names }] of shape.content(docs, applied ?? START)) {
        if (names.size > 0) found.add(key);
        expect(await storedNames(redis, key, type), `${place} ${key}`).to.deep.equal(names);
      }
    }
  }
  expect(new Set(await viewKeys(log))).to.deep.equal(found);
}

async function storedNames(redis: Redis | Cluster, key: string, type: 'hash' | 'zset'): Promise<Map<string, string>> {
  if (type === 'hash') return new Map(Object.entries(await redis.hgetall(key)));
  const rows = await redis.zrange(key, '0', '-1', 'WITHSCORES');
  return new Map(rows.flatMap((member, i) => (i % 2 === 0 ? [[member, rows[i + 1]!] as const] : [])));
}

export async function viewKeys(log: Log): Promise<string[]> {
  const all = await Promise.all(log.connection.masters().map((master) => master.keys('chat:{*}:view:*')));
  return all.flat();
}
