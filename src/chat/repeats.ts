/** Repeats of commands: what one answers by, and what may not be refused to it. */
import type { ChatEvent, Context, Decode } from '../envelope.ts';
import { fail, isRefusal } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';

/** The event that the first one appended. Throws `unavailable` where it cannot be read. */
export async function firstEvent<T>(
  { log, decode }: { readonly log: Log; readonly decode: Decode },
  stream: StreamRef,
  eventId: string,
): Promise<ChatEvent<T>> {
  const first = await log.readOne(stream, eventId);
  if (!first) throw fail('unavailable', 'The first answer cannot be read right now');
  return decode(first) as ChatEvent<T>;
}

interface Asked {
  readonly log: Log;
  readonly context: Context;
  /** Where the command's script will look for what was done. */
  readonly stream: StreamRef;
}

/**
 * What is looked at before an append, and may refuse it. To a repeat of what was done that refusal says nothing, since it is about what became
 * of the world since: then the answer is undefined, and the script, which knows the repeat by its id, answers as the first time.
 */
export async function unlessDone<T>({ log, context, stream }: Asked, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isRefusal(error) && (await log.wasDone(context, stream))) return undefined;
    throw error;
  }
}
