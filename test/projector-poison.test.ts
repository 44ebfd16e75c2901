/** An event that cannot be applied parks its conversation in the views for which it means something, and nothing else. */
import { expect } from 'chai';
import fc from 'fast-check';
import { projections } from '../src/chat/index.ts';
import type { Decode, RawEvent } from '../src/envelope.ts';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import { portionsOf } from '../src/projector/fold.ts';
import type { Part } from '../src/projector/fold.ts';
import { viewName } from '../src/views/projection.ts';
import { decode, expectViewsEqualFold } from './support/folds.ts';
import { appendRaw, poisons } from './support/poison.ts';
import { caughtUp, converse, rooms, useProjectors } from './support/projectors.ts';
import { message } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

const ALL = projections
  .filter(({ source }) => source === 'conversation')
  .map((view) => viewName(view))
  .toSorted();
const OF_MESSAGES = projections
  .filter(({ handlers }) => handlers.some(({ type }) => type === 'message.sent'))
  .map((view) => viewName(view))
  .toSorted();
/** The views that stand still, by what is wrong. */
const parks: Record<string, readonly string[]> = {
  'broken JSON': OF_MESSAGES,
  'a missing field': OF_MESSAGES,
  'a version from the future': OF_MESSAGES,
  'an unknown type': ALL,
};

/** As a newer program that makes something of everything. */
const newer: Decode = Object.assign(
  (raw: RawEvent) => {
    try {
      return decode(raw);
    } catch {
      const { id, seq, type } = raw;
      const envelope = {
        id,
        seq,
        at: '2025-11-20T14:46:40.000Z',
        conversation_id: raw.stream.id,
        actor_id: 'x',
        version: 1,
      };
      const content = { content: 'healed', message_type: 'text', reply_to: null, attachments: [], mentions: [] };
      return { ...envelope, type, data: { message_id: message(777), ...content, mentions_all: false, metadata: {} } };
    }
  },
  { knows: () => true },
);

for (const topology of topologies) {
  describe(`a poisoned event on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const parked = async () => {
      const all = [0, 1, 2, 3].map((p) => new ConsumerGroup(world.log, 'views', 'test').parked(p));
      return Object.assign({}, ...(await Promise.all(all))) as Record<string, string>;
    };
    const converseAll = (all: readonly Room[], round = 0) => Promise.all(all.map((room) => converse(room, round)));
    const places = (room: Room, views: readonly string[]) =>
      views.map((view) => `${view} conversation ${room.stream.id}`);
    const standstills = () => projectors.warnings.filter((line) => line.includes('stands still')).length;

    for (const [what, poison] of Object.entries(poisons)) {
      it(`stops its conversation where it means something, until it is understood: ${what}`, async () => {
        const all = rooms(world, 4);
        const [sick] = all as [Room];
        await converseAll(all);
        const before = (await sick.log()).length;
        const projector = await projectors.start({ batchSize: 8 });
        const [type, event] = poison(sick.stream);
        const id = await appendRaw(world.log, sick.stream, type, event);
        await converseAll(all, 1);
        await caughtUp(world.log);
        const stopped = places(sick, parks[what]!);
        expect(Object.keys(await parked()).toSorted()).to.deep.equal(stopped);
        for (const why of Object.values(await parked())) expect(JSON.parse(why)).to.include({ event_id: id, type });
        const parkedAt = new Map(stopped.map((place) => [place, before]));
        await expectViewsEqualFold(world.log, { decode: newer, parkedAt });
        expect(standstills()).to.equal(stopped.length);
        await projector.stop();

        // The same program tries again at each start, and stands where it stood.
        const again = await projectors.start({ batchSize: 8 });
        await sick.send(1, 900);
        await caughtUp(world.log);
        expect(Object.keys(await parked()).toSorted()).to.deep.equal(stopped);
        await expectViewsEqualFold(world.log, { decode: newer, parkedAt });
        await again.stop();

        await projectors.start({ decode: newer });
        await caughtUp(world.log);
        expect(await parked()).to.deep.equal({});
        await expectViewsEqualFold(world.log, { decode: newer });
      });
    }

    it('stops its conversation when not even its head can be read', async () => {
      const all = rooms(world, 4);
      const [sick] = all as [Room];
      await converseAll(all);
      const before = (await sick.log()).length;
      await projectors.start({ batchSize: 8 });
      await appendRaw(world.log, sick.stream, 'message.sent', '{"hello":"world"}');
      await converseAll(all, 1);
      await caughtUp(world.log);
      const stopped = places(sick, ALL);
      const current = await parked();
      const [entries, streams] = [true, false].map((isEntry) =>
        Object.keys(current).filter((place) => place.startsWith('feed entry ') === isEntry),
      );
      expect(streams!.toSorted()).to.deep.equal(stopped);
      expect(entries).to.have.length(1);
      expect(projectors.warnings.join()).to.include(`the log has no event ${before + 1} before it`);
      await expectViewsEqualFold(world.log, { parkedAt: new Map(stopped.map((place) => [place, before])) });
    });
  });
}

describe('portions', () => {
  it('keep all parts in their order, and none is larger than it must be', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, (all) => {
        const parts = all.map((size, i) => ({ lane: `${i}`, writes: [{ args: { length: size } }] }) as unknown as Part);
        const portions = portionsOf(parts);
        expect(portions.flat()).to.deep.equal(parts);
        expect(portions).to.have.length.of.at.least(1);
        const sizeOf = (portion: readonly Part[]) => portion.map(({ lane }) => all[Number(lane)]!);
        for (const portion of portions.map(sizeOf)) {
          const size = portion.reduce((sum, n) => sum + n, 0);
          if (size > 20_000) expect(portion.filter((n) => n > 0)).to.have.length(1);
        }
        for (const [i, portion] of portions.entries()) if (i > 0) expect(portion).to.have.length.of.at.least(1);
      }),
    );
  });
});
