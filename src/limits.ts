/** Limits on how often something may be done: counting, and the refusal that says when to come back. */
import { RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimiterMemory } from 'rate-limiter-flexible';
import { fail } from './errors.ts';

/** Takes one of a key's allowed times; throws `rate_limited` with when to come back. */
export async function spend(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
    const headers = {
      'RateLimit-Policy': `"default";q=${limiter.points};w=${limiter.duration}`,
      RateLimit: `"default";r=0;t=${seconds}`,
    };
    throw fail('rate_limited', `Too many: at most ${limiter.points} in ${limiter.duration} seconds`, {
      retryAfter: seconds,
      headers,
    });
  }
}
