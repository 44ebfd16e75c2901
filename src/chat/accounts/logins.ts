/**
 * Names to log in with, which lie in other partitions than their users: claiming, giving back and resolving them, and the limit on
 * attempts. A claim is made before its user and so may outlive a crash: it then falls to the next who asks after a minute, once it is
 * sure that its user never came to be (`user.register` refuses a claim older than half of that).
 */
import { networkOf } from '../../addresses.ts';
import { ChatError, fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Limits } from '../../limits.ts';
import type { Log } from '../../log/log.ts';
import { sha256 } from './names.ts';
import type { LoginName } from './names.ts';

const CLAIM_IS_SAFE_MS = 60_000;

/** Who holds the name; null: nobody. It may be somebody who is not there any more, or not yet. */
export const holderOf = (log: Log, { owner }: LoginName): Promise<string | null> =>
  log.guardField(owner, 'self', 'user');

export class Logins {
  private readonly log: Log;
  private readonly limits: Pick<Limits, 'spend'>;

  constructor(log: Log, limits: Pick<Limits, 'spend'>) {
    this.log = log;
    this.limits = limits;
  }

  /** Claims all of the names or none. Resolves to the Redis time (ms) of the first; throws `conflict`, naming the field that is taken. */
  async claim(names: readonly LoginName[], userId: string): Promise<string> {
    const since: string[] = [];
    try {
      for (const name of names) since.push(await this.claimOne(name, userId));
    } catch (error) {
      await this.release(names.slice(0, since.length), userId);
      throw error;
    }
    return since[0] ?? '0';
  }

  /** Gives back what is still this user's. Never throws: a claim without a user ends by itself. */
  async release(names: readonly LoginName[], userId: string): Promise<void> {
    await Promise.allSettled(names.map(({ owner }) => this.log.run('login.release', owner, { user: userId })));
  }

  /**
   * Counts an attempt on an account from an address, over all nodes. Throws `rate_limited`. The address is part of the count: a
   * stranger's guesses never lock the owner out.
   */
  async attempt(account: string, ip: string, now: number): Promise<void> {
    await this.limits.spend('login', sha256(`${account}\n${networkOf(ip)}`), now);
  }

  private async claimOne(name: LoginName, userId: string): Promise<string> {
    const first = await this.log.run('login.claim', name.owner, { user: userId, instead: '' });
    if (first[0] === 'ok') return String(first[1]);
    const [, holder, age] = first.map(String);
    if (!holder || Number(age) <= CLAIM_IS_SAFE_MS || !(await this.isFree(name, holder))) throw taken(name.kind);
    const second = await this.log.run('login.claim', name.owner, { user: userId, instead: holder });
    if (second[0] !== 'ok') throw taken(name.kind);
    return String(second[1]);
  }

  /** A username stays with a deleted user for ever; an e-mail does not, and its release may have been lost. */
  private async isFree(name: LoginName, holder: string): Promise<boolean> {
    const [head] = await this.log.heads([userStream(holder)], ['registered', 'deleted']);
    return !head?.registered || (name.kind === 'email' && head.deleted !== '');
  }
}

function taken(field: LoginName['kind']): ChatError {
  const what = field === 'email' ? 'e-mail address' : 'username';
  return fail('conflict', `This ${what} is taken`, { errors: [{ pointer: `/${field}`, message: 'is taken' }] });
}
