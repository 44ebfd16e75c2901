/** Time passes: what Redis keeps of it is moved into the past, so that no test waits. */
import { userStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import type { World } from './world.ts';

interface Moved {
  readonly userIds: readonly string[];
  /** Timers that stay, such as the words of nodes that live. */
  readonly spared?: ReadonlySet<string>;
}

/** Moves every timer, and what is known of when these users went and when their texts end. */
export async function passTime({ log }: World, ms: number, { userIds, spared }: Moved): Promise<void> {
  const { commands } = log.connection;
  for (const id of userIds) {
    const key = log.keys.of(userStream(id), 'presence');
    for (const field of ['left', 'ends']) {
      const at = await commands.hget(key, field);
      if (at) await commands.hset(key, field, Number(at) - ms);
    }
  }
  for (const key of timerKeys(log)) {
    // By as much, and not to where it was seen: it may fire meanwhile.
    for (const timer of await commands.zrange(key, '0', '-1'))
      if (timer !== '-' && !spared?.has(timer)) await commands.zadd(key, 'XX', 'INCR', -ms, timer);
  }
}

/** Every timer that is set, as `<kind> <name>`. */
export async function allTimers({ log }: World): Promise<string[]> {
  const all = timerKeys(log).map((key) => log.connection.commands.zrange(key, '0', '-1'));
  return (await Promise.all(all)).flat();
}

const timerKeys = ({ keys }: Log): string[] =>
  Array.from({ length: keys.partitions }, (_, partition) => keys.at(partition, 'timers'));
