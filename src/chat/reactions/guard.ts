/** What the log of a conversation makes of who reacted to what, as lua/lib/reactions.lua keeps it. Pure. */
import { guards, NOBODY } from '../../log/guard.ts';
import type { GuardState } from '../../log/guard.ts';
import { ConversationCreated } from '../conversations/contract.ts';
import { ReactionAdded, ReactionRemoved } from './contract.ts';

const HASH = 'reactions';

export const reactionGuards = [
  guards(ConversationCreated, (state) => state.set(HASH, NOBODY, '')),
  guards(ReactionAdded, (state, { actor_id, data: { message_id, emoji } }) => {
    state.set(HASH, `${message_id} ${emoji} ${actor_id}`, '1');
    if (state.add(HASH, `${message_id} ${emoji}`, 1) === 1) state.add(HASH, message_id, 1);
  }),
  guards(ReactionRemoved, (state, { actor_id, data: { message_id, emoji } }) => {
    state.remove(HASH, `${message_id} ${emoji} ${actor_id}`);
    if (countDown(state, `${message_id} ${emoji}`) === 0) countDown(state, message_id);
  }),
];

function countDown(state: GuardState, field: string): number {
  const left = state.add(HASH, field, -1);
  if (left === 0) state.remove(HASH, field);
  return left;
}
