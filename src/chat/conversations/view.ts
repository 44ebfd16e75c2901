/**
 * How conversations stand for one caller: one of them, the caller's list and the public directory. "By last activity" and "unread" are
 * worked out on read from the heads, so that a message is never a write per member.
 */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { allStandings, standings } from '../access.ts';
import type { Standing } from '../access.ts';
import { idOfEntry } from '../directory.ts';
import { fold } from '../folding.ts';
import { listAnswer, query, RawJson } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { Cursor, decodeCursor, encodeCursor, Limit, listOf, pageOf } from '../paging.ts';
import type { Glimpse, Rooms } from '../services.ts';
import { bothOf, cards, changesTo, isArchived, toBrief, toGlimpse, toJson, unreadIn } from './card.ts';
import type { Found } from './card.ts';
import { ConversationAnswer, Kind, TotalUnread } from './contract.ts';
import type { Changes } from './contract.ts';

export interface ConversationReads extends Rooms {
  readonly queries: Query[];
  /** What of the wanted is not so already. */
  changesOf(id: string, wanted: Changes): Promise<Changes>;
}

/** Unread messages of all these conversations. */
const unreadOf = (found: readonly { readonly standing: Standing }[]): number =>
  found.reduce((sum, { standing }) => sum + unreadIn(standing), 0);

type Parts = Pick<Deps, 'log' | 'reading' | 'people' | 'memberships' | 'messages' | 'settings'>;

export function conversationReads(parts: Parts): ConversationReads {
  const { log, reading, people, memberships, messages, settings } = parts;

  interface Wanted {
    readonly id: string;
    readonly standing: Standing;
  }

  async function find(userId: string, wanted: readonly Wanted[]): Promise<Found[]> {
    const asked = settings.of(
      userId,
      wanted.map(({ id }) => id),
    );
    const found = await Promise.all(
      wanted.map(async ({ id, standing }) => {
        const stream = conversationStream(id);
        const [card, lastMessage, own] = await Promise.all([
          reading.entity(cards, stream),
          standing.member ? messages.newest(id, userId) : 'null',
          asked,
        ]);
        return card && { card, standing, lastMessage, settings: own.get(id)! };
      }),
    );
    return found.filter((one) => one !== undefined);
  }

  async function show(userId: string, wanted: readonly Wanted[]): Promise<string[]> {
    const found = await find(userId, wanted);
    const users = await people.people(found.flatMap(({ card }) => bothOf(card).map((p) => p.user_id)));
    return found.map((one) => toJson(one, users));
  }

  async function one(userId: string, id: string): Promise<RawJson> {
    const [standing] = await standings(log, userId, [id]);
    const visible = standing && (standing.member || standing.kind === 'channel');
    const [json] = visible ? await show(userId, [{ id, standing }]) : [];
    if (json === undefined) throw fail('not_found', 'There is no such conversation');
    return new RawJson(Buffer.from(json));
  }

  async function glimpse(id: string): Promise<Glimpse | undefined> {
    const [head] = await log.heads([conversationStream(id)], ['deleted']);
    const card = head?.deleted === '' ? await reading.entity(cards, conversationStream(id)) : undefined;
    return card && toGlimpse(card);
  }

  async function changesOf(id: string, wanted: Changes): Promise<Changes> {
    const card = await reading.entity(cards, conversationStream(id));
    return card ? changesTo(card, wanted) : wanted;
  }

  /** The conversations that the caller is in; also deleted ones. */
  async function everyOne(userId: string, only?: string): Promise<{ id: string; standing: Standing }[]> {
    const ids = only === undefined ? await memberships.of(userId) : [only];
    const all = await allStandings(log, userId, ids);
    return ids.flatMap((id, i) => (all[i]?.member ? [{ id, standing: all[i] }] : []));
  }

  async function mine(userId: string): Promise<{ id: string; standing: Standing }[]> {
    return (await everyOne(userId)).filter(({ standing }) => !standing.isDeleted);
  }

  async function recent(userId: string, limit: number, only?: string) {
    const found = (await everyOne(userId, only)).toSorted(
      (a, b) => b.standing.active - a.standing.active || (a.id < b.id ? 1 : -1),
    );
    const living = found.filter(({ standing }) => !standing.isDeleted);
    const shown = await find(userId, living.slice(0, limit));
    return {
      items: shown.map(toBrief),
      totalUnread: unreadOf(living),
      heads: new Map(found.map(({ id, standing }) => [id, standing.lastEventId])),
    };
  }

  /** Those whose name has this in it. A direct conversation is called after the other one of the two. */
  async function called(userId: string, found: readonly Wanted[], text: string): Promise<Wanted[]> {
    const all = await Promise.all(found.map(({ id }) => reading.entity(cards, conversationStream(id))));
    const others = all.map((card) => (card ? bothOf(card) : []).find(({ user_id }) => user_id !== userId)?.user_id);
    const users = await people.people(others.flatMap((id) => id ?? []));
    return found.filter((_, i) => {
      const { display_name = '', username = '' } = users.get(others[i] ?? '') ?? {};
      return [all[i]?.name ?? '', display_name, username].some((name) => fold(name).includes(text));
    });
  }

  const list = query({
    name: 'conversations.list',
    about: "The caller's conversations, by last activity",
    data: Type.Object(
      {
        limit: Limit,
        cursor: Type.Optional(Cursor),
        type: Type.Optional(Kind),
        archived: Type.Optional(
          Type.Enum(['true', 'false'], { description: 'Only archived ones, or only the others' }),
        ),
        query: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 100,
            description: 'Part of the name; of a direct conversation, of the other one’s',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    answer: listAnswer(ConversationAnswer, { total_unread: TotalUnread }),
    route: { method: 'GET', path: '/conversations' },
    async run({ caller }, { type, archived, query: text, ...page }) {
      let found = await mine(caller.userId);
      const total_unread = unreadOf(found);
      if (type !== undefined) found = found.filter(({ standing }) => standing.kind === type);
      if (archived !== undefined) {
        const own = await settings.of(
          caller.userId,
          found.map(({ id }) => id),
        );
        found = found.filter(({ id, standing }) => isArchived(own.get(id)!, standing) === (archived === 'true'));
      }
      if (text !== undefined) found = await called(caller.userId, found, fold(text));
      const { items, next_cursor } = pageOf(found, ({ id, standing }) => [standing.active, id], page);
      return listOf(await show(caller.userId, items), next_cursor, { total_unread });
    },
  });

  const single = query({
    name: 'conversations.one',
    about: 'One conversation; a public channel also for whoever is not in it',
    data: Type.Object({ conversation_id: Id }, { additionalProperties: false }),
    answer: ConversationAnswer,
    route: { method: 'GET', path: '/conversations/{conversation_id}' },
    run: ({ caller }, { conversation_id }) => one(caller.userId, conversation_id),
  });

  const directory = query({
    name: 'channels.list',
    about:
      'The public directory: channels whose name begins with the query, by name, but for archived ones; a page may be short and still not the last',
    data: Type.Object(
      {
        limit: Limit,
        cursor: Type.Optional(Cursor),
        query: Type.Optional(Type.String({ maxLength: 100, description: 'Beginning of the name' })),
      },
      { additionalProperties: false },
    ),
    answer: listAnswer(ConversationAnswer),
    route: { method: 'GET', path: '/channels' },
    async run({ caller }, { limit, cursor, query: text = '' }) {
      const [after] = cursor === undefined ? [''] : decodeCursor(cursor, [''] as [string]);
      const { entries, more } = await log.directoryPage('channels', fold(text), after, limit);
      const ids = entries.map(idOfEntry);
      const all = await standings(log, caller.userId, ids);
      const living = ids.flatMap((id, i) => (all[i] ? [{ id, standing: all[i] }] : []));
      // Nobody can come into one that is archived.
      const open = (await find(caller.userId, living)).filter(({ card }) => card.is_archived === '');
      return listOf(
        open.map((one) => toJson(one, new Map())),
        more ? encodeCursor([entries.at(-1)!]) : null,
      );
    },
  });

  return { queries: [list, single, directory], one, glimpse, changesOf, recent };
}
