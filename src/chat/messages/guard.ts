/** What the log of a conversation makes of its messages: their number, their place by id, and that who posts has read what came before. Pure. */
import { eventId } from '../../envelope.ts';
import type { RawEvent } from '../../envelope.ts';
import { guards, NOBODY } from '../../log/guard.ts';
import type { GuardState } from '../../log/guard.ts';
import { ConversationCreated } from '../conversations/contract.ts';
import { mark, notePost } from '../member-guard.ts';
import { messageFactsText, parseMessageFacts } from '../message-facts.ts';
import type { MessageFacts } from '../message-facts.ts';
import { MessageDeleted, MessageEdited, MessageSent, threadOf } from './contract.ts';
import type { MessageSentData } from './contract.ts';

export const messageGuards = [
  guards(ConversationCreated, (state) => state.set('messages', NOBODY, '')),
  guards(MessageSent, (state, { id, seq, actor_id, data }) => {
    const count = state.add('head', 'messages', 1);
    state.set('head', 'active', String(eventId(id).ms));
    state.set('head', 'newest', data.message_id);
    notePost(state, actor_id, id);
    const facts = { eventId: id, senderId: actor_id, number: count, revision: 1, isDeleted: false };
    const threadId = threadOf(data) ?? undefined;
    state.set('messages', data.message_id, messageFactsText({ ...facts, threadId }));
    mark(state, actor_id, () => ({ read: String(count), upTo: id, delivered: String(seq) }));
  }),
  guards(MessageEdited, (state, { id, data: { message_id, revision } }) => {
    change(state, message_id, (facts) => ({ ...facts, revision }));
    state.set('messages', `${message_id}:${revision}`, id);
  }),
  guards(MessageDeleted, (state, { data }) =>
    change(state, data.message_id, (facts) => ({ ...facts, isDeleted: true })),
  ),
];

/** The message that an event sent, of which there are facts then. */
export function messageIdOf(event: RawEvent): string | undefined {
  if (event.type !== MessageSent.type) return undefined;
  return (JSON.parse(event.json.toString()) as { data: MessageSentData }).data.message_id;
}

function change(state: GuardState, id: string, how: (facts: MessageFacts) => MessageFacts): void {
  const facts = parseMessageFacts(state.get('messages', id) ?? null);
  if (facts) state.set('messages', id, messageFactsText(how(facts)));
}
