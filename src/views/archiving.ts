/**
 * How documents of a collection leave Redis once the log of their events has. Those that stand on shelves stay, since a shelf is read by
 * itself, and those that were not brought up to where the log left. What changes later is brought back with the change.
 */
import { eventId, parseEventId } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Row } from '../log/archive/rows.ts';
import { mayLeave, nextSegment, sealRows } from '../log/archive/sealing-rows.ts';
import type { Sealed, SealOptions } from '../log/archive/sealing.ts';
import type { Projection } from './projection.ts';
import type { Views } from './store.ts';

export interface DocumentOptions extends Pick<SealOptions, 'log' | 'files'> {
  readonly views: Views;
  readonly projection: Projection;
}

/** Takes the documents of the next segment's events from Redis. Undefined where nothing is to be done. */
export async function sealDocuments(options: DocumentOptions, stream: StreamRef): Promise<Sealed | undefined> {
  const { log, views, projection } = options;
  const shape = views.shape(projection, stream);
  const [index, docs, archived] = [shape.keys[0]!, shape.keys[1]!, shape.archived!];
  const segment = await nextSegment(log, stream, archived);
  const applied = parseEventId(await views.applied(shape));
  const last = segment && eventId(segment.last).seq;
  if (!segment || last === undefined || !applied || applied.seq < last) return undefined;
  const found = await log.connection.commands.zrangebyscoreBuffer(
    docs,
    `(${await log.cold.end(archived)}`,
    last,
    'WITHSCORES',
  );
  const may = mayLeave(segment);
  const rows: Row[] = [];
  for (let i = 0; i < found.length; i += 2) {
    const value = found[i]!;
    const doc = JSON.parse((projection.packing?.unpack(value) ?? value).toString()) as object;
    const key = projection.key(doc);
    const isShelved = (projection.shelves?.(doc) ?? []).length > 0;
    if (may(key) && !isShelved) rows.push({ order: Number(found[i + 1]!.toString()), key, value });
  }
  const keys_and_orders = rows.flatMap(({ order, key }) => [key, String(order)]);
  return sealRows(options, rows, segment, (args) =>
    log.run('archive.documents', stream, { ...args, keys_and_orders }, [index, docs, archived]),
  );
}
