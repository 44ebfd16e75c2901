/** What a server of Redis says of itself, read in one way by whoever asks: the fields of INFO, and its settings as far as they are told. */
import type { Redis } from 'ioredis';

/** Names and values of what `INFO`, or `CLUSTER INFO`, answers. */
export const infoFields = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );

/** Undefined where it is not told: managed services do not allow CONFIG. */
export async function setting(server: Redis, name: string): Promise<string | undefined> {
  try {
    return ((await server.config('GET', name)) as string[])[1];
  } catch {
    return undefined;
  }
}
