/**
 * Compares what Redis keys hold, to the last byte, with what they should hold at their position, while others go on writing: a key is
 * scanned, and whatever looks wrong is looked at again together with the position, in one instant. So nothing is held up, and nothing that
 * merely moved is called wrong.
 */
import type { StreamRef } from '../keys.ts';
import { translated } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import type { Content, KeyContent } from '../views/shapes.ts';

/** What keys should hold at a position, and the event by which something in them came to be so. */
export interface Expectation {
  readonly content: Content;
  eventOf(key: string, name: string): string | undefined;
}

export interface Proof {
  readonly stream: StreamRef;
  /** The hash and its field that say up to which event the keys are. */
  readonly position: { readonly key: string; readonly field: string };
  /** Throws where the log does not lead to this position. */
  expected(position: string): Promise<Expectation>;
}

/** Something in a key that is not as the log makes it. */
export interface WrongKey {
  readonly key: string;
  readonly event_id: string | undefined;
  readonly reason: string;
}

const SCAN = 1_000;
/** More wrong names of one key than this are only counted. */
const TOLD = 5;
const MAX_TOLD_LENGTH = 200;
const READS = { hash: 'HGET', zset: 'ZSCORE' } as const;

/** What is wrong with the keys; empty where all is right. */
export async function wrongKeys(log: Log, proof: Proof): Promise<WrongKey[]> {
  const { key, field } = proof.position;
  const type = await typeOf(log, key);
  if (type !== 'hash' && type !== 'none') return [wrongType(key, type, 'hash')];
  const position = await translated(log.connection.commands.hget(key, field));
  const { content } = await proof.expected(position ?? '');
  const wrong: WrongKey[] = [];
  for (const [each, should] of content) wrong.push(...(await wrongNames(log, proof, each, should)));
  return wrong;
}

const typeOf = (log: Log, key: string): Promise<string> => translated(log.connection.commands.type(key));

async function wrongNames(log: Log, proof: Proof, key: string, should: KeyContent): Promise<WrongKey[]> {
  const type = await typeOf(log, key);
  if (type !== 'none' && type !== should.type) {
    return [wrongType(key, type, should.type)];
  }
  const { suspects, foreign } = await suspectsIn(log, key, should);
  const wrong = foreign.map((name) => (): WrongKey => ({ key, event_id: undefined, reason: `has ${short(name)}` }));
  for (let i = 0; i < suspects.length; i += SCAN) {
    wrong.push(...(await lookAgain(log, proof, { key, type: should.type, names: suspects.slice(i, i + SCAN) })));
  }
  const told = wrong.slice(0, TOLD).map((tell) => tell());
  if (wrong.length <= TOLD) return told;
  const { event_id } = wrong[TOLD]!();
  return [...told, { key, event_id, reason: `and ${wrong.length - TOLD} more of this key` }];
}

const wrongType = (key: string, is: string, should: string): WrongKey => ({
  key,
  event_id: undefined,
  reason: `is a ${is} where a ${should} should be`,
});

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
    const [next, found] = await translated(
      should.type === 'hash'
        ? commands.hscanBuffer(key, cursor, 'COUNT', SCAN)
        : commands.zscanBuffer(key, cursor, 'COUNT', SCAN),
    );
    cursor = next.toString();
    for (let i = 0; i < found.length; i += 2) {
      const name = found[i]!.toString();
      if (!Buffer.from(name).equals(found[i]!)) foreign.add(found[i]!.toString('latin1'));
      else {
        missing.delete(name);
        if (!isSame(should.type, should.names.get(name), found[i + 1]!)) suspects.add(name);
      }
    }
  } while (cursor !== '0');
  return { suspects: [...suspects, ...missing], foreign: [...foreign] };
}

/** Suspects as they are at one instant, with the position of that instant; what is wrong of them is worked out when it is told. */
async function lookAgain(
  log: Log,
  proof: Proof,
  { key, type, names }: { key: string; type: KeyContent['type']; names: readonly string[] },
): Promise<(() => WrongKey)[]> {
  const args = { command: READS[type], field: proof.position.field, names };
  const reply = await log.ask('proof.fields', proof.stream, args, [proof.position.key, key]);
  const [, position, values] = reply as unknown as [Buffer, Buffer, (Buffer | null)[]];
  const expectation = await proof.expected(position.toString());
  const should = expectation.content.get(key)?.names;
  return names.flatMap((name, i) => {
    const [then, now] = [should?.get(name), values[i] ?? undefined];
    if (isSame(type, then, now)) return [];
    const has = now === undefined ? 'has nothing' : `has ${short(now.toString())}`;
    const makes = then === undefined ? 'nothing' : short(then);
    const reason = `${short(name)}: the log makes ${makes}, the key ${has}`;
    return [() => ({ key, event_id: expectation.eventOf(key, name), reason })];
  });
}

/** Scores are numbers, which have more than one spelling. */
function isSame(type: KeyContent['type'], should: string | undefined, has: Buffer | undefined): boolean {
  if (should === undefined || has === undefined) return should === undefined && has === undefined;
  return type === 'zset' ? Number(should) === Number(has.toString()) : Buffer.from(should).equals(has);
}

const short = (text: string): string =>
  text.length <= MAX_TOLD_LENGTH ? text : `${text.slice(0, MAX_TOLD_LENGTH)}… (${text.length} characters)`;
