/** Values that all nodes share and that are made once, by whoever comes first: no owner has them, and they never change. */
import type { Log } from './log.ts';

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
