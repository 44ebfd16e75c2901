/** Two nodes on one Redis, all in memory, clients that come and go, and everything that may happen to them, one step at a time. */
import { Fanout } from '../../src/gateway/fanout.ts';
import { Flusher, Outbox } from '../../src/gateway/outbox.ts';
import { Session } from '../../src/gateway/session.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import { settled } from './node-in-memory.ts';
import { ReaderModel } from './reader-model.ts';
import type { SeenFrame } from './reader-model.ts';
import { RedisInMemory } from './redis-in-memory.ts';
import type { Entry } from './redis-in-memory.ts';
import { Wire } from './wire.ts';

const USERS = ['01HVSERA000000000000000000', '01HVSERB000000000000000000'];
const ROOMS = ['01HR00MA000000000000000000', '01HR00MB000000000000000000'].map(conversationStream);

/** What may happen, and how often beside the rest. */
export const weights = {
  write: 4,
  writeMuch: 1,
  join: 3,
  leave: 2,
  project: 4,
  tail: 8,
  handOver: 8,
  answer: 16,
  open: 2,
  openResuming: 3,
  resume: 3,
  sync: 4,
  end: 1,
  stick: 1,
  unstick: 2,
  failover: 1,
  cutFeed: 1,
};

export interface Step {
  readonly kind: keyof typeof weights;
  readonly a: number;
  readonly b: number;
}

const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)];

class Node {
  readonly fanout: Fanout;
  readonly flusher = new Flusher();
  private readonly redis: RedisInMemory;
  /** What the tail has read, and what of it is still to be handed over. */
  private last: Entry | undefined;
  private brought: Entry[] = [];
  private losing: Promise<void> | undefined;

  constructor(redis: RedisInMemory) {
    this.redis = redis;
    this.fanout = new Fanout({
      log: redis.logOfGateway,
      flusher: this.flusher,
      meaning: { effectsOf: ({ stream, id }) => redis.effects.get(`${stream.id} ${id}`) ?? [] },
    });
  }

  get isIdle(): boolean {
    return this.losing === undefined && this.brought.length === 0 && this.last === this.redis.feed.at(-1);
  }

  /** Reads on; where its place is gone it takes the end, and everybody is brought up. */
  tail(count: number): void {
    if (this.losing) return;
    const at = this.last === undefined ? -1 : this.redis.feed.indexOf(this.last);
    if (at < 0 && this.last !== undefined) return this.lose();
    const entries = this.redis.feed.slice(at + 1, at + 1 + count);
    this.brought.push(...entries);
    this.last = entries.at(-1) ?? this.last;
  }

  lose(): void {
    if (this.losing) return;
    this.handOver();
    this.last = this.redis.feed.at(-1);
    this.losing = this.fanout.lost(0).finally(() => (this.losing = undefined));
  }

  handOver(): void {
    this.fanout.take(this.brought.splice(0).map(({ event }) => event));
  }
}

class Client {
  readonly model: ReaderModel;
  readonly wire = new Wire();
  readonly session: Session;
  readonly closes: number[] = [];
  readonly errors: unknown[] = [];
  readonly cursors: ReadonlyMap<string, string>;
  readonly userId: string;
  readonly resumes: boolean;
  isOver = false;
  hasResumed = false;
  private seen = 0;
  private commands = 0;

  constructor(world: DeliveryModel, node: Node, userId: string, cursors: ReadonlyMap<string, string> | undefined) {
    const { redis } = world;
    this.userId = userId;
    this.cursors = cursors ?? new Map();
    this.resumes = cursors !== undefined;
    this.model = new ReaderModel(redis, userId);
    const outbox = new Outbox(this.wire, { flusher: node.flusher, maxBufferedBytes: 4_000, onTooSlow: () => {} });
    this.session = new Session({
      fanout: node.fanout,
      outbox,
      ws: { close: (code = 0) => void this.closes.push(code), terminate: () => {}, pause: () => {}, resume: () => {} },
      caller: { userId, sessionId: 's' },
      expiresAt: Infinity,
      only: undefined,
      resumes: this.resumes,
      heartbeatSeconds: 30,
      maxFramesPerSecond: 0,
      conversationIds: () => redis.conversationIds(userId),
      opening: () => redis.opening(userId),
      hasEnded: async () => false,
      beforeJoining: (stream) => redis.beforeJoining(userId, stream),
      run: async () => ({}),
      now: () => 0,
      onReady: () => {},
      onClosed: () => {},
      onError: (error) => this.errors.push(error),
    });
    this.session.open().catch((error: unknown) => this.errors.push(error));
  }

  get isReady(): boolean {
    return this.wire.texts().some((text) => text.startsWith('{"type":"session.ready"'));
  }

  resume(): void {
    if (!this.resumes || !this.isReady || this.hasResumed) return;
    this.hasResumed = true;
    const conversations = Object.fromEntries([...this.cursors].filter(([id]) => id !== this.userId));
    const user = this.cursors.get(this.userId);
    this.send('session.resume', { cursors: conversations, ...(user === undefined ? {} : { user }) });
  }

  sync(conversation_id: string, after: string): void {
    this.model.asks(this.send('conversation.sync', { conversation_id, after }), conversation_id, after);
  }

  end(): void {
    this.isOver = true;
    this.session.ended();
  }

  /** Looks at what came since the last time. */
  look(): void {
    if (this.errors.length > 0) throw this.errors[0];
    if (this.closes.length > 0) throw new Error(`closed with ${this.closes.join()}`);
    for (const text of this.wire.texts().slice(this.seen)) {
      const frame = JSON.parse(text) as SeenFrame;
      if (frame.type === 'session.ready') {
        const { heads, user_event_id } = frame.data as { heads: Record<string, string>; user_event_id: string };
        this.model.startsAt([...Object.entries(heads), [this.userId, user_event_id]], this.cursors);
      } else this.model.sees(frame);
      this.seen += 1;
    }
  }

  private send(type: string, data: object): string {
    const id = `c${(this.commands += 1)}`;
    this.session.receive(Buffer.from(JSON.stringify({ type, id, data })), false);
    return id;
  }
}

export class DeliveryModel {
  readonly redis = new RedisInMemory();
  private readonly nodes = [new Node(this.redis), new Node(this.redis)];
  private readonly clients: Client[] = [];

  async do({ kind, a, b }: Step): Promise<void> {
    const { redis } = this;
    const room = pick(ROOMS, a)!;
    const user = pick(USERS, b)!;
    const node = pick(this.nodes, a)!;
    const client = pick(
      this.clients.filter(({ isOver }) => !isOver),
      b,
    );
    switch (kind) {
      case 'write':
        for (let i = 0; i <= b % 4; i += 1) redis.append(room);
        break;
      case 'writeMuch':
        redis.append(room, { bytes: 150_000 });
        break;
      case 'join':
        redis.changeMembership('joined', user, room);
        break;
      case 'leave':
        redis.changeMembership('left', user, room);
        break;
      case 'project':
        redis.project();
        break;
      case 'tail':
        node.tail(1 + (b % 5));
        break;
      case 'handOver':
        node.handOver();
        break;
      case 'answer':
        for (let i = 0; i <= a % 4; i += 1) redis.step(b);
        break;
      case 'open':
        this.clients.push(new Client(this, node, user, undefined));
        break;
      case 'openResuming':
        this.openResuming(node, user, b);
        break;
      case 'resume':
        client?.resume();
        break;
      case 'sync':
        if (client) this.sync(client, room.id, a);
        break;
      case 'end':
        client?.end();
        break;
      case 'stick':
        if (client) client.wire.isStuck = true;
        break;
      case 'unstick':
        client?.wire.takeAll();
        break;
      case 'failover':
        redis.fail(1 + (b % 6));
        break;
      case 'cutFeed':
        node.lose();
        break;
    }
    await this.rest();
  }

  /** Everything that is under way arrives, and one more event of each stream: then everybody has what there is. */
  async finish(): Promise<void> {
    await this.calm();
    for (const stream of [...ROOMS, ...USERS.map(userStream)]) this.redis.append(stream, { of: 'x y' });
    await this.calm();
    for (const { isOver, model, userId } of this.clients) {
      if (isOver) continue;
      for (const stream of [...ROOMS, userStream(userId)]) {
        const isIn = stream.kind === 'user' || this.redis.joined(userId, stream) !== undefined;
        const expected = isIn ? this.redis.head(stream) : undefined;
        const cursor = model.cursors.get(stream.id);
        // Who asked while it was there, before the tail came to it, hears of it again when they come back.
        if (this.redis.undone.has(`${userId} ${stream.id}`)) continue;
        if (isIn && cursor !== expected)
          throw new Error(`${userId} stands at ${cursor} of ${stream.id}, which is at ${expected}`);
      }
    }
  }

  private openResuming(node: Node, user: string, n: number): void {
    const before = pick(
      this.clients.filter(({ userId, isReady }) => userId === user && isReady),
      n,
    );
    if (before) this.clients.push(new Client(this, node, user, new Map(before.model.cursors)));
  }

  private sync(client: Client, roomId: string, n: number): void {
    const all = this.redis.log(conversationStream(roomId)).map(({ event }) => event.id);
    const after = pick([...all, '0-0', client.model.cursors.get(roomId) ?? '0-0', '77777-3'], n)!;
    if (client.isReady && client.model.cursors.has(roomId)) client.sync(roomId, after);
  }

  private async calm(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      for (const client of this.clients) {
        client.wire.takeAll();
        client.resume();
      }
      const isBusy = [this.redis.project(), this.redis.step(0), this.nodes.some(({ isIdle }) => !isIdle)].some(Boolean);
      for (const node of this.nodes) {
        node.tail(5);
        node.handOver();
      }
      await this.rest();
      quiet = isBusy ? 0 : quiet + 1;
    }
  }

  private async rest(): Promise<void> {
    await settled();
    for (const client of this.clients) if (!client.isOver) client.look();
  }
}
