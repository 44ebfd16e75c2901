/**
 * Threads: what the message that began one knows of its replies, and the replies in pages. A reply to a reply belongs to the same thread.
 * History keeps the replies of each thread on a shelf of their own, so a page costs what is on it, however long the conversation.
 */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { when } from '../../views/projection.ts';
import type { Contribution, Handler } from '../../views/projection.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Feature, Query } from '../feature.ts';
import { MessageAnswer, MessageSent, threadOf } from '../messages/contract.ts';
import type { Message } from '../messages/contract.ts';
import { AsOfTime, Cursor, Limit } from '../paging.ts';

const MOST_REPLIERS = 5;

/** Also a deleted message has its replies: what stands on it are not its words. */
const handlers: Handler<Message>[] = [
  when(MessageSent, ({ actor_id, at, data }) => {
    const thread = threadOf(data);
    if (thread === null) return [];
    const change = (doc: Message): Message => ({
      ...doc,
      reply_count: doc.reply_count + 1,
      last_reply_at: at,
      repliers: [actor_id, ...doc.repliers.filter((user) => user !== actor_id)].slice(0, MOST_REPLIERS),
    });
    return [{ key: thread, change }];
  }),
];

const onMessages: Contribution = {
  view: 'history',
  handlers: handlers as Handler<object>[],
  shelves: (doc) => {
    const { thread_id } = doc as Message;
    return thread_id === null ? [] : [thread_id];
  },
};

export const threads: Feature = {
  contributions: [onMessages],
  serve: (deps) => ({ queries: [repliesQuery(deps)] }),
};

const List = Type.Object(
  {
    conversation_id: Id,
    message_id: Id,
    limit: Limit,
    cursor: Type.Optional(Cursor),
    order: Type.Optional(Type.Enum(['asc', 'desc'])),
    as_of: Type.Optional(AsOfTime),
  },
  { additionalProperties: false },
);

function repliesQuery({ log, messages }: Deps): Query {
  return query({
    name: 'replies.list',
    about:
      'The thread that a message began, without that message: oldest first, or newest first with order=desc. Deleted replies keep ' +
      'their places, and so do the replies to a message that was deleted',
    data: List,
    answer: listAnswer(MessageAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/messages/{message_id}/replies' },
    async run({ caller }, { conversation_id: id, message_id: shelf, limit, cursor, order = 'asc', as_of }) {
      await memberStanding(log, caller.userId, id);
      // It is asked for by itself, since one without replies and one that is not there have the same page.
      await messages.seenBy(caller.userId, id, shelf, as_of);
      return messages.page(
        { readerId: caller.userId, conversationId: id, asOf: as_of },
        { order, cursor, limit, shelf },
      );
    },
  });
}
