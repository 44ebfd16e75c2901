/**
 * Conversation cards: what a conversation is, apart from its messages, and how it stands for one caller. Owns the projection `cards`,
 * the caller's list and the public directory. "By last activity" and "unread" are worked out on read from the heads, so that a message
 * is never a write per member.
 */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { allStandings, standings } from '../access.ts';
import type { Standing } from '../access.ts';
import { foldName, idOfEntry } from '../directory.ts';
import { query, RawJson } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { conversationsOf } from '../inbox.ts';
import { forReader, history } from '../messages/view.ts';
import { Cursor, decodeCursor, encodeCursor, Limit, listOf } from '../paging.ts';
import { ParticipantAdded, ParticipantRemoved } from '../participants/contract.ts';
import type { People, Person } from '../participants/contract.ts';
import { ConversationCreated, ConversationUpdated, Kind } from './contract.ts';
import type { Changes, Policy } from './contract.ts';

/** Flat, as entities are: '' stands for null, and what is not text or number is JSON. */
interface Card {
  id: string;
  type: string;
  name: string;
  description: string;
  avatar_url: string;
  policy: string;
  created_by: string;
  created_at: string;
  member_count: number;
  /** Of a direct conversation: both, as JSON. */
  participants: string;
}

export const cards: Projection<Card> = {
  name: 'cards',
  version: 1,
  source: 'conversation',
  shape: 'entity',
  key: () => '',
  fields: {
    id: 'string',
    type: 'string',
    name: 'string',
    description: 'string',
    avatar_url: 'string',
    policy: 'string',
    created_by: 'string',
    created_at: 'string',
    member_count: 'number',
    participants: 'string',
  },
  handlers: [
    when(ConversationCreated, ({ conversation_id = '', actor_id, at, data }) => {
      const { type, name, description, avatar_url, policy, participants } = data;
      const put: Card = {
        id: conversation_id,
        type,
        name: name ?? '',
        description: description ?? '',
        avatar_url: avatar_url ?? '',
        policy: JSON.stringify(policy),
        created_by: actor_id,
        created_at: at,
        member_count: participants.length,
        participants: type === 'direct' ? JSON.stringify(participants) : '[]',
      };
      return [{ key: '', order: 0, put }];
    }),
    when(ConversationUpdated, ({ data }) => [
      {
        key: '',
        change: (card) => ({
          ...card,
          ...(data.name === undefined ? {} : { name: data.name }),
          ...(data.description === undefined ? {} : { description: data.description ?? '' }),
          ...(data.avatar_url === undefined ? {} : { avatar_url: data.avatar_url ?? '' }),
          policy: JSON.stringify({ ...(JSON.parse(card.policy) as Policy), ...data.policy }),
        }),
      },
    ]),
    when(ParticipantAdded, () => [counted(1)]),
    when(ParticipantRemoved, () => [counted(-1)]),
  ],
};

const counted = (by: 1 | -1) => ({
  key: '',
  change: (card: Card) => ({ ...card, member_count: card.member_count + by }),
});

const orNull = (text: string): string | null => (text === '' ? null : text);

/** One conversation as it stands for one caller. */
interface Found {
  readonly card: Card;
  readonly standing: Standing;
  /** JSON, as the read model has it. */
  readonly lastMessage: string;
}

/** The conversation as contract and list show it. */
function toJson({ card, standing, lastMessage }: Found, users: ReadonlyMap<string, Person>): string {
  const { member } = standing;
  const both = bothOf(card).map((p) => ({ ...p, joined_at: card.created_at, user: users.get(p.user_id) }));
  const shape = {
    id: card.id,
    type: card.type,
    name: orNull(card.name),
    description: orNull(card.description),
    avatar_url: orNull(card.avatar_url),
    policy: JSON.parse(card.policy) as unknown,
    slow_mode_seconds: 0,
    created_by: card.created_by,
    created_at: card.created_at,
    last_activity: new Date(standing.active).toISOString(),
    last_event_id: standing.lastEventId,
    member_count: card.member_count,
    ...(card.type === 'direct' ? { participants: both } : {}),
    role: member?.role ?? null,
    unread_count: member ? standing.messages - member.read : 0,
    read_up_to: member?.readUpTo ?? null,
    muted_until: null,
    archived: false,
    pinned: false,
  };
  return `${JSON.stringify(shape).slice(0, -1)},"last_message":${lastMessage}}`;
}

/** Who is in a direct conversation; of others the card does not know. */
const bothOf = (card: Card): { user_id: string; role: string }[] =>
  JSON.parse(card.participants) as { user_id: string; role: string }[];

/** What `session.ready` says of a conversation. */
function toBrief({ card, standing: { lastEventId, messages, member }, lastMessage }: Found): string {
  const brief = {
    id: card.id,
    type: card.type,
    name: orNull(card.name),
    last_event_id: lastEventId,
    unread_count: member ? messages - member.read : 0,
    read_up_to: member?.readUpTo ?? null,
  };
  return `${JSON.stringify(brief).slice(0, -1)},"last_message":${lastMessage}}`;
}

export interface ConversationReads {
  readonly queries: Query[];
  /** One conversation as the caller sees it. Throws `not_found` where the caller may not. */
  one(userId: string, id: string): Promise<RawJson>;
  /** What of the wanted is not so already. */
  changesOf(id: string, wanted: Changes): Promise<Changes>;
  /**
   * The caller's conversations of most recent activity in brief, as JSON texts, and the last event id of every one: also of those that
   * were deleted, since that is an event which the caller may not have seen. `only` looks at no other conversation.
   */
  recent(
    userId: string,
    limit: number,
    only?: string,
  ): Promise<{ items: string[]; heads: ReadonlyMap<string, string> }>;
}

export function conversationReads({ log, reading, people }: Deps & { readonly people: People }): ConversationReads {
  interface Wanted {
    readonly id: string;
    readonly standing: Standing;
  }

  async function find(userId: string, wanted: readonly Wanted[]): Promise<Found[]> {
    const found = await Promise.all(
      wanted.map(async ({ id, standing }) => {
        const stream = conversationStream(id);
        const [card, newest] = await Promise.all([
          reading.entity(cards, stream),
          standing.member
            ? reading.page(history, stream, { direction: 'down', from: undefined, limit: 1 }, undefined)
            : [],
        ]);
        const lastMessage = newest[0] ? forReader(newest[0].json, userId).toString() : 'null';
        return card && { card, standing, lastMessage };
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

  async function changesOf(id: string, wanted: Changes): Promise<Changes> {
    const card = await reading.entity(cards, conversationStream(id));
    if (!card) return wanted;
    const policy = JSON.parse(card.policy) as Policy;
    const differs = (now: string, then: string | null | undefined) => then !== undefined && (then ?? '') !== now;
    const given = Object.entries(wanted.policy ?? {}) as [keyof Policy, string][];
    const rules = given.filter(([who, may]) => policy[who] !== may);
    return {
      ...(differs(card.name, wanted.name) ? { name: wanted.name } : {}),
      ...(differs(card.description, wanted.description) ? { description: wanted.description } : {}),
      ...(differs(card.avatar_url, wanted.avatar_url) ? { avatar_url: wanted.avatar_url } : {}),
      ...(rules.length > 0 ? { policy: Object.fromEntries(rules) } : {}),
    } as Changes;
  }

  /** The conversations that the caller is in, most recently active first; also deleted ones. */
  async function everyOne(userId: string, only?: string): Promise<{ id: string; standing: Standing }[]> {
    const ids = only === undefined ? await conversationsOf(log, userId) : [only];
    const all = await allStandings(log, userId, ids);
    return ids
      .flatMap((id, i) => (all[i]?.member ? [{ id, standing: all[i] }] : []))
      .toSorted((a, b) => b.standing.active - a.standing.active || (a.id < b.id ? 1 : -1));
  }

  async function mine(userId: string): Promise<{ id: string; standing: Standing }[]> {
    return (await everyOne(userId)).filter(({ standing }) => !standing.isDeleted);
  }

  async function recent(userId: string, limit: number, only?: string) {
    const found = await everyOne(userId, only);
    const living = found.filter(({ standing }) => !standing.isDeleted);
    const shown = await find(userId, living.slice(0, limit));
    return {
      items: shown.map(toBrief),
      heads: new Map(found.map(({ id, standing }) => [id, standing.lastEventId])),
    };
  }

  const list = query({
    name: 'conversations.list',
    about: "The caller's conversations, by last activity",
    data: Type.Object(
      {
        limit: Limit,
        cursor: Type.Optional(Cursor),
        type: Type.Optional(Kind),
        query: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Part of the name' })),
      },
      { additionalProperties: false },
    ),
    route: { method: 'GET', path: '/conversations' },
    async run({ caller }, { limit, cursor, type, query: text }) {
      let found = await mine(caller.userId);
      if (type !== undefined) found = found.filter(({ standing }) => standing.kind === type);
      if (text !== undefined) {
        const named = await Promise.all(found.map(({ id }) => reading.entity(cards, conversationStream(id))));
        found = found.filter((_, i) => foldName(named[i]?.name ?? '').includes(foldName(text)));
      }
      if (cursor !== undefined) {
        const [active, id] = decodeCursor(cursor, [0, ''] as [number, string]);
        found = found.filter((c) => c.standing.active < active || (c.standing.active === active && c.id < id));
      }
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const next = found.length > limit && last ? encodeCursor([last.standing.active, last.id]) : null;
      return listOf(await show(caller.userId, page), next);
    },
  });

  const single = query({
    name: 'conversations.one',
    about: 'One conversation; a public channel also for who is not in it',
    data: Type.Object({ conversation_id: Id }, { additionalProperties: false }),
    route: { method: 'GET', path: '/conversations/{conversation_id}' },
    run: ({ caller }, { conversation_id }) => one(caller.userId, conversation_id),
  });

  const directory = query({
    name: 'channels.list',
    about: 'The public directory: channels whose name begins with the query, by name',
    data: Type.Object(
      {
        limit: Limit,
        cursor: Type.Optional(Cursor),
        query: Type.Optional(Type.String({ maxLength: 100, description: 'Beginning of the name' })),
      },
      { additionalProperties: false },
    ),
    route: { method: 'GET', path: '/channels' },
    async run({ caller }, { limit, cursor, query: text = '' }) {
      const [after] = cursor === undefined ? [''] : decodeCursor(cursor, [''] as [string]);
      const { entries, more } = await log.directoryPage('channels', foldName(text), after, limit);
      const ids = entries.map(idOfEntry);
      const all = await standings(log, caller.userId, ids);
      const living = ids.flatMap((id, i) => (all[i] ? [{ id, standing: all[i] }] : []));
      return listOf(await show(caller.userId, living), more ? encodeCursor([entries.at(-1)!]) : null);
    },
  });

  return { queries: [list, single, directory], one, changesOf, recent };
}
