/** What history says of a conversation itself: who came and went, what it is called. Pure: each line follows from its event. */
import type { ChatEvent } from '../../envelope.ts';
import { when } from '../../views/projection.ts';
import type { Handler, Step } from '../../views/projection.ts';
import { ConversationUpdated } from '../conversations/contract.ts';
import { derivedMessageId } from '../derived-id.ts';
import { ParticipantAdded, ParticipantRemoved } from '../participants/contract.ts';
import type { Message } from './contract.ts';
import { newMessage } from './document.ts';

/** Its id follows from the event, so a rebuild gives the same one; `metadata.event` tells a client what to say in its own language. */
function systemMessage(of: ChatEvent, content: string, about: Record<string, unknown>): Step<Message> {
  const id = derivedMessageId('system', of.conversation_id ?? '', of.id);
  const put = newMessage(of, id, { content, message_type: 'system', metadata: { event: of.type, ...about } });
  return { key: id, order: of.seq, put };
}

export const systemLines: readonly Handler<Message>[] = [
  when(ParticipantAdded, (added) => {
    const self = added.data.user_id === added.actor_id;
    return [systemMessage(added, self ? 'joined' : 'added someone', { user_id: added.data.user_id })];
  }),
  when(ParticipantRemoved, (removed) => {
    const { user_id, reason } = removed.data;
    return [systemMessage(removed, reason === 'left' ? 'left' : 'removed someone', { user_id, reason })];
  }),
  when(ConversationUpdated, (updated) => {
    const { name } = updated.data;
    return name === undefined ? [] : [systemMessage(updated, `renamed the conversation to ${name}`, { name })];
  }),
];
