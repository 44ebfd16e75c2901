/**
 * Passwords: which are taken, and hashing them. Owns how many bcrypts run at once and how many may wait, so that a flood of log-ins
 * costs bounded time and memory. Refuses to cut: bcrypt would pass over all that comes after 72 bytes.
 */
import bcrypt from 'bcrypt';
import { invalid } from '../../envelope.ts';
import { fail } from '../../errors.ts';

const MIN_BYTES = 8;
const MAX_BYTES = 72;
const AT_ONCE = 4;
const MAX_WAITING = 100;

/** The same characters, however a keyboard composes them. */
const normal = (password: string): string => password.normalize('NFKC');

const isTooLong = (password: string): boolean =>
  Buffer.byteLength(password) > MAX_BYTES || Buffer.byteLength(normal(password)) > MAX_BYTES;

/** Throws `validation_failed` for a password that cannot be taken; `pointer` names its field. */
export function checkNewPassword(password: string, pointer: string): void {
  if (Buffer.byteLength(password) >= MIN_BYTES && !isTooLong(password)) return;
  throw invalid([{ pointer, message: `must be ${MIN_BYTES} to ${MAX_BYTES} bytes of UTF-8` }]);
}

export class Passwords {
  private readonly cost: number;
  /** A hash that no password has: comparing with it takes as long as with a real one. */
  private readonly nobodys: string;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(cost: number) {
    this.cost = cost;
    this.nobodys = `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
  }

  hash(password: string): Promise<string> {
    return this.inTurn(() => bcrypt.hash(normal(password), this.cost));
  }

  /** Whether the password is the hash's. Without a hash, or for a password that nobody can have, it is false as slowly. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const possible = hash !== undefined && !isTooLong(password);
    const same = await this.inTurn(() => bcrypt.compare(normal(password), possible ? hash : this.nobodys));
    return same && possible;
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < AT_ONCE) this.running += 1;
    else if (this.waiting.length < MAX_WAITING) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else throw fail('unavailable', 'Too many log-ins at once: try again');
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over, so that nobody new comes in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
