/** What the log of a user makes of its head and of the user's places in the directory. Secrets and sessions are in no log. Pure. */
import { guards } from '../../log/guard.ts';
import { directoryEntry } from '../directory.ts';
import { UserDeleted, UserRegistered, UserUpdated } from './contract.ts';

export const accountGuards = [
  guards(UserRegistered, (state, { id, user_id = '', data: { username, display_name } }) => {
    state.set('head', 'registered', id);
    state.list('users', directoryEntry(username, user_id));
    state.list('users', directoryEntry(display_name, user_id));
  }),
  guards(UserUpdated, (state, { user_id = '', data }) => {
    if (data.display_name === undefined) return;
    // The first of a user's entries is that of the username, which never changes.
    const [username, ...names] = state.entries.get('users') ?? [];
    for (const name of names) state.unlist('users', name);
    if (username !== undefined) state.list('users', username);
    state.list('users', directoryEntry(data.display_name, user_id));
  }),
  guards(UserDeleted, (state, { id }) => {
    state.set('head', 'deleted', id);
    for (const entry of state.entries.get('users') ?? []) state.unlist('users', entry);
  }),
];
