/** Values that all nodes share and that are made once, by whoever comes first: no owner has them, and they never change. */
import { fail } from '../errors.ts';
import { PARTITIONS_KEY } from '../keys.ts';
import type { Log, LogOptions } from './log.ts';

/** The value that is kept under a fixed key; `candidate` where there is none yet. */
export async function kept(
  { connection: { commands } }: Pick<Log, 'connection'>,
  key: string,
  candidate: string,
): Promise<string> {
  const known = await commands.get(key);
  if (known !== null) return known;
  // Written only where it is not there: a Redis without memory, or for whoever may only read, refuses any SETNX.
  await commands.setnx(key, candidate);
  return (await commands.get(key)) ?? candidate;
}

/** How many partitions this Redis has. A server that is the first one to use it says so; whoever only looks changes nothing. */
export async function partitionsOf(
  { connection }: Pick<Log, 'connection'>,
  wanted: LogOptions['partitions'],
): Promise<number> {
  if (typeof wanted === 'string') {
    const stored = await connection.commands.get(PARTITIONS_KEY);
    if (stored === null) throw fail('not_found', 'No server has used this Redis yet');
    return Number(stored);
  }
  const stored = Number(await kept({ connection }, PARTITIONS_KEY, String(wanted)));
  if (stored === wanted) return stored;
  throw new Error(`This Redis was first used with PARTITIONS=${stored}; it cannot be ${wanted} now`);
}
