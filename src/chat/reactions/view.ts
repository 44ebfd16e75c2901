/**
 * Who reacted with what: on each message of history the counts and the first few who did, and by pages all of them. Owns the projection
 * `reactions`, one document for each reaction, with a shelf for each emoji of each message.
 */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Contribution, Projection } from '../../views/projection.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import type { Message } from '../messages/contract.ts';
import { AsOfTime, Cursor, decodeCursor, encodeCursor, Limit, listOf } from '../paging.ts';
import { Emoji, ReactionAdded, ReactionRemoved, ReactorAnswer } from './contract.ts';
import { checkedEmoji } from './emoji.ts';

interface Reacted {
  message_id: string;
  emoji: string;
  user_id: string;
  reacted_at: string;
}

const shelfOf = (messageId: string, emoji: string): string => `${messageId} ${emoji}`;
const keyOf = (messageId: string, emoji: string, userId: string): string => `${shelfOf(messageId, emoji)} ${userId}`;

export const reactors: Projection<Reacted> = {
  name: 'reactions',
  version: 1,
  source: 'conversation',
  shape: 'collection',
  key: ({ message_id, emoji, user_id }) => keyOf(message_id, emoji, user_id),
  shelves: ({ message_id, emoji }) => [shelfOf(message_id, emoji)],
  handlers: [
    when(ReactionAdded, ({ seq, at, actor_id, data: { message_id, emoji } }) => [
      {
        key: keyOf(message_id, emoji, actor_id),
        order: seq,
        put: { message_id, emoji, user_id: actor_id, reacted_at: at },
      },
    ]),
    when(ReactionRemoved, ({ actor_id, data: { message_id, emoji } }) => [
      { key: keyOf(message_id, emoji, actor_id), remove: true },
    ]),
  ],
};

/** A document of history names no more of those who reacted, so that it stays small however many they are. */
const NAMED = 20;

export const onMessages: Contribution = {
  view: 'history',
  handlers: [
    when(ReactionAdded, ({ actor_id, data: { message_id, emoji } }) => [
      { key: message_id, change: (doc: Message) => ({ ...doc, reactions: withOne(doc.reactions, emoji, actor_id) }) },
    ]),
    when(ReactionRemoved, ({ actor_id, data: { message_id, emoji } }) => [
      {
        key: message_id,
        change: (doc: Message) => ({ ...doc, reactions: withoutOne(doc.reactions, emoji, actor_id) }),
      },
    ]),
  ],
};

type Reactions = Message['reactions'];

/** In the order of first use. */
function withOne(all: Reactions, emoji: string, userId: string): Reactions {
  if (!all.some((reaction) => reaction.emoji === emoji)) return [...all, { emoji, count: 1, user_ids: [userId] }];
  return all.map((reaction) => {
    if (reaction.emoji !== emoji) return reaction;
    const { count, user_ids } = reaction;
    return { emoji, count: count + 1, user_ids: user_ids.length < NAMED ? [...user_ids, userId] : user_ids };
  });
}

function withoutOne(all: Reactions, emoji: string, userId: string): Reactions {
  return all.flatMap((reaction) => {
    if (reaction.emoji !== emoji) return [reaction];
    const user_ids = reaction.user_ids.filter((id) => id !== userId);
    return reaction.count === 1 ? [] : [{ emoji, count: reaction.count - 1, user_ids }];
  });
}

export function reactorsQuery({ log, reading }: Deps): Query {
  return query({
    name: 'reactions.list',
    about: 'Everyone who reacted to a message with an emoji, the first to do so first',
    data: Type.Object(
      {
        conversation_id: Id,
        message_id: Id,
        emoji: Emoji,
        limit: Limit,
        cursor: Type.Optional(Cursor),
        as_of: Type.Optional(AsOfTime),
      },
      { additionalProperties: false },
    ),
    answer: listAnswer(ReactorAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/messages/{message_id}/reactions/{emoji}' },
    async run({ caller }, { conversation_id: id, message_id, emoji: written, limit, cursor, as_of }) {
      const emoji = checkedEmoji(written);
      const stream = conversationStream(id);
      const [from] = cursor === undefined ? [undefined] : decodeCursor(cursor, [0] as [number]);
      await memberStanding(log, caller.userId, id);
      const facts = parseMessageFacts(await log.guardField(stream, 'messages', message_id));
      if (!facts || facts.isDeleted) throw fail('not_found', 'There is no such message');
      const range = { direction: 'up', from, limit: limit + 1, shelf: shelfOf(message_id, emoji) } as const;
      const rows = await reading.page(reactors, stream, range, as_of);
      const page = rows.slice(0, limit);
      const items = page.map(({ json }) => {
        const { user_id, reacted_at } = JSON.parse(json.toString()) as Reacted;
        return JSON.stringify({ user_id, reacted_at });
      });
      return listOf(items, rows.length > limit ? encodeCursor([page.at(-1)!.order]) : null);
    },
  });
}
