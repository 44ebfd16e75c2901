/**
 * All events of all logs for programs that analyse them, as lines that do not end: first what there was, then what comes. Sends each event
 * at least once; an event is named for ever by its id with its conversation or user. Refuses everybody but admins, before the first line.
 */
import { parseEventId, parseTime } from '../../envelope.ts';
import type { RawEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { allEvents, placeAt } from '../../log/all-events.ts';
import type { Place } from '../../log/all-events.ts';
import { query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { badCursor, decodeCursor, encodeCursor } from '../paging.ts';
import { AllEvents, EventLine } from './contract.ts';

const STREAM = /^((user|conversation) [0-9A-Z]{26})?$/;

export function listAllEvents({ log, admins }: Deps): Query {
  async function* lines(from: Place, types: ReadonlySet<string> | undefined): AsyncGenerator<Buffer> {
    let before = cursorOf(from);
    const isWanted = ({ type }: RawEvent) => !types || types.has(type);
    for await (const { events, place } of allEvents(log, from, isWanted)) {
      const after = cursorOf(place);
      const last = events.length - 1;
      // Only who has the whole stretch goes on behind it.
      const parts = events.flatMap(({ json }, i) => [
        json.subarray(0, -1),
        Buffer.from(`,"cursor":"${i === last ? after : before}"}\n`),
      ]);
      before = after;
      yield events.length === 0 ? Buffer.from(`{"type":"heartbeat","cursor":"${after}"}\n`) : Buffer.concat(parts);
    }
  }

  return query({
    name: 'events.all',
    about:
      'Every event of every conversation and user, one line of JSON each: first what there was, then what comes, until the caller leaves. ' +
      'Each at least once. For admins, whose program keeps the cursor of the last whole line and goes on after it',
    data: AllEvents,
    answer: EventLine,
    route: { method: 'GET', path: '/admin/events' },
    media: 'application/x-ndjson',
    peopleOnly: true,
    async run({ caller }, { after, types }) {
      if (!(await admins.isAdmin(caller.userId))) throw fail('forbidden', 'Only admins may read all events');
      const place = after === undefined ? placeAt(0) : placeOf(after);
      return { lines: () => lines(place, types === undefined ? undefined : new Set(types.split(','))) };
    },
  });
}

const cursorOf = ({ from, to, stream, id }: Place): string => encodeCursor([from, to, stream, id]);

/** Throws `validation_failed`. */
function placeOf(after: string): Place {
  const ms = parseEventId(after)?.ms ?? parseTime(after);
  if (ms !== undefined) return placeAt(ms);
  const like = [0, 0, '', ''] as [number, number, string, string];
  const [from, to, stream, id] = decodeCursor(after, like, '/query/after');
  const areTimes = [from, to].every((time) => Number.isSafeInteger(time) && time >= 0);
  if (!areTimes || !STREAM.test(stream) || !parseEventId(id)) throw badCursor('/query/after');
  return { from, to, stream, id };
}
