/** How much there is and what it costs, for operators: counted from logs, heads and keys, beside whatever runs. Only reads. */
import { idBeforeMs } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { kindOfKey } from '../keys.ts';
import type { Log } from './log.ts';

export interface EventCounts {
  /** The hours, as unix ms of their beginnings. */
  readonly hours: readonly number[];
  /** Counts by type, one for each hour. */
  readonly types: ReadonlyMap<string, readonly number[]>;
}

export interface Size {
  readonly stream: StreamRef;
  readonly messages: number;
  readonly events: number;
  readonly members: number;
}

export interface KindOfKey {
  readonly kind: string;
  readonly keys: number;
  readonly bytes: number;
}

/** Told how many logs or keys were looked at. */
export type OnLooked = (done: number, of?: number) => void;

const HOUR_MS = 3_600_000;
const AT_ONCE = 200;
const PAGE = 1_000;

/** Events of the hours up to now, by their type. Only logs that went on since are read. */
export async function eventCounts(
  log: Log,
  { now, hours: count }: { now: number; hours: number },
  onLooked: OnLooked,
): Promise<EventCounts> {
  const last = Math.floor(now / HOUR_MS) * HOUR_MS;
  const hours = Array.from({ length: count }, (_, i) => last - (count - 1 - i) * HOUR_MS);
  const types = new Map<string, number[]>();
  const take = ({ id, type }: RawEvent) => {
    const hour = Math.floor((Number(id.split('-')[0]) - hours[0]!) / HOUR_MS);
    if (hour < 0 || hour >= count) return;
    const counts = types.get(type) ?? Array.from({ length: count }, () => 0);
    counts[hour]! += 1;
    types.set(type, counts);
  };
  const after = idBeforeMs(hours[0]!);
  let looked = 0;
  for await (const streams of batches(log)) {
    const heads = await log.heads(streams, []);
    const moved = streams.filter((_, i) => Number(heads[i]?.id.split('-')[0] ?? 0) >= hours[0]!);
    for (const stream of moved) for await (const page of log.readAll(stream, after, PAGE)) page.forEach(take);
    onLooked((looked += streams.length));
  }
  return { hours, types };
}

/** The conversations with the most messages. */
export async function largestConversations(log: Log, count: number): Promise<Size[]> {
  let largest: Size[] = [];
  for await (const streams of batches(log)) {
    const conversations = streams.filter(({ kind }) => kind === 'conversation');
    const heads = await log.heads(conversations, ['messages']);
    const members = await Promise.all(conversations.map((stream) => log.guardCount(stream, 'members')));
    const sizes = conversations.flatMap((stream, i): Size[] => {
      const head = heads[i];
      if (!head) return [];
      const events = Number(head.id.split('-')[1]);
      return [{ stream, messages: Number(head.messages), events, members: members[i]! }];
    });
    largest = [...largest, ...sizes].toSorted((a, b) => b.messages - a.messages || b.events - a.events).slice(0, count);
  }
  return largest;
}

/** What Redis holds, by what its keys are for. Large keys are estimated by some of their entries, as Redis does it. */
export async function bytesByKind(log: Log, onLooked: OnLooked): Promise<KindOfKey[]> {
  const kinds = new Map<string, { kind: string; keys: number; bytes: number }>();
  const seen = new Set<string>();
  for await (const found of log.scan('chat:*')) {
    // A scan may bring a key twice.
    const keys = found.filter((key) => !seen.has(key));
    for (const key of keys) seen.add(key);
    const sizes = await Promise.all(keys.map((key) => log.connection.commands.memory('USAGE', key)));
    for (const [i, key] of keys.entries()) {
      const kind = kindOfKey(key);
      const sum = kinds.get(kind) ?? { kind, keys: 0, bytes: 0 };
      sum.keys += 1;
      sum.bytes += Number(sizes[i] ?? 0);
      kinds.set(kind, sum);
    }
    onLooked(seen.size);
  }
  return [...kinds.values()].toSorted((a, b) => b.bytes - a.bytes);
}

async function* batches(log: Log): AsyncGenerator<StreamRef[]> {
  let batch: StreamRef[] = [];
  for await (const stream of log.streams()) {
    batch.push(stream);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
