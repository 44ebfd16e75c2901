/** Reads of history. Documents go to the wire as they are stored; only the caller's own get a field more. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import type { Reading } from '../../views/reading.ts';
import type { PageRange } from '../../views/projection.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query, RawJson } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { AsOfTime, badCursor, Cursor, decodeCursor, encodeCursor, Limit, listOf } from '../paging.ts';
import type { Messages } from '../services.ts';
import { MessageAnswer } from './contract.ts';
import type { Message } from './contract.ts';
import { history } from './history.ts';

const SENDER = Buffer.from('"sender_id":"');
const READ_STATUS = Buffer.from(',"read_status":"sent"}');

/** The pieces of a stored message as one reader gets it: a page is joined once, not once for each message. */
function piecesFor(json: Buffer, userId: string): Buffer[] {
  const at = json.indexOf(SENDER) + SENDER.length;
  const own = json.toString('latin1', at, at + userId.length) === userId;
  return own ? [json.subarray(0, -1), READ_STATUS] : [json];
}

/** A stored message as one reader gets it. */
const forReader = (json: Buffer, userId: string): Buffer => Buffer.concat(piecesFor(json, userId));

const jsonOf = (message: Message): Buffer => Buffer.from(JSON.stringify(message));

const ROWS = 20;

/** Reads of history for other features. */
export function messagesOf({ reading }: Pick<Deps, 'reading'>): Messages {
  return {
    async newest(conversationId, readerId) {
      const range = { direction: 'down', from: undefined, limit: 1 } as const;
      const [row] = await reading.page(history, conversationStream(conversationId), range, undefined);
      // The line that says who made the conversation is no news of it.
      return row && row.order > 1 ? forReader(row.json, readerId).toString() : 'null';
    },
    async find(conversationId, messageId) {
      return (await reading.byKeys(history, conversationStream(conversationId), [messageId])).get(messageId)?.doc;
    },
    async seenBy(readerId, conversationId, messageId, asOf) {
      const stream = conversationStream(conversationId);
      const found = (await reading.byKeys(history, stream, [messageId], asOf)).get(messageId);
      if (!found) throw fail('not_found', 'There is no such message');
      return new RawJson(forReader(jsonOf(found.doc), readerId));
    },
    async page(readerId, conversationId, { order, cursor, limit, shelf }, asOf) {
      const first: Place = { direction: order === 'asc' ? 'up' : 'down', from: undefined };
      const place = cursor === undefined ? first : placeOf(cursor);
      const range = { ...place, limit, ...(shelf === undefined ? {} : { shelf }) };
      const { items, next } = await pageOf(reading, { readerId, conversationId, asOf }, range);
      return listOf(items, next);
    },
    async some(conversationId, messageIds) {
      const found = await reading.byKeys(history, conversationStream(conversationId), messageIds);
      return [...found.values()].map(({ doc }) => doc);
    },
    someThen: (conversationId, asOf, fits) => reading.allThen(history, conversationStream(conversationId), asOf, fits),
    listFor: (readerId, messages, nextCursor) =>
      listOf(
        messages.map((message) => piecesFor(jsonOf(message), readerId)),
        nextCursor,
      ),
    async newestByPerson(conversationId, seq) {
      const stream = conversationStream(conversationId);
      for (let from = seq === undefined ? undefined : seq + 1; ;) {
        const rows = await reading.page(history, stream, { direction: 'down', from, limit: ROWS }, undefined);
        const found = rows
          .map((row) => JSON.parse(row.json.toString()) as Message)
          .find((message) => message.message_type !== 'system');
        if (found || rows.length < ROWS) return found;
        from = rows.at(-1)!.order;
      }
    },
  };
}

const List = Type.Object(
  {
    conversation_id: Id,
    limit: Limit,
    cursor: Type.Optional(Cursor),
    order: Type.Optional(Type.Enum(['desc', 'asc'])),
    around: Type.Optional(Id),
    as_of: Type.Optional(AsOfTime),
  },
  { additionalProperties: false },
);
const One = Type.Object(
  { conversation_id: Id, message_id: Id, as_of: Type.Optional(AsOfTime) },
  { additionalProperties: false },
);

type Direction = 'up' | 'down';
const cursorAt = (direction: Direction, order: number) => encodeCursor([direction, order]);

interface Place {
  readonly direction: Direction;
  readonly from: number | undefined;
}

function placeOf(cursor: string): Place {
  const [direction, from] = decodeCursor(cursor, ['', 0] as [string, number]);
  if (direction !== 'up' && direction !== 'down') throw badCursor();
  return { direction, from };
}

/** Part of a history as one reader gets it, and the cursor of what follows. */
async function pageOf(
  reading: Reading,
  { readerId, conversationId, asOf }: { readerId: string; conversationId: string; asOf: string | undefined },
  range: PageRange,
): Promise<{ items: Buffer[][]; next: string | null }> {
  const { direction, from, limit } = range;
  const rows = await reading.page(history, conversationStream(conversationId), { ...range, limit: limit + 1 }, asOf);
  const page = rows.slice(0, limit);
  // A page of none, beside the message of `around`, ends where it begins.
  const last = page.at(-1)?.order ?? from;
  return {
    items: page.map((row) => piecesFor(row.json, readerId)),
    next: rows.length > limit && last !== undefined ? cursorAt(direction, last) : null,
  };
}

export function messageQueries({ log, reading, messages }: Deps): Query[] {
  async function around(id: string, userId: string, messageId: string, limit: number, asOf?: string) {
    const stream = conversationStream(id);
    const found = (await reading.byKeys(history, stream, [messageId], asOf)).get(messageId);
    if (!found) throw fail('not_found', 'There is no such message');
    const olderCount = Math.floor((limit - 1) / 2);
    const page = (direction: Direction, count: number) =>
      pageOf(reading, { readerId: userId, conversationId: id, asOf }, { direction, from: found.order, limit: count });
    const [older, newer] = await Promise.all([page('down', olderCount), page('up', limit - 1 - olderCount)]);
    const items = [...older.items.toReversed(), piecesFor(jsonOf(found.doc), userId), ...newer.items];
    return listOf(items, newer.next, { prev_cursor: older.next });
  }

  return [
    query({
      name: 'messages.list',
      about: 'History of a conversation: newest first, oldest first with order=asc, or around one message',
      data: List,
      answer: listAnswer(MessageAnswer, {
        prev_cursor: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
      route: { method: 'GET', path: '/conversations/{conversation_id}/messages' },
      async run({ caller }, { conversation_id: id, limit, cursor, order, around: middle, as_of }) {
        await memberStanding(log, caller.userId, id);
        if (middle !== undefined) return around(id, caller.userId, middle, limit, as_of);
        return messages.page(caller.userId, id, { order: order ?? 'desc', cursor, limit }, as_of);
      },
    }),
    query({
      name: 'messages.one',
      about: 'One message',
      data: One,
      answer: MessageAnswer,
      route: { method: 'GET', path: '/conversations/{conversation_id}/messages/{message_id}' },
      async run({ caller }, { conversation_id: id, message_id, as_of }) {
        await memberStanding(log, caller.userId, id);
        return messages.seenBy(caller.userId, id, message_id, as_of);
      },
    }),
  ];
}
