/**
 * Limits on how often something may be done: counting, and the refusal that says when to come back. Each node counts for itself here;
 * what must hold over all nodes is counted by a script.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { fail } from './errors.ts';
import type { ChatError } from './errors.ts';

export interface Allowance {
  /** As clients are told it. */
  readonly name: string;
  /** 0 is no limit. */
  readonly most: number;
  readonly seconds: number;
}

export class Limit {
  private readonly allowance: Allowance;
  private readonly counter: RateLimiterMemory | undefined;

  constructor(allowance: Allowance) {
    this.allowance = allowance;
    const { most: points, seconds: duration } = allowance;
    if (points > 0) this.counter = new RateLimiterMemory({ points, duration });
  }

  /** Takes one of a key's allowed times; throws `rate_limited`. */
  async spend(key: string): Promise<void> {
    try {
      await this.counter?.consume(key);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      throw tooOften(this.allowance, Math.max(1, Math.ceil(refused.msBeforeNext / 1_000)));
    }
  }
}

/** The refusal of who may come back in so many seconds. */
export function tooOften({ name, most, seconds }: Allowance, retryAfter: number): ChatError {
  const headers = {
    'RateLimit-Policy': `"${name}";q=${most};w=${seconds}`,
    RateLimit: `"${name}";r=0;t=${retryAfter}`,
  };
  return fail('rate_limited', `Too many ${name}: at most ${most} in ${seconds} seconds`, { retryAfter, headers });
}
