/** Conversations: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';
import { MessageAnswer } from '../messages/contract.ts';
import { ParticipantAnswer, Role } from '../participants/contract.ts';

const who = (other: string) => Type.Enum(['admins', other]);

/** Seconds between two messages of one who is no admin; 0 is no slow mode. */
export const SlowMode = Type.Integer({
  minimum: 0,
  maximum: 21_600,
  description: 'Seconds that members wait between two messages of theirs; 0 switches it off',
});

/** Who may do what, besides owner and admins, who always may. */
export const Policy = Type.Object(
  { add: who('members'), post: who('everyone'), edit_info: who('members'), pin: who('members') },
  { additionalProperties: false },
);
export type Policy = Static<typeof Policy>;
export const DEFAULT_POLICY: Policy = { add: 'admins', post: 'everyone', edit_info: 'admins', pin: 'members' };
export const PolicyChange = Type.Partial(Policy, { additionalProperties: false });

export const MAX_NAME = 100;
export const Name = Type.String({ minLength: 1, maxLength: MAX_NAME, description: 'Up to 100 characters, not blank' });
export const Description = Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()]);
export const PictureUrl = Type.Union([
  Type.String({
    maxLength: 2_048,
    format: 'web-address',
    words: 'must be a web address that begins with http:// or https://',
  }),
  Type.Null(),
]);
export const Kind = Type.Enum(['direct', 'group', 'channel']);

export const ConversationCreated = event({
  type: 'conversation.created',
  version: 1,
  data: Type.Object({
    type: Kind,
    name: Type.Union([Type.String(), Type.Null()]),
    description: Description,
    avatar_url: Type.Union([Type.String(), Type.Null()]),
    policy: Policy,
    participants: Type.Array(Type.Object({ user_id: Id, role: Role })),
  }),
  membership: ({ participants }, conversationId) =>
    participants.map(({ user_id }) => ({ userId: user_id, conversationId, change: 'joined' as const })),
});

export const ConversationUpdated = event({
  type: 'conversation.updated',
  version: 1,
  data: Type.Object({
    name: Type.Optional(Type.String()),
    description: Type.Optional(Description),
    avatar_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    policy: Type.Optional(PolicyChange),
    slow_mode_seconds: Type.Optional(Type.Integer({ minimum: 0 })),
    is_archived: Type.Optional(Type.Boolean()),
  }),
});

export const ConversationDeleted = event({ type: 'conversation.deleted', version: 1, data: Type.Object({}) });

export const Target = Type.Object({ conversation_id: Id }, { additionalProperties: false });

const OrNull = Type.Union([Type.String(), Type.Null()]);
const Time = Type.String({ format: 'date-time' });

export const TotalUnread = Type.Integer({ minimum: 0, description: "Unread in all of the caller's conversations" });

/** What stands in the list, in the single answer and in `session.ready` alike. */
const brief = {
  id: Id,
  type: Kind,
  name: OrNull,
  last_event_id: Type.String(),
  last_message: Type.Union([MessageAnswer, Type.Null()]),
  unread_count: Type.Integer({ minimum: 0 }),
  read_up_to: OrNull,
};

export const ConversationAnswer = Type.Object(
  {
    ...brief,
    description: OrNull,
    avatar_url: OrNull,
    policy: Policy,
    slow_mode_seconds: Type.Integer({ minimum: 0 }),
    is_archived: Type.Optional(
      Type.Literal(true, {
        description: 'There only where it is archived, for everyone: it can be read, and nothing new comes in',
      }),
    ),
    created_by: Id,
    created_at: Time,
    last_activity: Time,
    member_count: Type.Integer({ minimum: 0 }),
    participants: Type.Optional(Type.Array(ParticipantAnswer)),
    role: Type.Union([Role, Type.Null()]),
    muted_until: OrNull,
    archived: Type.Boolean({ description: "The caller's own setting" }),
    pinned: Type.Boolean(),
  },
  { additionalProperties: false },
);
export const ConversationBrief = Type.Object(brief, { additionalProperties: false });

/** What an update changes; `null` takes away. */
export interface Changes {
  name?: string;
  description?: string | null;
  avatar_url?: string | null;
  policy?: Partial<Policy>;
  slow_mode_seconds?: number;
  is_archived?: boolean;
}

const userEvent = Type.Object({ conversation_id: Id });
/** On the user's own stream: the list of conversations as the user's other devices and the analysts see it change. */
export const ConversationJoined = event({
  type: 'conversation.joined',
  version: 1,
  data: userEvent,
  follows: ({ conversation_id }) => conversation_id,
});
export const ConversationLeft = event({ type: 'conversation.left', version: 1, data: userEvent });
