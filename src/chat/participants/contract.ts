/** Participants: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

export const Role = Type.Enum(['owner', 'admin', 'member']);

export const ParticipantAdded = event({
  type: 'participant.added',
  version: 1,
  data: Type.Object({
    user_id: Id,
    role: Role,
    invite_id: Type.Optional({ ...Id, description: 'A ULID: the invite by which the user came in' }),
  }),
  membership: ({ user_id }, conversationId) => [{ userId: user_id, conversationId, change: 'joined' }],
});

export const ParticipantRemoved = event({
  type: 'participant.removed',
  version: 1,
  data: Type.Object({ user_id: Id, reason: Type.Enum(['left', 'removed', 'banned']) }),
  membership: ({ user_id }, conversationId) => [{ userId: user_id, conversationId, change: 'left' }],
});

export const ParticipantRoleChanged = event({
  type: 'participant.role_changed',
  version: 1,
  data: Type.Object({ user_id: Id, role: Role }),
});

/** The public profile beside a member. */
export const PersonAnswer = Type.Object(
  {
    id: Id,
    username: Type.String(),
    display_name: Type.String(),
    avatar_url: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
);

/** A member with the public profile. */
export const ParticipantAnswer = Type.Object(
  { user_id: Id, role: Role, joined_at: Type.String({ format: 'date-time' }), user: PersonAnswer },
  { additionalProperties: false },
);
