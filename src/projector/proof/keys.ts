/**
 * Compares what Redis keys hold, to the last byte, with what they should hold at their position, while others go on writing: a key is
 * scanned, and whatever looks wrong is looked at again together with the position, in one instant. So nothing is held up, and nothing that
 * merely moved is called wrong.
 */
import type { StreamRef } from '../../keys.ts';
import { NOBODY, UNTOLD, WHATEVER } from '../../log/guard.ts';
import type { WrongKey } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';
import type { Content, KeyContent } from '../../views/shape.ts';

/** What keys should hold at a position, and the event by which something in them came to be so. */
export interface Expectation {
  readonly content: Content;
  eventOf(key: string, name: string): string | undefined;
}

export interface Proof {
  readonly stream: StreamRef;
  /** The hash and its field that say up to which event the keys are. */
  readonly position: { readonly key: string; readonly field: string };
  /** What left a key of Redis, of these names with what they should have; so that it is as good as there. */
  elsewhere?(key: string, names: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>>;
  /** Throws where the log does not lead to this position. */
  expected(position: string): Promise<Expectation>;
}

const SCAN = 1_000;
/** More wrong names of one key than this are only counted. */
const TOLD = 5;
const MAX_TOLD_LENGTH = 200;
type Kind = Pick<KeyContent, 'type' | 'hasWildWords'>;
const READS = { hash: 'HGET', zset: 'ZSCORE' } as const;

/** Why a log does not lead to where a key says that it is. */
export class Unprovable extends Error {
  readonly eventId: string;
  constructor(eventId: string, reason: string) {
    super(reason);
    this.eventId = eventId;
  }
}

/** What is wrong with the keys; empty where all is right. */
export async function wrongKeys(log: Log, proof: Proof): Promise<WrongKey[]> {
  const { key, field } = proof.position;
  const wrongPosition = await wrongKind(log, key);
  if (wrongPosition) return [wrongPosition];
  try {
    const position = await log.connection.commands.hget(key, field);
    const { content } = await proof.expected(position ?? '');
    const wrong: WrongKey[] = [];
    for (const [each, should] of content) wrong.push(...(await wrongNames(log, proof, each, should)));
    return wrong;
  } catch (error) {
    if (!(error instanceof Unprovable)) throw error;
    return [{ key, event_id: error.eventId, reason: error.message }];
  }
}

/** What is to be said of a key that is there and of another type. */
export async function wrongKind(
  log: Log,
  key: string,
  type: KeyContent['type'] = 'hash',
): Promise<WrongKey | undefined> {
  const found = await log.connection.commands.type(key);
  if (found === type || found === 'none') return undefined;
  return { key, event_id: undefined, reason: `is a ${found} where a ${type} should be` };
}

async function wrongNames(log: Log, proof: Proof, key: string, should: KeyContent): Promise<WrongKey[]> {
  const wrongType = await wrongKind(log, key, should.type);
  if (wrongType) return [wrongType];
  const { suspects, foreign } = should.isShared
    ? { suspects: [...should.names.keys()], foreign: [] }
    : await suspectsIn(log, key, should);
  const wrong = foreign.map((name) => (): WrongKey => ({ key, event_id: undefined, reason: `has ${short(name)}` }));
  for (let i = 0; i < suspects.length; i += SCAN) {
    wrong.push(...(await wrongAmong(log, proof, { key, should, names: suspects.slice(i, i + SCAN) })));
  }
  const told = wrong.slice(0, TOLD).map((tell) => tell());
  if (wrong.length <= TOLD) return told;
  const { event_id } = wrong[TOLD]!();
  return [...told, { key, event_id, reason: `and ${wrong.length - TOLD} more of this key` }];
}

/** Names that the key lacks, has besides or has otherwise; and those that no text of ours can be. */
async function suspectsIn(
  log: Log,
  key: string,
  should: KeyContent,
): Promise<{ suspects: string[]; foreign: string[] }> {
  const { commands } = log.connection;
  const missing = new Set(should.names.keys());
  const suspects = new Set<string>();
  const foreign = new Set<string>();
  let cursor = '0';
  do {
    const [next, found] = await (should.type === 'hash'
      ? commands.hscanBuffer(key, cursor, 'COUNT', SCAN)
      : commands.zscanBuffer(key, cursor, 'COUNT', SCAN));
    cursor = next.toString();
    for (let i = 0; i < found.length; i += 2) {
      const name = found[i]!.toString();
      if (should.mayHave?.(name)) continue;
      if (!Buffer.from(name).equals(found[i]!)) foreign.add(found[i]!.toString('latin1'));
      else {
        missing.delete(name);
        if (!isSame(should, should.names.get(name), found[i + 1]!)) suspects.add(name);
      }
    }
  } while (cursor !== '0');
  return { suspects: [...suspects, ...missing], foreign: [...foreign] };
}

/** Names as they are at one instant, with the position of that instant; what is wrong of them is worked out when it is told. */
export async function wrongAmong(
  log: Log,
  proof: Proof,
  { key, should, names }: { key: string; should: Kind; names: readonly string[] },
): Promise<(() => WrongKey)[]> {
  const args = { command: READS[should.type], field: proof.position.field, names };
  const reply = await log.ask('proof.fields', proof.stream, args, [proof.position.key, key]);
  const [, position, values] = reply as unknown as [Buffer, Buffer, (Buffer | null)[]];
  const expectation = await proof.expected(position.toString());
  const then = expectation.content.get(key)?.names;
  const absent = names.flatMap((name, i) => {
    const makes = then?.get(name);
    const isDoubtful = values[i] === null || name === NOBODY;
    return isDoubtful && makes !== undefined ? [[name, makes] as const] : [];
  });
  const left = absent.length === 0 ? undefined : await proof.elsewhere?.(key, new Map(absent));
  return names.flatMap((name, i) => {
    const text = left?.get(name);
    const away = text === undefined ? undefined : Buffer.from(text);
    const [makes, has] = [then?.get(name), values[i] ?? (name === NOBODY ? undefined : away)];
    if (name === NOBODY && away && has?.equals(away)) return [];
    if (isSame(should, makes, has)) return [];
    const [made, found] = [makes, has?.toString()].map((text) => (text === undefined ? 'nothing' : short(text)));
    const reason = `${short(name)}: the log makes ${made}, the key has ${found}`;
    return [() => ({ key, event_id: expectation.eventOf(key, name), reason })];
  });
}

/** Scores are numbers, which have more than one spelling. */
function isSame({ type, hasWildWords }: Kind, should: string | undefined, has: Buffer | undefined): boolean {
  if (hasWildWords && should === UNTOLD) return true;
  if (should === undefined || has === undefined) return should === undefined && has === undefined;
  if (type === 'zset') return Number(should) === Number(has.toString());
  if (!hasWildWords) return Buffer.from(should).equals(has);
  const [words, found] = [should.split(' '), has.toString().split(' ')];
  return words.length === found.length && words.every((word, i) => word === WHATEVER || word === found[i]);
}

const short = (text: string): string =>
  text.length <= MAX_TOLD_LENGTH ? text : `${text.slice(0, MAX_TOLD_LENGTH)}… (${text.length} characters)`;
