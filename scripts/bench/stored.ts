/** Cases about what is stored: appends, pages of history, clients that come back, rebuild, replay, memory. */
import { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { randomBytes } from 'node:crypto';
import { events, projections } from '../../src/chat/index.ts';
import { START } from '../../src/envelope.ts';
import { eventDecoder } from '../../src/log/decoder.ts';
import { conversationStream } from '../../src/keys.ts';
import { Log } from '../../src/log/log.ts';
import type { LogOptions } from '../../src/log/log.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import { Views } from '../../src/views/store.ts';
import { quantile } from './case.ts';
import type { Case, Measures, Side } from './case.ts';
import { makeRoom, makeUsers } from './people.ts';
import type { BenchUser } from './people.ts';
import { costOf, cpuUs, startBare, startPeer, startProduct } from './processes.ts';
import type { Stored, Target } from './processes.ts';
import { openPeerSocket, peerPath } from './servers.ts';
import { Cursors } from '../../src/client/cursors.ts';
import { commandFrame } from '../../src/client/frames.ts';
import { SwarmSocket } from './swarm.ts';

export const openLog = (product: Stored, archive?: LogOptions['archive']): Promise<Log> =>
  Log.open({
    redis: { url: product.redis.url },
    partitions: 64,
    archive,
    replicationAcks: 0,
    newSalt: () => randomBytes(8).toString('hex'),
    warn: () => {},
  });

/** Fills a conversation past the network, with the product's own script. */
async function fill(log: Log, room: string, user: BenchUser, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200) {
    await Promise.all(Array.from({ length: Math.min(200, left) }, () => append(log, room, user)));
  }
}

export function append(log: Log, room: string, user: BenchUser, content = 'x'.repeat(100)): Promise<unknown> {
  const id = ulid();
  const data = {
    message_id: id,
    content,
    message_type: 'text',
    reply_to: null,
    attachments: [],
    mentions: [],
    mentions_all: false,
    metadata: {},
  };
  return log.append({
    script: 'message.send',
    stream: conversationStream(room),
    actorId: user.id,
    knowsRepeats: true,
    args: { message_id: id, reply_to: '', rules: '', broken: '', data: JSON.stringify(data) },
  });
}

/** Waits until every group has done with all there is: till then feeds are not trimmed, and what is measured has company. */
export async function projected(log: Log): Promise<void> {
  for (;;) {
    const parts = await Promise.all(Array.from({ length: log.keys.partitions }, (_, p) => log.progress(p)));
    const isDone = ({ head, checkpoints }: (typeof parts)[number]) =>
      checkpoints['views'] === head && Object.values(checkpoints).every((place) => place === head);
    if (parts.every(isDone)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withRoom(messages: number): Promise<{ product: Stored; log: Log; room: string; users: BenchUser[] }> {
  const product = await startProduct();
  const users = await makeUsers(product, 10);
  const room = await makeRoom(product, users);
  const log = await openLog(product);
  await fill(log, room, users[0]!, messages);
  await projected(log);
  return { product, log, room, users };
}

export const stopping = (product: Stored, log: Log) => async (): Promise<void> => {
  log.close();
  await product.stop();
};

/** The guarded append as the product makes it, pipelined from one client, and a bare XADD beside it. */
async function appends(): Promise<Side> {
  const { product, log, room, users } = await withRoom(100);
  return {
    async round(): Promise<Measures> {
      const count = 10_000;
      const [node, redis] = [process.cpuUsage(), cpuUs([product.redis.pid])];
      await fill(log, room, users[0]!, count);
      const { user, system } = process.cpuUsage(node);
      return {
        'redis us/append': (cpuUs([product.redis.pid]) - redis) / count,
        'client us/append': (user + system) / count,
      };
    },
    stop: stopping(product, log),
  };
}

async function bareAppends(): Promise<Side> {
  const product = await startProduct();
  const redis = new Redis(product.redis.url);
  const event = 'x'.repeat(480);
  return {
    async round(): Promise<Measures> {
      const count = 10_000;
      const [node, server] = [process.cpuUsage(), cpuUs([product.redis.pid])];
      for (let i = 0; i < count; i += 200) {
        await Promise.all(Array.from({ length: 200 }, () => redis.xadd('bare', '*', 'event', event)));
      }
      const { user, system } = process.cpuUsage(node);
      return {
        'redis us/append': (cpuUs([product.redis.pid]) - server) / count,
        'client us/append': (user + system) / count,
      };
    },
    async stop() {
      redis.disconnect();
      await product.stop();
    },
  };
}

const READERS = 8;
const PAGES = 5_000;
const IN_ROOM = 100_000;
/** As long as a message of 100 characters in the product's page. */
const ROW_BYTES = 650;

/** Reads pages through their cursors, by some readers at once. */
async function readPages(target: Target, path: string, headers: Record<string, string> = {}): Promise<Measures> {
  const times: number[] = [];
  let bytes = 0;
  const reader = async (first: number) => {
    let cursor = '';
    for (let i = first; i < PAGES; i += READERS) {
      const at = performance.now();
      const url = `http://127.0.0.1:${target.port}${path}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const text = await (await fetch(url, { headers })).text();
      times.push(performance.now() - at);
      bytes += text.length;
      cursor = (JSON.parse(text) as { next_cursor: string }).next_cursor;
    }
  };
  const cost = await costOf(target, 'page', PAGES, async () => {
    await Promise.all(Array.from({ length: READERS }, (_, i) => reader(i)));
  });
  times.sort((a, b) => a - b);
  return { ...cost, 'p50 ms': quantile(times, 0.5), 'p99 ms': quantile(times, 0.99), 'bytes/page': bytes / PAGES };
}

async function pages(): Promise<Side> {
  const { product, log, room, users } = await withRoom(IN_ROOM);
  const headers = { Authorization: `Bearer ${users[0]!.token}` };
  const path = `/api/v1/conversations/${room}/messages?limit=50`;
  return { round: () => readPages(product, path, headers), stop: stopping(product, log) };
}

/** The same from the room's stream, which is all that the peer has. */
async function peerPages(): Promise<Side> {
  const peer = await startPeer();
  const redis = new Redis(peer.redis.url);
  const row = JSON.stringify({ sender_id: ulid(), content: 'x'.repeat(ROW_BYTES - 80) });
  for (let left = IN_ROOM; left > 0; left -= 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, () => redis.xadd('room:1', '*', 'message', row)));
  }
  redis.disconnect();
  return { round: () => readPages(peer, '/messages?room=1'), stop: () => peer.stop() };
}

/** A page of the same length, ready in memory, from Node's own HTTP server. */
async function barePages(): Promise<Side> {
  const bare = await startBare('bare-http');
  return { round: () => readPages(bare, '/?limit=50'), stop: () => bare.stop() };
}

const CLIENTS = 1_000;
const MISSED = 100;

/** Measures that all come back and have what they missed; `comeBack` opens one socket and waits for that. */
async function allBack(target: Target, comeBack: (client: number) => Promise<SwarmSocket>): Promise<Measures> {
  let sockets: SwarmSocket[] = [];
  const began = performance.now();
  const cost = await costOf(target, 'client', CLIENTS, async () => {
    sockets = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => comeBack(client)));
  });
  const seconds = (performance.now() - began) / 1_000;
  for (const socket of sockets) socket.close();
  return { ...cost, 'all back s': seconds };
}

async function returning(): Promise<Side> {
  const product = await startProduct();
  const users = await makeUsers(product, CLIENTS);
  const room = await makeRoom(product, users);
  const log = await openLog(product);
  await projected(log);
  return {
    async round(): Promise<Measures> {
      const [head] = await log.heads([conversationStream(room)], []);
      await fill(log, room, users[0]!, MISSED);
      await projected(log);
      const { data } = new Cursors([[room, head!.id]]).resume('');
      const resume = commandFrame('session.resume', { id: '1', data });
      return allBack(product, async (client) => {
        const { token } = users[client]!;
        const socket = await SwarmSocket.open(product.port, '/api/v1/ws?resume=1', { token, dialect: 'rill' });
        await socket.until(() => socket.frames >= 1);
        socket.send(resume);
        await socket.until(() => socket.frames >= MISSED + 2);
        return socket;
      });
    },
    stop: stopping(product, log),
  };
}

/** By connection state recovery: each was there, lost its connection, and says what it had last. */
async function peerReturning(): Promise<Side> {
  const peer = await startPeer();
  const send = `421${JSON.stringify(['message.send', { room: '1', content: 'x'.repeat(300) }])}`;
  const sender = await openPeerSocket(peer.port, '1');
  const sendAll = async (count: number) => {
    const goal = sender.acks + count;
    for (let i = 0; i < count; i += 1) sender.send(send);
    await sender.until(() => sender.acks >= goal);
  };
  return {
    async round(): Promise<Measures> {
      const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => openPeerSocket(peer.port, '1')));
      let last = '';
      sockets[0]!.onFrame = (frame) => void (last = frame.toString('latin1'));
      await sendAll(1);
      await Promise.all(sockets.map((socket) => socket.until(() => socket.frames >= 1)));
      const offset = (JSON.parse(last.slice(2)) as unknown[]).at(-1);
      const sessions = sockets.map(({ session }) => (JSON.parse(session) as { pid: string }).pid);
      for (const socket of sockets) socket.close();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await sendAll(MISSED);
      return allBack(peer, async (client) => {
        const socket = await SwarmSocket.open(peer.port, peerPath('1'), { dialect: 'socket.io' });
        socket.send(`40${JSON.stringify({ pid: sessions[client], offset })}`);
        await socket.until(() => socket.frames >= MISSED);
        return socket;
      });
    },
    async stop() {
      sender.close();
      await peer.stop();
    },
  };
}

async function rebuilding(): Promise<Side> {
  const { product, log } = await withRoom(100_000);
  return {
    async round(): Promise<Measures> {
      const views = new Views(log);
      const options = { log, views, projections, decode: eventDecoder(events), groupName: 'views', worker: ulid() };
      let began = performance.now();
      const { events: count } = await rebuild(options);
      const rebuilt = count / ((performance.now() - began) / 1_000);
      began = performance.now();
      let read = 0;
      for await (const stream of log.streams())
        for await (const page of log.readAll(stream, START)) read += page.length;
      return { 'rebuilt events/s': rebuilt, 'replayed events/s': read / ((performance.now() - began) / 1_000) };
    },
    stop: stopping(product, log),
  };
}

/** What one message of 100 characters takes in Redis, once the feed is trimmed. */
async function memory(): Promise<Side> {
  const { product, log, room, users } = await withRoom(0);
  const used = async () => Number(/used_memory:(\d+)/.exec(await log.connection.masters()[0]!.info('memory'))![1]);
  return {
    async round(): Promise<Measures> {
      const trim = async () => {
        for (let p = 0; p < log.keys.partitions; p += 1) {
          let cut = 1;
          while (cut > 0)
            cut = Number((await log.runAt('feed.trim', p, { keep: '0', patience: '0', slice: '10000' }))[1]);
        }
      };
      await trim();
      const before = await used();
      await fill(log, room, users[0]!, 20_000);
      await projected(log);
      await trim();
      return { 'bytes/message': ((await used()) - before) / 20_000 };
    },
    stop: stopping(product, log),
  };
}

export const storedCases: readonly Case[] = [
  {
    name: 'append',
    about: 'the guarded append, beside a bare XADD',
    sides: { rill: appends, bare: bareAppends },
  },
  {
    name: 'pages',
    about: 'pages of 50 from a room of 100,000, beside one that is ready in memory',
    sides: { rill: pages, 'socket.io': peerPages, bare: barePages },
  },
  {
    name: 'returning',
    about: '1,000 clients that each missed 100 messages',
    sides: { rill: returning, 'socket.io': peerReturning },
  },
  {
    name: 'rebuild',
    about: 'all views of 100,000 events, and reading them again',
    sides: { rill: rebuilding },
  },
  { name: 'memory', about: 'Redis bytes for a message of 100 characters', sides: { rill: memory } },
];
