/** Who is in a conversation: the projection `participants`, ordered by joining, and the reads of it. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { asMember } from '../access.ts';
import { ConversationCreated } from '../conversations/contract.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { AsOfTime, Cursor, decodeCursor, encodeCursor, Limit, listOf } from '../paging.ts';
import type { Participants } from '../services.ts';
import { ParticipantAdded, ParticipantAnswer, ParticipantRemoved, ParticipantRoleChanged } from './contract.ts';

export interface Participant {
  user_id: string;
  role: string;
  joined_at: string;
}

/** Members of one event stand in its place one after the other; a power of two keeps the fractions exact. */
const PLACES_PER_EVENT = 1_024;

export const participants: Projection<Participant> = {
  name: 'participants',
  version: 1,
  source: 'conversation',
  shape: 'collection',
  key: (participant) => participant.user_id,
  handlers: [
    when(ConversationCreated, ({ seq, at, data }) =>
      data.participants.map(({ user_id, role }, i) => ({
        key: user_id,
        order: seq + i / PLACES_PER_EVENT,
        put: { user_id, role, joined_at: at },
      })),
    ),
    when(ParticipantAdded, ({ seq, at, data: { user_id, role } }) => [
      { key: user_id, order: seq, put: { user_id, role, joined_at: at } },
    ]),
    when(ParticipantRemoved, ({ data }) => [{ key: data.user_id, remove: true }]),
    when(ParticipantRoleChanged, ({ data: { user_id, role } }) => [{ key: user_id, change: (p) => ({ ...p, role }) }]),
  ],
};

export function participantsOf({ reading }: Pick<Deps, 'reading'>): Participants {
  return {
    async page(conversationId, after, limit, asOf) {
      const range = { direction: 'up', from: after, limit } as const;
      const rows = await reading.page(participants, conversationStream(conversationId), range, asOf);
      return rows.map(({ order, json }) => ({
        userId: (JSON.parse(json.toString()) as Participant).user_id,
        place: order,
      }));
    },
  };
}

export interface ParticipantReads {
  readonly queries: Query[];
  /** Participants as the contract shows them, each with the user's public profile; who is not in it has no entry. */
  some(conversationId: string, userIds: readonly string[]): Promise<object[]>;
}

export function participantReads({ log, reading, people }: Deps): ParticipantReads {
  async function withUsers(found: readonly Participant[]): Promise<object[]> {
    const users = await people.people(found.map((p) => p.user_id));
    return found.map((p) => ({ ...p, user: users.get(p.user_id) }));
  }

  async function some(conversationId: string, userIds: readonly string[]): Promise<object[]> {
    const found = await reading.byKeys(participants, conversationStream(conversationId), userIds);
    return withUsers([...found.values()].map(({ doc }) => doc));
  }

  const list = query({
    name: 'participants.list',
    about: 'Who is in a conversation, in the order of joining',
    data: Type.Object(
      { conversation_id: Id, limit: Limit, cursor: Type.Optional(Cursor), as_of: Type.Optional(AsOfTime) },
      { additionalProperties: false },
    ),
    answer: listAnswer(ParticipantAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/participants' },
    async run({ caller }, { conversation_id: id, limit, cursor, as_of }) {
      const rows = await asMember(log, caller.userId, id, async (permission) => {
        const [from] = cursor === undefined ? [undefined] : decodeCursor(cursor, [0] as [number]);
        const range = { direction: 'up', from, limit: limit + 1 } as const;
        return reading.page(participants, conversationStream(id), range, as_of, permission);
      });
      const page = rows.slice(0, limit);
      const items = await withUsers(page.map((row) => JSON.parse(row.json.toString()) as Participant));
      return listOf(
        items.map((item) => JSON.stringify(item)),
        rows.length > limit ? encodeCursor([page.at(-1)!.order]) : null,
      );
    },
  });

  return { queries: [list], some };
}
