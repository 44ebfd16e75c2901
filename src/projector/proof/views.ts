/** What views should hold by the log of their stream, and the keys of views that nobody has. */
import { START } from '../../envelope.ts';
import type { Decode } from '../../envelope.ts';
import { viewOfKey } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import type { WrongKey } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';
import { Sheet, stepsOf, viewName } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { APPLIED } from '../../views/shape.ts';
import type { Shape } from '../../views/shape.ts';
import type { Views } from '../../views/store.ts';
import { laneOf } from '../fold.ts';
import type { FoldOptions } from '../fold.ts';
import { isSkipped } from '../skipped.ts';
import { COMPLETE } from '../versions.ts';
import { Unprovable } from './keys.ts';
import type { Expectation, Proof } from './keys.ts';
import type { Past } from './past.ts';

interface ViewOptions {
  readonly log: Log;
  readonly views: Views;
  readonly decode: Decode;
  readonly projection: Projection;
}

/** The view of one stream: all its keys, at the event up to which it says that it is. */
export function viewProof(past: Past, { log, views, decode, projection }: ViewOptions): Proof {
  const { stream } = past;
  const shape = views.shape(projection, stream);
  const expected = async (position: string): Promise<Expectation> => {
    const sheet = new Sheet<object>();
    const changedBy = new Map<string, string>();
    for (const event of await past.upTo(position)) {
      try {
        const steps = stepsOf(projection, event, decode);
        sheet.apply(steps);
        for (const step of steps) changedBy.set(step.key, event.id);
      } catch (error) {
        if (await isSkipped(log, laneOf(projection, stream), event)) continue;
        throw new Unprovable(event.id, (error as Error).message);
      }
    }
    const docs = sheet.sorted();
    /** The last event of the document that stands under this name; else the one at which the view stands. */
    const eventOf = (key: string, name: string) => {
      const doc = docs.find((one) => shape.content([one], START).get(key)?.names.has(name));
      return (doc && changedBy.get(projection.key(doc.doc))) ?? changedBy.get(name) ?? (position || undefined);
    };
    return { content: shape.content(docs, position || START), eventOf };
  };
  const elsewhere = (key: string, names: ReadonlyMap<string, string>) => archivedOf(log, shape, key, names);
  return { stream, position: { key: shape.keys[0]!, field: APPLIED }, elsewhere, expected: lastKept(expected) };
}

/** Of a collection's names those that left Redis, as index and documents would have them. */
async function archivedOf(
  log: Log,
  { keys: [index, docs], archived }: Shape<object>,
  key: string,
  names: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  if (archived === undefined || (key !== index && key !== docs)) return new Map();
  if (key === index) {
    const rows = await log.cold.byKeys(archived, [...names.keys()]);
    return new Map([...rows].map(([name, { order }]) => [name, String(order)]));
  }
  const orders = [...names.values()].map(Number);
  const [least, most] = [Math.min(...orders), Math.max(...orders)];
  const range = { direction: 'up', from: least - 1, limit: most - least + 1 } as const;
  const rows = (await log.cold.page(archived, range)).filter(({ order }) => order <= most);
  return new Map(rows.map(({ order, value }) => [value.toString(), String(order)]));
}

/** The same position is asked for again and again where nothing moves. */
export function lastKept(expected: Proof['expected']): Proof['expected'] {
  let last: { position: string; expectation: Promise<Expectation> } | undefined;
  return (position) => {
    if (last?.position !== position) last = { position, expectation: expected(position) };
    return last.expectation;
  };
}

/** Keys among those of views that belong to no view of this program that is complete, or to a stream that there is not. */
export async function strayViewKeys(
  { log, views, projections }: FoldOptions,
  isKnown: (stream: StreamRef) => boolean,
): Promise<WrongKey[]> {
  const stray: WrongKey[] = [];
  const seen = new Set<string>();
  const unfinished = await unfinishedIn(log, projections);
  for await (const some of log.scan(log.keys.viewPattern())) {
    const keys = some.filter((key) => !seen.has(key));
    for (const key of keys) seen.add(key);
    const owners = keys.map((key) => {
      const { view, id } = viewOfKey(key) ?? {};
      const projection = projections.find((p) => viewName(p) === view);
      const stream = projection && id !== undefined ? { kind: projection.source, id } : undefined;
      const isOurs = projection && stream && views.everyKey(projection, stream).includes(key);
      return { key, stream: isOurs ? stream : undefined };
    });
    // What is not known may have come since.
    const fresh = owners.flatMap(({ stream }) => (stream && !isKnown(stream) ? stream : []));
    const heads = await log.heads(fresh, []);
    const strangers = new Set(fresh.filter((_, i) => heads[i] === undefined));
    for (const { key, stream } of owners) {
      const reason = stream ? `is of a ${stream.kind} that there is not` : 'is of no view that this program has';
      if (!stream && unfinished(key)) continue;
      if (!stream || strangers.has(stream)) stray.push({ key, event_id: undefined, reason });
    }
  }
  return stray;
}

/** Tells keys of views of which a newer version is being built: until it is there the older one is left alone. */
async function unfinishedIn(log: Log, projections: readonly Projection[]): Promise<(key: string) => boolean> {
  const notes = await Promise.all(
    Array.from({ length: log.keys.partitions }, (_, p) => log.connection.commands.hgetall(log.keys.at(p, 'views'))),
  );
  return (key) => {
    const { view = '', id } = viewOfKey(key) ?? {};
    const [name, version] = view.split(':v');
    const ours = projections.find((p) => p.name === name && p.version > Number(version));
    return ours !== undefined && id !== undefined && notes[log.keys.partitionOf(id)]?.[viewName(ours)] !== COMPLETE;
  };
}
