/**
 * A channel of 10,000 beside one of 10: coming in, a page of who is there, and going, over REST and in turn on both, so that whatever else
 * runs hits both alike. The members of both are in the log and need no accounts.
 */
import { ulid } from 'ulid';
import { conversationStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { quantile } from './case.ts';
import type { Case, Measures, Side } from './case.ts';
import { ask, makeUsers } from './people.ts';
import type { Ask, BenchUser } from './people.ts';
import { startProduct } from './processes.ts';
import { openLog, projected, stopping } from './stored.ts';

const SIZES = [10, 10_000];
/** Of each act in a round. */
const TIMES = 50;
const AT_ONCE = 200;

async function fill(log: Log, room: string, members: number): Promise<void> {
  const come = () =>
    log.append({ script: 'conversation.join', stream: conversationStream(room), actorId: ulid(), args: {} });
  for (let left = members - 1; left > 0; left -= AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, come));
}

const ACTS: Readonly<Record<string, (room: string) => Ask>> = {
  join: (room) => ({ method: 'POST', path: `/conversations/${room}/join` }),
  page: (room) => ({ method: 'GET', path: `/conversations/${room}/participants?limit=10` }),
  leave: (room) => ({ method: 'POST', path: `/conversations/${room}/leave` }),
};

async function channels(): Promise<Side> {
  const product = await startProduct();
  const [owner, guest] = (await makeUsers(product, 2)) as [BenchUser, BenchUser];
  const log = await openLog(product);
  const rooms = new Map<number, string>();
  for (const size of SIZES) {
    const body = { type: 'channel', name: `bench ${size}` };
    const { id } = await ask<{ id: string }>(product, owner.token, { method: 'POST', path: '/conversations', body });
    await fill(log, id, size);
    rooms.set(size, id);
  }
  await projected(log);
  return {
    async round(): Promise<Measures> {
      const times = new Map<string, number[]>();
      for (let n = 0; n < TIMES; n += 1) {
        for (const [size, room] of rooms) {
          for (const [act, of] of Object.entries(ACTS)) {
            const began = performance.now();
            await ask(product, guest.token, of(room));
            const name = `p50 ms, ${act} of ${size}`;
            times.set(name, [...(times.get(name) ?? []), performance.now() - began]);
          }
        }
      }
      const sorted = (all: readonly number[]) => all.toSorted((a, b) => a - b);
      return Object.fromEntries([...times].map(([name, all]) => [name, quantile(sorted(all), 0.5)]));
    },
    stop: stopping(product, log),
  };
}

export const roomCases: readonly Case[] = [
  { name: 'rooms', about: 'a channel of 10,000 beside one of 10: join, list, leave', sides: { rill: channels } },
];
