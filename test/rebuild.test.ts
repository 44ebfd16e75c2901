/** Views can be deleted and made again from the logs, also under a running projector; a proof finds what does not follow from them. */
import { expect } from 'chai';
import sinon from 'sinon';
import { checks, guards, projections } from '../src/chat/index.ts';
import { history } from '../src/chat/messages/history.ts';
import type { ChatError } from '../src/errors.ts';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import { rebuild } from '../src/projector/rebuild.ts';
import { verify } from '../src/projector/verify.ts';
import { viewName } from '../src/views/projection.ts';
import { Reading } from '../src/views/reading.ts';
import { Sides } from '../src/views/sides.ts';
import { Views } from '../src/views/store.ts';
import { decode, expectViewsEqualFold } from './support/folds.ts';
import { appendRaw, poisons } from './support/poison.ts';
import { caughtUp, converse, register, rooms, useProjectors } from './support/projectors.ts';
import { message } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';
import { HISTORY } from './support/views.ts';

for (const topology of topologies) {
  describe(`rebuilding on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const options = () => {
      const { log } = world;
      return { log, views: new Views(log), projections, guards, checks, decode };
    };
    const run = (how: 'anew' | 'back' | 'drop' = 'anew', partitions?: readonly number[]) =>
      rebuild({ ...options(), groupName: 'views', worker: 'rebuilder', how, ...(partitions ? { partitions } : {}) });
    const differences = async () =>
      (await verify(options())).differences.map(({ what, event_id, reason }) => `${what} at ${event_id}: ${reason}`);
    let all: Room[];
    beforeEach(async () => {
      all = rooms(world, 4);
      await Promise.all(all.map((room) => converse(room)));
      await register(world.log, 1);
    });

    it('makes every view again beside what is read, says where that was wrong, and turns', async () => {
      const projector = await projectors.start();
      await caughtUp(world.log);
      await projector.stop();
      const docs = world.log.keys.view(HISTORY, all[0]!.stream, 'docs');
      await redis().zadd(docs, 999, '{"id":"nonsense"}');
      expect(await differences()).to.have.length(1);
      const { events } = await verify(options());
      const rebuilt = await run();
      expect(rebuilt.events).to.equal(events);
      expect(rebuilt.differing).to.deep.equal([{ view: HISTORY, stream: all[0]!.stream }]);
      expect(await differences()).to.deep.equal([]);
      expect(await redis().zscore(docs, '{"id":"nonsense"}'), 'what was read before').to.equal('999');
      expect((await run('drop')).differing).to.deep.equal([]);
      expect(await redis().exists(docs)).to.equal(0);
      await expectViewsEqualFold(world.log);
    });

    it('turns back to what was read before, brought up to now, and not where there is nothing', async () => {
      await projectors.start({ leaseMs: 600 });
      await caughtUp(world.log);
      const nothing = await run('back').catch((error: Error) => error.message);
      expect(nothing).to.match(/nothing to turn back to/);
      await run();
      const sides = new Sides(world.log);
      const sideOf = async (partition: number) => {
        await sides.refresh();
        return projections.map((projection) => sides.of(projection, partition)).join('');
      };
      const partition = world.log.keys.partitionOf(all[0]!.stream.id);
      expect(await sideOf(partition)).to.match(/^b+$/);
      await Promise.all(all.map((room) => converse(room, 1)));
      await caughtUp(world.log);
      expect((await run('back', [partition])).differing).to.deep.equal([]);
      expect(await sideOf(partition)).to.match(/^a+$/);
      expect(await sideOf((partition + 1) % 4)).to.match(/^b+$/);
      await Promise.all(all.map((room) => converse(room, 2)));
      await caughtUp(world.log);
      expect(await differences()).to.deep.equal([]);
      await run('drop');
      await expectViewsEqualFold(world.log);
    });

    it('is done by one at a time in a partition', async () => {
      const both = await Promise.allSettled([run(), rebuild({ ...options(), groupName: 'views', worker: 'another' })]);
      const refused = both.flatMap((one) => (one.status === 'rejected' ? [(one.reason as ChatError).code] : []));
      expect(refused.every((code) => code === 'conflict')).to.equal(true);
      await run();
      expect(await differences()).to.deep.equal([]);
    });

    it('takes nothing from reads and makes none of them old, on nodes that hear of the turn late or never', async () => {
      await projectors.start({ leaseMs: 600, views: new Views(world.log) });
      const [room] = all as [Room];
      await room.send(1, 1_000);
      let [acknowledged, reads, isOver] = [1_000, 0, false];
      const write = async () => {
        for (let n = 1_001; !isOver; n += 1) {
          await room.send(1, n);
          acknowledged = n;
        }
      };
      const nodes = Array.from({ length: 2 }, () => new Views(world.log));
      const read = async (views: Views) => {
        const reading = new Reading({ log: world.log, views, decode, projections });
        for (; !isOver; reads += 1) {
          const least = acknowledged;
          const [newest] = await reading.page(history, room.stream, { direction: 'down', limit: 1 }, undefined);
          const { id } = JSON.parse(newest!.json.toString()) as { id: string };
          expect(id >= message(least), `${id} after ${message(least)}`).to.equal(true);
          if (views === nodes[0]) await views.refresh();
        }
      };
      const turning = (async () => {
        for (const how of ['anew', 'back', 'anew', 'drop'] as const) await run(how);
      })().finally(() => (isOver = true));
      await Promise.all([turning, write(), ...nodes.map(read)]);
      expect(Math.min(acknowledged - 1_000, reads)).to.be.above(20);
      await caughtUp(world.log);
      expect(await differences()).to.deep.equal([]);
    });

    it('takes the partitions from a running projector and gives them back', async () => {
      await projectors.start({ leaseMs: 600 });
      const rebuilding = run();
      await Promise.all(all.map((room) => converse(room, 1)));
      await rebuilding;
      await Promise.all(all.map((room) => converse(room, 2)));
      await caughtUp(world.log);
      await run('drop');
      await expectViewsEqualFold(world.log);
      expect(await differences()).to.deep.equal([]);
    });

    it('parks what it cannot read, once, and goes on with the rest', async () => {
      const [sick] = all as [Room];
      const before = (await sick.log()).length;
      const [type, event] = poisons['an unknown type']!(sick.stream);
      await appendRaw(world.log, sick.stream, type, event);
      await run();
      const parked = await new ConsumerGroup(world.log, 'views', 'x').parked(
        world.log.keys.partitionOf(sick.stream.id),
      );
      const places = projections
        .filter(({ source }) => source === 'conversation')
        .map((view) => `${viewName(view)} conversation ${sick.stream.id}`)
        .toSorted();
      expect(Object.keys(parked).toSorted()).to.deep.equal(places);
      await expectViewsEqualFold(world.log, { parkedAt: new Map(places.map((place) => [place, before])) });
    });

    it('proves nothing wrong of views that are behind, or move while it looks', async () => {
      expect(await differences()).to.deep.equal([]);
      await projectors.start();
      await caughtUp(world.log);
      let sent = 0;
      // Each look at a key comes after an event that was written and applied since its position was read.
      const type = sinon.stub(redis(), 'type').callsFake(async (...args) => {
        await all[0]!.send(1, 1_000 + (sent += 1));
        await caughtUp(world.log);
        return type.wrappedMethod.apply(redis(), args);
      });
      try {
        expect(await differences()).to.deep.equal([]);
      } finally {
        type.restore();
      }
      expect(sent).to.be.above(10);
    });

    it('finds an event that was changed in its log', async () => {
      const [sick] = all as [Room];
      const rows = await redis().xrange(sick.key('log'), '-', '+');
      const fed = (await redis().xrange(sick.key('feed'), '-', '+')).find(
        ([, fields]) => fields[3] === rows[1]![1][3],
      )![0];
      await redis().del(sick.key('log'));
      for (const [i, [id, fields]] of rows.entries()) {
        await redis().xadd(
          sick.key('log'),
          id,
          ...(i === 1 ? fields.map((text) => text.replace('message 1', 'massage 1')) : fields),
        );
      }
      expect(await differences()).to.deep.equal([
        `chain at ${rows[1]![0]}: the event is not the one that was appended`,
        `feed at ${rows[1]![0]}: entry ${fed} is not as the log has it`,
      ]);
    });
  });
}
