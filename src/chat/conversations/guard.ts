/** What the log of a conversation makes of its head, its first members and its place in the directory of channels. Pure. */
import { eventId } from '../../envelope.ts';
import { guards } from '../../log/guard.ts';
import type { GuardState } from '../../log/guard.ts';
import { directoryEntry } from '../directory.ts';
import { enter } from '../member-guard.ts';
import { ConversationCreated, ConversationDeleted, ConversationUpdated } from './contract.ts';
import type { Policy } from './contract.ts';

/** A policy as the head keeps it; `=` for what stays as it is. */
export const policyText = ({ add, post, edit_info, pin }: Partial<Policy>): string =>
  [add, post, edit_info, pin].map((word) => word ?? '=').join(' ');

function policyOf(text: string): Policy {
  const [add, post, edit_info, pin] = text.split(' ');
  return { add, post, edit_info, pin } as Policy;
}

function listed(state: GuardState, entry: string): void {
  const before = state.get('head', 'directory');
  if (before) state.unlist('channels', before);
  if (entry !== '') state.list('channels', entry);
  state.set('head', 'directory', entry);
}

export const conversationGuards = [
  guards(ConversationCreated, (state, { id, seq, conversation_id = '', data }) => {
    const { type, name, policy, participants } = data;
    state.set('head', 'created', id);
    state.set('head', 'kind', type);
    state.set('head', 'policy', policyText(policy));
    state.set('head', 'messages', '0');
    state.set('head', 'active', String(eventId(id).ms));
    listed(state, type === 'channel' ? directoryEntry(name ?? '', conversation_id) : '');
    for (const { user_id, role } of participants) enter(state, user_id, role, { id, seq });
  }),
  guards(ConversationUpdated, (state, { conversation_id = '', data }) => {
    const policy = policyOf(state.get('head', 'policy') ?? '');
    state.set('head', 'policy', policyText({ ...policy, ...data.policy }));
    const { slow_mode_seconds: slow, is_archived: archived } = data;
    if (slow !== undefined) state.set('head', 'slow', String(slow));
    if (archived !== undefined) state.set('head', 'archived', archived ? '1' : '0');
    const isChannel = state.get('head', 'kind') === 'channel';
    if (isChannel && data.name !== undefined) listed(state, directoryEntry(data.name, conversation_id));
  }),
  guards(ConversationDeleted, (state) => {
    state.set('head', 'deleted', '1');
    const entry = state.get('head', 'directory');
    if (entry) state.unlist('channels', entry);
  }),
];
