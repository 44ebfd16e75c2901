/**
 * The one door for commands and queries, from REST and WebSocket alike: validates the data by the declared schema, counts what is
 * limited, runs. Refuses to start with two commands of one name.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { checkPlain, validator } from '../envelope.ts';
import { fail } from '../errors.ts';
import type { Answer, Command, Context, Query, RawJson } from './feature.ts';

export interface Dispatch {
  readonly commands: ReadonlyMap<string, Command>;
  readonly queries: readonly Query[];
  /** Throws `unknown_command`, `validation_failed`, `rate_limited`, or what the command refuses with. */
  command(type: string, context: Context, data: unknown): Promise<Answer>;
  query(name: string, context: Context, data: unknown): Promise<object | RawJson>;
}

export function dispatch(commands: readonly Command[], queries: readonly Query[], messagesPerMinute: number): Dispatch {
  const byType = uniqueMap(commands, (c) => c.type);
  const byName = uniqueMap(queries, (q) => q.name);
  const checks = new Map([
    ...commands.map((c) => [c.type, validator(c.data, '')] as const),
    ...queries.map((q) => [q.name, validator(q.data, '/query')] as const),
  ]);
  // Counted on each node by itself: a user is connected to one at a time, and a round trip more for each message costs everyone.
  const limiter =
    messagesPerMinute > 0 ? new RateLimiterMemory({ points: messagesPerMinute, duration: 60 }) : undefined;

  return {
    commands: byType,
    queries,
    async command(type, context, data) {
      const found = byType.get(type);
      if (!found) throw fail('unknown_command', `There is no command ${type}`);
      checkPlain(data);
      const checked = checks.get(type)!(data);
      if (found.limited && limiter) await spend(limiter, `message:${context.caller.userId}`);
      return found.run(context, checked as never);
    },
    async query(name, context, data) {
      checkPlain(data);
      return byName.get(name)!.run(context, checks.get(name)!(data) as never);
    },
  };
}

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

function uniqueMap<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T> {
  const map = new Map(values.map((value) => [keyOf(value), value]));
  if (map.size < values.length) throw new Error('two commands or queries have one name');
  return map;
}
