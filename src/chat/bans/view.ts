/** Who is banned from a conversation, since when, by whom and why: the projection `bans` and the list of them, for admins. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import type { ChatEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { memberStanding } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { Cursor, decodeCursor, encodeCursor, Limit } from '../paging.ts';
import { BanAdded, BanAnswer, BanRemoved } from './contract.ts';
import type { BanAddedData } from './contract.ts';

export interface Banned {
  user_id: string;
  banned_by: string;
  created_at: string;
  until: string | null;
  reason: string | null;
}

type Added = Pick<ChatEvent<BanAddedData>, 'at' | 'actor_id' | 'data'>;

export const bannedBy = ({ at, actor_id, data: { user_id, until, reason } }: Added): Banned => ({
  user_id,
  banned_by: actor_id,
  created_at: at,
  until,
  reason,
});

export const bans: Projection<Banned> = {
  name: 'bans',
  version: 1,
  source: 'conversation',
  shape: 'collection',
  key: ({ user_id }) => user_id,
  handlers: [
    when(BanAdded, (event) => [{ key: event.data.user_id, order: event.seq, put: bannedBy(event) }]),
    when(BanRemoved, ({ data }) => [{ key: data.user_id, remove: true }]),
  ],
};

export function bansQuery({ log, reading, people }: Deps): Query {
  return query({
    name: 'bans.list',
    about: 'Who is banned from a conversation, for its admins; a page may be short and still not the last',
    data: Type.Object(
      { conversation_id: Id, limit: Limit, cursor: Type.Optional(Cursor) },
      { additionalProperties: false },
    ),
    answer: listAnswer(BanAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/bans' },
    async run({ caller, now }, { conversation_id: id, limit, cursor }) {
      const [from] = cursor === undefined ? [undefined] : decodeCursor(cursor, [0] as [number]);
      const { member } = await memberStanding(log, caller.userId, id);
      if (member.role === 'member') throw fail('forbidden', 'Only admins see who is banned');
      const range = { direction: 'up', from, limit: limit + 1 } as const;
      const rows = await reading.page(bans, conversationStream(id), range, undefined);
      const page = rows.slice(0, limit);
      const found = page.map(({ json }) => JSON.parse(json.toString()) as Banned);
      // One that has ended stays in the view, which knows no clock.
      const living = found.filter(({ until }) => until === null || Date.parse(until) > now);
      const users = await people.people(living.map(({ user_id }) => user_id));
      const next_cursor = rows.length > limit ? encodeCursor([page.at(-1)!.order]) : null;
      const items = living.map((ban) => ({ ...ban, user: users.get(ban.user_id)! }));
      return { items, next_cursor, has_more: next_cursor !== null };
    },
  });
}
