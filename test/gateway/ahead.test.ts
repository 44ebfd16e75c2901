/** A session that reads the log ahead of what its node's tail has brought: what it knows early it neither forgets nor believes too much. */
import { expect } from 'chai';
import { keyOf } from '../../src/gateway/fanout.ts';
import { left, NodeInMemory, open, ROOM, settled } from '../support/node-in-memory.ts';

describe('subscriptions', () => {
  let node: NodeInMemory;
  beforeEach(() => {
    node = new NodeInMemory();
  });

  describe('where the log is read ahead of the tail', () => {
    it('nothing after the own leaving is sent, whatever asked for it', async () => {
      for (const resumes of [false, true]) {
        node = new NodeInMemory();
        node.write(ROOM, 3);
        const session = await open(node.session({ resumes }));
        node.bring(ROOM);
        const ahead = [...node.write(ROOM, 2, [left()]), ...node.write(ROOM, 300)];
        const [command, data] = resumes
          ? ['session.resume', { cursors: { [ROOM.id]: '1-3' } }]
          : ['conversation.sync', { conversation_id: ROOM.id, after: '1-3' }];
        session.receive({ type: command, data });
        await settled();
        await settled();
        node.fanout.take(ahead);
        node.bring(ROOM);
        await settled();
        expect(session.seqs()).to.deep.equal(resumes ? [4, 5, 6] : [4, 4, 5, 6]);
        expect(node.fanout.size).to.equal(1);
      }
    });

    it('who was taken out by what only the log told is sent no signals and synchronises nothing more', async () => {
      node.write(ROOM, 3);
      const session = await open(node.session());
      node.write(ROOM, 1, [left()]);
      session.receive({ type: 'conversation.sync', data: { conversation_id: ROOM.id, after: '1-3' } });
      await settled();
      node.fanout.signal({ stream: ROOM, actorId: 'x', json: Buffer.from('{"type":"typing.started"}') });
      session.receive({ type: 'conversation.sync', id: 's', data: { conversation_id: ROOM.id, after: '1-1' } });
      await settled();
      expect(session.types()).to.not.include('typing.started');
      expect(session.frames().find((frame) => frame['id'] === 's')).to.have.nested.property('error.code', 'not_found');
    });

    it('and lost its end, what takes its place is not hidden', async () => {
      node.write(ROOM, 3);
      const session = await open(node.session());
      node.bring(ROOM);
      const before = node.events(ROOM);
      node.write(ROOM, 2);
      session.receive({ type: 'conversation.sync', data: { conversation_id: ROOM.id, after: '1-4' } });
      await settled();
      expect(session.seqs()).to.deep.equal([4, 5, 6]);
      node.logs.set(keyOf(ROOM), before);
      const others = node.write(ROOM, 3).map((event) => Object.assign(event, { id: `2-${event.seq}` }));
      node.fanout.take(others.slice(0, 1));
      await settled();
      node.fanout.take(others.slice(1));
      node.bring(ROOM);
      await settled();
      const resets = session.frames().filter(({ type }) => type === 'sync.reset');
      expect(resets.map(({ data }) => data)).to.deep.equal([{ conversation_id: ROOM.id, last_event_id: '2-7' }]);
      expect(session.seqs()).to.deep.equal([4, 5, 6, 8]);
    });

    it('synchronising after an event that was not sent yet swallows none', async () => {
      node.write(ROOM, 3);
      const session = await open(node.session());
      node.bring(ROOM);
      const ahead = node.write(ROOM, 3);
      session.receive({ type: 'conversation.sync', id: 's', data: { conversation_id: ROOM.id, after: '1-6' } });
      await settled();
      node.fanout.take(ahead);
      node.bring(ROOM);
      await settled();
      expect(session.seqs()).to.deep.equal([4, 5, 6, 7, 8]);
    });
  });
});
