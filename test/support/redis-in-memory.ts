/**
 * What a gateway sees of Redis, in memory: logs, one feed, who is in which conversation, and each user's own list, which a projector
 * brings up later. It may lose its last entries, as a failover does. Every question waits twice until a test lets it go on: before Redis
 * looks, and before the answer is there.
 */
import { START } from '../../src/envelope.ts';
import type { Effect, RawEvent } from '../../src/envelope.ts';
import { keyOf } from '../../src/gateway/fanout.ts';
import type { FanoutOptions } from '../../src/gateway/fanout.ts';
import type { Opening } from '../../src/gateway/session.ts';
import { conversationStream, Keys, userStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import { seqOf } from '../../src/log/log.ts';

export interface Entry {
  readonly event: RawEvent;
  readonly effects: readonly Effect[];
  /** Of a user's own stream: the event of the conversation that it tells of. */
  readonly of?: string;
}

export class RedisInMemory {
  feed: Entry[] = [];
  /** What events mean, by the ids of stream and event, also of those that are no more there. */
  readonly effects = new Map<string, readonly Effect[]>();
  /** Users and conversations of leavings that were there and are no more. */
  readonly undone = new Set<string>();
  private readonly questions: (() => void)[] = [];
  private ms = 1;

  /** Lets the question that waits there go on. False where none waits. */
  step(which: number): boolean {
    const [go] = this.questions.splice(which % Math.max(1, this.questions.length), 1);
    go?.();
    return go !== undefined;
  }

  log(stream: StreamRef): Entry[] {
    return this.feed.filter(({ event }) => keyOf(event.stream) === keyOf(stream));
  }

  head(stream: StreamRef): string {
    return this.log(stream).at(-1)?.event.id ?? START;
  }

  append(stream: StreamRef, more: { effects?: Effect[]; bytes?: number; of?: string } = {}): Entry {
    const seq = this.log(stream).length + 1;
    const id = `${this.ms}-${seq}`;
    if (seq % 3 === 0) this.ms += 1;
    const place = { id, seq, at: '1970-01-01T00:00:00.001Z', [`${stream.kind}_id`]: stream.id };
    const json = Buffer.from(
      JSON.stringify({ ...place, type: 'test.made', data: { text: 'x'.repeat(more.bytes ?? 0) } }),
    );
    const { effects = [], of } = more;
    const entry = { event: { id, seq, type: 'test.made', stream, json }, effects, ...(of === undefined ? {} : { of }) };
    this.feed.push(entry);
    this.effects.set(`${stream.id} ${id}`, effects);
    return entry;
  }

  /** Its last entries are gone, and what is written from now on has a later time. */
  fail(count: number): void {
    const kept = Math.max(0, this.feed.length - count);
    for (const { effects } of this.feed.splice(kept)) {
      for (const effect of effects)
        if (effect.kind === 'left') this.undone.add(`${effect.userId} ${effect.conversationId}`);
    }
    this.ms += 1;
  }

  /** Seq of the event by which the user is in, or undefined. */
  joined(userId: string, stream: StreamRef): number | undefined {
    let joined: number | undefined;
    for (const { event, effects } of this.log(stream)) {
      const own = effects.find((effect) => effect.userId === userId);
      if (own) joined = own.kind === 'joined' ? event.seq : undefined;
    }
    return joined;
  }

  changeMembership(kind: 'joined' | 'left', userId: string, stream: StreamRef): void {
    if ((this.joined(userId, stream) !== undefined) === (kind === 'joined')) return;
    this.append(stream, { effects: [{ kind, userId, conversationId: stream.id }] });
  }

  /** The projector brings the next change of membership to the list of the user. False where all lists are up to date. */
  project(): boolean {
    const done = new Set(this.feed.map(({ of }) => of));
    const isOpen = ({ event, effects }: Entry) =>
      event.stream.kind === 'conversation' && effects.length > 0 && !done.has(`${event.stream.id} ${event.id}`);
    const next = this.feed.find(isOpen);
    const change = next?.effects[0];
    if (!next || !change || change.kind === 'session_ended') return false;
    const of = `${next.event.stream.id} ${next.event.id}`;
    this.append(userStream(change.userId), { of, effects: change.kind === 'joined' ? [change] : [] });
    return true;
  }

  async conversationIds(userId: string): Promise<string[]> {
    return this.ask(() => {
      const list = new Set<string>();
      for (const { effects, of } of this.log(userStream(userId))) {
        const id = of!.split(' ')[0]!;
        if (effects.length > 0) list.add(id);
        else list.delete(id);
      }
      return [...list];
    });
  }

  async opening(userId: string): Promise<Opening> {
    const userEventId = await this.ask(() => this.head(userStream(userId)));
    const ids = await this.conversationIds(userId);
    return this.ask(() => {
      const streams = ids.map(conversationStream).filter((stream) => this.joined(userId, stream) !== undefined);
      const heads = streams.map((stream) => [stream.id, this.head(stream)] as const);
      return {
        ready: `"heads":${JSON.stringify(Object.fromEntries(heads))}`,
        heads: new Map(heads),
        userEventId,
      };
    });
  }

  beforeJoining(userId: string, stream: StreamRef): Promise<string | undefined> {
    return this.ask(() => {
      const joined = this.joined(userId, stream);
      return joined === undefined ? undefined : (this.log(stream)[joined - 2]?.event.id ?? START);
    });
  }

  readonly logOfGateway: FanoutOptions['log'] = {
    keys: new Keys(1),
    heads: <F extends string>(streams: readonly StreamRef[]) =>
      this.ask(() => streams.map((stream) => ({ id: this.head(stream) }) as Record<F | 'id', string>)),
    readAfter: (stream, after, count) => this.ask(() => this.after(stream, after).slice(0, count)),
    readFromCursor: (stream, cursor, count) =>
      this.ask(() => {
        const isKnown = cursor === START || this.log(stream).some(({ event }) => event.id === cursor);
        return isKnown ? this.after(stream, cursor).slice(0, count) : undefined;
      }),
  };

  /** As XRANGE does it: by time first. */
  private after(stream: StreamRef, id: string): RawEvent[] {
    const order = (text: string) => Number(text.split('-')[0]) * 1_000_000 + seqOf(text);
    return this.log(stream).flatMap(({ event }) => (order(event.id) > order(id) ? [event] : []));
  }

  private async ask<T>(look: () => T): Promise<T> {
    await new Promise<void>((go) => this.questions.push(go));
    const answer = look();
    await new Promise<void>((go) => this.questions.push(go));
    return answer;
  }
}
