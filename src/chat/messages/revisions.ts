/**
 * Every text that a message has had. The scripts know the event of each revision, and the texts are read from the log itself: they stand
 * there alone, and are never behind.
 */
import Type from 'typebox';
import type { ChatEvent } from '../../envelope.ts';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { badCursor, Cursor, decodeCursor, encodeCursor, Limit } from '../paging.ts';
import { RevisionAnswer } from './contract.ts';
import type { MessageEditedData, MessageSentData } from './contract.ts';

export function revisionsQuery({ log, decode }: Deps): Query {
  return query({
    name: 'messages.revisions',
    about: 'Every text that a message has had, each with its time, the first one first',
    data: Type.Object(
      { conversation_id: Id, message_id: Id, limit: Limit, cursor: Type.Optional(Cursor) },
      { additionalProperties: false },
    ),
    answer: listAnswer(RevisionAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/messages/{message_id}/revisions' },
    async run({ caller }, { conversation_id, message_id, limit, cursor }) {
      const [after] = cursor === undefined ? [0] : decodeCursor(cursor, [0] as [number]);
      if (!Number.isSafeInteger(after) || after < 0) throw badCursor();
      await memberStanding(log, caller.userId, conversation_id);
      const stream = conversationStream(conversation_id);
      const facts = parseMessageFacts(await log.guardField(stream, 'messages', message_id));
      if (!facts || facts.isDeleted) throw fail('not_found', 'There is no such message');
      const last = Math.min(after + limit, facts.revision);
      const numbers = Array.from({ length: Math.max(0, last - after) }, (_, i) => after + 1 + i);
      const later = numbers.filter((revision) => revision > 1).map((revision) => `${message_id}:${revision}`);
      const ids = [...(after === 0 ? [facts.eventId] : []), ...(await log.guardFields(stream, 'messages', later))];
      const raw = await Promise.all(ids.map((id) => log.readOne(stream, id!)));
      const items = raw.map((event, i) => {
        if (!event) throw fail('unavailable', 'The log cannot be read right now');
        const { id, at, data } = decode(event) as ChatEvent<MessageSentData | MessageEditedData>;
        const { content, mentions, mentions_all } = data;
        return { revision: numbers[i]!, event_id: id, content, mentions, mentions_all, created_at: at };
      });
      const has_more = last < facts.revision;
      return { items, next_cursor: has_more ? encodeCursor([last]) : null, has_more };
    },
  });
}
