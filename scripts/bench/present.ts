/** What it costs each second that people are known to be there: sockets that do nothing, against the same server without any. */
import { Redis } from 'ioredis';
import { pause } from './case.ts';
import type { Case, Measures, Side } from './case.ts';
import { makeUsers } from './people.ts';
import type { BenchUser } from './people.ts';
import { cpuUs, startProduct } from './processes.ts';
import type { Stored } from './processes.ts';
import { openIdle, openMany } from './servers.ts';
import type { SwarmSocket } from './swarm.ts';

const SOCKETS = 10_000;
const USERS = 1_000;
const RELOADED = 3_000;
/** After the grace, and after the timers that end it. */
const SETTLED_MS = 8_000;
/** One renewal of every word. */
const ROUND_S = 15;

async function perSecond(target: Stored, redis: Redis): Promise<Measures> {
  const look = async () => {
    const info = await redis.info();
    const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
    return {
      node: cpuUs(target.pids),
      redis: cpuUs([target.redis.pid]),
      commands: number('total_commands_processed'),
      written: number('aof_current_size'),
    };
  };
  const before = await look();
  await pause(ROUND_S * 1_000);
  const after = await look();
  return {
    'cpu us/s': (after.node - before.node) / ROUND_S,
    'redis us/s': (after.redis - before.redis) / ROUND_S,
    'redis commands/s': (after.commands - before.commands) / ROUND_S,
    'log bytes/s': (after.written - before.written) / ROUND_S,
  };
}

/** Sockets of these users in turn. */
const openAll = (target: Stored, users: readonly BenchUser[], count: number): Promise<SwarmSocket[]> =>
  openMany(count, (i) => openIdle('rill', target, users[i % users.length]!.token));

async function present(count: number): Promise<Side> {
  const target = await startProduct();
  const redis = new Redis(target.redis.url);
  const sockets = await openAll(target, await makeUsers(target, USERS), count);
  return {
    round: () => perSecond(target, redis),
    async stop() {
      for (const socket of sockets) socket.close();
      redis.disconnect();
      await target.stop();
    },
  };
}

/** Everybody's socket goes, and everybody is back at once: what others are told of it is counted in the logs. */
async function reload(count: number): Promise<Side> {
  const target = await startProduct();
  const redis = new Redis(target.redis.url);
  const users = await makeUsers(target, count);
  let sockets = await openAll(target, users, count);
  const logs = await redis.keys('chat:{*}:user:*:events');
  const events = async () => {
    const lengths = await Promise.all(logs.map((log) => redis.xlen(log)));
    return lengths.reduce((sum, length) => sum + length, 0);
  };
  return {
    async round() {
      await pause(SETTLED_MS);
      const before = { events: await events(), node: cpuUs(target.pids), redis: cpuUs([target.redis.pid]) };
      const began = performance.now();
      for (const socket of sockets) socket.close();
      sockets = await openAll(target, users, count);
      const seconds = (performance.now() - began) / 1_000;
      await pause(SETTLED_MS);
      return {
        's until all are back': seconds,
        'events, of all': (await events()) - before.events,
        'cpu us/socket': (cpuUs(target.pids) - before.node) / count,
        'redis us/socket': (cpuUs([target.redis.pid]) - before.redis) / count,
      };
    },
    async stop() {
      for (const socket of sockets) socket.close();
      redis.disconnect();
      await target.stop();
    },
  };
}

export const presentCases: readonly Case[] = [
  {
    name: 'present',
    about: `${SOCKETS.toLocaleString('en')} sockets that do nothing, on 64 partitions, each second`,
    sides: { rill: () => present(SOCKETS), none: () => present(0) },
  },
  {
    name: 'reload',
    about: `${RELOADED.toLocaleString('en')} people whose sockets go and are back at once`,
    sides: { rill: () => reload(RELOADED) },
  },
];
