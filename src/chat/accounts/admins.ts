/**
 * Who is an admin of the whole server: whose name the operator has listed in the settings, and who was granted it on the command line. A
 * grant lies with the account's secrets, so it counts on every node at once and ends with the account.
 */
import type { Config } from '../../config.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { fold } from '../folding.ts';
import type { Admins, People } from '../services.ts';
import { holderOf } from './logins.ts';
import { loginName } from './names.ts';

type Parts = { readonly log: Log; readonly config: Config; readonly people: Pick<People, 'people'> };

export function adminsOf({ log, config, people }: Parts): Admins {
  const names = new Set(config.ADMIN_USERNAMES.map(fold));
  return {
    async isAdmin(userId) {
      if ((await log.guardField(userStream(userId), 'account', 'admin')) !== null) return true;
      if (names.size === 0) return false;
      const { username = '' } = (await people.people([userId])).get(userId) ?? {};
      return names.has(fold(username));
    },
  };
}

/** False where it was so already. Throws `not_found` for a name that no living user has. */
export async function setAdmin(log: Log, username: string, state: 'granted' | 'revoked'): Promise<boolean> {
  const holder = await holderOf(log, loginName(username));
  if (holder === null) throw fail('not_found', `There is no user called ${username}`);
  const [status] = await log.run('admin.set', userStream(holder), { state });
  return status === 'ok';
}
