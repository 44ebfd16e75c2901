/** Following the feeds: in order, nothing missed and nothing twice, whatever happens to the connection; a loss is always told. */
import { expect } from 'chai';
import type { RawEvent } from '../src/envelope.ts';
import { Tail } from '../src/log/tail.ts';
import { until } from '../src/redis/redis-server.ts';
import { breakPush, troubles } from './support/push-trouble.ts';
import { codeOf, partitionRoom, Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

const PARTITIONS = 4;

for (const topology of topologies) {
  describe(`the tail on ${topology}`, () => {
    const world = useWorld(topology);
    const redis = () => world.log.connection.commands;
    let tail: Tail;
    let events: RawEvent[];
    let lost: number[];
    let onEvents: (some: readonly RawEvent[]) => void;
    let onLost: () => Promise<void>;
    let rooms: Room[];

    beforeEach(async () => {
      events = [];
      lost = [];
      onEvents = (some) => void events.push(...some);
      onLost = async () => {};
      tail = new Tail({
        log: world.log,
        onEvents: (some) => onEvents(some),
        onLost: async (partition) => {
          lost.push(partition);
          await onLost();
        },
        warn: (message) => void world.warnings.push(message),
      });
      rooms = Array.from({ length: PARTITIONS }, (_, p) => partitionRoom(world, p));
      for (const room of rooms) await room.create({ kind: 'channel' });
    });
    let mend = () => {};
    afterEach(async () => {
      const end = mend;
      mend = () => {};
      await tail.stop();
      end();
    });

    /** Everything that the feeds' logs have after a time, as the tail must have given it: by room, in order. */
    async function expectAll(after: ReadonlyMap<Room, number>): Promise<void> {
      for (const room of rooms) {
        const ids = (await room.log()).map(({ id }) => id).slice(after.get(room));
        const given = () => events.filter(({ stream }) => stream.id === room.stream.id).map(({ id }) => id);
        await until('every event was given', () => given().length >= ids.length);
        expect(given()).to.deep.equal(ids);
      }
    }
    const lengths = async () =>
      new Map(await Promise.all(rooms.map(async (r) => [r, (await r.log()).length] as const)));
    let message = 0;
    const sendToAll = (count: number) =>
      Promise.all(rooms.flatMap((room) => Array.from({ length: count }, () => room.send(1, (message += 1)))));

    const connections = async () => {
      const lists = await Promise.all(world.log.connection.masters().map((m) => m.client('LIST') as Promise<string>));
      return lists.join('').trim().split('\n').length;
    };
    it('gives what comes after its start, of every partition, in order', async () => {
      const before = await lengths();
      await tail.start();
      await sendToAll(40);
      await sendToAll(1);
      await expectAll(before);
      expect(lost).to.deep.equal([]);
    });

    it('misses nothing that is written while it starts', async () => {
      const before = await lengths();
      const writing = (async () => {
        for (let n = 0; n < 20; n += 1) await sendToAll(1);
      })();
      await tail.start();
      const started = events.length;
      await writing;
      await sendToAll(1);
      for (const room of rooms) {
        const ids = (await room.log()).map(({ id }) => id).slice(before.get(room));
        const given = () => events.filter(({ stream }) => stream.id === room.stream.id).map(({ id }) => id);
        await until('the last event was given', () => given().at(-1) === ids.at(-1));
        expect(given()).to.deep.equal(ids.slice(-given().length));
      }
      expect(started).to.equal(0);
    });

    for (const trouble of troubles) {
      it(`gives everything in order and once where what is published is ${trouble}`, async () => {
        mend = breakPush(trouble);
        const before = await lengths();
        await tail.start();
        for (let n = 0; n < 8; n += 1) {
          await sendToAll(5);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await expectAll(before);
        await sendToAll(1);
        await expectAll(before);
        expect(lost).to.deep.equal([]);
      });
    }

    it('goes on where it was when its connections are cut', async () => {
      const before = await lengths();
      await tail.start();
      for (let n = 0; n < 3; n += 1) {
        await sendToAll(5);
        const cut = world.log.connection.masters().map((master) => master.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
        await Promise.all([...cut, sendToAll(5)]);
      }
      await expectAll(before);
      expect(lost).to.deep.equal([]);
    });

    it('goes on when its reader throws, and says so', async () => {
      const take = onEvents;
      onEvents = () => {
        onEvents = take;
        throw new Error('the reader broke');
      };
      await tail.start();
      await sendToAll(1);
      await until('it was told', () => world.warnings.includes('tail: the reader broke'));
      const before = await lengths();
      await sendToAll(1);
      for (const room of rooms) {
        const last = (await room.log()).slice(before.get(room))[0]!.id;
        await until('the next event was given', () => events.some(({ id }) => id === last));
      }
    });

    it('reads so much at once as a node has room for, and brings all of a long backlog', async () => {
      const masters = world.log.connection.masters();
      const monitors = await Promise.all(masters.map((master) => master.monitor()));
      const counts: number[] = [];
      for (const monitor of monitors) {
        monitor.on('monitor', (_: string, [name, key, , , , count]: string[]) => {
          if (name === 'xrange' && key!.endsWith(':feed')) counts.push(Number(count));
        });
      }
      const before = await lengths();
      await tail.start();
      mend = breakPush('cut');
      await Promise.all(Array.from({ length: 600 }, (_, n) => rooms[0]!.send(1, 100_000 + n)));
      await expectAll(before);
      for (const monitor of monitors) monitor.disconnect();
      expect(Math.max(...counts)).to.be.within(1, 64);
    });

    it('passes over entries of strangers', async () => {
      const before = await lengths();
      await tail.start();
      for (const room of rooms) {
        const ms = Number((await room.log()).at(-1)!.id.split('-')[0]);
        await until('a later time', () => Date.now() > ms + 2);
        await redis().xadd(room.key('feed'), `${ms + 1}-0`, 'hello', 'world');
        await redis().xadd(room.key('feed'), `${ms + 1}-7`, 'type', 'message.sent', 'event', '{}');
      }
      await sendToAll(2);
      await expectAll(before);
      expect(lost).to.deep.equal([]);
    });

    /** Two events in the feed of which the first is gone before anyone can read it. */
    async function loseOne(room: Room): Promise<void> {
      const last = (await redis().xrevrange(room.key('feed'), '+', '-', 'COUNT', 1))[0]!;
      const [ms, seq] = last[0].split('-').map(Number);
      const next = [1, 2].map((n) => `${ms! + 1}-${seq! + n}`);
      await redis()
        .multi()
        .xadd(room.key('feed'), next[0]!, ...last[1])
        .xadd(room.key('feed'), next[1]!, ...last[1])
        .xtrim(room.key('feed'), 'MINID', next[1]!)
        .hset(room.key('feed_head'), 'id', next[1]!)
        .exec();
    }

    it('says that the feed was cut off behind it, and goes on from its end', async () => {
      await tail.start();
      await sendToAll(2);
      await expectAll(new Map(rooms.map((room) => [room, 1])));
      events = [];
      const before = await lengths();
      await loseOne(rooms[2]!);
      await until('the loss is told', () => lost.length > 0);
      await sendToAll(3);
      await expectAll(before);
      expect(lost).to.deep.equal([2]);
    });

    it('tells a loss again until the reader could be brought up', async () => {
      await tail.start();
      let attempts = 0;
      onLost = async () => {
        if ((attempts += 1) < 3) throw new Error('the logs cannot be read');
      };
      await loseOne(rooms[1]!);
      await until('it was told three times', () => attempts === 3);
      events = [];
      const before = await lengths();
      await sendToAll(1);
      await expectAll(before);
      expect(lost).to.deep.equal([1, 1, 1]);
    });

    it('sees that Redis was emptied, as soon as it is written to again', async () => {
      await tail.start();
      await sendToAll(2);
      await expectAll(new Map(rooms.map((room) => [room, 1])));
      await Promise.all(world.log.connection.masters().map((master) => master.flushall()));
      for (const room of rooms) await room.create();
      await until('every loss is told', () => new Set(lost).size === PARTITIONS);
      await sendToAll(1);
      for (const room of rooms) {
        const { id } = (await room.log()).at(-1)!;
        const isLast = (event: RawEvent) => event.id === id && event.stream.id === room.stream.id;
        await until('what came after the loss was given', () => events.some(isLast));
      }
      events = [];
      const before = await lengths();
      await sendToAll(2);
      await expectAll(before);
      expect(lost.toSorted((a, b) => a - b)).to.deep.equal([0, 1, 2, 3]);
    });

    it('leaves no connection behind, whenever it is stopped', async () => {
      const before = await connections();
      await tail.start();
      const soon = performance.now();
      await tail.stop();
      expect(performance.now() - soon).to.be.below(500);
      await until('nothing is left of a tail that was just starting', async () => (await connections()) === before);
      tail = new Tail({ log: world.log, onEvents: () => {}, onLost: async () => {}, warn: () => {} });
      await tail.start();
      const began = performance.now();
      await tail.stop();
      expect(performance.now() - began).to.be.below(500);
      await until('nothing is left of a tail that waited', async () => (await connections()) === before);
    });

    // A Cluster that was killed as a whole takes seconds to come back, and the same way.
    if (topology === 'one Redis') {
      it('comes back with Redis', async () => {
        const before = await lengths();
        await tail.start();
        await sendToAll(2);
        const startAgain = await world.killRedis();
        await startAgain();
        await until('commands are taken', async () => (await codeOf(sendToAll(1))) === 'was not refused');
        await expectAll(before);
        expect(lost).to.deep.equal([]);
      });
    }
  });
}

describe('the tail of a Redis that is quiet', () => {
  const world = useWorld();

  it('notices by itself that the feed was cut between two reads', async () => {
    const lost: number[] = [];
    const onLost = async (partition: number) => void lost.push(partition);
    const tail = new Tail({ log: world.log, onEvents: () => {}, onLost, warn: () => {} });
    const room = partitionRoom(world, 3);
    await room.create();
    await tail.start();
    const { commands } = world.log.connection;
    const head = (await commands.hget(room.key('feed_head'), 'id'))!;
    await commands.hset(room.key('feed_head'), 'id', head.replace(/-.*/, '-5'));
    await until('the loss is told', () => lost.length > 0);
    expect(lost).to.deep.equal([3]);
    await tail.stop();
  });

  it('notices by itself that it was emptied', async () => {
    const lost: number[] = [];
    const onLost = async (partition: number) => void lost.push(partition);
    const tail = new Tail({ log: world.log, onEvents: () => {}, onLost, warn: () => {} });
    await partitionRoom(world, 3).create();
    await tail.start();
    const master = world.log.connection.masters()[0]!;
    await master.flushall();
    await until('the loss is told', () => lost.length > 0);
    expect(lost).to.deep.equal([3]);
    await tail.stop();
  });
});
