/** Events that operators have had passed over, each for one lane. Asked only where an event cannot be taken, which is seldom. */
import type { RawEvent } from '../envelope.ts';
import type { Log } from '../log/log.ts';

export async function isSkipped(
  log: Log,
  lane: string,
  { stream, id }: Pick<RawEvent, 'stream' | 'id'>,
): Promise<boolean> {
  return (await log.connection.commands.hexists(log.keys.of(stream, 'skipped'), `${lane} ${id}`)) === 1;
}
