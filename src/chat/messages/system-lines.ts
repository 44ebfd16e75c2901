/**
 * What history says of a conversation itself: who made it, who came and went, what changed. Pure: each line follows from its event alone.
 * `metadata` says it in ids, and in names where the event carries them, for a client to tell in its own language; `content` says it short
 * and in English.
 */
import type { ChatEvent } from '../../envelope.ts';
import { when } from '../../views/projection.ts';
import type { Handler, Step } from '../../views/projection.ts';
import { ConversationCreated, ConversationUpdated } from '../conversations/contract.ts';
import { derivedMessageId } from '../derived-id.ts';
import { ParticipantAdded, ParticipantRemoved, ParticipantRoleChanged } from '../participants/contract.ts';
import { MessagePinned } from '../pins/contract.ts';
import type { Message } from './contract.ts';
import { newMessage } from './document.ts';

/** Its id follows from the event, so a rebuild gives the same one. */
function systemMessage(of: ChatEvent, content: string, about: Record<string, unknown>): Step<Message> {
  const id = derivedMessageId('system', of.conversation_id ?? '', of.id);
  const put = newMessage(of, id, { content, message_type: 'system', metadata: { event: of.type, ...about } });
  return { key: id, order: of.seq, put };
}

const REMOVALS = { left: 'left', removed: 'removed someone', banned: 'banned someone' } as const;
const ROLES = {
  owner: 'made someone the owner',
  admin: 'made someone an admin',
  member: 'made someone a member',
} as const;

export const systemLines: readonly Handler<Message>[] = [
  when(ConversationCreated, (created) => {
    const { type, name, participants } = created.data;
    // Nobody makes a direct conversation: it is there as soon as one of the two looks for it.
    if (type === 'direct') return [];
    const others = participants.map(({ user_id }) => user_id).filter((user) => user !== created.actor_id);
    return [systemMessage(created, `created the ${type}`, { name, user_ids: others })];
  }),
  when(ParticipantAdded, (added) => {
    const { user_id } = added.data;
    return [systemMessage(added, user_id === added.actor_id ? 'joined' : 'added someone', { user_id })];
  }),
  when(ParticipantRemoved, (removed) => {
    const { user_id, reason } = removed.data;
    return [systemMessage(removed, REMOVALS[reason], { user_id, reason })];
  }),
  when(ParticipantRoleChanged, (changed) => {
    const { user_id, role } = changed.data;
    return [systemMessage(changed, ROLES[role], { user_id, role })];
  }),
  when(ConversationUpdated, (updated) => {
    const { policy: _policy, slow_mode_seconds: _slow, ...changes } = updated.data;
    const { name, description, avatar_url, is_archived } = changes;
    const told = [
      name === undefined ? [] : `renamed the conversation to ${name}`,
      description === undefined ? [] : `${description ? 'changed' : 'removed'} the description`,
      avatar_url === undefined ? [] : `${avatar_url ? 'changed' : 'removed'} the picture`,
      is_archived === undefined ? [] : `${is_archived ? 'archived' : 'reopened'} the conversation`,
    ].flat();
    return told.length === 0 ? [] : [systemMessage(updated, told.join(', '), changes)];
  }),
  when(MessagePinned, (pinned) => [systemMessage(pinned, 'pinned a message', { message_id: pinned.data.message_id })]),
];
