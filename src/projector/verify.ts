/**
 * The proof of an installation: folds every log from its start and compares what follows from it with what lies in Redis, to the last byte
 * of every key: views, guard state, directories, feeds, and every log's own chain. Only reads, beside running servers, and finds nothing
 * wrong with what merely moves or is behind.
 */
import { parseEventId } from '../envelope.ts';
import type { ChatEvent, Decode } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Check, GuardHandler, WrongKey } from '../log/guard.ts';
import type { Log } from '../log/log.ts';
import { viewName } from '../views/projection.ts';
import type { FoldOptions } from './fold.ts';
import { wrongInFeed } from './proof/feed.ts';
import { entriesBy, guardProof, strayEntries } from './proof/guards.ts';
import { wrongKeys } from './proof/keys.ts';
import type { Proof } from './proof/keys.ts';
import { Past } from './proof/past.ts';
import { strayViewKeys, viewProof } from './proof/views.ts';
import { everyStream } from './rebuild.ts';
import { sideBySide } from './trying.ts';
import type { OnProgress } from './rebuild.ts';

/** Each costs many round trips, which go out together. */
const LOGS_AT_ONCE = 8;
const LONG_LOG = 5_000;
const HEADS_AT_ONCE = 500;

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
  const { log } = options;
  await options.views.refresh();
  const streams = await everyStream(log);
  const known = new Set(streams.map(({ kind, id }) => `${kind} ${id}`));
  const entries = new Set<string>();
  const found = new Map<StreamRef, Difference[]>();
  let events = 0;
  const look = async (stream: StreamRef) => {
    const past = new Past(log, stream);
    const own = ({ source }: { source: StreamRef['kind'] }) => source === stream.kind;
    const guard = guardProof(options, past);
    found.set(stream, await differencesOf(options, { past, guard, own }));
    const all = await past.whole();
    events += all.length;
    for (const entry of await entriesBy(guard, all.at(-1)?.id ?? '')) entries.add(entry);
    options.onProgress?.(found.size, streams.length, events);
  };
  const { short, long } = await byLength(log, streams);
  await sideBySide(LOGS_AT_ONCE, short, look);
  for (const stream of long) await look(stream);
  const differences = streams.flatMap((stream) => found.get(stream) ?? []);
  const add = (what: string, stream: StreamRef | undefined, wrong: readonly WrongKey[]) =>
    differences.push(...wrong.map((each) => ({ what, stream, ...each })));
  add('views', undefined, await strayViewKeys(options, ({ kind, id }) => known.has(`${kind} ${id}`)));
  add('directory', undefined, await strayEntries(options, (key, entry) => entries.has(`${key} ${entry}`)));
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    for (const { stream, ...wrong } of await wrongInFeed(log, partition)) add('feed', stream, [wrong]);
  }
  return { streams: streams.length, events, differences };
}

/** What is wrong with one stream: its views, its guard state, its chain, and what it brings about elsewhere. */
async function differencesOf(
  options: VerifyOptions,
  { past, guard, own }: { past: Past; guard: Proof; own: (of: { source: StreamRef['kind'] }) => boolean },
): Promise<Difference[]> {
  const { log, projections, checks, decode } = options;
  const { stream } = past;
  const differences: Difference[] = [];
  const add = (what: string, wrong: readonly WrongKey[]) =>
    differences.push(...wrong.map((each) => ({ what, stream, ...each })));
  for (const projection of projections.filter(own))
    add(viewName(projection), await wrongKeys(log, viewProof(past, { ...options, projection })));
  add('guard', await wrongKeys(log, guard));
  await past.whole();
  if (past.broken) add('chain', [past.broken]);
  for (const check of checks.filter(own))
    add(check.name, await check.wrong(log, stream, () => eventsFor(check, past, decode)));
  return differences;
}

/** Logs are held in memory whole: those that are long one by one, others some at a time. */
async function byLength(log: Log, streams: readonly StreamRef[]): Promise<{ short: StreamRef[]; long: StreamRef[] }> {
  const short: StreamRef[] = [];
  const long: StreamRef[] = [];
  for (let i = 0; i < streams.length; i += HEADS_AT_ONCE) {
    const some = streams.slice(i, i + HEADS_AT_ONCE);
    // A head may be anything: that is what is looked for here.
    const heads = await log.heads(some, []).catch(() => []);
    for (const [at, stream] of some.entries()) {
      const { seq = Infinity } = parseEventId(heads[at]?.id ?? '') ?? {};
      (seq > LONG_LOG ? long : short).push(stream);
    }
  }
  return { short, long };
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
