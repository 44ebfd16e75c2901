/** Live cases: each runs once per round against the product and against the bare server, in turn. */
import { Redis } from 'ioredis';
import { startRedis } from '../../src/redis/redis-server.ts';
import { makeRoom, makeUsers, sendCommand } from './people.ts';
import { cpuUs, rssKib, startBare, startProduct } from './processes.ts';
import type { Product, Target } from './processes.ts';
import { SwarmSocket } from './swarm.ts';

/** One number of one run: its unit is part of its name. */
export type Measures = Record<string, number>;
export interface Side {
  round(): Promise<Measures>;
  stop(): Promise<void>;
}
export interface Case {
  readonly name: string;
  readonly about: string;
  readonly sides: Readonly<Record<string, () => Promise<Side>>>;
}

const WS = '/api/v1/ws';
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sockets by room, of either server. */
interface Rooms {
  readonly target: Target;
  readonly rooms: { readonly id: string; readonly sockets: SwarmSocket[] }[];
}

async function productRooms(count: number, members: number): Promise<Rooms> {
  const target = await startProduct();
  const users = await makeUsers(target, count * members);
  const rooms: { id: string; sockets: SwarmSocket[] }[] = [];
  for (let r = 0; r < count; r += 1) {
    const inRoom = users.slice(r * members, (r + 1) * members);
    const id = await makeRoom(target, inRoom);
    const sockets = await Promise.all(inRoom.map((user) => SwarmSocket.open(target.port, WS, user.token)));
    await Promise.all(sockets.map((socket) => socket.until(() => socket.frames >= 1)));
    rooms.push({ id, sockets });
  }
  return { target, rooms };
}

async function bareRooms(count: number, members: number): Promise<Rooms> {
  const target = await startBare('bare-ws');
  const rooms = await Promise.all(
    Array.from({ length: count }, async (_, r) => ({
      id: String(r),
      sockets: await Promise.all(Array.from({ length: members }, () => SwarmSocket.open(target.port, `/?room=${r}`))),
    })),
  );
  return { target, rooms };
}

function side(made: Rooms, round: (made: Rooms) => Promise<Measures>): Side {
  return {
    round: () => round(made),
    async stop() {
      for (const room of made.rooms) for (const socket of room.sockets) socket.close();
      await made.target.stop();
    },
  };
}

const both = (count: number, members: number, round: (made: Rooms) => Promise<Measures>) => ({
  rill: async () => side(await warm(await productRooms(count, members)), round),
  bare: async () => side(await warm(await bareRooms(count, members)), round),
});

/** One sender, `perSecond` messages, every delivery counted. */
async function paced({ target, rooms: [room] }: Rooms, perSecond: number, seconds: number): Promise<Measures> {
  const { sockets, id } = room!;
  const before = sockets.map((socket) => socket.frames);
  const command = sendCommand(id);
  const cpu = cpuUs(target.pids);
  const total = perSecond * seconds;
  const began = performance.now();
  for (let sent = 0; sent < total; sent += 1) {
    sockets[0]!.send(command);
    const due = began + ((sent + 1) * 1_000) / perSecond - performance.now();
    if (due > 0) await pause(due);
  }
  await Promise.all(sockets.map((socket, i) => socket.until(() => socket.frames >= before[i]! + total)));
  return { 'cpu us/delivery': (cpuUs(target.pids) - cpu) / (total * sockets.length) };
}

/**
 * A server that has run for a while, one message at a time as in a quiet room: the engine goes on compiling for thousands of them, and
 * that is not the cost of a message.
 */
async function warm(made: Rooms): Promise<Rooms> {
  await saturated(made, 1, 10_000);
  return made;
}

/** `window` messages in flight in one room, as fast as it goes. */
async function saturated({ target, rooms: [room] }: Rooms, window: number, total: number): Promise<Measures> {
  const { sockets, id } = room!;
  const [sender] = sockets;
  const before = sockets.map((socket) => socket.frames);
  const ackedBefore = sender!.acks;
  const command = sendCommand(id);
  const cpu = cpuUs(target.pids);
  const began = performance.now();
  let sent = 0;
  const next = () => {
    if (sent >= total) return;
    sent += 1;
    sender!.send(command);
  };
  sender!.onAck = next;
  for (let i = 0; i < window; i += 1) next();
  await sender!.until(() => sender!.acks >= ackedBefore + total);
  sender!.onAck = undefined;
  await Promise.all(sockets.map((socket, i) => socket.until(() => socket.frames >= before[i]! + total)));
  const seconds = (performance.now() - began) / 1_000;
  const deliveries = total * sockets.length;
  return { 'cpu us/delivery': (cpuUs(target.pids) - cpu) / deliveries, 'deliveries/s': deliveries / seconds };
}

/** Every room sends one message at a time, the next when the ack is there. */
async function closedLoop({ target, rooms }: Rooms, perRoom: number): Promise<Measures> {
  const before = rooms.map((room) => room.sockets.map((socket) => socket.frames));
  const cpu = cpuUs(target.pids);
  const redis = (target as Partial<Product>).redis;
  const redisCpu = redis ? cpuUs([redis.pid]) : 0;
  const began = performance.now();
  await Promise.all(
    rooms.map(async ({ id, sockets }) => {
      const command = sendCommand(id);
      for (let i = 0; i < perRoom; i += 1) {
        const sender = sockets[i % sockets.length]!;
        const acked = sender.acks;
        sender.send(command);
        await sender.until(() => sender.acks > acked);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(
    rooms.flatMap(({ sockets }, r) => sockets.map((s, i) => s.until(() => s.frames >= before[r]![i]! + perRoom))),
  );
  const sends = rooms.length * perRoom;
  return {
    'cpu us/send': (cpuUs(target.pids) - cpu) / sends,
    ...(redis ? { 'redis us/send': (cpuUs([redis.pid]) - redisCpu) / sends } : {}),
    'sends/s': sends / seconds,
  };
}

/** Does something at a steady rate; `act` resolves when it has come through. */
async function atRate(perSecond: number, seconds: number, act: (n: number) => Promise<unknown>): Promise<Measures> {
  const times: number[] = [];
  const total = perSecond * seconds;
  const began = performance.now();
  const ends: Promise<void>[] = [];
  for (let n = 0; n < total; n += 1) {
    const at = performance.now();
    ends.push(act(n).then(() => void times.push(performance.now() - at)));
    const due = began + ((n + 1) * 1_000) / perSecond - performance.now();
    if (due > 0.2) await pause(due);
  }
  await Promise.all(ends);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  return { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'p999 ms': at(0.999) };
}

/** From the send to the last member's screen. */
async function latency({ target, rooms }: Rooms, perSecond: number, seconds: number): Promise<Measures> {
  const cpu = cpuUs(target.pids);
  const times = await atRate(perSecond, seconds, (n) => {
    const { id, sockets } = rooms[n % rooms.length]!;
    const goals = sockets.map((socket) => socket.frames + 1);
    sockets[0]!.send(sendCommand(id));
    return Promise.all(sockets.map((socket, i) => socket.until(() => socket.frames >= goals[i]!)));
  });
  return { ...times, 'cpu us/send': (cpuUs(target.pids) - cpu) / (perSecond * seconds) };
}

/** What of that is the disk: a bare durable append at the same rate. */
async function durableAppends(perSecond: number, seconds: number): Promise<Side> {
  const server = await startRedis();
  const client = new Redis(server.url);
  const event = 'x'.repeat(480);
  return {
    round: () => atRate(perSecond, seconds, () => client.xadd('bare', '*', 'event', event)),
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}

/** Sockets that do nothing. */
async function idle(target: Target, open: () => Promise<SwarmSocket[]>, count: number): Promise<Measures> {
  await pause(1_000);
  const empty = rssKib(target.pids);
  const sockets = await open();
  await pause(3_000);
  const rss = (rssKib(target.pids) - empty) / count;
  const cpu = cpuUs(target.pids);
  await pause(5_000);
  const perSecond = (cpuUs(target.pids) - cpu) / 5 / count;
  for (const socket of sockets) socket.close();
  return { 'rss KiB/socket': rss, 'cpu us/socket/s': perSecond };
}

const IDLE = 10_000;
async function openMany(count: number, open: (i: number) => Promise<SwarmSocket>): Promise<SwarmSocket[]> {
  const sockets: SwarmSocket[] = [];
  while (sockets.length < count) {
    const from = sockets.length;
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(100, count - from) }, (_, i) => open(from + i)))));
  }
  return sockets;
}

/** A fresh server for each round: memory that was given back once says nothing about the first use. */
const idleSides = {
  rill: async (): Promise<Side> => ({
    async round() {
      const target = await startProduct();
      const users = await makeUsers(target, 500);
      const measures = await idle(
        target,
        () =>
          openMany(IDLE, async (i) => {
            const socket = await SwarmSocket.open(target.port, WS, users[i % users.length]!.token);
            await socket.until(() => socket.frames >= 1);
            return socket;
          }),
        IDLE,
      );
      await target.stop();
      return measures;
    },
    stop: async () => {},
  }),
  bare: async (): Promise<Side> => ({
    async round() {
      const target = await startBare('bare-ws');
      const measures = await idle(
        target,
        () => openMany(IDLE, (i) => SwarmSocket.open(target.port, `/?room=${i}`)),
        IDLE,
      );
      await target.stop();
      return measures;
    },
    stop: async () => {},
  }),
};

export const liveCases: readonly Case[] = [
  {
    name: 'room-paced',
    about: 'a room of 500, 20 messages a second',
    sides: both(1, 500, (m) => paced(m, 20, 12)),
  },
  {
    name: 'room-saturated',
    about: 'a room of 500, 16 messages in flight',
    sides: both(1, 500, (m) => saturated(m, 16, 1_600)),
  },
  {
    name: 'many-rooms',
    about: '500 rooms of 4, each one durable send at a time',
    sides: both(500, 4, (m) => closedLoop(m, 40)),
  },
  {
    name: 'latency',
    about: '500 sends a second to 50 rooms of 10, to the last screen',
    sides: { ...both(50, 10, (m) => latency(m, 500, 4)), xadd: () => durableAppends(500, 4) },
  },
  { name: 'idle', about: '10,000 sockets that do nothing', sides: idleSides },
];
