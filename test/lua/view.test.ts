/** The scripts that read collections, against documents laid down by hand: what they answer, of one instant, and that they write nothing. */
import { expect } from 'chai';
import { rawEvent } from '../../src/envelope.ts';
import type { Projection } from '../../src/views/projection.ts';
import { Views } from '../../src/views/store.ts';
import { codeOf, message, Room } from '../support/rooms.ts';
import { topologies, useWorld } from '../support/world.ts';

const collection: Projection = {
  name: 'sketches',
  version: 1,
  source: 'conversation',
  shape: 'collection',
  key: (doc) => (doc as { id: string }).id,
  handlers: [],
};

for (const topology of topologies) {
  describe(`scripts of views, on ${topology}`, () => {
    const world = useWorld(topology);
    let room: Room;
    let views: Views;
    let index: string;

    /** Documents d1, d2 … at the orders given; the view says that it holds events up to `applied`. */
    async function lay(orders: readonly number[], applied?: string) {
      const redis = world.log.connection.commands;
      const docs = views.shape(collection, room.stream).keys[1]!;
      for (const [i, order] of orders.entries()) {
        await redis.zadd(docs, order, JSON.stringify({ id: `d${i + 1}`, order }));
        await redis.hset(index, `d${i + 1}`, order);
      }
      if (applied !== undefined) await redis.hset(index, 'applied', applied);
    }
    const ordersOf = (docs: readonly { order: number; json: Buffer }[]) =>
      docs.map(({ order, json }) => {
        expect((JSON.parse(json.toString()) as { order: number }).order).to.equal(order);
        return order;
      });

    beforeEach(async () => {
      room = new Room(world);
      views = new Views(world.log);
      index = views.shape(collection, room.stream).keys[0]!;
    });

    describe('view.page', () => {
      const page = (direction: 'up' | 'down', from: number | undefined, limit: number) =>
        views.page(collection, room.stream, { direction, from, limit }, 500);

      it('answers documents nearest first, beyond the place asked for, as many as asked for', async () => {
        await lay([1, 2.5, 7, 1_000_000]);
        expect(ordersOf((await page('up', undefined, 2)).docs)).to.deep.equal([1, 2.5]);
        expect(ordersOf((await page('up', 2.5, 10)).docs)).to.deep.equal([7, 1_000_000]);
        expect(ordersOf((await page('down', undefined, 3)).docs)).to.deep.equal([1_000_000, 7, 2.5]);
        expect(ordersOf((await page('down', 7, -1)).docs)).to.deep.equal([2.5, 1]);
        expect((await page('down', 1, 5)).docs).to.deep.equal([]);
      });

      it('says how far the view is and where the stream ends', async () => {
        expect(await page('up', undefined, 5)).to.deep.equal({
          applied: '0-0',
          head: undefined,
          docs: [],
          missing: [],
          more: undefined,
        });
        const { id } = await room.create();
        await lay([1], id);
        const { applied, head, missing } = await page('up', undefined, 5);
        expect({ applied, head, missing }).to.deep.equal({ applied: id, head: id, missing: [] });
      });

      it('brings what the view lacks of the log, in order, and where to read on when that is much', async () => {
        const first = await room.create();
        await lay([1], first.id);
        const ids: string[] = [];
        for (let n = 1; n <= 3; n += 1) ids.push((await room.send(1, n)).id);
        const { missing, more } = await page('up', undefined, 5);
        expect(missing.map(({ id }) => id)).to.deep.equal(ids);
        expect(missing.every((event) => rawEvent(event.type, event.json)?.id === event.id)).to.equal(true);
        expect(more).to.equal(undefined);
        for (let n = 4; n <= 600; n += 50) {
          await Promise.all(Array.from({ length: Math.min(50, 601 - n) }, (_, i) => room.send(1, n + i)));
        }
        const behind = await page('up', undefined, 1);
        expect(behind.missing).to.have.length(500);
        expect(behind.more).to.equal(behind.missing.at(-1)!.id);
        const alone = await views.page(collection, room.stream, { direction: 'up', limit: 1 });
        expect([alone.missing, alone.more]).to.deep.equal([[], undefined]);
      });

      it('answers while Redis has no memory left for writes', async () => {
        await lay([1, 2], (await room.create()).id);
        const masters = world.log.connection.masters();
        const limit = (bytes: string) => Promise.all(masters.map((master) => master.config('SET', 'maxmemory', bytes)));
        await limit('1');
        try {
          expect(await codeOf(room.send(1, 1))).to.equal('unavailable');
          expect(ordersOf((await page('up', undefined, 5)).docs)).to.deep.equal([1, 2]);
        } finally {
          await limit('0');
        }
      });

      it('is declared to write nothing, so that Redis would refuse it', () => {
        for (const name of ['view.page', 'view.documents', 'view.shelf'])
          expect(world.log.scripts.get(name)!.source, name).to.match(/^#!lua flags=no-writes\n/);
      });
    });

    describe('view.shelf', () => {
      const onShelves: Projection = { ...collection, shelves: () => [] };
      const page = async (shelf: string, direction: 'up' | 'down', from?: number, limit = 10) =>
        views.page(onShelves, room.stream, { direction, from, limit, shelf }, 500);
      beforeEach(async () => {
        await lay([1, 2, 30, 1_000_000]);
        const marks = ['a 0000000000000001', 'a 0000000000000030', 'a 0000000001000000', 'ab 0000000000000002'];
        const shelves = views.shape(onShelves, room.stream).keys[2]!;
        await world.log.connection.commands.zadd(shelves, ...marks.flatMap((mark) => ['0', mark]));
      });

      it('answers what stands on the shelf, nearest first, beyond the place asked for, and nothing of another', async () => {
        expect(ordersOf((await page('a', 'up')).docs)).to.deep.equal([1, 30, 1_000_000]);
        expect(ordersOf((await page('a', 'down')).docs)).to.deep.equal([1_000_000, 30, 1]);
        expect(ordersOf((await page('a', 'up', 1, 1)).docs)).to.deep.equal([30]);
        expect(ordersOf((await page('a', 'down', 30)).docs)).to.deep.equal([1]);
        expect(ordersOf((await page('a', 'up', 1_000_000)).docs)).to.deep.equal([]);
        expect(ordersOf((await page('ab', 'down')).docs)).to.deep.equal([2]);
        expect(ordersOf((await page('b', 'up')).docs)).to.deep.equal([]);
      });

      it('brings how far the view is, and what it lacks', async () => {
        const { id } = await room.create();
        await lay([1], id);
        const sent = await room.send(1, 1);
        const { applied, head, missing } = await page('a', 'up');
        expect({ applied, head }).to.deep.equal({ applied: id, head: sent.id });
        expect(missing.map((event) => event.id)).to.deep.equal([sent.id]);
      });
    });

    describe('view.documents', () => {
      const byKeys = (...keys: string[]) => views.byKeys(collection, room.stream, keys, { missing: 500 });

      it('answers documents in the order asked for, without those that are not there', async () => {
        await lay([5, 6, 7]);
        expect(ordersOf((await byKeys('d3', 'nobody', 'd1')).docs)).to.deep.equal([7, 5]);
        expect((await byKeys(message(1))).docs).to.deep.equal([]);
      });

      it('brings how far the view is, and what it lacks', async () => {
        const { id } = await room.create();
        await lay([1], id);
        const sent = await room.send(1, 1);
        const { applied, head, missing } = await byKeys('d1');
        expect({ applied, head }).to.deep.equal({ applied: id, head: sent.id });
        expect(missing.map((event) => event.id)).to.deep.equal([sent.id]);
      });
    });
  });
}
