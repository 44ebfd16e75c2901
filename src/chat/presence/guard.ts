/** Who stands in the list of who looks online, as it follows from what others were told. The rest of what is kept is in no log. Pure. */
import { guards } from '../../log/guard.ts';
import { PresenceChanged } from './contract.ts';

export const presenceGuards = [
  guards(PresenceChanged, (state, { user_id = '', data: { status } }) => {
    if (status === 'offline') state.unlist('online', user_id);
    else state.list('online', user_id);
  }),
];
