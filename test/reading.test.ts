/**
 * Reads are never stale: whatever part of a log the views hold, every read equals a plain model of the whole log, and `as_of` one of its
 * beginning. Random conversations, random progress of each view.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import sinon from 'sinon';
import { cards } from '../src/chat/conversations/card.ts';
import { history } from '../src/chat/messages/history.ts';
import { projections } from '../src/chat/index.ts';
import { participants } from '../src/chat/participants/view.ts';
import { reactors } from '../src/chat/reactions/view.ts';
import { START } from '../src/envelope.ts';
import type { ChatEvent } from '../src/envelope.ts';
import { ChatError } from '../src/errors.ts';
import { foldBatch } from '../src/projector/fold.ts';
import type { Projection } from '../src/views/projection.ts';
import { Reading } from '../src/views/reading.ts';
import type { ReadLimits } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { acts } from './support/acts.ts';
import type { Act } from './support/acts.ts';
import { archiveAll, useArchiveFolder } from './support/archiving.ts';
import { carryOut, decode, plainFold, rawLog } from './support/folds.ts';
import type { Doc } from './support/folds.ts';
import { message, Room, setClock, user } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

/** With what other features contribute. */
const views = [history, participants, cards, reactors].map(({ name }) =>
  projections.find((projection) => projection.name === name)!,
);
const [messages, members] = views as [Projection, Projection];
const percent = fc.integer({ min: 0, max: 100 });
/** How much of the log each view holds, and in how large batches it came there. */
const progress = fc.record({
  reached: fc.tuple(percent, percent, percent, percent),
  batch: fc.integer({ min: 1, max: 40 }),
});
/** What is held in memory: as in the product, or so little that nearly every read is a long one. */
const held = fc.constantFrom<Partial<ReadLimits>>({}, { backlog: 3, held: 2, kept: 2 });
const asked = fc.record({ from: percent, limit: fc.integer({ min: 1, max: 12 }), upTo: percent });

interface Ask {
  readonly from: number;
  readonly limit: number;
  /** Documents of one shelf only. */
  readonly shelf: string;
}

for (const topology of topologies) {
  describe(`reading on ${topology}`, () => {
    const files = useArchiveFolder();
    const world = useWorld(topology, { archive: files });
    let stored: Views;
    let reading: Reading;
    let rooms = 0;
    beforeEach(() => {
      stored = new Views(world.log);
      reading = new Reading({ log: world.log, views: stored, decode, projections });
    });

    async function makeRoom(all: readonly Act[]): Promise<Room> {
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner', 'admin', 'member'] });
      await play(room, all);
      return room;
    }

    async function play(room: Room, all: readonly Act[], from = 0): Promise<void> {
      for (const [i, act] of all.entries()) {
        const n = from + i;
        // Several events in some milliseconds, none in others.
        if (n % 3 === 0) await setClock(world, room.stream, Date.now() + rooms * 100_000 + n * 2);
        await act(room, n).catch((error: unknown) => {
          if (!(error instanceof ChatError)) throw error;
        });
      }
    }

    /** Brings one view up to a seq, as a projector's batches would. */
    async function project(projection: Projection, room: Room, upTo: number, batch: number): Promise<void> {
      const options = { log: world.log, views: stored, projections: [projection], decode };
      const all = (await rawLog(world.log, room.stream)).filter(({ seq }) => seq <= upTo);
      for (let i = 0; i < all.length; i += batch) {
        await carryOut(world.log, await foldBatch(options, all.slice(i, i + batch), new Map(), () => false));
      }
    }

    const model = async (room: Room) => (await rawLog(world.log, room.stream)).map(decode);
    const parsed = (rows: readonly { order: number; json: Buffer }[]): Doc[] =>
      rows.map(({ order, json }) => ({ order, doc: JSON.parse(json.toString()) as object }));

    async function expectPages(
      projection: Projection,
      room: Room,
      docs: readonly Doc[],
      ask: Partial<Ask>,
      asOf?: string,
    ) {
      const { from, limit = 10, shelf } = ask;
      const shelved = docs.filter(({ doc }) => shelf === undefined || projection.shelves!(doc).includes(shelf));
      for (const direction of ['up', 'down'] as const) {
        const inRange = shelved.filter(
          ({ order }) => from === undefined || (direction === 'up' ? order > from : order < from),
        );
        const nearest = direction === 'up' ? inRange : inRange.toReversed();
        const range = { direction, from, limit, ...(shelf === undefined ? {} : { shelf }) };
        const rows = await reading.page(projection, room.stream, range, asOf);
        expect(parsed(rows), `${projection.name} ${shelf} ${direction} from ${from}`).to.deep.equal(
          nearest.slice(0, limit),
        );
      }
    }

    async function expectKeys(projection: Projection, room: Room, docs: readonly Doc[], asOf?: string) {
      const known = docs.map(({ doc }) => projection.key(doc));
      const keys = new Set([user(1), user(6), user(7), message(0), message(3), ...known]);
      const found = await reading.byKeys(projection, room.stream, [...keys], asOf);
      expect(Object.fromEntries(found)).to.deep.equal(Object.fromEntries(docs.map((doc, i) => [known[i], doc])));
    }

    async function expectEqual(room: Room, all: readonly ChatEvent[], ask: Omit<Ask, 'shelf'>, asOf?: string) {
      for (const projection of views) {
        const docs = plainFold(projection, all);
        if (projection.shape === 'entity') {
          // What a conversation was then is nothing that can be asked.
          if (asOf === undefined) expect(await reading.entity(projection, room.stream)).to.deep.equal(docs[0]?.doc);
          continue;
        }
        const from = Math.round((ask.from / 90) * (docs.at(-1)?.order ?? 0));
        await expectPages(projection, room, docs, { from, limit: ask.limit }, asOf);
        await expectPages(projection, room, docs, { from: from + 0.5, limit: ask.limit }, asOf);
        await expectPages(projection, room, docs, { limit: ask.limit }, asOf);
        await expectKeys(projection, room, docs, asOf);
        const shelves = new Set(docs.flatMap(({ doc }) => projection.shelves?.(doc) ?? []));
        for (const shelf of [...shelves].slice(0, 3)) {
          await expectPages(projection, room, docs, { from: Math.round(from), limit: ask.limit, shelf }, asOf);
          await expectPages(projection, room, docs, { limit: ask.limit, shelf }, asOf);
        }
      }
    }

    it('equals the model with no view, with any part of one, and back in time', async () => {
      const property = fc.asyncProperty(acts, progress, asked, held, async (all, { reached, batch }, ask, limits) => {
        reading = new Reading({ log: world.log, views: stored, decode, projections, limits });
        const room = await makeRoom(all);
        const events = await model(room);
        const share = (hundredths: number) => Math.round((hundredths / 100) * events.length);
        await Promise.all(views.map((projection, i) => project(projection, room, share(reached[i]!), batch)));
        await expectEqual(room, events, ask);
        const then = events[Math.max(0, share(ask.upTo) - 1)]!;
        await expectEqual(
          room,
          events.filter(({ seq }) => seq <= then.seq),
          ask,
          then.id,
        );
        await expectEqual(
          room,
          events.filter(({ at }) => at <= then.at),
          ask,
          then.at,
        );
      });
      await fc.assert(property, { numRuns: topology === 'one Redis' ? 60 : 15 });
    });

    it('equals the model where parts of log, facts and views left Redis, and what is there no more is changed', async () => {
      const parts = fc.array(fc.tuple(acts, progress, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 3 });
      const property = fc.asyncProperty(parts, asked, held, async (all, ask, limits) => {
        reading = new Reading({ log: world.log, views: stored, decode, projections, limits });
        const room = await makeRoom([]);
        let played = 0;
        for (const [some, { reached, batch }, most] of all) {
          await play(room, some, played);
          played += some.length;
          const { length } = await model(room);
          const share = (hundredths: number) => Math.round((hundredths / 100) * length);
          await Promise.all(views.map((projection, i) => project(projection, room, share(reached[i]!), batch)));
          await expectEqual(room, await model(room), ask);
          await archiveAll(world.log, files, room.stream, most);
          await expectEqual(room, await model(room), ask);
        }
        const events = await model(room);
        const then = events[Math.max(0, Math.round((ask.upTo / 100) * events.length) - 1)]!;
        const before = events.filter(({ seq }) => seq <= then.seq);
        await expectEqual(room, before, ask, then.id);
      });
      await fc.assert(property, { numRuns: topology === 'one Redis' ? 25 : 6 });
    });

    it('fills a page although the tail takes members out', async () => {
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner', ...Array.from({ length: 9 }, () => 'member')] });
      await project(members, room, 1, 1);
      for (const n of [2, 3, 4, 6]) await room.leave(n);
      await room.join(2);
      const docs = plainFold(members, await model(room));
      for (let limit = 1; limit <= 8; limit += 1) {
        await expectPages(members, room, docs, { limit });
        await expectPages(members, room, docs, { limit, from: 1 });
      }
    });

    it('knows nothing of a stream that is not there', async () => {
      const room = new Room(world, (rooms += 1));
      await expectEqual(room, [], { from: 0, limit: 5 });
      expect((await reading.byKeys(history, room.stream, [])).size).to.equal(0);
    });

    it('takes an id or a time that is after everything or before everything, and no other text', async () => {
      const room = await makeRoom([(r, n) => r.send(1, n), (r, n) => r.send(2, n)]);
      const events = await model(room);
      const ask = { from: 0, limit: 5 };
      for (const late of ['9999-12-31T00:00:00Z', '999999999999999-1']) await expectEqual(room, events, ask, late);
      for (const early of ['2020-01-01T00:00:00.000Z', START]) await expectEqual(room, [], ask, early);
      const asked = reading.page(history, room.stream, { direction: 'up', limit: 1 }, 'soon');
      const error: unknown = await asked.catch((e: unknown) => e);
      expect((error as ChatError).code).to.equal('validation_failed');
    });

    it('is not behind what was there when it began, while a projector works', async () => {
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner'] });
      let isOver = false;
      const projecting = (async () => {
        for (let upTo = 1; !isOver; upTo += 3) await Promise.all(views.map((view) => project(view, room, upTo, 2)));
      })();
      for (let n = 0; n < 50; n += 1) {
        await Promise.all([room.send(1, n), n % 2 ? room.leave(5) : room.join(5)]);
        await expectEqual(room, await model(room), { from: 50, limit: 7 });
      }
      isOver = true;
      await projecting;
    });

    it('passes over an event that cannot be read, and answers the rest', async () => {
      const room = await makeRoom([(r, n) => r.send(1, n), (r, n) => r.send(2, n)]);
      const half = (raw: Parameters<typeof decode>[0]) => {
        if (raw.seq === 2) throw new Error('broken');
        return decode(raw);
      };
      const broken = new Reading({
        log: world.log,
        views: stored,
        decode: Object.assign(half, { knows: (type: string) => decode.knows(type) }),
        projections,
      });
      const rows = await broken.page(history, room.stream, { direction: 'up', limit: 10 }, undefined);
      expect(parsed(rows).map(({ order }) => order)).to.deep.equal([1, 3]);
    });

    it('reads what the views lack once for all who ask, and then only what came since', async () => {
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner', 'member'] });
      for (let n = 0; n < 60; n += 1) await room.send(1 + (n % 2), n);
      const whole = sinon.spy(world.log, 'readAfter');
      const since = sinon.spy(world.log, 'readFromCursor');
      // What is read from a cursor on is read by the other.
      const counts = () => [whole.callCount - since.callCount, since.callCount];
      const ask = async () => {
        const events = await model(room);
        const docs = plainFold(messages, events);
        await Promise.all(
          Array.from({ length: 40 }, () =>
            Promise.all([
              expectPages(messages, room, docs, { limit: 5 }),
              reading.entity(cards, room.stream).then((card) => expect(card?.member_count).to.equal(2)),
            ]),
          ),
        );
      };
      await ask();
      expect(counts()).to.deep.equal([2, 0]);
      await room.send(1, 60);
      await ask();
      expect(counts()).to.deep.equal([2, 2]);
      await project(messages, room, 30, 10);
      await ask();
      expect(counts()).to.deep.equal([2, 2]);
    });

    it('answers nothing that a restored Redis has lost', async () => {
      const redis = world.log.connection.commands;
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner'] });
      for (let n = 0; n < 30; n += 1) await room.send(1, n);
      const keys = ['log', 'head', 'messages'].map((name) => world.log.keys.of(room.stream, name));
      const copies = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
      for (let n = 30; n < 40; n += 1) await room.send(1, n, 'lost');
      await expectEqual(room, await model(room), { from: 50, limit: 20 });
      await Promise.all(keys.map((key, i) => redis.restore(key, 0, copies[i]!, 'REPLACE')));
      const events = await model(room);
      expect(events).to.have.length(31);
      await expectEqual(room, events, { from: 50, limit: 20 });
      for (let n = 30; n < 45; n += 1) await room.send(1, n, 'again');
      await expectEqual(room, await model(room), { from: 50, limit: 20 });
    });

    it('keeps a few backlogs, and none that is long', async () => {
      const few = new Reading({ log: world.log, views: stored, decode, projections, limits: { kept: 16 } });
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner'] });
      await Promise.all(Array.from({ length: 1_100 }, (_, n) => room.send(1, n)));
      const whole = sinon.spy(world.log, 'readAfter');
      await few.entity(cards, room.stream);
      await few.entity(cards, room.stream);
      expect(whole.callCount).to.equal(6);
      for (let n = 0; n < 20; n += 1) {
        const other = new Room(world, (rooms += 1));
        await other.create({ kind: 'channel', roles: ['owner'] });
        await few.entity(cards, other.stream);
        await few.entity(cards, other.stream);
      }
      expect(whole.callCount).to.equal(26);
      const first = new Room(world, rooms - 19);
      expect((await few.entity(cards, first.stream))?.id).to.equal(first.stream.id);
      expect(whole.callCount).to.equal(27);
    });
  });
}
