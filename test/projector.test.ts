/** What projectors make of the feeds: views that equal the logs, whatever is delivered twice, late, broken or not at all. */
import { expect } from 'chai';
import { expectViewsEqualFold, viewKeys } from './support/folds.ts';
import { eventText, rawAppend } from './support/poison.ts';
import { caughtUp, converse, lags, register, rooms, useProjectors } from './support/projectors.ts';
import { dump, partitionRoom, user } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

for (const topology of topologies) {
  describe(`a projector on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const partitions = [0, 1, 2, 3];
    const feeds = () => partitions.map((p) => world.log.keys.at(p, 'feed'));
    const views = async () =>
      Object.fromEntries(Object.entries(await dump(world.log)).filter(([key]) => key.includes(':view:')));

    describe('views', () => {
      for (const batchSize of [1, 4, 64]) {
        it(`equal a fold of the logs, applied ${batchSize} at a time`, async () => {
          const all = rooms(world, 4);
          await Promise.all(all.map((room) => converse(room)));
          await register(world.log, 1);
          await projectors.start({ batchSize });
          await Promise.all(all.map((room) => converse(room, 1)));
          await register(world.log, 2);
          await caughtUp(world.log);
          await expectViewsEqualFold(world.log);
          expect(projectors.warnings).to.deep.equal([]);
        });
      }

      it('are up to date when a start resolves', async () => {
        const all = rooms(world, 4);
        await Promise.all(all.map((room) => converse(room)));
        const work = (await lags(world.log)).reduce((sum, lag) => sum + lag, 0);
        expect(work).to.equal(
          (await Promise.all(all.map(async (r) => (await r.log()).length))).reduce((a, b) => a + b),
        );
        const projector = await projectors.start({ batchSize: 5 });
        expect(await lags(world.log)).to.deep.equal([0, 0, 0, 0]);
        await expectViewsEqualFold(world.log);
        await projector.stop();
      });

      it('lag by what is not applied yet, by our own count', async () => {
        const room = partitionRoom(world, 2);
        await room.create();
        await projectors.start();
        await caughtUp(world.log);
        const stopped = await projectors.start({ groupName: 'others' });
        await stopped.stop();
        await room.send(1, 1);
        await room.send(1, 2);
        await caughtUp(world.log);
        expect(await lags(world.log, 'others')).to.deep.equal([0, 0, 2, 0]);
        await redis().xtrim(room.key('feed'), 'MAXLEN', 0);
        expect(await lags(world.log, 'others')).to.deep.equal([0, 0, 2, 0]);
      });

      it('come back when they are deleted under a running projector', async () => {
        const all = rooms(world);
        await Promise.all(all.map((room) => converse(room)));
        await projectors.start();
        await caughtUp(world.log);
        for (const key of await viewKeys(world.log)) await redis().unlink(key);
        await Promise.all(all.map((room) => room.send(1, 999)));
        for (const n of [1, 2, 3, 7]) await register(world.log, n);
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
      });
    });

    describe('what is delivered again', () => {
      it('changes nothing', async () => {
        const all = rooms(world);
        await Promise.all(all.map((room) => converse(room)));
        const projector = await projectors.start({ batchSize: 3 });
        await caughtUp(world.log);
        const before = await views();
        for (const feed of feeds()) await redis().xgroup('SETID', feed, 'views', '0');
        await all[0]!.read(2, 1);
        await Promise.all(partitions.map((p) => partitionRoom(world, p).create()));
        await caughtUp(world.log);
        await projector.stop();
        for (const feed of feeds()) await redis().xgroup('SETID', feed, 'views', '0');
        await projectors.start();
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
        for (const [key, value] of Object.entries(before)) {
          // Users' streams moved on as well: they came into the new rooms.
          if (!key.includes(all[0]!.stream.id) && !/:view:(profiles|presence):/.test(key))
            expect((await views())[key], key).to.equal(value);
        }
      });

      it('is taken over from a worker that died between reading and applying', async () => {
        const all = rooms(world);
        await Promise.all(all.map((room) => converse(room)));
        const projector = await projectors.start();
        await caughtUp(world.log);
        await projector.stop();
        await Promise.all(all.map((room) => converse(room, 1)));
        for (const feed of feeds())
          await redis().xreadgroup('GROUP', 'views', 'dead', 'COUNT', 7, 'STREAMS', feed, '>');
        await projectors.start({ batchSize: 4 });
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
      });

      it('is passed over when it was applied already, or is not in the feed any more', async () => {
        const room = partitionRoom(world, 1);
        await converse(room);
        const projector = await projectors.start();
        await caughtUp(world.log);
        await projector.stop();
        await redis().xgroup('SETID', room.key('feed'), 'views', '0');
        const given = await redis().xreadgroup('GROUP', 'views', 'dead', 'STREAMS', room.key('feed'), '>');
        const [, rows] = (given as [string, [string, unknown][]][])[0]!;
        await redis().xdel(room.key('feed'), rows[2]![0]);
        await projectors.start({ batchSize: 4 });
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
      });

      it('comes by itself when it went to a worker that had just lost the partition', async () => {
        const room = partitionRoom(world, 1);
        await room.create();
        await projectors.start({ leaseMs: 600 });
        await caughtUp(world.log);
        // In one step, so that the reader who waits finds nothing any more.
        const joined = eventText(room.stream, 'participant.added', `{"user_id":"${user(8)}","role":"member"}`);
        await redis()
          .multi()
          .eval(...rawAppend(world.log, room.stream, 'participant.added', joined))
          .xreadgroup('GROUP', 'views', 'stale', 'STREAMS', room.key('feed'), '>')
          .exec();
        expect((await lags(world.log))[1]).to.equal(1);
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
      });
    });
  });
}
