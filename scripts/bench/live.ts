/** Live cases: the same swarm and the same windows against the product, its peer and a bare server, in turn. */
import { Redis } from 'ioredis';
import { startRedis } from '../../src/redis/redis-server.ts';
import { pause, quantile } from './case.ts';
import type { Case, Measures, Side } from './case.ts';
import { makeUsers } from './people.ts';
import { costOf, cpuUs, rssKib, startBare, startPeer, startProduct } from './processes.ts';
import { closeRooms, openIdle, openMany, openRooms } from './servers.ts';
import type { Rooms, ServerName } from './servers.ts';

const SERVERS: readonly ServerName[] = ['rill', 'socket.io', 'bare'];
const WARM_UP = 10_000;

const onEach = (start: (server: ServerName) => Promise<Side>): Case['sides'] =>
  Object.fromEntries(SERVERS.map((server) => [server, () => start(server)]));

/**
 * Rooms on a server that has run for a while, as in a quiet room: the engine goes on compiling for thousands of
 * them, and that is not the cost of a message.
 */
const inRooms = (count: number, members: number, round: (made: Rooms) => Promise<Measures>): Case['sides'] =>
  onEach(async (server) => {
    const made = await openRooms(server, count, members);
    const first = { ...made, rooms: made.rooms.slice(0, 1) };
    await inFlight(first, 4, Math.min(WARM_UP, 1_000_000 / members));
    return { round: () => round(made), stop: () => closeRooms(made) };
  });

/** Resolves when each socket has had so many frames more than before. */
const allGot = (made: Rooms, before: readonly number[][], more: (room: number) => number) =>
  Promise.all(
    made.rooms.flatMap(({ sockets }, r) => sockets.map((s, i) => s.until(() => s.frames >= before[r]![i]! + more(r)))),
  );

const framesOf = ({ rooms }: Rooms): number[][] => rooms.map(({ sockets }) => sockets.map(({ frames }) => frames));

/** One room, `perSecond` messages, every delivery counted. */
async function paced(made: Rooms, perSecond: number, seconds: number): Promise<Measures> {
  const [{ sockets, command }] = made.rooms as [Rooms['rooms'][number]];
  const before = framesOf(made);
  const total = perSecond * seconds;
  return costOf(made.target, 'delivery', total * sockets.length, async () => {
    const began = performance.now();
    for (let sent = 0; sent < total; sent += 1) {
      sockets[0]!.send(command);
      const due = began + ((sent + 1) * 1_000) / perSecond - performance.now();
      if (due > 0) await pause(due);
    }
    await allGot(made, before, () => total);
  });
}

/** `window` messages in flight in all, over the rooms in turn, the next when an ack is there, as fast as it goes. */
async function inFlight(made: Rooms, window: number, total: number): Promise<Measures> {
  const { rooms } = made;
  const before = framesOf(made);
  const sentTo = rooms.map(() => 0);
  const senders = rooms.map(({ sockets }) => sockets[0]!);
  let [sent, acked] = [0, 0];
  const next = () => {
    if (sent >= total) return;
    const r = sent % rooms.length;
    sent += 1;
    sentTo[r]! += 1;
    senders[r]!.send(rooms[r]!.command);
  };
  const began = performance.now();
  let seconds = 0;
  const measures = await costOf(made.target, 'send', total, async () => {
    await new Promise<void>((resolve) => {
      const onAck = () => {
        acked += 1;
        if (acked === total) resolve();
        else next();
      };
      for (const sender of senders) sender.onAck = onAck;
      for (let i = 0; i < window; i += 1) next();
    });
    await allGot(made, before, (r) => sentTo[r]!);
    seconds = (performance.now() - began) / 1_000;
  });
  for (const sender of senders) sender.onAck = undefined;
  return { ...measures, 'sends/s': total / seconds };
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
  return { 'p50 ms': quantile(times, 0.5), 'p99 ms': quantile(times, 0.99), 'p999 ms': quantile(times, 0.999) };
}

/** From the send to the last member's screen. */
async function everyday({ target, rooms }: Rooms, perSecond: number, seconds: number): Promise<Measures> {
  let times: Measures = {};
  const cost = await costOf(target, 'send', perSecond * seconds, async () => {
    times = await atRate(perSecond, seconds, (n) => {
      const { command, sockets } = rooms[n % rooms.length]!;
      const goals = sockets.map((socket) => socket.frames + 1);
      sockets[0]!.send(command);
      return Promise.all(sockets.map((socket, i) => socket.until(() => socket.frames >= goals[i]!)));
    });
  });
  return { ...cost, ...times };
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

const IDLE = 10_000;
const IDLE_USERS = 1_000;

/** Sockets that do nothing, on a fresh server each round: memory that was given back once says nothing about the first use. */
async function idle(server: ServerName): Promise<Measures> {
  const target = await { rill: startProduct, 'socket.io': startPeer, bare: () => startBare('bare-ws') }[server]();
  const users = server === 'rill' ? await makeUsers(target, IDLE_USERS) : [];
  await pause(1_000);
  const empty = rssKib(target.pids);
  const sockets = await openMany(IDLE, (i) => openIdle(server, target, users[i % IDLE_USERS]?.token ?? ''));
  await pause(3_000);
  const rss = (rssKib(target.pids) - empty) / IDLE;
  const pids = target.redis ? [...target.pids, target.redis.pid] : target.pids;
  const cpu = cpuUs(pids);
  await pause(5_000);
  const perSecond = (cpuUs(pids) - cpu) / 5 / IDLE;
  for (const socket of sockets) socket.close();
  await target.stop();
  return { 'rss KiB/socket': rss, 'cpu us/socket/s': perSecond };
}

const rate = (perSecond: number): Case => ({
  name: `rate-${perSecond}`,
  about: `${perSecond.toLocaleString('en')} sends a second to 50 rooms of 10, to the last screen`,
  sides: {
    ...inRooms(50, 10, (made) => everyday(made, perSecond, 5)),
    ...(perSecond === 500 ? { xadd: () => durableAppends(perSecond, 5) } : {}),
  },
});

export const liveCases: readonly Case[] = [
  {
    name: 'room-paced',
    about: 'a room of 500, 20 messages a second',
    sides: inRooms(1, 500, (made) => paced(made, 20, 8)),
  },
  {
    name: 'room-4',
    about: 'a room of 500, 4 messages in flight',
    sides: inRooms(1, 500, (made) => inFlight(made, 4, 800)),
  },
  {
    name: 'room-16',
    about: 'a room of 500, 16 messages in flight',
    sides: inRooms(1, 500, (made) => inFlight(made, 16, 1_600)),
  },
  {
    name: 'many-rooms',
    about: '500 rooms of 4, 256 messages in flight',
    sides: inRooms(500, 4, (made) => inFlight(made, 256, 20_000)),
  },
  rate(100),
  rate(500),
  rate(2_000),
  {
    name: 'idle',
    about: '10,000 sockets that do nothing',
    sides: onEach(async (server) => ({ round: () => idle(server), stop: async () => {} })),
  },
];
