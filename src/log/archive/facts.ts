/**
 * The facts of messages, by which scripts decide: most of what is old is never asked for again, and lies in files. Who only looks is given
 * them from there. A script that misses some says so, or finds nothing; then they are brought back to Redis and it is asked once more.
 */
import { ChatError } from '../../errors.ts';
import type { Owner, StreamRef } from '../../keys.ts';
import { NOBODY } from '../guard.ts';
import type { Append, Log } from '../log.ts';
import type { Reply } from '../script-runner.ts';
import type { StoredLog } from '../stored-log.ts';

/** The guard hash, and the sorted set of the files with what left it. */
export const MESSAGES = 'messages';
export const ARCHIVED = 'archived_messages';
const ID_LENGTH = 26;

/** Facts by message id, and what else stands in the hash; null for what is nowhere. */
export async function factsOf(log: StoredLog, owner: Owner, fields: readonly string[]): Promise<(string | null)[]> {
  const { values, missing } = await inRedis(log, owner, fields);
  if (missing.length === 0) return values;
  const rows = await log.cold.byKeys(log.keys.of(owner, ARCHIVED), missing);
  return fields.map((field, i) => values[i] ?? rows.get(field)?.value.toString() ?? null);
}

/** Runs a script, and once more with the facts that it misses. `run` is told up to which mark was looked for them. */
export async function withFacts(
  log: Log,
  { stream, args }: Pick<Append, 'stream' | 'args'>,
  run: (looked: string) => Promise<Reply>,
): Promise<Reply> {
  if (stream.kind !== 'conversation') return run('');
  const named = [args['message_id'], args['reply_to'], args['message_ids']].flat().filter((id) => id !== undefined);
  // What takes away many passes over what it does not know.
  if (args['message_ids'] !== undefined) await recall(log, stream, named);
  try {
    for (let looked = ''; ;) {
      const reply = await run(looked);
      if (reply[0] !== 'elsewhere') return reply;
      await recall(log, stream, named);
      looked = String(reply[1]);
    }
  } catch (error) {
    const isMissing = error instanceof ChatError && error.code === 'not_found';
    if (!isMissing || !(await recall(log, stream, named))) throw error;
    return run('');
  }
}

/** Brings facts back; true where there were any. */
async function recall(log: Log, stream: StreamRef, ids: readonly string[]): Promise<boolean> {
  const { missing } = await inRedis(log, stream, ids);
  if (missing.length === 0) return false;
  const rows = await log.cold.byKeys(log.keys.of(stream, ARCHIVED), missing);
  if (rows.size === 0) return false;
  const ids_and_facts = [...rows].flatMap(([id, { value }]) => [id, value.toString()]);
  await log.run('archive.recall', stream, { ids_and_facts });
  return true;
}

/** What is in Redis, and which ids may have left it. */
async function inRedis(
  log: StoredLog,
  owner: Owner,
  fields: readonly string[],
): Promise<{ values: (string | null)[]; missing: string[] }> {
  const all = await log.connection.commands.hmget(log.keys.of(owner, MESSAGES), ...fields, NOBODY);
  const mark = all.at(-1) ?? '';
  const missing = fields.filter((field, i) => all[i] === null && field.length === ID_LENGTH && field <= mark);
  return { values: all.slice(0, -1), missing };
}
