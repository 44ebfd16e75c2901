/** Which sockets are open, by the word of their nodes: what comes back at once makes no noise, and what a dead node had open is gone. */
import { expect } from 'chai';
import { chat } from '../../src/chat/index.ts';
import type { Chat } from '../../src/chat/index.ts';
import type { OpenSocket } from '../../src/chat/feature.ts';
import { readConfig } from '../../src/config.ts';
import { userStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { Views } from '../../src/views/store.ts';
import { SECRET_KEY } from '../support/accounts.ts';
import { passTime } from '../support/passing.ts';
import { register } from '../support/projectors.ts';
import { user } from '../support/rooms.ts';
import { topologies, useWorld } from '../support/world.ts';

const USERS = 120;

for (const topology of topologies) {
  describe(`sockets that are open on ${topology}`, () => {
    const world = useWorld(topology);
    const users = Array.from({ length: USERS }, (_, i) => i + 1);
    beforeEach(() => Promise.all(users.map((n) => register(world.log, n))));

    const product = (log: Log): Chat => chat(log, new Views(log), readConfig({ SECRET_KEY }));
    const redis = () => world.log.connection.commands;
    const keys = (name: string) =>
      Array.from({ length: world.log.keys.partitions }, (_, p) => world.log.keys.at(p, name));

    /** A node, with its sockets by name. */
    class Node {
      readonly sessions: Chat['sessions'];
      readonly sockets = new Map<string, OpenSocket>();
      private readonly name: string;
      constructor(name: string) {
        this.name = name;
        this.sessions = product(world.log).sessions;
      }
      async open(...numbers: number[]): Promise<void> {
        const fresh = numbers.map((n) => ({
          caller: { userId: user(n), sessionId: 's' },
          connectionId: `${this.name}${n}`,
          deviceId: undefined,
        }));
        for (const socket of fresh) this.sockets.set(socket.connectionId, socket);
        await Promise.all(fresh.map((socket) => this.sessions.opened(socket)));
      }
      async close(...numbers: number[]): Promise<void> {
        await Promise.all(numbers.map((n) => this.sessions.closed(this.sockets.get(`${this.name}${n}`)!)));
      }
      renew(): Promise<void> {
        return this.sessions.renewed([...this.sockets.values()]);
      }
    }

    const pass = (ms: number) => passTime(world, ms, { userIds: users.map(user) });

    /** Fires what is due until nothing is; each twice at once, as after a doubt. */
    async function fireDue(): Promise<void> {
      const { timers } = product(world.log);
      const due = (
        await Promise.all(keys('timers').map((key) => redis().zrangebyscore(key, '-inf', Date.now(), 'WITHSCORES')))
      ).map((all) => all.flatMap((timer, i) => (i % 2 === 0 ? [[timer, Number(all[i + 1])] as const] : [])));
      const calls = due.flat().map(async ([timer, at]) => {
        const [kind = '', name = ''] = timer.split(' ');
        const fire = () => timers.find((one) => one.kind === kind)!.fire(name, at);
        await Promise.all([fire(), fire()]);
      });
      await Promise.all(calls);
    }

    const told = new Map<number, number>();
    beforeEach(() => told.clear());
    /** What others were told of these users since this was asked last. */
    async function news(numbers: readonly number[]): Promise<string[]> {
      const all = numbers.map(async (n) => {
        const events = await world.log.readAfter(userStream(user(n)), '0-0');
        const changes = events.filter(({ type }) => type === 'presence.changed');
        const fresh = changes.slice(told.get(n) ?? 0);
        told.set(n, changes.length);
        return fresh.map(({ json }) => (JSON.parse(json.toString()) as { data: { status: string } }).data.status);
      });
      return (await Promise.all(all)).flat();
    }
    const times = (count: number, status: string) => Array.from({ length: count }, () => status);
    async function known(): Promise<string[]> {
      const all = await Promise.all(keys('present').map((key) => redis().zrange(key, '0', '-1')));
      return all
        .flat()
        .filter((entry) => entry !== '-')
        .map((entry) => entry.split(' ')[2]!)
        .toSorted();
    }

    it('a node that is exchanged under everybody makes no change for who is back in time, and one for each who is not', async () => {
      const [first, second] = [new Node('A'), new Node('B')];
      await first.open(...users);
      expect(await news(users)).to.deep.equal(times(USERS, 'online'));
      const late = users.slice(0, 20);
      // Some are back before the old socket is known to have gone, some after.
      await Promise.all([first.close(...users), second.open(...users.slice(20))]);
      await pass(1_000);
      await fireDue();
      expect(await news(users)).to.deep.equal([]);
      await pass(5_000);
      await fireDue();
      await fireDue();
      expect(await news(users)).to.deep.equal(times(late.length, 'offline'));
      await Promise.all([second.open(...late), first.open(...late)]);
      expect(await news(users)).to.deep.equal(times(late.length, 'online'));
    });

    it('what a dead node had open is gone when its word runs out, but for who is elsewhere', async () => {
      const [dead, living] = [new Node('A'), new Node('B')];
      await dead.open(...users);
      await living.open(...users.slice(0, 50));
      await news(users);
      await pass(30_000);
      await living.renew();
      await fireDue();
      expect(await news(users)).to.deep.equal([]);
      await pass(12_000);
      await fireDue();
      await fireDue();
      expect(await news(users)).to.deep.equal(times(USERS - 50, 'offline'));
      expect(await known()).to.deep.equal([...living.sockets.keys()].toSorted());
      // It was only asleep.
      await dead.renew();
      expect(await news(users)).to.deep.equal(times(USERS - 50, 'online'));
    });

    it('a node and Redis come to be of one mind again', async () => {
      const node = new Node('A');
      await node.open(...users);
      await news(users);
      for (const n of [1, 2, 3]) {
        const stream = userStream(user(n));
        await redis().zrem(world.log.keys.of(stream, 'present'), `A1 ${user(n)} A${n}`);
        await redis().hdel(world.log.keys.of(stream, 'presence'), `@A${n}`);
      }
      const lacking = new Set([1, 2, 3].map((n) => world.log.keys.partitionOf(user(n))));
      const haunted = users.find((n) => !lacking.has(world.log.keys.partitionOf(user(n))))!;
      const ghost = { connection: 'AX', node: 'A1', lease: '0.A1', lease_ms: '40000' };
      const stream = userStream(user(haunted));
      await world.log.append({
        script: 'presence.arrive',
        stream,
        actorId: stream.id,
        knowsRepeats: true,
        args: ghost,
      });
      await node.renew();
      expect(await known()).to.deep.equal([...node.sockets.keys()].toSorted());
      await node.close(haunted);
      await pass(6_000);
      await fireDue();
      expect(await news(users)).to.deep.equal(['offline']);
    });
  });
}
