/**
 * How what stands beside a log leaves Redis after its entries did: the rows are written into a file, the file is read back and compared, and
 * one script names it and takes them away, or does neither.
 */
import { createHash } from 'node:crypto';
import { eventId } from '../../envelope.ts';
import type { RawEvent } from '../../envelope.ts';
import type { StreamRef } from '../../keys.ts';
import { onlyEvents } from '../entries.ts';
import type { Log } from '../log.ts';
import type { Reply } from '../script-runner.ts';
import type { Segment } from './segment.ts';
import { ARCHIVED, MESSAGES } from './facts.ts';
import { drawerText, packedRows } from './rows.ts';
import type { Row } from './rows.ts';
import { NOTHING_SEALED } from './sealing.ts';
import type { Sealed, SealOptions } from './sealing.ts';

/** A key is a ULID of a client's: it may be ahead of our clock by so much. One that is farther ahead stays in Redis. */
const AHEAD_MS = 3_600_000;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;

/** Which keys may leave Redis with what lies in a segment: so a script knows by the newest of them which to look for at all. */
export function mayLeave({ last }: Segment): (key: string) => boolean {
  let ms = eventId(last).ms + AHEAD_MS;
  let highest = '';
  for (let i = 0; i < TIME_LENGTH; i += 1) {
    highest = CROCKFORD[ms % 32] + highest;
    ms = Math.floor(ms / 32);
  }
  return (key) => key.slice(0, TIME_LENGTH) <= highest;
}

/** The first segment of a log that ends after what a set of files is for; its rows have to leave next. */
export async function nextSegment(log: Log, stream: StreamRef, set: string): Promise<Segment | undefined> {
  return (await log.archive.after(stream, await log.cold.end(set)))[0];
}

/** `take`: the script that takes the rows away and names the file. */
export async function sealRows(
  { log, files }: Pick<SealOptions, 'log' | 'files'>,
  rows: readonly Row[],
  { last }: Segment,
  take: (args: { drawer: string; last: string; digest: string; highest: string }) => Promise<Reply>,
): Promise<Sealed> {
  const bytes = packedRows(rows);
  const file = rows.length === 0 ? '' : await files.put(bytes);
  const digest = digestOf(rows);
  if (file !== '' && digestOf(await log.cold.again(file)) !== digest)
    throw new Error('what was read back is not what was written');
  const { seq } = eventId(last);
  const highest = rows.reduce((most, { key }) => (key > most ? key : most), '');
  const [status] = await take({ drawer: drawerText(rows, seq, file), last: String(seq), digest, highest });
  if (status !== 'ok') return NOTHING_SEALED;
  if (rows.length === 0) return { events: 0, bytes: 0, packed: 0 };
  const size = rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return { events: 0, bytes: size, packed: bytes.length };
}

/**
 * Takes the facts of the next segment's messages from Redis. Those of edited messages and of polls stay, and of the newest: more than the facts
 * is known of them. Undefined where nothing is to be done.
 */
export async function sealFacts(
  options: Pick<SealOptions, 'log' | 'files'> & { readonly messageIdOf: (event: RawEvent) => string | undefined },
  stream: StreamRef,
): Promise<Sealed | undefined> {
  const { log, messageIdOf } = options;
  const segment = await nextSegment(log, stream, log.keys.of(stream, ARCHIVED));
  if (!segment) return undefined;
  const { entries } = await log.archive.content(stream, segment);
  const events = await onlyEvents(() => Promise.resolve([...entries]), '', entries.length);
  const may = mayLeave(segment);
  const [head] = await log.heads([stream], ['newest']);
  const sent = events.flatMap((event) => {
    const key = messageIdOf(event);
    return key !== undefined && key !== head?.newest && may(key) ? [{ order: event.seq, key }] : [];
  });
  const fields = sent.flatMap(({ key }) => [key, `${key}:poll`]);
  const values =
    fields.length === 0 ? [] : await log.connection.commands.hmget(log.keys.of(stream, MESSAGES), ...fields);
  const rows = sent.flatMap(({ order, key }, i): Row[] => {
    const [facts, poll] = [values[2 * i], values[2 * i + 1]];
    const isPlain = facts?.split(' ')[REVISION] === '1' && poll === null;
    return isPlain ? [{ order, key, value: Buffer.from(facts) }] : [];
  });
  return sealRows(options, rows, segment, (args) =>
    log.run(
      'archive.facts',
      stream,
      { ...args, ids: rows.map(({ key }) => key) },
      log.keys.all(stream, [MESSAGES, ARCHIVED]),
    ),
  );
}

/** Which word of a message's facts says how often it was written. */
const REVISION = 3;

/** The scripts make the same of what they find. */
function digestOf(rows: readonly Row[]): string {
  const hash = createHash('sha1');
  rows.forEach(({ value }, i) => hash.update(i > 0 ? '\n' : '').update(value));
  return hash.digest('hex');
}
