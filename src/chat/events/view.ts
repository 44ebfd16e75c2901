/**
 * The log of a conversation for those who are in it: the very bytes that sockets get, from the event by which the reader came in, but for
 * the words of what was deleted since. Refuses a place that the log does not know, as a socket's `sync.reset` would: what follows it cannot
 * be told.
 */
import Type from 'typebox';
import { EventId, Id, START, withheldEvent } from '../../envelope.ts';
import type { RawEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import { seqOf } from '../../log/log.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Feature, Query } from '../feature.ts';
import { Limit, listOf } from '../paging.ts';
import { toldLate } from '../told-late.ts';
import { listAllEvents } from './all.ts';
import { EventAnswer } from './contract.ts';

export const eventLog: Feature = { serve: (deps) => ({ queries: [listEvents(deps), listAllEvents(deps)] }) };

const List = Type.Object(
  {
    conversation_id: Id,
    limit: Limit,
    after: Type.Optional({ ...EventId, description: 'The last event that the caller has; absent: from the beginning' }),
    cursor: Type.Optional({ ...EventId, description: 'Where the page before ended; takes the place of `after`' }),
  },
  { additionalProperties: false },
);

function listEvents({ log, decode, withheldFrom }: Deps): Query {
  /** What the log has after a place, and the caller may see: never from before the event by which they came in. */
  async function read(stream: StreamRef, after: string, joined: number, count: number): Promise<RawEvent[]> {
    let from = after;
    if (seqOf(after) < joined - 1) {
      if (after !== START && !(await log.readOne(stream, after))) throw unknown();
      from = await log.idAtSeq(stream, joined - 1);
    }
    const events = await log.readFromCursor(stream, from, count);
    if (!events) throw unknown();
    return events;
  }

  return query({
    name: 'events.list',
    about:
      'The log of a conversation, oldest first: what a socket of the caller gets, from the event by which they came in. ' +
      'Of a message that was deleted since, the words are left out. A place that the log does not know is a conflict: begin anew without one',
    data: List,
    answer: listAnswer(EventAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/events' },
    async run({ caller }, { conversation_id: id, limit, after = START, cursor = after }) {
      const { member } = await memberStanding(log, caller.userId, id);
      const stream = conversationStream(id);
      const events = await read(stream, cursor, member.joined, limit + 1);
      const page = events.slice(0, limit);
      const items = (await toldLate({ log, decode }, stream, page)).map((event) =>
        withheldFrom(event)?.(caller.userId) ? withheldEvent(event) : [event.json],
      );
      return listOf(items, events.length > limit ? page.at(-1)!.id : null);
    },
  });
}

const unknown = (): Error => fail('conflict', 'The log does not know this event: read again from the beginning');
