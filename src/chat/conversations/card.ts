/**
 * The card of a conversation: what it is, apart from its messages. Owns the projection `cards` and the shapes in which callers see it.
 * Pure.
 */
import { orNull, when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import type { Standing } from '../access.ts';
import { ParticipantAdded, ParticipantRemoved } from '../participants/contract.ts';
import type { ConversationSettings, Glimpse, Person } from '../services.ts';
import { ConversationCreated, ConversationUpdated } from './contract.ts';
import type { Changes, Policy } from './contract.ts';

/** Flat, as entities are: '' stands for null, and what is not text or number is JSON. */
export interface Card {
  id: string;
  type: string;
  name: string;
  description: string;
  avatar_url: string;
  policy: string;
  created_by: string;
  created_at: string;
  member_count: number;
  slow_mode_seconds: number;
  /** 'yes' or ''. */
  is_archived: string;
  /** Of a direct conversation: both, as JSON. */
  participants: string;
}

export const cards: Projection<Card> = {
  name: 'cards',
  version: 2,
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
    slow_mode_seconds: 'number',
    is_archived: 'string',
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
        slow_mode_seconds: 0,
        is_archived: '',
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
          slow_mode_seconds: data.slow_mode_seconds ?? card.slow_mode_seconds,
          is_archived: data.is_archived === undefined ? card.is_archived : data.is_archived ? 'yes' : '',
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

/** One conversation as it stands for one caller. */
export interface Found {
  readonly card: Card;
  readonly standing: Standing;
  readonly settings: ConversationSettings;
  /** JSON, as the read model has it. */
  readonly lastMessage: string;
}

/** Messages after the place where the caller's unread begins. */
export const unreadIn = ({ messages, member }: Standing): number => (member ? messages - member.read : 0);

/** The conversation as contract and list show it. */
export function toJson({ card, standing, settings, lastMessage }: Found, users: ReadonlyMap<string, Person>): string {
  const { member } = standing;
  const both = bothOf(card).map((p) => ({ ...p, joined_at: card.created_at, user: users.get(p.user_id) }));
  const shape = {
    id: card.id,
    type: card.type,
    name: orNull(card.name),
    description: orNull(card.description),
    avatar_url: orNull(card.avatar_url),
    policy: JSON.parse(card.policy) as unknown,
    slow_mode_seconds: card.slow_mode_seconds,
    ...(card.is_archived === '' ? {} : { is_archived: true }),
    created_by: card.created_by,
    created_at: card.created_at,
    last_activity: new Date(standing.active).toISOString(),
    last_event_id: standing.lastEventId,
    member_count: card.member_count,
    ...(card.type === 'direct' ? { participants: both } : {}),
    role: member?.role ?? null,
    unread_count: unreadIn(standing),
    read_up_to: member?.readUpTo ?? null,
    muted_until: settings.mutedUntil === undefined ? null : new Date(settings.mutedUntil).toISOString(),
    archived: isArchived(settings, standing),
    pinned: settings.pinned,
  };
  return `${JSON.stringify(shape).slice(0, -1)},"last_message":${lastMessage}}`;
}

/** An archived conversation comes back by its next message. */
export const isArchived = ({ archivedAt }: ConversationSettings, { messages }: Standing): boolean =>
  archivedAt !== undefined && messages <= archivedAt;

/** Who is in a direct conversation; of others the card does not know. */
export const bothOf = (card: Card): { user_id: string; role: string }[] =>
  JSON.parse(card.participants) as { user_id: string; role: string }[];

export const toGlimpse = ({ id, type, name, description, avatar_url, member_count }: Card): Glimpse => ({
  id,
  type,
  name: orNull(name),
  description: orNull(description),
  avatar_url: orNull(avatar_url),
  member_count,
});

/** What `session.ready` says of a conversation. */
export function toBrief({ card, standing, lastMessage }: Found): string {
  const brief = {
    id: card.id,
    type: card.type,
    name: orNull(card.name),
    last_event_id: standing.lastEventId,
    unread_count: unreadIn(standing),
    read_up_to: standing.member?.readUpTo ?? null,
  };
  return `${JSON.stringify(brief).slice(0, -1)},"last_message":${lastMessage}}`;
}

/** What of the wanted is not so already. */
export function changesTo(card: Card, wanted: Changes): Changes {
  const policy = JSON.parse(card.policy) as Policy;
  const differs = (now: string, then: string | null | undefined) => then !== undefined && (then ?? '') !== now;
  const given = Object.entries(wanted.policy ?? {}) as [keyof Policy, string][];
  const rules = given.filter(([who, may]) => policy[who] !== may);
  return {
    ...(differs(card.name, wanted.name) ? { name: wanted.name } : {}),
    ...(differs(card.description, wanted.description) ? { description: wanted.description } : {}),
    ...(differs(card.avatar_url, wanted.avatar_url) ? { avatar_url: wanted.avatar_url } : {}),
    ...(wanted.slow_mode_seconds === undefined || wanted.slow_mode_seconds === card.slow_mode_seconds
      ? {}
      : { slow_mode_seconds: wanted.slow_mode_seconds }),
    ...(wanted.is_archived === undefined || wanted.is_archived === (card.is_archived !== '')
      ? {}
      : { is_archived: wanted.is_archived }),
    ...(rules.length > 0 ? { policy: Object.fromEntries(rules) } : {}),
  } as Changes;
}
