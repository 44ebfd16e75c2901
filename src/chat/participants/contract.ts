/** Participants: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

export const Role = Type.Enum(['owner', 'admin', 'member']);

export const ParticipantAdded = event({
  type: 'participant.added',
  version: 1,
  data: Type.Object({ user_id: Id, role: Role }),
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

/** A user as others see one. */
export interface Person {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
}

/** What other features ask of the accounts. */
export interface People {
  /** Public profiles by id; one entry for every id. */
  people(ids: readonly string[]): Promise<Map<string, Person>>;
  /** Those of the ids that are living users. */
  exists(ids: readonly string[]): Promise<string[]>;
}
