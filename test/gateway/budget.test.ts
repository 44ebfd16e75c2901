/** What one socket may make a node hold: a few pages at once whatever it asks for, everything in turn, and not for a reader that stands still. */
import { expect } from 'chai';
import sinon from 'sinon';
import { conversationStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import { NodeInMemory, open, settled } from '../support/node-in-memory.ts';
import type { SessionInMemory } from '../support/node-in-memory.ts';

const ROOMS = Array.from({ length: 64 }, (_, i) => conversationStream(`01HR00M${String(i).padStart(19, '0')}`));
const BIG = 55_000;
/** Events of each. */
const EACH = 10;

describe("what a socket's catch-ups hold", () => {
  let node: NodeInMemory;
  let session: SessionInMemory;
  beforeEach(async () => {
    node = new NodeInMemory();
    for (const room of ROOMS) node.write(room, EACH, [], BIG);
    session = node.session({
      conversationIds: async () => ROOMS.map(({ id }) => id),
      opening: () => session.stands(node.fanout, ROOMS),
    });
    await open(session);
  });

  afterEach(() => session.wire.destroy());

  const synchronise = (room: StreamRef) => {
    session.receive({ type: 'conversation.sync', id: room.id, data: { conversation_id: room.id, after: '0-0' } });
  };
  const acked = () => session.frames().flatMap(({ type, id }) => (type === 'ack' ? [String(id)] : []));

  it('is a few pages and one full socket, also for 64 conversations of large messages', async () => {
    session.wire.isStuck = true;
    const before = node.bytesRead;
    ROOMS.forEach(synchronise);
    await settled();
    await settled();
    expect(session.wire.writableLength).to.be.within(BIG, 200_000);
    expect(node.bytesRead - before).to.be.within(BIG, 4 * 8 * 56_000);
  });

  it('is no more where large messages come all at once behind small ones', async () => {
    const mixed = conversationStream('01HR00MX000000000000000000');
    node.write(mixed, 100);
    node.write(mixed, 100, [], BIG);
    const page = (await node.fanout.pages.read(mixed, '0-0', 200, 'known'))!;
    const bytes = page.events.reduce((sum, { frame }) => sum + frame.length, 0);
    expect(bytes).to.be.within(BIG, 65_536 + BIG);
    expect([page.hasMore, page.nextCount]).to.deep.equal([true, 64]);
  });

  it('and a slow reader gets all of them in turn', async () => {
    session.wire.isStuck = true;
    ROOMS.forEach(synchronise);
    for (let turns = 0; acked().length < ROOMS.length; turns += 1) {
      expect(turns).to.be.below(5_000);
      session.wire.takeOne();
      await settled();
    }
    for (const room of ROOMS) expect(session.seqs(room)).to.deep.equal(Array.from({ length: EACH }, (_, i) => i + 1));
    expect(session.closes).to.deep.equal([]);
    // Those that wait for their turn stay live.
    session.wire.takeAll();
    node.bring(ROOMS[0]!);
    await settled();
    expect(session.seqs(ROOMS[0]!).at(-1)).to.equal(EACH + 1);
  });

  it('live events go on for what waits for its turn', async () => {
    session.wire.isStuck = true;
    ROOMS.forEach(synchronise);
    await settled();
    const last = ROOMS.at(-1)!;
    node.bring(last);
    session.wire.takeAll();
    await settled();
    expect(session.seqs(last)[0]).to.equal(EACH + 1);
  });

  it('who takes nothing for half a minute is cut', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      session.wire.isStuck = true;
      synchronise(ROOMS[0]!);
      await settled();
      clock.tick(29_999);
      expect(session.tooSlow).to.equal(0);
      clock.tick(1);
      expect(session.tooSlow).to.equal(1);
    } finally {
      clock.restore();
    }
  });
});
