/** What guard state should be by the log of its stream: every field of the hashes that scripts decide by, and the entries of directories. */
import { isUlid } from '../../envelope.ts';
import type { Decode } from '../../envelope.ts';
import type { StreamRef } from '../../keys.ts';
import { BEHIND_NAMES, directories, GuardState, NOBODY } from '../../log/guard.ts';
import { ARCHIVED, MESSAGES } from '../../log/archive/facts.ts';
import type { GuardHandler, WrongKey } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';
import type { KeyContent } from '../../views/shape.ts';
import { Unprovable, wrongAmong, wrongKind } from './keys.ts';
import type { Expectation, Proof } from './keys.ts';
import { Past } from './past.ts';
import { lastKept } from './views.ts';

export interface GuardOptions {
  readonly log: Log;
  readonly decode: Decode;
  readonly guards: readonly GuardHandler[];
}

/** The guard state of one stream, at the event that its head names. */
export function guardProof(options: GuardOptions, past: Past): Proof {
  const { log } = options;
  const { stream } = past;
  const expected = async (position: string): Promise<Expectation> => {
    const state = await stateAt(options, past, position);
    const content = new Map<string, KeyContent>();
    for (const [name, names] of state.hashes) {
      content.set(log.keys.of(stream, name), { type: 'hash', names, hasWildWords: true });
    }
    for (const [name, entries] of state.entries) {
      const names = new Map([...entries].map((entry) => [entry, '0']));
      content.set(log.keys.of(stream, name), { type: 'zset', names, isShared: true });
    }
    const nameOf = new Map([...state.hashes.keys(), ...state.entries.keys()].map((n) => [log.keys.of(stream, n), n]));
    return { content, eventOf: (key, field) => state.eventOf(nameOf.get(key) ?? '', field) ?? (position || undefined) };
  };
  const elsewhere = async (key: string, names: ReadonlyMap<string, string>) => {
    if (key !== log.keys.of(stream, MESSAGES)) return new Map<string, string>();
    const rows = await log.cold.byKeys(log.keys.of(stream, ARCHIVED), [...names.keys()]);
    const left = new Map([...rows].map(([id, { value }]) => [id, value.toString()]));
    // What keeps the key in being says up to which id messages have left it.
    if (names.has(NOBODY)) left.set(NOBODY, await log.cold.highestKey(log.keys.of(stream, ARCHIVED)));
    return left;
  };
  const position = { key: log.keys.of(stream, 'head'), field: 'id' };
  return { stream, position, elsewhere, expected: lastKept(expected) };
}

async function stateAt({ decode, guards }: GuardOptions, past: Past, named: string): Promise<GuardState> {
  const state = new GuardState();
  // A log without a head is one whose head was lost.
  const position = named || ((await past.whole()).at(-1)?.id ?? '');
  for (const raw of await past.upTo(position)) {
    const handlers = guards.filter(({ type }) => type === raw.type);
    if (handlers.length === 0) continue;
    state.at(raw.id);
    try {
      const event = decode(raw);
      for (const handler of handlers) handler.apply(state, event);
    } catch (error) {
      throw new Unprovable(raw.id, (error as Error).message);
    }
  }
  if (position !== '') {
    state.at(position);
    state.set('head', 'id', position);
    state.set('head', 'chain', await past.linkAt(position));
  }
  return state;
}

/** `<key> <entry>` of every entry in a directory that the stream should have. */
export async function entriesBy(proof: Proof, position: string): Promise<string[]> {
  try {
    const { content } = await proof.expected(position);
    return [...content].flatMap(([key, { isShared, names }]) =>
      isShared ? [...names.keys()].map((entry) => `${key} ${entry}`) : [],
    );
  } catch (error) {
    if (error instanceof Unprovable) return [];
    throw error;
  }
}

/** Entries of the directories that no stream has there. `isKnown` says what was found right when its own stream was looked at. */
export async function strayEntries(
  options: GuardOptions,
  isKnown: (key: string, entry: string) => boolean,
): Promise<WrongKey[]> {
  const { log } = options;
  const stray: WrongKey[] = [];
  for (const [name, kind] of Object.entries(directories)) {
    for (let partition = 0; partition < log.keys.partitions; partition += 1) {
      const key = log.keys.at(partition, name);
      for await (const entry of entriesOf(log, key)) {
        if (entry === NOBODY || entry === BEHIND_NAMES || isKnown(key, entry)) continue;
        // It may have come since: its own stream says.
        const stream: StreamRef = { kind, id: entry.slice(entry.lastIndexOf('\n') + 1) };
        const isPossible = isUlid(stream.id) && log.keys.of(stream, name) === key;
        const nobodys = { key, event_id: undefined, reason: `${JSON.stringify(entry)} is the entry of nobody` };
        const wrong = isPossible ? await wrongEntry(options, stream, key, entry) : nobodys;
        if (wrong) stray.push(wrong);
      }
    }
  }
  return stray;
}

async function wrongEntry(
  options: GuardOptions,
  stream: StreamRef,
  key: string,
  entry: string,
): Promise<WrongKey | undefined> {
  const proof = guardProof(options, new Past(options.log, stream));
  // A head of another kind was told of when its stream was looked at.
  if ((await wrongKind(options.log, proof.position.key)) !== undefined) return undefined;
  try {
    const [tell] = await wrongAmong(options.log, proof, { key, should: { type: 'zset' }, names: [entry] });
    return tell?.();
  } catch (error) {
    if (error instanceof Unprovable) return { key, event_id: error.eventId, reason: error.message };
    throw error;
  }
}

async function* entriesOf(log: Log, key: string): AsyncGenerator<string> {
  let cursor = '0';
  do {
    const [next, found] = await log.connection.commands.zscan(key, cursor, 'COUNT', 1_000);
    cursor = next;
    for (let i = 0; i < found.length; i += 2) yield found[i]!;
  } while (cursor !== '0');
}
