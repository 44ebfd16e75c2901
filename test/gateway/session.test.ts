/** One session when its node's tail loses its place, when its client is slow or silent, and when its end has begun. */
import { expect } from 'chai';
import sinon from 'sinon';
import { closeCodes } from '../../src/errors.ts';
import { keyOf } from '../../src/gateway/fanout.ts';
import { Gate, joined, left, NodeInMemory, open, OWN, ROOM, settled } from '../support/node-in-memory.ts';

describe('session', () => {
  let node: NodeInMemory;
  beforeEach(() => {
    node = new NodeInMemory();
  });

  describe('when the tail lost its place', () => {
    it('a hole in what it brings is read from the log, and what follows waits', async () => {
      node.write(ROOM, 2);
      const session = await open(node.session());
      node.bring(ROOM);
      node.write(ROOM, 2);
      node.gate = new Gate();
      node.bring(ROOM, 2);
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([3]);
      node.gate.open();
      await settled();
      node.bring(ROOM);
      expect(session.seqs()).to.deep.equal([3, 4, 5, 6, 7, 8, 9]);
    });

    it('a hole where the log had been read ahead of the tail is found too', async () => {
      node.write(ROOM, 3);
      const session = await open(node.session({ resumes: true }));
      const ahead = node.write(ROOM, 3);
      session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-2' } } });
      await settled();
      expect(session.seqs()).to.deep.equal([3, 4, 5, 6]);
      node.fanout.take(ahead.slice(0, 1));
      node.write(ROOM, 2);
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([3, 4, 5, 6, 7, 8, 9]);
    });

    it('a cut feed costs nothing: what it brought no more comes from the log, then live events', async () => {
      node.write(ROOM, 2);
      const session = await open(node.session());
      node.write(ROOM, 450);
      await node.fanout.lost(0);
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal(Array.from({ length: 451 }, (_, i) => 3 + i));
      expect(session.types()).to.not.include('sync.reset');
    });

    it('who was taken out meanwhile gets that event and nothing after', async () => {
      node.write(ROOM, 2);
      const session = await open(node.session());
      node.write(ROOM, 2, [left()]);
      node.write(ROOM, 2);
      await node.fanout.lost(0);
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([3, 4]);
    });

    it('who came in meanwhile gets all since', async () => {
      node.write(ROOM, 4, [joined()]);
      node.write(ROOM);
      const nobody = { ready: '"conversations":[]', heads: new Map<string, string>(), userEventId: '0-0' };
      const parts = { conversationIds: async () => [], opening: async () => nobody, beforeJoining: async () => '1-3' };
      const session = await open(node.session(parts));
      node.write(OWN, 1, [joined()]);
      await node.fanout.lost(0);
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([4, 5, 6]);
    });

    it('and who came in where others are as well', async () => {
      node.write(ROOM, 5);
      await open(node.session({ caller: { userId: '01HXTHER000000000000000000', sessionId: 'x' } }));
      const nobody = { ready: '"conversations":[]', heads: new Map<string, string>(), userEventId: '0-0' };
      const parts = { conversationIds: async () => [], opening: async () => nobody, beforeJoining: async () => '1-5' };
      const session = await open(node.session(parts));
      node.write(ROOM, 1, [joined()]);
      node.write(OWN, 1, [joined()]);
      node.write(ROOM, 2);
      await node.fanout.lost(0);
      await settled();
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([6, 7, 8, 9]);
    });

    it('a log that is another tells the client to reload, and live events go on', async () => {
      node.write(ROOM, 9);
      const session = await open(node.session());
      node.bring(ROOM);
      node.logs.set(keyOf(ROOM), []);
      node.write(ROOM, 2);
      node.events(ROOM).forEach((event, i) => Object.assign(event, { id: `7-${i + 1}` }));
      await node.fanout.lost(0);
      await settled();
      node.bring(ROOM);
      await settled();
      const reset = session.frames().find((frame) => frame['type'] === 'sync.reset');
      expect(reset?.['data']).to.deep.equal({ conversation_id: ROOM.id, last_event_id: '7-2' });
      expect(session.seqs()).to.deep.equal([10, 3]);
    });

    it('a head that the log does not have is not waited for', async () => {
      node.write(ROOM, 9);
      const session = await open(node.session());
      node.logs.set(keyOf(ROOM), []);
      session.receive({ type: 'conversation.sync', id: 's', data: { conversation_id: ROOM.id, after: '1-4' } });
      await settled();
      await settled();
      expect(session.types()).to.include.members(['sync.reset', 'ack']);
      node.bring(ROOM, 1, [joined()]);
      expect(session.seqs()).to.deep.equal([1]);
    });

    it('a session that waits is brought up from where it stands as well', async () => {
      node.write(ROOM, 2);
      const [kept, told] = [await open(node.session({ resumes: true })), await open(node.session({ resumes: true }))];
      node.write(ROOM, 2);
      await node.fanout.lost(0);
      kept.receive({ type: 'session.resume', data: { cursors: {} } });
      await settled();
      node.logs.set(keyOf(ROOM), []);
      node.write(ROOM);
      node.events(ROOM).forEach((event, i) => Object.assign(event, { id: `7-${i + 1}` }));
      await node.fanout.lost(0);
      told.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '1-2' } } });
      await settled();
      node.bring(ROOM);
      await settled();
      expect([kept.seqs(), told.seqs()]).to.deep.equal([[3, 4, 2], [2]]);
      for (const session of [kept, told]) {
        expect(session.types().filter((type) => type === 'sync.reset')).to.have.length(1);
        expect(session.closes).to.deep.equal([]);
      }
    });
  });

  it('a log that cannot be read sends the client away to come back, not live with a hole', async () => {
    node.write(ROOM, 5);
    const errors: unknown[] = [];
    const session = await open(node.session({ resumes: true, onError: (error) => errors.push(error) }));
    node.gate = { opened: Promise.reject(new Error('Redis is away')), open: () => {} };
    session.receive({ type: 'session.resume', id: 'r', data: { cursors: { [ROOM.id]: '1-1' } } });
    await settled();
    expect(session.closes).to.deep.equal([closeCodes.restart]);
    expect(String(errors)).to.include('Redis is away');
    expect(session.types()).to.not.include('session.resumed');
  });

  it('a session that ended before anyone listened for that, or unheard, loses its socket', async () => {
    for (const only of [undefined, ROOM.id]) {
      const late = await open(node.session({ only, hasEnded: async () => true }));
      expect(late.closes).to.deep.equal([closeCodes.unauthenticated]);
      let isOver = false;
      const unheard = await open(node.session({ only, hasEnded: async () => isOver }));
      isOver = true;
      expect(unheard.closes).to.deep.equal([]);
      await node.fanout.lost(0);
      await settled();
      expect(unheard.closes).to.deep.equal([closeCodes.unauthenticated]);
    }
  });

  it('a socket of one conversation takes no command for another, and every command that is for none', async () => {
    const ran: string[] = [];
    const session = await open(
      node.session({
        only: ROOM.id,
        run: async ({ type }) => {
          ran.push(type);
          return {};
        },
      }),
    );
    const other = '01HXTHERR00M00000000000000';
    session.receive({ type: 'message.send', id: 'a', data: { conversation_id: other, content: 'x' } });
    session.receive({ type: 'conversation.sync', id: 's', data: { conversation_id: other, after: '0-0' } });
    session.receive({ type: 'message.send', id: 'b', data: { conversation_id: ROOM.id, content: 'x' } });
    session.receive({ type: 'presence.set', id: 'c', data: {} });
    await settled();
    expect(ran).to.deep.equal(['message.send', 'presence.set']);
    for (const refused of ['a', 's'])
      expect(session.frames().find(({ id }) => id === refused)).to.have.nested.property('error.code', 'forbidden');
  });

  it('one that waits for as many answers as it may is not held dead for pongs that nobody reads', async () => {
    const gate = new Gate();
    const session = await open(node.session({ run: () => gate.opened.then(() => ({})) }));
    for (let i = 0; i < 64; i += 1) session.receive({ type: 'message.send', id: `${i}`, data: {} });
    expect(session.paused).to.equal(1);
    for (let i = 0; i < 3; i += 1) session.session.ping();
    expect(session.session.missedPongs).to.equal(0);
    gate.open();
    await settled();
    expect(session.paused).to.equal(0);
    session.session.ping();
    expect(session.session.missedPongs).to.equal(1);
  });

  it('a client that does not name its cursors within five seconds is closed, to come back', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const [silent, quick] = [node.session({ resumes: true }), node.session({ resumes: true })];
      await open(silent);
      await open(quick);
      clock.tick(4_999);
      quick.receive({ type: 'session.resume', data: { cursors: {} } });
      await settled();
      expect(silent.closes).to.deep.equal([]);
      clock.tick(1);
      expect([silent.closes, quick.closes]).to.deep.equal([[closeCodes.heartbeat_missed], []]);
    } finally {
      clock.restore();
    }
  });

  it('after the close nothing is sent: no event, no ack of a command under way', async () => {
    const gate = new Gate();
    const session = await open(node.session({ run: () => gate.opened.then(() => ({})) }));
    session.receive({ type: 'message.send', id: 'm', data: {} });
    session.session.restart();
    const before = session.wire.texts().length;
    gate.open();
    node.bring(ROOM);
    await settled();
    expect(session.wire.texts()).to.have.length(before);
    expect(node.fanout.size).to.equal(0);
  });

  it('nor what was being read of the log', async () => {
    node.write(ROOM, 5);
    const session = await open(node.session({ resumes: true }));
    node.gate = new Gate();
    session.receive({ type: 'session.resume', data: { cursors: { [ROOM.id]: '0-0' } } });
    await settled();
    session.session.restart();
    node.gate.open();
    await settled();
    expect(session.seqs()).to.deep.equal([]);
  });

  it('reads on while it closes, or it would not see the peer close too', async () => {
    const session = node.session({ opening: () => new Promise(() => {}) });
    void session.session.open();
    await settled();
    expect(session.paused).to.equal(1);
    session.session.restart();
    expect(session.paused).to.equal(0);
  });

  it('takes no more than 64 commands at a time from one socket', async () => {
    const gate = new Gate();
    const session = await open(node.session({ run: () => gate.opened.then(() => ({})) }));
    for (let i = 0; i < 63; i += 1) session.receive({ type: 'message.send', data: {} });
    expect(session.paused).to.equal(0);
    session.receive({ type: 'message.send', data: {} });
    expect(session.paused).to.equal(1);
    gate.open();
    await settled();
    expect(session.paused).to.equal(0);
    expect(session.types().filter((type) => type === 'ack')).to.have.length(64);
  });

  it('an unexpected error of a command is told to us, and to the client only that it failed', async () => {
    const errors: unknown[] = [];
    const run = () => Promise.reject(new Error('a secret of the inside'));
    const session = await open(node.session({ run, onError: (error) => errors.push(error) }));
    session.receive({ type: 'message.send', id: 'm', data: {} });
    await settled();
    const refused = session.frames().find((frame) => frame['type'] === 'error');
    expect(refused).to.have.nested.property('error.code', 'internal');
    expect(JSON.stringify(refused)).to.not.include('secret');
    expect(String(errors)).to.include('a secret of the inside');
  });
});
