/** Reads of history. Documents go to the wire as they are stored; only the caller's own get a field more. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import type { PageRange } from '../../views/projection.ts';
import type { Reading } from '../../views/reading.ts';
import { asMember, memberStanding } from '../access.ts';
import { listAnswer, query, RawJson } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { AsOfTime, badCursor, Cursor, decodeCursor, encodeCursor, Limit, listOf } from '../paging.ts';
import type { Messages, Reader } from '../services.ts';
import { MessageAnswer } from './contract.ts';
import type { Message } from './contract.ts';
import { history } from './history.ts';
import { piecesFor } from './reader.ts';

const jsonOf = (message: Message): Buffer => Buffer.from(JSON.stringify(message));

type Parts = Pick<Deps, 'reading' | 'receipts'>;

/** Reads of history for other features. */
export function messagesOf({ reading, receipts }: Parts): Messages {
  const forReader = async (reader: Reader, stored: Buffer): Promise<Buffer> =>
    Buffer.concat((await piecesFor(receipts, reader, [stored]))[0]!);

  return {
    async newest(conversationId, readerId) {
      const range = { direction: 'down', from: undefined, limit: 1 } as const;
      const [row] = await reading.page(history, conversationStream(conversationId), range, undefined);
      // The line that says who made the conversation is no news of it.
      return row && row.order > 1 ? (await forReader({ readerId, conversationId }, row.json)).toString() : 'null';
    },
    async find(conversationId, messageId) {
      return (await reading.byKeys(history, conversationStream(conversationId), [messageId])).get(messageId)?.doc;
    },
    async seenBy(readerId, conversationId, messageId, asOf) {
      const stream = conversationStream(conversationId);
      const found = (await reading.byKeys(history, stream, [messageId], asOf)).get(messageId);
      if (!found) throw fail('not_found', 'There is no such message');
      return new RawJson(await forReader({ readerId, conversationId, asOf }, jsonOf(found.doc)));
    },
    async page(reader, { order, cursor, limit, shelf }) {
      const first: Cursor = { direction: order === 'asc' ? 'up' : 'down', from: undefined };
      const place = cursor === undefined ? first : cursorOf(cursor);
      const range = { ...place, limit, ...(shelf === undefined ? {} : { shelf }) };
      // Most pages have a message of their reader's: marks asked for beside the page cost less than a round trip of their own behind it.
      const marks = reader.asOf === undefined ? receipts.statuses(reader.readerId, reader.conversationId) : undefined;
      marks?.catch(() => {}); // it is told below, where they are needed
      const { stored, next } = await partOf(reading, reader, range);
      return listOf(await piecesFor(receipts, reader, stored, marks), next);
    },
    async some(conversationId, messageIds) {
      const found = await reading.byKeys(history, conversationStream(conversationId), messageIds);
      return [...found.values()].map(({ doc }) => doc);
    },
    someThen: (conversationId, asOf, fits) => reading.allThen(history, conversationStream(conversationId), asOf, fits),
    async shownTo(readerId, conversationId, messages) {
      const pieces = await piecesFor(receipts, { readerId, conversationId }, messages.map(jsonOf));
      return pieces.map((each) => Buffer.concat(each).toString());
    },
    async listFor(readerId, conversationId, messages, { next, asOf }) {
      return listOf(await piecesFor(receipts, { readerId, conversationId, asOf }, messages.map(jsonOf)), next);
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

interface Cursor {
  readonly direction: Direction;
  readonly from: number | undefined;
}

function cursorOf(cursor: string): Cursor {
  const [direction, from] = decodeCursor(cursor, ['', 0] as [string, number]);
  if (direction !== 'up' && direction !== 'down') throw badCursor();
  return { direction, from };
}

/** Part of a history as it is stored, and the cursor of what follows. */
async function partOf(
  reading: Reading,
  { conversationId, asOf, permission }: Reader,
  range: PageRange,
): Promise<{ stored: Buffer[]; next: string | null }> {
  const { direction, from, limit } = range;
  const stream = conversationStream(conversationId);
  const rows = await reading.page(history, stream, { ...range, limit: limit + 1 }, asOf, permission);
  const page = rows.slice(0, limit);
  // A page of none, beside the message of `around`, ends where it begins.
  const last = page.at(-1)?.order ?? from;
  return {
    stored: page.map((row) => row.json),
    next: rows.length > limit && last !== undefined ? cursorAt(direction, last) : null,
  };
}

export function messageQueries({ log, reading, receipts, messages }: Deps): Query[] {
  async function around(id: string, userId: string, messageId: string, limit: number, asOf?: string) {
    const stream = conversationStream(id);
    const found = (await reading.byKeys(history, stream, [messageId], asOf)).get(messageId);
    if (!found) throw fail('not_found', 'There is no such message');
    const reader = { readerId: userId, conversationId: id, asOf };
    const olderCount = Math.floor((limit - 1) / 2);
    const part = (direction: Direction, count: number) =>
      partOf(reading, reader, { direction, from: found.order, limit: count });
    const [older, newer] = await Promise.all([part('down', olderCount), part('up', limit - 1 - olderCount)]);
    const stored = [...older.stored.toReversed(), jsonOf(found.doc), ...newer.stored];
    return listOf(await piecesFor(receipts, reader, stored), newer.next, { prev_cursor: older.next });
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
        const reader = { readerId: caller.userId, conversationId: id, asOf: as_of };
        if (middle === undefined)
          return asMember(log, caller.userId, id, (permission) =>
            messages.page({ ...reader, permission }, { order: order ?? 'desc', cursor, limit }),
          );
        await memberStanding(log, caller.userId, id);
        return around(id, caller.userId, middle, limit, as_of);
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
