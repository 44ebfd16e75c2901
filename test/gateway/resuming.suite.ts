/** Coming back: what was missed comes first, in order and once, whatever goes on meanwhile. */
import { expect } from 'chai';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { Socket } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import type { World } from '../support/world.ts';
import { seqsFrom, write } from '../support/writing.ts';

export function resumingSuite(world: World): void {
  describe('resuming', () => {
    const startNode = useNodes(world);
    let node: Node;
    let ada: User;
    let bob: User;
    let id: string;
    beforeEach(async () => {
      node = await startNode();
      [ada, bob] = [await register(node), await register(node)];
      id = await group(ada, bob);
    });

    /** Cursors as a client has them: the last event id of each conversation, from session.ready. */
    const cursorsOf = (socket: Socket) =>
      Object.fromEntries(
        (socket.frames[0]!.data['conversations'] as { id: string; last_event_id: string }[]).map((c) => [
          c.id,
          c.last_event_id,
        ]),
      );
    const resets = (socket: Socket) =>
      socket.frames.filter((frame) => frame.type === 'sync.reset').map((frame) => frame.data);

    it('nothing comes before the cursors, then all that was missed, then what is new', async () => {
      const away = await bob.socket();
      const cursors = cursorsOf(away);
      await away.close();
      await write(world, ada, id, 3);
      const socket = await bob.socket('?resume=1');
      await write(world, ada, id, 2);
      const watching = await ada.socket();
      await write(world, ada, id);
      await watching.reached(id, 7);
      expect(socket.frames.map((frame) => frame.type)).to.deep.equal(['session.ready']);
      const ack = await socket.ask('session.resume', { cursors });
      expect(ack.data).to.deep.equal({});
      const types = socket.frames.map((frame) => frame.type);
      expect(types.indexOf('session.resumed')).to.be.greaterThan(types.lastIndexOf('message.sent'));
      await write(world, ada, id);
      await socket.reached(id, 8);
      expect(socket.seqs(id)).to.deep.equal(seqsFrom(2, 8));
      expect(resets(socket)).to.deep.equal([]);
    });

    it('a thousand missed events come in order while others keep writing, on any node', async () => {
      const cursors = cursorsOf(await bob.socket());
      await write(world, ada, id, 1_000);
      const other = await startNode();
      const socket = await bob.socket('?resume=1', other);
      let written = 1_001;
      let isOver = false;
      const writing = (async () => {
        while (!isOver) written += (await write(world, ada, id, 20)).length;
      })();
      await socket.command('session.resume', { cursors });
      isOver = true;
      await writing;
      await write(world, ada, id);
      await socket.reached(id, written + 1);
      expect(socket.seqs(id)).to.deep.equal(seqsFrom(2, written + 1));
      expect(resets(socket)).to.deep.equal([]);
    });

    it('a cursor that the log does not know resets that conversation only', async () => {
      const rooms = [id, await group(ada, bob), await group(ada, bob), await group(ada, bob)] as const;
      const [known, otherMs, tooFar, beginning] = rooms;
      for (const room of rooms) await write(world, ada, room, 3);
      const [head] = await world.log.heads([conversationStream(otherMs)], []);
      const first = (await world.log.readAfter(conversationStream(known), '0-0'))[0]!;
      const socket = await bob.socket('?resume=1');
      const cursors = {
        [known]: first.id,
        [otherMs]: '1700000000000-2',
        [tooFar]: '9999999999999-99',
        [beginning]: '0-0',
      };
      await socket.command('session.resume', { cursors });
      const reset = resets(socket);
      expect(reset.map((data) => data['conversation_id'])).to.have.members([otherMs, tooFar]);
      expect(reset.find((data) => data['conversation_id'] === otherMs)).to.deep.equal({
        conversation_id: otherMs,
        last_event_id: head!.id,
      });
      for (const room of rooms) await write(world, ada, room);
      await Promise.all(rooms.map((room) => socket.reached(room, 5)));
      expect(rooms.map((room) => socket.seqs(room))).to.deep.equal([seqsFrom(2, 5), [5], [5], seqsFrom(1, 5)]);
    });

    it("the user's own stream is resumed as well", async () => {
      const [head] = await world.log.heads([userStream(bob.id)], []);
      await group(ada, bob);
      const socket = await bob.socket('?resume=1');
      await socket.command('session.resume', { cursors: {}, user: head!.id });
      const own = socket.frames.filter((frame) => frame.user_id === bob.id && frame.seq !== undefined);
      expect(own[0]!.type).to.equal('conversation.joined');
      await socket.frame((frame) => frame.type === 'presence.changed');
      const [present] = await world.log.heads([userStream(bob.id)], []);
      const forged = await bob.socket('?resume=1');
      await forged.command('session.resume', { cursors: {}, user: '1-1' });
      expect(resets(forged)).to.deep.equal([{ user_id: bob.id, last_event_id: present!.id }]);
    });

    it('cursors that are none are refused, and right ones taken after that, once', async () => {
      const socket = await bob.socket('?resume=1');
      const tryTo = async (data: object) => (await socket.ask('session.resume', { ...data })).error?.code;
      expect(await tryTo({ cursors: { [id]: 'yesterday' } })).to.equal('validation_failed');
      expect(await tryTo({ cursors: { '*': '0-0' } })).to.equal('validation_failed');
      expect(await tryTo({ cursors: [], more: 1 })).to.equal('validation_failed');
      expect(await tryTo({ cursors: { [id]: '0-0', ['0'.repeat(26)]: '5-5' } })).to.equal(undefined);
      expect(socket.seqs(id)).to.deep.equal([1]);
      expect(await tryTo({ cursors: {} })).to.equal('conflict');
      const plain = await bob.socket();
      expect((await plain.ask('session.resume', { cursors: {} })).error?.code).to.equal('conflict');
    });

    it('conversation.sync sends the events after a cursor again, then its ack, and live ones go on', async () => {
      await write(world, ada, id, 450);
      const socket = await bob.socket();
      await write(world, ada, id);
      await socket.reached(id, 452);
      const before = socket.frames.length;
      const [, second] = await world.log.readAfter(conversationStream(id), '0-0', 2);
      await socket.command('conversation.sync', { conversation_id: id, after: second!.id });
      // Of the user's own stream something may come at any time.
      const after = socket.frames.slice(before).filter((frame) => frame.user_id === undefined);
      expect(after.map((frame) => frame.seq ?? frame.type)).to.deep.equal([...seqsFrom(3, 452), 'ack']);
      await write(world, ada, id, 2);
      await socket.reached(id, 454);
      expect(socket.seqs(id)).to.deep.equal([452, ...seqsFrom(3, 454)]);
      const refused = async (data: object) => (await socket.ask('conversation.sync', { ...data })).error?.code;
      expect(await refused({ conversation_id: await group(ada), after: '0-0' })).to.equal('not_found');
      expect(await refused({ conversation_id: id })).to.equal('validation_failed');
      await socket.command('conversation.sync', { conversation_id: id, after: '5-5' });
      expect(resets(socket)).to.have.length(1);
    });
  });
}
