/** What the log of a conversation makes of its members as they come, go and get other roles. Pure. */
import { guards, NOBODY } from '../../log/guard.ts';
import { enter, giveRole } from '../member-guard.ts';
import { ParticipantAdded, ParticipantRemoved, ParticipantRoleChanged } from './contract.ts';

export const participantGuards = [
  guards(ParticipantAdded, (state, { id, seq, data: { user_id, role } }) => enter(state, user_id, role, { id, seq })),
  guards(ParticipantRemoved, (state, { data }) => {
    state.remove('members', data.user_id);
    if (state.hashes.get('members')?.size === 0) state.set('members', NOBODY, '');
  }),
  guards(ParticipantRoleChanged, (state, { data: { user_id, role } }) => giveRole(state, user_id, role)),
];
