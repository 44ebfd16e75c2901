/** Who is an admin of the whole server: the users whose names the operator has listed. */
import type { Config } from '../../config.ts';
import { fold } from '../folding.ts';
import type { People } from '../services.ts';

export function adminsOf(
  { ADMIN_USERNAMES }: Config,
  people: Pick<People, 'people'>,
): (userId: string) => Promise<boolean> {
  const names = new Set(ADMIN_USERNAMES.map(fold));
  return async (userId) => {
    if (names.size === 0) return false;
    const { username = '' } = (await people.people([userId])).get(userId) ?? {};
    return names.has(fold(username));
  };
}
