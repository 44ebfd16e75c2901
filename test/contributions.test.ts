/** What one feature adds to the documents of another: read through the other's own projection, whether a projector has been there or not. */
import { expect } from 'chai';
import { projections } from '../src/chat/index.ts';
import type { Message } from '../src/chat/messages/contract.ts';
import { history } from '../src/chat/messages/history.ts';
import { ReceiptRead } from '../src/chat/receipts/contract.ts';
import { composeProjections, when } from '../src/views/projection.ts';
import type { Contribution } from '../src/views/projection.ts';
import { Reading } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { decode, expectViewsEqualFold } from './support/folds.ts';
import { caughtUp, useProjectors } from './support/projectors.ts';
import { message, Room } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

/** Counts in a message how many have read up to it: nothing that `history` itself would look at. */
const readers: Contribution = {
  view: 'history',
  handlers: [
    when(ReceiptRead, ({ data }) => [
      { key: data.message_id, change: (doc: Message) => ({ ...doc, revision: doc.revision + 1 }) },
    ]),
  ],
};
const composed = composeProjections(projections, [readers]);

describe('a contribution', () => {
  const world = useWorld();
  const projectors = useProjectors(world);
  let room: Room;
  let reading: Reading;
  beforeEach(async () => {
    reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections: composed });
    room = new Room(world);
    await room.create();
    for (let n = 1; n <= 3; n += 1) await room.send(1, n);
    await room.read(2, 2);
  });

  async function revisions(asOf?: string): Promise<number[]> {
    const rows = await reading.page(history, room.stream, { direction: 'up', limit: 10 }, asOf);
    return rows.map(({ json }) => (JSON.parse(json.toString()) as Message).revision);
  }
  const revision = async (n: number, asOf?: string) =>
    (await reading.byKeys(history, room.stream, [message(n)], asOf)).get(message(n))?.doc.revision;

  it('counts in every read of the view, projected or not, and back in time', async () => {
    expect(await revisions()).to.deep.equal([1, 1, 2, 1]);
    await projectors.start({ projections: composed });
    await caughtUp(world.log);
    expect(await revisions()).to.deep.equal([1, 1, 2, 1]);
    await expectViewsEqualFold(world.log, { projections: composed });
    const { id } = await room.read(3, 3);
    expect(await revisions()).to.deep.equal([1, 1, 2, 2]);
    expect(await revision(3)).to.equal(2);
    const before = `${id.split('-')[0]}-${Number(id.split('-')[1]) - 1}`;
    expect([await revisions(before), await revision(3, before)]).to.deep.equal([[1, 1, 2, 1], 1]);
  });

  it('stands behind the handlers of the projection itself, which stays as it was', () => {
    const at = composed.find(({ name }) => name === 'history')!;
    const before = projections.find(({ name }) => name === 'history')!;
    expect(at.handlers).to.deep.equal([...before.handlers, ...readers.handlers]);
    expect(at).to.include({ version: history.version, shape: history.shape });
    const others = (all: typeof projections) =>
      all.filter(({ name }) => name !== 'history').map(({ name, handlers }) => [name, handlers]);
    expect(others(composed)).to.deep.equal(others(projections));
  });

  it('to a view that nobody has stops the start', () => {
    expect(() => composeProjections(projections, [{ view: 'histories', handlers: [] }])).to.throw('histories');
  });
});
