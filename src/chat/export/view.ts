/**
 * One's own data, as the log has it: every event of the caller's own stream, then what the caller did in each conversation that they ever
 * were in, in the order of first coming into them. So a conversation that is joined meanwhile comes last, and who goes on after a line
 * misses none. A page of one log is in memory at a time, and the next is read when the reader has taken it. Refuses a cursor that leads
 * nowhere before the first byte.
 */
import { actorOf, compareEventIds, eventId, parseEventId, START } from '../../envelope.ts';
import type { RawEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import { ConversationJoined } from '../conversations/contract.ts';
import { query } from '../feature.ts';
import type { Deps, Feature, Query } from '../feature.ts';
import { badCursor, decodeCursor, encodeCursor } from '../paging.ts';
import { toldLate } from '../told-late.ts';
import { Export, ExportedLine } from './contract.ts';

export const exporting: Feature = { serve: (deps) => ({ queries: [exportOwn(deps)] }) };

/** Of a page of 100 messages of the greatest length no reader that stands still holds more than a few megabytes. */
const PAGE = 100;

/** After an event of a conversation, or of the own stream where that is ''. */
interface Cursor {
  readonly conversationId: string;
  readonly eventId: string;
}

const BEGINNING: Cursor = { conversationId: '', eventId: START };

function exportOwn({ log, decode }: Deps): Query {
  /** Throws `validation_failed` for what is no cursor of the caller's, `conflict` where the log does not know the place any more. */
  async function cursorOf(userId: string, cursor: string): Promise<Cursor> {
    const [conversationId, id] = decodeCursor(cursor, ['', ''] as [string, string], '/query/after');
    const own = userStream(userId);
    const isTheirs = conversationId === '' || (await log.guardField(own, 'conversations', conversationId)) !== null;
    if (!isTheirs || !parseEventId(id)) throw badCursor('/query/after');
    const stream = conversationId === '' ? own : conversationStream(conversationId);
    if (!(await log.readOne(stream, id))) throw fail('conflict', 'The log does not know this place: begin anew');
    return { conversationId, eventId: id };
  }

  async function linesOf(stream: StreamRef, events: readonly RawEvent[]): Promise<Buffer> {
    const place = stream.kind === 'user' ? '' : stream.id;
    const told = await toldLate({ log, decode }, stream, events);
    return Buffer.concat(
      told.flatMap(({ id, json }) => [
        Buffer.from(`{"cursor":"${encodeCursor([place, id])}","event":`),
        json,
        Buffer.from('}\n'),
      ]),
    );
  }

  /** The own stream, which also says which conversations there were: it is read even where its lines are not asked for again. */
  async function* ownStream(userId: string, from: Cursor, joined: Set<string>): AsyncGenerator<Buffer> {
    const stream = userStream(userId);
    const last = eventId(from.eventId);
    for await (const page of log.readAll(stream, START, PAGE)) {
      for (const event of page) for (const id of joinedBy(event)) joined.add(id);
      if (from.conversationId !== '') continue;
      const events = page.filter(({ id }) => compareEventIds(eventId(id), last) > 0);
      if (events.length > 0) yield await linesOf(stream, events);
    }
  }

  /** One that cannot be read is a line like the others, and all that is known of it. */
  function joinedBy(event: RawEvent): string[] {
    if (event.type !== ConversationJoined.type) return [];
    try {
      return [(decode(event).data as { conversation_id: string }).conversation_id];
    } catch {
      return [];
    }
  }

  async function* lines(userId: string, from: Cursor): AsyncGenerator<Buffer> {
    const joined = new Set<string>();
    yield* ownStream(userId, from, joined);
    let isPast = from.conversationId === '';
    for (const id of joined) {
      const isHere = id === from.conversationId;
      isPast ||= isHere;
      if (!isPast) continue;
      const stream = conversationStream(id);
      for await (const page of log.readAll(stream, isHere ? from.eventId : START, PAGE)) {
        const events = page.filter((event) => actorOf(event) === userId);
        if (events.length > 0) yield await linesOf(stream, events);
      }
    }
  }

  return query({
    name: 'user.export',
    about:
      "All that the log holds of the caller, one line of JSON each: every event of the caller's own stream, then what the caller did in each " +
      'conversation that they ever were in, oldest first. Each line has a cursor, and who was cut off goes on after the last whole line',
    data: Export,
    answer: ExportedLine,
    route: { method: 'GET', path: '/users/me/export' },
    media: 'application/x-ndjson',
    limited: 'export',
    peopleOnly: true,
    async run({ caller: { userId } }, { after }) {
      const from = after === undefined ? BEGINNING : await cursorOf(userId, after);
      return { lines: () => lines(userId, from) };
    },
  });
}
