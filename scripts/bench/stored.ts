/** Cases about what is stored: appends, pages of history, clients that come back, rebuild, replay, memory. */
import { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { randomBytes } from 'node:crypto';
import { events, projections } from '../../src/chat/index.ts';
import { eventDecoder, START } from '../../src/envelope.ts';
import { conversationStream } from '../../src/keys.ts';
import { Log } from '../../src/log/log.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import { Views } from '../../src/views/store.ts';
import type { Case, Measures, Side } from './live.ts';
import { makeRoom, makeUsers } from './people.ts';
import type { BenchUser } from './people.ts';
import { cpuUs, startBare, startProduct } from './processes.ts';
import type { Product } from './processes.ts';
import { SwarmSocket } from './swarm.ts';

const openLog = (product: Product): Promise<Log> =>
  Log.open({
    redis: { url: product.redis.url },
    partitions: 64,
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

function append(log: Log, room: string, user: BenchUser): Promise<unknown> {
  const id = ulid();
  const data = {
    message_id: id,
    content: 'x'.repeat(100),
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
    args: { message_id: id, reply_to: '', data: JSON.stringify(data) },
  });
}

/** Waits until the projector has folded all there is. */
async function projected(log: Log): Promise<void> {
  for (;;) {
    const parts = await Promise.all(Array.from({ length: log.keys.partitions }, (_, p) => log.progress(p)));
    if (parts.every(({ head, checkpoints }) => checkpoints['views'] === head)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withRoom(messages: number): Promise<{ product: Product; log: Log; room: string; users: BenchUser[] }> {
  const product = await startProduct();
  const users = await makeUsers(product, 10);
  const room = await makeRoom(product, users);
  const log = await openLog(product);
  await fill(log, room, users[0]!, messages);
  await projected(log);
  return { product, log, room, users };
}

const stopping = (product: Product, log: Log) => async (): Promise<void> => {
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

/** Reads pages through their cursors, by some readers at once. */
async function readPages(
  base: string,
  pids: readonly number[],
  headers: Record<string, string> = {},
): Promise<Measures> {
  const cpu = cpuUs(pids);
  const times: number[] = [];
  const began = performance.now();
  const reader = async (first: number) => {
    let cursor = '';
    for (let i = first; i < PAGES; i += READERS) {
      const at = performance.now();
      const response = await fetch(base + (cursor && `&cursor=${cursor}`), { headers });
      const page = (await response.json()) as { next_cursor: string };
      times.push(performance.now() - at);
      cursor = page.next_cursor;
    }
  };
  await Promise.all(Array.from({ length: READERS }, (_, i) => reader(i)));
  const seconds = (performance.now() - began) / 1_000;
  times.sort((a, b) => a - b);
  return {
    'cpu us/page': (cpuUs(pids) - cpu) / PAGES,
    'pages/s': PAGES / seconds,
    'p99 ms': times[Math.floor(PAGES * 0.99)]!,
  };
}

async function pages(): Promise<Side> {
  const { product, log, room, users } = await withRoom(100_000);
  const headers = { Authorization: `Bearer ${users[0]!.token}` };
  const base = `http://127.0.0.1:${product.port}/api/v1/conversations/${room}/messages?limit=50`;
  return { round: () => readPages(base, product.pids, headers), stop: stopping(product, log) };
}

/** A page of the same length, ready in memory, from Node's own HTTP server. */
async function barePages(): Promise<Side> {
  const bare = await startBare('bare-http');
  return { round: () => readPages(`http://127.0.0.1:${bare.port}/?limit=50`, bare.pids), stop: () => bare.stop() };
}

/** 1,000 clients that each missed 100 messages come back at once. */
async function returning(): Promise<Side> {
  const product = await startProduct();
  const users = await makeUsers(product, 1_000);
  const room = await makeRoom(product, users);
  const log = await openLog(product);
  await projected(log);
  return {
    async round(): Promise<Measures> {
      const [head] = await log.heads([conversationStream(room)], []);
      await fill(log, room, users[0]!, 100);
      await projected(log);
      const cpu = cpuUs(product.pids);
      const began = performance.now();
      const sockets = await Promise.all(
        users.map(async (user) => {
          const socket = await SwarmSocket.open(product.port, '/api/v1/ws?resume=1', user.token);
          await socket.until(() => socket.frames >= 1);
          socket.send(JSON.stringify({ type: 'session.resume', id: '1', data: { cursors: { [room]: head!.id } } }));
          await socket.until(() => socket.frames >= 102);
          return socket;
        }),
      );
      const seconds = (performance.now() - began) / 1_000;
      const used = (cpuUs(product.pids) - cpu) / users.length / 1_000;
      for (const socket of sockets) socket.close();
      return { 'all back s': seconds, 'cpu ms/client': used };
    },
    stop: stopping(product, log),
  };
}

async function rebuilding(): Promise<Side> {
  const { product, log } = await withRoom(100_000);
  return {
    async round(): Promise<Measures> {
      const views = new Views(log);
      const options = { log, views, projections, decode: eventDecoder(events), groupName: 'views', worker: ulid() };
      let began = performance.now();
      const count = await rebuild(options);
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
          while (cut > 0) cut = Number((await log.runAt('feed.trim', p, { keep: '0', slice: '10000' }))[1]);
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
    sides: { rill: pages, bare: barePages },
  },
  { name: 'returning', about: '1,000 clients that each missed 100 messages', sides: { rill: returning } },
  {
    name: 'rebuild',
    about: 'all views of 100,000 events, and reading them again',
    sides: { rill: rebuilding },
  },
  { name: 'memory', about: 'Redis bytes for a message of 100 characters', sides: { rill: memory } },
];
