/**
 * Views of terms: whatever was said and changed, however it came in, a walk finds what a plain look at everything finds, in the bounds that
 * are asked for, newest first and each once; and the view is to the last byte what a fold of the log makes.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { MessageEdited, MessageSent } from '../src/chat/messages/contract.ts';
import { eventId } from '../src/envelope.ts';
import type { EventId } from '../src/envelope.ts';
import { foldBatch } from '../src/projector/fold.ts';
import { fitting, LEAF, leafOf, placingOn } from '../src/views/leaf.ts';
import type { Termed } from '../src/views/leaf.ts';
import { when } from '../src/views/projection.ts';
import type { Projection } from '../src/views/projection.ts';
import { Reading } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import type { TermsRange } from '../src/views/store.ts';
import { carryOut, decode, expectViewsEqualFold, rawLog } from './support/folds.ts';
import { Room, setClock } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

const words: Projection<Termed> = {
  name: 'words',
  version: 1,
  source: 'conversation',
  shape: 'terms',
  placedIn: 'messages',
  key: ({ id }) => id,
  handlers: [
    when(MessageSent, ({ id: at, seq, data: { message_id: id, content } }) => [
      { key: id, order: seq, put: { id, at, terms: [...content.split(' '), '@someone'], added: [] } },
    ]),
    when(MessageEdited, ({ data }) => [
      { key: data.message_id, change: (doc) => ({ ...doc, added: [...doc.added, data.content.split(' ')] }) },
    ]),
  ],
};
const projections = [words] as unknown as Projection[];
const term = fc.constantFrom('a', 'ab', 'abc', 'b', 'ba', 'c', 'ça', '東京', '𠮷');
const said = fc.uniqueArray(term, { minLength: 1, maxLength: 4 }).map((all) => all.join(' '));
const wanted = fc.uniqueArray(
  fc.oneof(
    term.map((each) => `=${each}`),
    fc.constantFrom('^a', '^ab', '^b', '^東', '=@someone', '=nobody'),
  ),
  { minLength: 1, maxLength: 3 },
);

for (const topology of topologies) {
  describe(`views of terms, on ${topology}`, () => {
    const world = useWorld(topology);
    let count = 0;

    interface Thing {
      readonly place: EventId;
      readonly texts: string[];
    }

    /** As many messages, of which each one of `edits` edits some message before it. */
    async function roomOf(texts: readonly string[], edits: ReadonlyMap<number, string>): Promise<[Room, Thing[]]> {
      const room = new Room(world, (count += 1));
      await room.create();
      const things: Thing[] = [];
      for (const [n, text] of texts.entries()) {
        things.push({ place: eventId((await room.send(1, n, text)).id), texts: [text] });
        const edit = edits.get(n);
        const target = Math.floor(n / 2);
        if (edit === undefined || things[target]!.texts.at(-1) === edit) continue;
        await room.edit(1, target, edit);
        things[target]!.texts.push(edit);
      }
      return [room, things];
    }

    async function project(room: Room, batch: number, upTo = Infinity): Promise<void> {
      const options = { log: world.log, views: new Views(world.log), projections, decode };
      const all = (await rawLog(world.log, room.stream)).filter(({ seq }) => seq <= upTo);
      for (let i = 0; i < all.length; i += batch) {
        await carryOut(world.log, await foldBatch(options, all.slice(i, i + batch), new Map(), () => false));
      }
    }

    /** Every place that a walk finds, by as many looks as it takes. */
    async function walked(room: Room, range: TermsRange): Promise<EventId[]> {
      const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections });
      const found: EventId[] = [];
      const late: EventId[] = [];
      for (let { below } = range, look: 'first' | 'further' = 'first'; ; look = 'further') {
        const { places, next, late: more } = await reading.terms(words, room.stream, { ...range, below }, look);
        for (const place of places) {
          expect(place.seq).to.be.below(found.at(-1)?.seq ?? Infinity);
          expect(place.seq).to.be.above(next?.seq ?? 0);
          found.push(place);
        }
        for (const [id, at] of more) {
          const [sent = ''] = (await room.guard('messages', id))!.split(' ');
          if (at !== undefined) expect(at).to.equal(sent);
          late.push(eventId(sent));
        }
        if (!next) break;
        expect(next.seq).to.be.below(below ?? Infinity);
        below = next.seq + 1;
      }
      const { below = Infinity, before = Infinity, least = 0, since = 0 } = range;
      const within = late.filter(({ ms, seq }) => seq < below && seq >= least && ms < before && ms >= since);
      const all = new Map([...found, ...within].map((place) => [place.seq, place]));
      return [...all.values()].toSorted((a, b) => b.seq - a.seq);
    }

    function plainly(things: readonly Thing[], range: TermsRange): EventId[] {
      const { below = Infinity, before = Infinity, least = 0, since = 0 } = range;
      const unchanging = range.wanted.filter((want) => want !== '=@someone');
      return things
        .filter(({ place: { ms, seq } }) => seq < below && seq >= least && ms < before && ms >= since)
        .filter(({ texts: [first, ...later] }) => {
          const ever = fitting(range.wanted)([...first!.split(' '), '@someone']);
          return ever || later.some((text) => fitting(unchanging)(text.split(' ')));
        })
        .map(({ place }) => place)
        .toReversed();
    }

    it('find what a plain look finds, in any bounds, however much of the log they hold', async function () {
      this.timeout(30_000);
      const texts = fc.array(said, { minLength: 1, maxLength: 3 * LEAF });
      const edits = fc.array(fc.tuple(fc.nat({ max: 3 * LEAF }), said), { maxLength: 20 }).map((all) => new Map(all));
      const asked = fc.array(
        fc.record({
          wanted,
          most: fc.constantFrom(1, 3, 1_000),
          bounds: fc.array(fc.nat({ max: 1_000 }), { minLength: 4, maxLength: 4 }),
        }),
        { minLength: 4, maxLength: 4 },
      );
      const property = fc.asyncProperty(
        texts,
        edits,
        asked,
        fc.constantFrom(3, 40, 500),
        fc.constantFrom(0.3, 0.9, 1),
        async (all, changes, asks, batch, share) => {
          const [room, things] = await roomOf(all, changes);
          const { length } = await rawLog(world.log, room.stream);
          await project(room, batch, Math.floor(length * share));
          for (const { wanted: want, most, bounds } of asks) {
            const places = things.map(({ place }) => place);
            const some = (n: number) => (n > 500 ? undefined : places[n % places.length]);
            const [below, before, least, since] = bounds.map(some);
            const range = {
              wanted: want,
              most,
              below: below?.seq,
              before: before?.ms,
              least: least?.seq,
              since: since?.ms,
            };
            expect(await walked(room, range), JSON.stringify(range)).to.deep.equal(plainly(things, range));
          }
          await project(room, batch);
        },
      );
      await fc.assert(property, { numRuns: 12 });
      await expectViewsEqualFold(world.log, { projections });
    });

    it('find what was sent while the clock stood still', async () => {
      const texts = Array.from({ length: 3 * LEAF }, (_, n) => (n % 7 === 0 ? 'a b' : 'b'));
      await setClock(world, new Room(world, count + 1).stream, 9_000_000_000_000);
      const [room, things] = await roomOf(texts, new Map());
      await project(room, 50);
      const [{ place }] = things as [Thing];
      expect(new Set(things.map((each) => each.place.ms)).size).to.equal(1);
      for (const range of [
        {},
        { before: place.ms + 1 },
        { before: place.ms },
        { since: place.ms },
        { since: place.ms + 1 },
      ]) {
        const asked = { wanted: ['=a'], most: 2, ...range };
        expect(await walked(room, asked), JSON.stringify(range)).to.deep.equal(plainly(things, asked));
      }
    });

    it('look at a message whole that was changed more often than one look takes', async function () {
      this.timeout(20_000);
      const [room, things] = await roomOf(['a', 'b', 'c'], new Map());
      await project(room, 10);
      const [, , , added] = new Views(world.log).shape(words, room.stream).keys as string[];
      const at = ({ ms, seq }: EventId) => `${ms}-${seq}`;
      for (const [i, { place }] of things.entries()) {
        const members = Array.from({ length: 1_500 }, (_, n) => leafOf([{ at: at(place), terms: [`x${n}`, `y${i}`] }]));
        await world.log.connection.commands.zadd(added!, ...members.flatMap((leaf) => [place.seq, leaf]));
      }
      const [first, second, third] = things.map(({ place }) => place);
      expect(await walked(room, { wanted: ['=x1499'], most: 10 })).to.deep.equal([third, second, first]);
      expect(await walked(room, { wanted: ['=y0', '^x'], most: 10 })).to.deep.equal([first]);
      const more = Array.from({ length: 2_100 }, (_, n) => leafOf([{ at: at(second!), terms: [`z${n}`] }]));
      await world.log.connection.commands.zadd(added!, ...more.flatMap((leaf) => [second!.seq, leaf]));
      expect(await walked(room, { wanted: ['^z'], most: 10 })).to.deep.equal([second]);
      expect(await walked(room, { wanted: ['=x7'], most: 10 })).to.deep.equal([third, second, first]);
    });

    it('know nothing of a stream that is not there', async () => {
      expect(await walked(new Room(world, 999), { wanted: ['=a'], most: 10 })).to.deep.equal([]);
    });
  });
}

describe('a leaf', () => {
  it('says of one document what was put on it', () => {
    const placing = { at: '1763650000000-42', terms: ['hello', '東京', '@who'] };
    expect(placingOn(leafOf([placing]))).to.deep.equal({ ...placing, terms: placing.terms.toSorted() });
    expect(() => placingOn('nonsense')).to.throw();
  });
});
