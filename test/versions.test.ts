/** A newer version of a view is built beside the old one, asked-for streams first, and takes its place; reads stay right all the while. */
import { expect } from 'chai';
import sinon from 'sinon';
import { projections } from '../src/chat/index.ts';
import { history } from '../src/chat/messages/history.ts';
import { viewName } from '../src/views/projection.ts';
import type { Projection } from '../src/views/projection.ts';
import { Reading } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { until } from '../src/redis/redis-server.ts';
import { decode, expectViewsEqualFold, viewKeys } from './support/folds.ts';
import { appendRaw, poisons } from './support/poison.ts';
import { built, caughtUp, converse, rooms, useProjectors } from './support/projectors.ts';
import { Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

/** What a newer program has. */
const newer: readonly Projection[] = projections.map((projection) =>
  projection.name === 'history' ? { ...projection, version: projection.version + 1 } : projection,
);
const older = viewName(history as unknown as Projection);

for (const topology of topologies) {
  describe(`versions of views on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const keysOf = async (view: string) => (await viewKeys(world.log)).filter((key) => key.includes(`:view:${view}:`));
    let all: Room[];

    async function projectWith(program: readonly Projection[]): Promise<void> {
      const projector = await projectors.start({ projections: program });
      await caughtUp(world.log);
      await built(world.log, program);
      await projector.stop();
    }

    beforeEach(async () => {
      all = rooms(world, 6);
      await Promise.all(all.map((room) => converse(room)));
      await projectWith(projections);
    });

    it('are built beside each other from quiet logs too, and the older one goes', async () => {
      expect(await keysOf(older)).to.have.length.above(0);
      await projectWith(newer);
      await expectViewsEqualFold(world.log, { projections: newer });
      expect(await keysOf(older)).to.deep.equal([]);
    });

    it('take nothing from reads before, while and after they are built', async () => {
      const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections: newer });
      const read = async () => {
        const pages = all.map(({ stream }) =>
          reading.page(history, stream, { direction: 'up', limit: 100 }, undefined),
        );
        return (await Promise.all(pages)).map((rows) => rows.map(({ json }) => json.toString()));
      };
      const whole = await read();
      expect(whole.every((page) => page.length > 5)).to.equal(true);
      const projector = await projectors.start({ projections: newer });
      let isBuilt = false;
      const building = built(world.log, newer).then(() => (isBuilt = true));
      while (!isBuilt) expect(await read()).to.deep.equal(whole);
      await building;
      await projector.stop();
      expect(await read()).to.deep.equal(whole);
    });

    it('begin with the streams that are asked for', async () => {
      const many = Array.from({ length: 80 }, (_, n) => new Room(world, 100 + n)).filter(
        ({ stream }) => world.log.keys.partitionOf(stream.id) === 1,
      );
      for (const room of many) {
        await room.create();
        for (let n = 0; n < 20; n += 1) await room.send(1, n);
      }
      const asked = many.at(-1)!.stream;
      const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections: newer });
      await reading.page(history, asked, { direction: 'down', limit: 1 }, undefined);
      await until('it is asked for', async () => (await redis().exists(world.log.keys.at(1, 'wanted'))) === 1);
      const partition = await projectors.partition(1, 'builder', { projections: newer });
      await partition.open();
      const looked = sinon.spy(world.log, 'readBefore');
      await partition.lookAgain();
      expect(looked.firstCall.args[0]).to.deep.equal(asked);
      await built(world.log, []);
    });

    it('are left alone by an older program, which leaves word of what it writes', async () => {
      await projectWith(newer);
      const old = await projectors.start({ projections });
      await all[0]!.send(1, 900);
      await caughtUp(world.log);
      await old.stop();
      expect(await keysOf(older)).to.have.length.above(0);
      const names = await Promise.all([0, 1, 2, 3].map((p) => redis().hgetall(world.log.keys.at(p, 'views'))));
      const view = viewName(newer.find(({ name }) => name === 'history')!);
      for (const notes of names) expect(notes).to.include({ [view]: 'building', [older]: 'building' });
      await projectWith(newer);
      await expectViewsEqualFold(world.log, { projections: newer });
    });

    it('take what was parked with them', async () => {
      const [sick] = all as [Room];
      const parked = () => redis().hkeys(world.log.keys.of(sick.stream, 'parked'));
      await appendRaw(world.log, sick.stream, ...poisons['broken JSON']!(sick.stream));
      const projector = await projectors.start({ projections });
      await until('it is parked', async () => (await parked()).some((lane) => lane.startsWith(`${older} `)));
      await projector.stop();
      await projectWith(newer);
      expect((await parked()).some((lane) => lane.startsWith(`${older} `))).to.equal(false);
      expect(await parked()).to.have.length.above(0);
    });
  });
}
