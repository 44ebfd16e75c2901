/** What races do to the streams of a session, one step at a time: a node in memory, whose tail brings events when a test says so. */
import { expect } from 'chai';
import { Gate, joined, left, NodeInMemory, open, OWN, ROOM, settled } from '../support/node-in-memory.ts';
import { keyOf } from '../../src/gateway/fanout.ts';
import type { Opening } from '../../src/gateway/session.ts';

const NOWHERE: Opening = { ready: '"conversations":[]', heads: new Map(), userEventId: '0-0' };

describe('subscriptions', () => {
  let node: NodeInMemory;
  beforeEach(() => {
    node = new NodeInMemory();
  });

  describe('where others stand further on', () => {
    it('what one session read ahead of the tail is not taken from another', async () => {
      node.write(ROOM, 8);
      const gate = new Gate();
      const early = node.session({ opening: () => stands.then((place) => gate.opened.then(() => place)) });
      const stands = early.stands(node.fanout, [ROOM]);
      const opening = early.session.open();
      await settled();
      const [nine, ten] = node.write(ROOM, 2);
      const ahead = await open(node.session());
      gate.open();
      await opening;
      node.fanout.take([nine!, ten!]);
      node.bring(ROOM);
      await settled();
      expect([early.seqs(), ahead.seqs()]).to.deep.equal([[9, 10, 11], [11]]);
    });

    it('nor from one that came into a new conversation', async () => {
      const there = await open(node.session({ conversationIds: async () => [], opening: async () => NOWHERE }));
      node.bring(ROOM, 1, [joined()]);
      const [two] = node.write(ROOM);
      await open(node.session());
      node.fanout.take([two!]);
      await settled();
      expect(there.seqs()).to.deep.equal([1, 2]);
    });
  });

  describe('who has just caught up', () => {
    it('gets what comes live behind what the log had, though that is not written yet', async () => {
      node.write(ROOM, 3);
      const session = await open(node.session());
      session.receive({ type: 'conversation.sync', data: { conversation_id: ROOM.id, after: '1-1' } });
      // Within one turn nothing is flushed.
      for (let i = 0; i < 100; i += 1) await Promise.resolve();
      expect(session.seqs()).to.deep.equal([]);
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([2, 3, 4]);
    });
  });

  describe('who was taken out', () => {
    it('does not follow what an old list says that they are in', async () => {
      node.write(ROOM, 3);
      const session = await open(node.session({ opening: async () => NOWHERE }));
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([]);
      expect(node.fanout.size).to.equal(1);
    });

    it('is not put back by places that were read before', async () => {
      node.write(ROOM, 3);
      const gate = new Gate();
      const session = node.session({ opening: () => stands.then((place) => gate.opened.then(() => place)) });
      const stands = session.stands(node.fanout, [ROOM]);
      const opening = session.session.open();
      await settled();
      node.bring(ROOM, 1, [left()]);
      gate.open();
      await opening;
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([4]);
      expect(node.fanout.size).to.equal(1);
    });

    it('nor let in by their own stream, which tells late that they had come', async () => {
      node.write(ROOM, 5);
      const nobody = { conversationIds: async () => [], opening: async () => NOWHERE };
      const session = await open(node.session({ ...nobody, beforeJoining: async () => undefined }));
      node.bring(OWN, 1, [joined()]);
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([]);
      expect(node.fanout.size).to.equal(1);
    });

    it('nor kept by it while the rest is still read', async () => {
      node.write(ROOM, 4);
      const session = await open(node.session({ resumes: true }));
      node.bring(ROOM, 1, [left()]);
      node.bring(OWN, 1, [joined()]);
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-3' } } });
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([4, 5]);
    });

    it('and came back before the session asked where it stands stays, though the tail tells both late', async () => {
      node.write(ROOM, 8);
      const [nine] = node.write(ROOM, 1, [left()]);
      const [ten] = node.write(ROOM, 1, [joined()]);
      const gate = new Gate();
      const quick = await open(node.session());
      const place = quick.stands(node.fanout, [ROOM]);
      const slow = node.session({ opening: () => gate.opened.then(() => place) });
      const opening = slow.session.open();
      await settled();
      node.fanout.take([nine!]);
      await settled();
      gate.open();
      await opening;
      node.fanout.take([ten!]);
      node.bring(ROOM);
      await settled();
      expect([quick.seqs(), slow.seqs()]).to.deep.equal([[11], [11]]);
    });

    it('and comes back while it opens is there, whatever was read before', async () => {
      node.write(ROOM, 3);
      const gate = new Gate();
      const opened = () => gate.opened.then(() => NOWHERE);
      const session = node.session({ opening: opened, beforeJoining: async () => '1-3' });
      const opening = session.session.open();
      await settled();
      node.bring(ROOM, 1, [joined()]);
      gate.open();
      await opening;
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([4, 5]);
    });

    it('while it names its cursors still gets everything up to that, and nothing after', async () => {
      node.write(ROOM, 4);
      const session = await open(node.session({ resumes: true }));
      node.bring(ROOM, 2, [left()]);
      node.bring(ROOM);
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-2' } } });
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([3, 4, 5, 6]);
      expect(session.types()).to.include('session.resumed');
    });

    it('while the log is being read as well, also where that is behind the tail', async () => {
      node.write(ROOM, 450);
      const session = await open(node.session({ resumes: true }));
      node.gate = new Gate();
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-10' } } });
      await settled();
      node.bring(ROOM, 1, [left()]);
      node.bring(ROOM, 3);
      node.gate.open();
      await settled();
      await settled();
      expect(session.seqs()).to.deep.equal(Array.from({ length: 441 }, (_, i) => 11 + i));
    });

    it('while the socket is too full for more of a page', async () => {
      node.write(ROOM, 6, [], 30_000);
      const session = await open(node.session({ resumes: true }));
      session.wire.isStuck = true;
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '0-0' } } });
      await settled();
      expect(session.wire.writableLength).to.be.within(30_000, 120_000);
      node.bring(ROOM, 1, [left()]);
      node.bring(ROOM);
      session.wire.takeAll();
      await settled();
      await settled();
      expect(session.seqs()).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
    });

    it('and brought in again meanwhile goes on, without what was said between', async () => {
      node.write(ROOM, 4);
      const session = await open(node.session({ resumes: true }));
      node.bring(ROOM, 1, [left()]);
      node.bring(ROOM);
      node.bring(ROOM, 1, [joined()]);
      node.bring(ROOM);
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-4' } } });
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([5, 7, 8, 9]);
    });
  });

  describe('who came in', () => {
    const outside = { conversationIds: async () => [], opening: async () => NOWHERE };
    /** The user came in by the sixth event. */
    const writeSeven = () => {
      node.write(ROOM, 6, [joined()]);
      node.write(ROOM);
    };

    it('begins with that event, whatever came before, also while it names its cursors', async () => {
      node.write(ROOM, 5);
      for (const resumes of [false, true]) {
        const session = await open(node.session({ ...outside, resumes }));
        const first = node.events(ROOM).length + 1;
        node.bring(ROOM, 1, [joined()]);
        node.bring(ROOM, 2);
        if (resumes) session.receive({ type: 'session.resume', data: { cursors: {} } });
        await settled();
        node.bring(ROOM);
        await settled();
        expect(session.seqs()).to.deep.equal([first, first + 1, first + 2, first + 3]);
        session.session.ended();
      }
    });

    it('and hears of it from their own stream first gets all of it from the log', async () => {
      writeSeven();
      for (const resumes of [false, true]) {
        const session = await open(node.session({ ...outside, resumes, beforeJoining: async () => '1-5' }));
        node.bring(OWN, 1, [joined()]);
        if (resumes) session.receive({ type: 'session.resume', data: { cursors: {} } });
        await settled();
        expect(session.seqs()).to.deep.equal([6, 7]);
        session.session.ended();
        node = new NodeInMemory();
        writeSeven();
      }
    });

    it('and is out again before their own stream was followed up has what lies between, and nothing after', async () => {
      node.write(ROOM, 5);
      const gate = new Gate();
      const session = await open(node.session({ ...outside, beforeJoining: () => gate.opened.then(() => undefined) }));
      node.bring(OWN, 1, [joined()]);
      node.bring(ROOM, 1);
      node.bring(ROOM, 1, [joined()]);
      node.bring(ROOM, 1);
      node.bring(ROOM, 1, [left()]);
      node.bring(ROOM, 1);
      gate.open();
      await settled();
      expect(session.seqs()).to.deep.equal([7, 8, 9]);
    });

    it('also while it opens, and others stand further on', async () => {
      writeSeven();
      const [gate, found] = [new Gate(), new Gate()];
      const opening = () => gate.opened.then(() => NOWHERE);
      const beforeJoining = () => found.opened.then(() => '1-5');
      const session = node.session({ conversationIds: async () => [], opening, beforeJoining });
      const opened = session.session.open();
      await settled();
      node.bring(OWN, 1, [joined()]);
      gate.open();
      await opened;
      found.open();
      await settled();
      const [eight] = node.write(ROOM);
      await open(node.session());
      node.fanout.take([eight!]);
      expect(session.seqs()).to.deep.equal([6, 7, 8]);
    });

    it('while the place was still looked up is not taken along without one', async () => {
      writeSeven();
      const gate = new Gate();
      const before = () => gate.opened.then(() => '1-5');
      const session = await open(node.session({ ...outside, resumes: true, beforeJoining: before }));
      node.bring(OWN, 1, [joined()]);
      session.receive({ type: 'session.resume', data: { cursors: {} } });
      await settled();
      node.bring(ROOM);
      gate.open();
      await settled();
      expect(session.seqs()).to.deep.equal([6, 7, 8]);
    });
  });

  it('a log that was lost while the socket was too full for a page of it is told all the same', async () => {
    node.write(ROOM, 6, [], 30_000);
    const session = await open(node.session({ resumes: true }));
    const steady = await open(node.session());
    session.wire.isStuck = true;
    session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '0-0' } } });
    await settled();
    node.logs.clear();
    const other = node.write(ROOM, 3).map((event) => ({ ...event, id: `2-${event.seq}` }));
    node.logs.set(keyOf(ROOM), other);
    await node.fanout.lost(0);
    session.wire.takeAll();
    await settled();
    await settled();
    node.bring(ROOM);
    await settled();
    for (const one of [session, steady]) {
      expect(one.types()).to.include('sync.reset');
      expect(one.seqs().at(-1)).to.equal(4);
    }
  });

  it('a log that does not have its own head resets the client once', async () => {
    node.write(ROOM, 9);
    const session = await open(node.session({ resumes: true }));
    node.logs.set(keyOf(ROOM), node.events(ROOM).slice(0, 4));
    node.headsOnly.set(keyOf(ROOM), '5-9');
    session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-7' } } });
    await settled();
    await settled();
    expect(session.types().filter((type) => type === 'sync.reset')).to.have.length(1);
    expect(session.types()).to.include('session.resumed');
    expect(session.closes).to.deep.equal([]);
  });

  describe("a conversation that the user's list lacks yet", () => {
    const unlisted = { conversationIds: async () => [], opening: async () => NOWHERE, resumes: true };

    it('is resumed at the cursor, and nothing comes twice when the list has it', async () => {
      node.write(ROOM, 9);
      const session = await open(node.session({ ...unlisted, beforeJoining: async () => '1-4' }));
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-7' } } });
      await settled();
      expect(session.seqs()).to.deep.equal([8, 9]);
      node.bring(OWN, 1, [joined()]);
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([8, 9, 10]);
    });

    it('also where the tail brings the coming in after the client had more', async () => {
      const [, , coming] = node.write(ROOM, 3, [joined()]);
      node.write(ROOM, 4);
      let isIn = false;
      const beforeJoining = async () => (isIn ? '1-2' : undefined);
      const session = await open(node.session({ ...unlisted, beforeJoining }));
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-5' } } });
      await settled();
      isIn = true;
      node.fanout.take([coming!]);
      await settled();
      expect(session.seqs().filter((seq) => seq <= 5)).to.deep.equal([]);
    });

    it('but no other, however many the client names', async () => {
      const session = await open(node.session({ ...unlisted, beforeJoining: async () => undefined }));
      const cursors = Object.fromEntries(
        Array.from({ length: 200 }, (_, i) => [`01HX${String(i).padStart(22, '0')}`, '0-0']),
      );
      session.receive({ type: 'session.resume', data: { cursors } });
      await settled();
      expect(session.types()).to.include('session.resumed');
      expect(node.fanout.size).to.equal(1);
    });
  });

  it('a socket that went while it opened leaves nothing behind', async () => {
    const gate = new Gate();
    const session = node.session({ conversationIds: () => gate.opened.then(() => [ROOM.id]) });
    const opening = session.session.open();
    session.session.ended();
    gate.open();
    await opening;
    expect(node.fanout.size).to.equal(0);
  });
});
