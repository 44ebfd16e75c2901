/** What of a message tells that it is pinned, and the list of those that are. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Contribution, Handler } from '../../views/projection.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { MessageAnswer } from '../messages/contract.ts';
import type { Message } from '../messages/contract.ts';
import { AsOfTime, Cursor, decodeCursor, encodeCursor, Limit } from '../paging.ts';
import { MessagePinned, MessageUnpinned } from './contract.ts';
import { parsePins } from './guard.ts';

const handlers: Handler<Message>[] = [
  when(MessagePinned, ({ actor_id, at, data }) => [
    { key: data.message_id, change: (doc) => ({ ...doc, pinned: true, pinned_by: actor_id, pinned_at: at }) },
  ]),
  when(MessageUnpinned, ({ data }) => [
    { key: data.message_id, change: (doc) => ({ ...doc, pinned: false, pinned_by: null, pinned_at: null }) },
  ]),
];
export const onMessages: Contribution = { view: 'history', handlers: handlers as Handler<object>[] };

const List = Type.Object(
  { conversation_id: Id, limit: Limit, cursor: Type.Optional(Cursor), as_of: Type.Optional(AsOfTime) },
  { additionalProperties: false },
);

/** When it was pinned, and, of those of one millisecond, where it stands. */
type Cursor = [number, number];

const cursorOf = ({ pinned_at, seq }: Message): Cursor => [Date.parse(pinned_at ?? ''), seq];
const newestFirst = (a: Cursor, b: Cursor): number => b[0] - a[0] || b[1] - a[1];

export function pinsQuery({ log, messages }: Deps): Query {
  /** Who is pinned the scripts know: at most 50, so no view need keep a list of them. */
  async function pinned(id: string): Promise<Message[]> {
    const [head] = await log.heads([conversationStream(id)], ['pins']);
    const found = await messages.some(id, parsePins(head?.pins ?? ''));
    return found.filter((message) => message.pinned);
  }

  return query({
    name: 'pins.list',
    about: 'The pinned messages of a conversation, the one that was pinned last first',
    data: List,
    answer: listAnswer(MessageAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/pins' },
    async run({ caller }, { conversation_id: id, limit, cursor, as_of }) {
      const after = cursor === undefined ? undefined : decodeCursor(cursor, [0, 0] as Cursor);
      await memberStanding(log, caller.userId, id);
      const found = as_of === undefined ? await pinned(id) : await messages.someThen(id, as_of, (m) => m.pinned);
      const rest = found
        .filter((message) => after === undefined || newestFirst(after, cursorOf(message)) < 0)
        .toSorted((a, b) => newestFirst(cursorOf(a), cursorOf(b)));
      const page = rest.slice(0, limit);
      const next = rest.length > limit ? encodeCursor(cursorOf(page.at(-1)!)) : null;
      return messages.listFor(caller.userId, id, page, { next, asOf: as_of });
    },
  });
}
