/**
 * The proof of an installation: folds every log from its start and compares what follows from it with what lies in Redis, to the last byte
 * of every key, and recomputes every log's chain. Only reads, and finds nothing wrong with what merely moves or is behind.
 */
import { createHash } from 'node:crypto';
import { START } from '../envelope.ts';
import type { Decode, RawEvent } from '../envelope.ts';
import { ChatError } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import { Sheet, stepsOf, viewName } from '../views/projection.ts';
import type { Projection } from '../views/projection.ts';
import { APPLIED } from '../views/shapes.ts';
import type { Shape } from '../views/shapes.ts';
import type { FoldOptions } from './fold.ts';
import { wrongKeys } from './proof.ts';
import type { Expectation, WrongKey } from './proof.ts';
import { everyStream } from './rebuild.ts';
import type { OnProgress } from './rebuild.ts';

export interface Difference extends WrongKey {
  /** What was compared with the log: a view, or `chain`. */
  readonly what: string;
  readonly stream: StreamRef;
}

export interface Verified {
  readonly streams: number;
  readonly events: number;
  readonly differences: readonly Difference[];
}

export async function verify(options: FoldOptions & { readonly onProgress?: OnProgress }): Promise<Verified> {
  const { log, views, projections, decode } = options;
  const streams = await everyStream(log);
  const differences: Difference[] = [];
  let events = 0;
  for (const [done, stream] of streams.entries()) {
    const past = new Past(log, stream);
    const add = (what: string, wrong: readonly WrongKey[]) =>
      differences.push(...wrong.map((each) => ({ what, stream, ...each })));
    for (const projection of projections.filter((p) => p.source === stream.kind)) {
      add(viewName(projection), await wrongInView({ log, past, decode, projection }, views.shape(projection, stream)));
    }
    add('chain', await wrongInChain(log, stream));
    events += (await past.whole()).length;
    options.onProgress?.(done + 1, streams.length);
  }
  return { streams: streams.length, events, differences };
}

/** The log of one stream, read once for all that is folded from it, and on where more is asked for. */
class Past {
  readonly stream: StreamRef;
  private readonly log: Log;
  private readonly events: RawEvent[] = [];

  constructor(log: Log, stream: StreamRef) {
    this.log = log;
    this.stream = stream;
  }

  /** Every event up to this id. Throws where the log does not have it. */
  async upTo(id: string): Promise<readonly RawEvent[]> {
    if (id === START || id === '') return [];
    let at = this.indexOf(id);
    if (at < 0) {
      await this.whole();
      at = this.indexOf(id);
    }
    if (at < 0) throw new Error(`stands at the event ${id}, which the log does not have`);
    return this.events.slice(0, at + 1);
  }

  async whole(): Promise<readonly RawEvent[]> {
    for await (const page of this.log.readAll(this.stream, this.events.at(-1)?.id ?? START)) this.events.push(...page);
    return this.events;
  }

  private indexOf(id: string): number {
    const at = this.events.findLastIndex((event) => event.seq <= seqOf(id));
    return this.events[at]?.id === id ? at : -1;
  }
}

interface ViewParts {
  readonly log: Log;
  readonly past: Past;
  readonly decode: Decode;
  readonly projection: Projection;
}

async function wrongInView(parts: ViewParts, shape: Shape<object>): Promise<WrongKey[]> {
  const { log, past } = parts;
  const key = shape.keys[0]!;
  let last: { position: string; expectation: Expectation } | undefined;
  const expected = async (position: string): Promise<Expectation> => {
    if (last?.position !== position) last = { position, expectation: await expectationAt(parts, shape, position) };
    return last.expectation;
  };
  try {
    return await wrongKeys(log, { stream: past.stream, position: { key, field: APPLIED }, expected });
  } catch (error) {
    if (!(error instanceof FoldError)) throw error;
    return [{ key, event_id: error.eventId, reason: error.message }];
  }
}

/** Why a log does not lead to where a key says that it is. */
class FoldError extends Error {
  readonly eventId: string;
  constructor(eventId: string, reason: string) {
    super(reason);
    this.eventId = eventId;
  }
}

async function expectationAt(parts: ViewParts, shape: Shape<object>, position: string): Promise<Expectation> {
  const { past, decode, projection } = parts;
  const sheet = new Sheet<object>();
  const madeBy = new Map<string, string>();
  let reached = position;
  try {
    for (const event of await past.upTo(position)) {
      reached = event.id;
      const steps = stepsOf(projection, event, decode);
      sheet.apply(steps);
      for (const step of steps) madeBy.set(step.key, event.id);
    }
  } catch (error) {
    if (error instanceof ChatError) throw error;
    throw new FoldError(reached, (error as Error).message);
  }
  const docs = sheet.sorted();
  /** The last event that had to do with the document which stands under this name; else the one at which the view stands. */
  const eventOf = (key: string, name: string) => {
    const doc = docs.find((one) => shape.content([one], START).get(key)?.names.has(name));
    return (doc && madeBy.get(projection.key(doc.doc))) ?? madeBy.get(name) ?? (position || undefined);
  };
  return { content: shape.content(docs, position || START), eventOf };
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** Recomputes a log's digests and chain; tells the first entry that does not hold. */
async function wrongInChain(log: Log, stream: StreamRef): Promise<WrongKey[]> {
  const key = log.keys.of(stream, 'log');
  let chain = key;
  for await (const page of log.readProofs(stream)) {
    for (const { id, type, event, proof } of page) {
      const [salt, digest, link] = proof.split(' ');
      if (sha1(salt + event) !== digest) {
        return [{ key, event_id: id, reason: 'the event is not the one that was appended' }];
      }
      chain = sha1(`${chain} ${id} ${type} ${digest}`);
      if (chain !== link) return [{ key, event_id: id, reason: 'the chain breaks here' }];
    }
  }
  return [];
}
