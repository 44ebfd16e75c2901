/** What a repeated command answers by: the event that the first one appended. */
import type { ChatEvent, Decode } from '../envelope.ts';
import { fail } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';

/** Throws `unavailable` where it cannot be read. */
export async function firstEvent<T>(
  { log, decode }: { readonly log: Log; readonly decode: Decode },
  stream: StreamRef,
  eventId: string,
): Promise<ChatEvent<T>> {
  const first = await log.readOne(stream, eventId);
  if (!first) throw fail('unavailable', 'The first answer cannot be read right now');
  return decode(first) as ChatEvent<T>;
}
