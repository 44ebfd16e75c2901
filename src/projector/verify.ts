/**
 * The proof of an installation: folds every log from its start and compares what follows from it with what lies in Redis, to the last byte
 * of every key: views, guard state, directories, feeds, and every log's own chain. Only reads, beside running servers, and finds nothing
 * wrong with what merely moves or is behind.
 */
import type { ChatEvent, Decode } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Check, GuardHandler, WrongKey } from '../log/guard.ts';
import { viewName } from '../views/projection.ts';
import type { FoldOptions } from './fold.ts';
import { wrongInFeed } from './proof/feed.ts';
import { entriesBy, guardProof, strayEntries } from './proof/guards.ts';
import { wrongKeys } from './proof/keys.ts';
import { Past } from './proof/past.ts';
import { strayViewKeys, viewProof } from './proof/views.ts';
import { everyStream } from './rebuild.ts';
import type { OnProgress } from './rebuild.ts';

export interface VerifyOptions extends FoldOptions {
  readonly guards: readonly GuardHandler[];
  readonly checks: readonly Check[];
  readonly onProgress?: OnProgress;
}

export interface Difference extends WrongKey {
  /** What was compared with the logs: a view or a check by its name, `guard`, `directory`, `feed`, `chain`. */
  readonly what: string;
  readonly stream: StreamRef | undefined;
}

/** A difference in one line, for people. */
export function lineOf({ what, stream, key, event_id, reason }: Difference): string {
  const whose = stream ? ` of ${stream.kind} ${stream.id}` : '';
  return `${what}${whose}${event_id === undefined ? '' : ` at ${event_id}`}: ${reason} (${key})`;
}

export interface Verified {
  readonly streams: number;
  readonly events: number;
  readonly differences: readonly Difference[];
}

export async function verify(options: VerifyOptions): Promise<Verified> {
  const { log, projections } = options;
  await options.views.refresh();
  const streams = await everyStream(log);
  const known = new Set(streams.map(({ kind, id }) => `${kind} ${id}`));
  const differences: Difference[] = [];
  const add = (what: string, stream: StreamRef | undefined, wrong: readonly WrongKey[]) =>
    differences.push(...wrong.map((each) => ({ what, stream, ...each })));
  const entries = new Set<string>();
  let events = 0;
  for (const [done, stream] of streams.entries()) {
    const past = new Past(log, stream);
    for (const projection of projections.filter(({ source }) => source === stream.kind)) {
      const wrong = await wrongKeys(log, viewProof(past, { ...options, projection }));
      add(viewName(projection), stream, wrong);
    }
    const guard = guardProof(options, past);
    add('guard', stream, await wrongKeys(log, guard));
    const all = await past.whole();
    events += all.length;
    for (const entry of await entriesBy(guard, all.at(-1)?.id ?? '')) entries.add(entry);
    if (past.broken) add('chain', stream, [past.broken]);
    for (const check of options.checks.filter(({ source }) => source === stream.kind)) {
      add(check.name, stream, await check.wrong(log, stream, () => eventsFor(check, past, options.decode)));
    }
    options.onProgress?.(done + 1, streams.length, events);
  }
  add('views', undefined, await strayViewKeys(options, ({ kind, id }) => known.has(`${kind} ${id}`)));
  add('directory', undefined, await strayEntries(options, (key, entry) => entries.has(`${key} ${entry}`)));
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    for (const { stream, ...wrong } of await wrongInFeed(log, partition)) add('feed', stream, [wrong]);
  }
  return { streams: streams.length, events, differences };
}

/** Events that cannot be read bring nothing about. */
async function eventsFor({ types }: Check, past: Past, decode: Decode): Promise<ChatEvent[]> {
  return (await past.whole()).flatMap((raw) => {
    if (!types.includes(raw.type)) return [];
    try {
      return [decode(raw)];
    } catch {
      return [];
    }
  });
}
