/** Views hold what a plain fold makes, whatever steps a projection takes and however its events are cut into batches. */
import { expect } from 'chai';
import fc from 'fast-check';
import { MessageSent } from '../src/chat/messages/contract.ts';
import { foldBatch } from '../src/projector/fold.ts';
import type { PageRange, Projection, Step } from '../src/views/projection.ts';
import { Sheet, when } from '../src/views/projection.ts';
import { Views } from '../src/views/store.ts';
import { carryOut, decode, expectViewsEqualFold, rawLog, viewKeys } from './support/folds.ts';
import { Room } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

interface Note {
  id: string;
  text: string;
  times: number;
}

interface Act {
  readonly key: string;
  readonly does: 'put' | 'change' | 'remove';
}

/** Does what messages say. */
const notes = (shape: Projection['shape']): Projection<Note> => ({
  name: shape === 'entity' ? 'note' : 'notes',
  version: 1,
  source: 'conversation',
  shape,
  key: ({ id }) => (shape === 'entity' ? '' : id),
  fields: { id: 'string', text: 'string', times: 'number' },
  handlers: [
    when(MessageSent, ({ seq, data }) =>
      (JSON.parse(data.content) as Act[]).map(({ key: id, does }, i): Step<Note> => {
        const key = shape === 'entity' ? '' : id;
        if (does === 'remove') return { key, remove: true };
        if (does === 'change') return { key, change: (note) => ({ ...note, times: note.times + 1 }) };
        return { key, order: seq + i / 8, put: { id, text: `put by ${seq}`, times: 0 } };
      }),
    ),
  ],
});
const collection = notes('collection');
/** The same once more, on shelves: by its key, and by how often it was changed. */
const shelved: Projection<Note> = {
  ...collection,
  name: 'shelved',
  handlers: collection.handlers.map((handler) => ({
    type: handler.type,
    steps: (event) =>
      handler.steps(event).map((step, i) => ('put' in step ? { ...step, order: event.seq * 8 + i } : step)),
  })),
  shelves: ({ id, times }) => (id === 'c' ? [] : [id, `t${times}`]),
};
const projections = [collection, notes('entity'), shelved] as unknown as Projection[];

const act = fc.record<Act>({
  key: fc.constantFrom('a', 'b', 'c'),
  does: fc.constantFrom('put', 'put', 'change', 'remove'),
});
const messages = fc.array(fc.array(act, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });

describe('the shapes of views', () => {
  const world = useWorld();
  let count = 0;

  async function project(room: Room, batch: number): Promise<void> {
    const options = { log: world.log, views: new Views(world.log), projections, decode };
    const all = await rawLog(world.log, room.stream);
    for (let i = 0; i < all.length; i += batch) {
      await carryOut(world.log, await foldBatch(options, all.slice(i, i + batch), new Map(), () => false));
    }
  }

  async function roomOf(said: readonly Act[][]): Promise<Room> {
    const room = new Room(world, (count += 1));
    await room.create();
    for (const [n, acts] of said.entries()) await room.send(1, n, JSON.stringify(acts));
    return room;
  }

  it('leave no document behind, also where one is put over another', async () => {
    const property = fc.asyncProperty(messages, fc.integer({ min: 1, max: 5 }), async (said, batch) => {
      await project(await roomOf(said), batch);
    });
    await fc.assert(property, { numRuns: 40 });
    await expectViewsEqualFold(world.log, { projections });
  });

  it('keep a document in its place when another is put over it', async () => {
    const room = await roomOf([[{ key: 'a', does: 'put' }], [{ key: 'b', does: 'put' }], [{ key: 'a', does: 'put' }]]);
    await project(room, 1);
    const { docs } = await new Views(world.log).page(projections[0]!, room.stream, { direction: 'up', limit: 10 });
    expect(docs.map(({ order, json }) => [order, (JSON.parse(json.toString()) as Note).text])).to.deep.equal([
      [2, 'put by 4'],
      [3, 'put by 3'],
    ]);
  });

  it('give a shelf page by page, both ways, as if the rest were not there', async () => {
    const property = fc.asyncProperty(messages, fc.integer({ min: 1, max: 4 }), async (said, batch) => {
      const room = await roomOf(said);
      await project(room, batch);
      const views = new Views(world.log);
      const page = async (range: Omit<PageRange, 'limit'>, limit: number) =>
        (await views.page(projections[2]!, room.stream, { ...range, limit })).docs;
      const all = (await page({ direction: 'up' }, -1)).map(({ order, json }) => {
        const note = JSON.parse(json.toString()) as Note;
        return { order, on: note.id === 'c' ? [] : [note.id, `t${note.times}`] };
      });
      for (const shelf of ['a', 'b', 'c', 't0', 't1', 't'])
        for (const direction of ['up', 'down'] as const) {
          const expected = all.filter(({ on }) => on.includes(shelf)).map(({ order }) => order);
          if (direction === 'down') expected.reverse();
          const found: number[] = [];
          for (let from: number | undefined; ;) {
            const docs = await page({ direction, from, shelf }, batch);
            found.push(...docs.map(({ order }) => order));
            if (docs.length < batch) break;
            from = docs.at(-1)!.order;
          }
          expect(found, `${shelf} ${direction}`).to.deep.equal(expected);
        }
    });
    await fc.assert(property, { numRuns: 25 });
  });

  it('clear what lies under a view that holds nothing', async () => {
    const room = await roomOf([[{ key: 'a', does: 'put' }]]);
    const { keys } = new Views(world.log).shape(projections[0]!, room.stream);
    await world.log.connection.commands.zadd(keys[1]!, 7, '{"id":"ghost"}');
    await project(room, 5);
    await expectViewsEqualFold(world.log, { projections });
    expect(await viewKeys(world.log)).to.have.length(6);
  });
});

describe('a sheet', () => {
  it('takes all of the steps of an event or none', () => {
    const sheet = new Sheet<Note>();
    sheet.load('b', 2, { id: 'b', text: '', times: 0 });
    const fails = (): Note => {
      throw new Error('does not fit');
    };
    const put = { key: 'a', order: 1, put: { id: 'a', text: '', times: 0 } };
    expect(() => sheet.apply([put, { key: 'b', change: fails }])).to.throw('does not fit');
    expect([sheet.get('a'), sheet.touched.size]).to.deep.equal([undefined, 0]);
    sheet.apply([put, { key: 'a', change: (note) => ({ ...note, times: 1 }) }, { key: 'b', remove: true }]);
    expect(sheet.sorted()).to.deep.equal([{ order: 1, doc: { id: 'a', text: '', times: 1 } }]);
  });
});
