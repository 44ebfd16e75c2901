/** Several workers at once: each partition in one pair of hands, taken over when those are gone, and a worker who lost it writes nothing. */
import { expect } from 'chai';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import type { FeedEntry } from '../src/log/consumer-group.ts';
import { until } from '../src/redis/redis-server.ts';
import { expectViewsEqualFold } from './support/folds.ts';
import { caughtUp, converse, lags, rooms, useProjectors } from './support/projectors.ts';
import { dump, partitionRoom } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

const SHORT = { leaseMs: 600, batchSize: 8 };
const PARTITIONS = [0, 1, 2, 3];

for (const topology of topologies) {
  describe(`workers on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const converseAll = (all: readonly Room[], round = 0) => Promise.all(all.map((room) => converse(room, round)));

    /** Who holds each partition now; '' for one that nobody holds. */
    async function owners(group = 'views'): Promise<string[]> {
      const leases = PARTITIONS.map((p) => redis().hget(world.log.keys.at(p, 'leases'), group));
      return (await Promise.all(leases)).map((lease) => {
        const [worker = '', , ends] = lease?.split(' ') ?? [];
        return Number(ends) > Date.now() ? worker : '';
      });
    }
    const counts = async (group?: string) => {
      const held = await owners(group);
      return Object.fromEntries([...new Set(held)].map((worker) => [worker, held.filter((w) => w === worker).length]));
    };
    const isShared = (expected: Record<string, number>, group?: string) =>
      until(`shares of ${JSON.stringify(expected)}`, async () => {
        const found = await counts(group);
        const workers = Object.keys(found);
        return workers.length === Object.keys(expected).length && workers.every((w) => found[w] === expected[w]);
      });

    it('share the partitions evenly, and one who stops gives the share to the others at once', async () => {
      const all = rooms(world);
      await projectors.start({ ...SHORT, worker: 'a' });
      expect(await counts()).to.deep.equal({ a: 4 });
      const second = await projectors.start({ ...SHORT, worker: 'b' });
      await isShared({ a: 2, b: 2 });
      await converseAll(all);
      await caughtUp(world.log);
      await second.stop();
      expect(await owners()).not.to.include('b');
      await isShared({ a: 4 });
      await converseAll(all, 1);
      await caughtUp(world.log);
      await expectViewsEqualFold(world.log);
    });

    it('take over when the lease of one who fell silent runs out', async () => {
      const all = rooms(world);
      const log = await world.another();
      await projectors.start({ ...SHORT, worker: 'a', log });
      await converseAll(all);
      await caughtUp(world.log);
      await projectors.start({ ...SHORT, worker: 'b' });
      await isShared({ a: 2, b: 2 });
      log.close();
      await converseAll(all, 1);
      await isShared({ b: 4 });
      await caughtUp(world.log);
      await expectViewsEqualFold(world.log);
    });

    it('of another group are counted by themselves', async () => {
      await projectors.start({ ...SHORT, worker: 'a' });
      await projectors.start({ ...SHORT, worker: 'z', groupName: 'others' });
      const ends = (group: string) =>
        redis()
          .hget(world.log.keys.at(0, 'leases'), group)
          .then((lease) => Number(lease!.split(' ')[2]));
      const before = { views: await ends('views'), others: await ends('others') };
      await until('both have renewed what they have', async () => {
        return (await ends('views')) > before.views + 250 && (await ends('others')) > before.others + 250;
      });
      expect(await counts()).to.deep.equal({ a: 4 });
      expect(await counts('others')).to.deep.equal({ z: 4 });
    });

    it('come and go while everything is written, and the views are the same in the end', async () => {
      const all = rooms(world, 4);
      await converseAll(all);
      const writing = (async () => {
        for (let round = 1; round < 8; round += 1) await converseAll(all, round);
      })();
      for (let n = 0; n < 3; n += 1) {
        const started = await Promise.all([projectors.start(SHORT), projectors.start(SHORT)]);
        await Promise.all(started.map((projector) => projector.stop()));
      }
      await writing;
      await projectors.start(SHORT);
      await caughtUp(world.log);
      await expectViewsEqualFold(world.log);
    });

    describe('who lost a partition', () => {
      let room: Room;
      beforeEach(async () => {
        room = partitionRoom(world, 1);
        await converse(room);
      });
      const hold = (worker: string, batchSize = 64) => projectors.partition(1, worker, { batchSize });
      const entriesOf = (worker: string): Promise<FeedEntry[]> =>
        new ConsumerGroup(world.log, 'views', worker).after(1, '0-0', 1_000);

      it('writes nothing any more, whatever is in hand', async () => {
        const first = await hold('first', 3);
        await new ConsumerGroup(world.log, 'views', 'first').open(1);
        const entries = await entriesOf('first');
        await first.work(entries.slice(0, 5));
        await hold('second');
        const before = await dump(world.log);
        await first.work(entries);
        expect(first.isLost).to.equal(true);
        expect(await dump(world.log)).to.deep.equal(before);
      });

      it("and the one who has it do not get in each other's way", async () => {
        const [first, second] = [await hold('first'), await hold('second')];
        const entries = await entriesOf('first');
        await Promise.all([
          first.open(),
          second.open(),
          first.work(entries),
          second.work(entries),
          first.work(entries),
        ]);
        expect([first.isLost, second.isLost]).to.deep.equal([true, false]);
        await converse(room, 1);
        await Promise.all([first.work(await entriesOf('first')), second.work(await entriesOf('second'))]);
        expect((await lags(world.log))[1]).to.equal(0);
        await expectViewsEqualFold(world.log);
      });

      it('has opened in vain: what was pending goes to who has it', async () => {
        const lost = await hold('first');
        await redis().xgroup('CREATE', room.key('feed'), 'views', '0');
        await redis().xreadgroup('GROUP', 'views', 'first', 'STREAMS', room.key('feed'), '>');
        const owner = await hold('second');
        await lost.open();
        expect(lost.isLost).to.equal(true);
        await owner.open();
        expect((await lags(world.log))[1]).to.equal(0);
      });
    });
  });
}
