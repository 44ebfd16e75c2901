/** What every view of a stream held once: one pass over its log, for who looks at all of them together. Nothing is written. */
import { compareEventIds, eventId, START } from '../envelope.ts';
import type { Decode, EventId } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { stepsIfReadable } from './backlog.ts';
import { Sheet } from './projection.ts';
import type { Placed, Projection } from './projection.ts';

export interface Then {
  /** The last event there was; the start where there was none. */
  readonly last: string;
  /** Documents by order, by the name of the projection. */
  readonly views: ReadonlyMap<string, readonly Placed<object>[]>;
}

interface Parts {
  readonly log: Log;
  readonly decode: Decode;
  readonly projections: readonly Projection[];
}

export async function viewsThen({ log, decode, projections }: Parts, stream: StreamRef, end: EventId): Promise<Then> {
  const sheets = projections
    .filter(({ source }) => source === stream.kind)
    .map((projection) => ({ projection, sheet: new Sheet<object>() }));
  let last = START;
  for await (const page of log.readAll(stream, START)) {
    const within = page.filter(({ id }) => compareEventIds(eventId(id), end) <= 0);
    for (const event of within)
      for (const { projection, sheet } of sheets) sheet.apply(stepsIfReadable(projection, event, decode));
    last = within.at(-1)?.id ?? last;
    if (within.length < page.length) break;
  }
  return { last, views: new Map(sheets.map(({ projection, sheet }) => [projection.name, sheet.sorted()])) };
}
