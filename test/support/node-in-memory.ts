/** A node's gateway without Redis or network: logs in memory, sessions on wires, and a tail that brings what a test says, when it says. */
import type { Effect, RawEvent } from '../../src/envelope.ts';
import { closeCodes } from '../../src/errors.ts';
import { Fanout, keyOf } from '../../src/gateway/fanout.ts';
import type { FanoutOptions, Meaning } from '../../src/gateway/fanout.ts';
import { Flusher, Outbox } from '../../src/gateway/outbox.ts';
import { Session } from '../../src/gateway/session.ts';
import type { SessionParts } from '../../src/gateway/session.ts';
import { conversationStream, Keys, userStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import { seqOf } from '../../src/log/log.ts';
import { Wire } from './wire.ts';

export const ROOM = conversationStream('01HR00M0000000000000000000');
const USER = '01HVSER0000000000000000000';

/** Lets everything that is not held back run. */
export const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A promise that the test ends. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => {};
  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }
}

export class NodeInMemory {
  readonly logs = new Map<string, RawEvent[]>();
  readonly effects = new Map<string, Effect[]>();
  readonly fanout: Fanout;
  /** Heads of streams that the guard state has otherwise than the log. */
  readonly headsOnly = new Map<string, string>();
  bytesRead = 0;
  /** Reads of a log wait for it. */
  gate: Gate | undefined;
  private readonly flusher = new Flusher();

  constructor(more: Partial<Meaning> = {}) {
    const log: FanoutOptions['log'] = {
      keys: new Keys(1),
      heads: async <F extends string>(streams: readonly StreamRef[]) =>
        streams.map((stream) => {
          const id = this.headsOnly.get(keyOf(stream)) ?? this.events(stream).at(-1)?.id;
          return id !== undefined ? ({ id } as Record<F | 'id', string>) : undefined;
        }),
      readAfter: async (stream, after, count) =>
        this.events(stream)
          .filter((event) => event.seq > seqOf(after))
          .slice(0, count),
      readFromCursor: async (stream, cursor, count) => {
        await this.gate?.opened;
        const isKnown = cursor === '0-0' || this.events(stream).some((event) => event.id === cursor);
        const after = this.events(stream).filter((event) => event.seq > seqOf(cursor));
        const page = after.slice(0, count);
        this.bytesRead += page.reduce((sum, { json }) => sum + json.length, 0);
        return isKnown ? page : undefined;
      },
    };
    this.fanout = new Fanout({
      log,
      flusher: this.flusher,
      meaning: { effectsOf: (event) => this.effects.get(event.id) ?? [], ...more },
    });
  }

  events(stream: StreamRef): RawEvent[] {
    return this.logs.get(keyOf(stream)) ?? [];
  }

  /** Appends events that the tail has not brought yet. */
  write(stream: StreamRef, count = 1, effects: Effect[] = [], bytes = 0, type = 'test.made'): RawEvent[] {
    const events = this.events(stream);
    const written = Array.from({ length: count }, (_, i) => {
      const seq = events.length + 1 + i;
      const id = `1-${seq}`;
      return {
        id,
        seq,
        type,
        stream,
        json: Buffer.from(JSON.stringify({ ...place(stream, id, seq), type, data: { text: 'x'.repeat(bytes) } })),
      };
    });
    this.logs.set(keyOf(stream), [...events, ...written]);
    if (effects.length > 0) this.effects.set(written.at(-1)!.id, effects);
    return written;
  }

  /** The same, brought by the tail at once. */
  bring(stream: StreamRef, count = 1, effects: Effect[] = []): void {
    this.fanout.take(this.write(stream, count, effects));
  }

  session(more: Partial<SessionParts> = {}): SessionInMemory {
    return new SessionInMemory(this.fanout, this.flusher, more);
  }
}

const place = (stream: StreamRef, id: string, seq: number) => ({
  id,
  seq,
  at: '1970-01-01T00:00:00.001Z',
  [`${stream.kind}_id`]: stream.id,
});

/** A session of the one user, who is in the one conversation unless told otherwise. */
export class SessionInMemory {
  readonly wire = new Wire();
  readonly session: Session;
  readonly closes: number[] = [];
  paused = 0;
  tooSlow = 0;
  private readonly parsed: Record<string, unknown>[] = [];

  constructor(fanout: Fanout, flusher: Flusher, more: Partial<SessionParts>) {
    const outbox = new Outbox(this.wire, {
      flusher,
      maxBufferedBytes: 1_000_000,
      onTooSlow: () => {
        this.tooSlow += 1;
        this.session.cut(closeCodes.too_slow, 'reading too slowly');
      },
    });
    const ws: SessionParts['ws'] = {
      close: (code = 0) => void this.closes.push(code),
      terminate: () => void this.wire.destroy(),
      pause: () => void (this.paused += 1),
      resume: () => void (this.paused -= 1),
    };
    this.session = new Session({
      fanout,
      outbox,
      ws,
      caller: { userId: USER, sessionId: '01HSESS0000000000000000000' },
      expiresAt: Infinity,
      only: undefined,
      resumes: false,
      heartbeatSeconds: 30,
      maxFramesPerSecond: 0,
      conversationIds: async () => [ROOM.id],
      opening: async () => this.stands(fanout, [ROOM]),
      hasEnded: async () => false,
      beforeJoining: async () => '0-0',
      run: async () => ({}),
      now: () => 0,
      onReady: () => {},
      onClosed: () => {},
      onError: () => {},
      ...more,
    });
  }

  /** What the opening reads: where these conversations stand now. */
  async stands(fanout: Fanout, rooms: readonly StreamRef[]) {
    const heads = await Promise.all(rooms.map(async (room) => [room.id, await fanout.pages.head(room)] as const));
    return { ready: '"conversations":[]', heads: new Map(heads), userEventId: '0-0' };
  }

  receive(frame: object): void {
    this.session.receive(Buffer.from(JSON.stringify(frame)), false);
  }

  /** Seqs of the conversation's events in the order in which they were written. */
  seqs(stream: StreamRef = ROOM): number[] {
    return this.frames().flatMap((frame) => (frame[`${stream.kind}_id`] === stream.id ? [Number(frame['seq'])] : []));
  }

  types(): string[] {
    return this.frames().flatMap((frame) => (typeof frame['type'] === 'string' ? [frame['type']] : []));
  }

  frames(): readonly Record<string, unknown>[] {
    const texts = this.wire.texts().slice(this.parsed.length);
    this.parsed.push(...texts.map((text) => JSON.parse(text) as Record<string, unknown>));
    return this.parsed;
  }
}

/** Opens a session and lets what it began come to rest. */
export async function open(session: SessionInMemory): Promise<SessionInMemory> {
  await session.session.open();
  await settled();
  return session;
}

export const OWN = userStream(USER);
export const left = (): Effect => ({ kind: 'left', userId: USER, conversationId: ROOM.id });
export const joined = (): Effect => ({ kind: 'joined', userId: USER, conversationId: ROOM.id });
