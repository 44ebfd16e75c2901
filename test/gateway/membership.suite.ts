/** Coming into conversations and going out of them while connected. */
import { expect } from 'chai';
import { conversationStream, userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import { Socket } from '../support/client.ts';
import type { Frame } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import type { World } from '../support/world.ts';
import { seqsFrom, write } from '../support/writing.ts';

export function membershipSuite(world: World): void {
  describe('membership', () => {
    const startNode = useNodes(world);
    let node: Node;
    let ada: User;
    let bob: User;
    let hers: Socket;
    let his: Socket;
    beforeEach(async () => {
      node = await startNode();
      [ada, bob] = [await register(node), await register(node)];
      [hers, his] = [await ada.socket(), await bob.socket()];
    });

    const add = (id: string, user: User) => ada.rest.post(`/conversations/${id}/participants`, { user_ids: [user.id] });
    const own = (socket: Socket, user: User) =>
      socket.frames.filter((frame) => frame.user_id === user.id && frame.seq !== undefined);
    const joinedOrLeft = (frame: Frame) => frame.type === 'conversation.joined' || frame.type === 'conversation.left';

    /** Until their own stream has told all that it has to, an earlier coming in may still be looked into. */
    const toBeGone = (id: string, socket: Socket) =>
      until('it is nothing that the socket follows', async () => {
        const answer = await socket.ask('conversation.sync', { conversation_id: id, after: '0-0' });
        expect(answer.error?.code).to.be.oneOf(['not_found', 'conflict']);
        return answer.error?.code === 'not_found';
      });

    it('a new conversation reaches whoever is in it, with its first event', async () => {
      const id = await group(ada, bob);
      for (const socket of [hers, his]) {
        await socket.reached(id, 1);
        await socket.frame((frame) => frame.type === 'conversation.joined' && frame.data['conversation_id'] === id);
      }
      await his.command('message.send', { conversation_id: id, content: 'so new' });
      await Promise.all([hers.reached(id, 2), his.reached(id, 2)]);
      for (const socket of [hers, his]) {
        expect(socket.events(id).map((event) => event.type)).to.deep.equal(['conversation.created', 'message.sent']);
      }
    });

    it('who is added gets the events from that one on, on every node', async () => {
      const elsewhere = await bob.socket('', await startNode());
      const id = await group(ada);
      await write(world, ada, id, 3);
      await add(id, bob);
      await write(world, ada, id, 2);
      for (const socket of [his, elsewhere]) {
        await socket.reached(id, 7);
        expect(socket.seqs(id)).to.deep.equal([5, 6, 7]);
        expect(socket.events(id)[0]).to.deep.include({
          type: 'participant.added',
          data: { user_id: bob.id, role: 'member' },
        });
      }
    });

    it('who was in for a moment only is not let in by their own stream, which tells of it later', async () => {
      const id = await group(ada);
      await write(world, ada, id, 2);
      // As a node does it that dies before it has brought the user's own list up.
      const [stream, actorId] = [conversationStream(id), ada.id];
      const added = await world.log.append({
        script: 'participant.add',
        stream,
        actorId,
        args: { role: 'member', users: [bob.id] },
      });
      await world.log.append({ script: 'participant.remove', stream, actorId, args: { user: bob.id } });
      await his.reached(id, 5);
      await world.log.append({
        script: 'inbox.update',
        stream: userStream(bob.id),
        actorId,
        args: { conversation: id, event: added.id, state: 'joined' },
      });
      await his.frame((frame) => frame.type === 'conversation.joined' && frame.data['conversation_id'] === id);
      await toBeGone(id, his);
      await write(world, ada, id, 2);
      await hers.reached(id, 7);
      await his.command('ping');
      expect(his.seqs(id)).to.deep.equal([4, 5]);
    });

    it('who is taken out gets that event and nothing after, and comes back in without a gap', async () => {
      const id = await group(ada, bob);
      await write(world, ada, id);
      const { status } = await ada.rest.call('DELETE', `/conversations/${id}/participants/${bob.id}`);
      expect(status).to.equal(204);
      await write(world, ada, id, 2);
      await hers.reached(id, 5);
      await Promise.all([his.reached(id, 3), his.frame((frame) => frame.type === 'conversation.left')]);
      expect(his.seqs(id)).to.deep.equal([1, 2, 3]);
      expect(his.events(id).at(-1)).to.deep.include({
        type: 'participant.removed',
        data: { user_id: bob.id, reason: 'removed' },
      });
      await toBeGone(id, his);
      await add(id, bob);
      await write(world, ada, id);
      await his.reached(id, 7);
      expect(his.seqs(id)).to.deep.equal([1, 2, 3, 6, 7]);
      const comings = () =>
        own(his, bob)
          .filter(joinedOrLeft)
          .map((event) => event.type);
      await until('their own stream tells of all', () => comings().length >= 3);
      expect(comings()).to.deep.equal(['conversation.joined', 'conversation.left', 'conversation.joined']);
    });

    it('joining and leaving a channel by command', async () => {
      const { body } = await ada.rest.post<{ id: string }>('/conversations', { type: 'channel', name: 'open' });
      await write(world, ada, body.id);
      const joined = await his.command('conversation.join', { conversation_id: body.id });
      const shown = await bob.rest.get(`/conversations/${body.id}`);
      expect(joined).to.include({ seq: 3, durability: 'disk' });
      expect(joined['conversation']).to.deep.equal(shown.body);
      await write(world, ada, body.id);
      await his.reached(body.id, 4);
      await his.command('conversation.leave', { conversation_id: body.id });
      await write(world, ada, body.id);
      await Promise.all([hers.reached(body.id, 6), his.reached(body.id, 5)]);
      expect(his.seqs(body.id)).to.deep.equal(seqsFrom(3, 5));
      expect((await his.ask('conversation.leave', { conversation_id: body.id })).error?.code).to.equal('not_found');
    });

    it('people come in and go while everybody writes: each has exactly what lies between', async () => {
      const id = await group(ada, bob);
      const late = await Promise.all([register(node), register(node), register(node)]);
      const sockets = await Promise.all(late.map((user) => user.socket()));
      let written = 1;
      for (const user of late) {
        await Promise.all([write(world, ada, id, 20), add(id, user), write(world, bob, id, 20)]);
        written += 41;
      }
      for (const user of late) {
        await Promise.all([
          write(world, ada, id, 20),
          user.rest.post(`/conversations/${id}/leave`),
          write(world, bob, id, 20),
        ]);
        written += 41;
      }
      await hers.reached(id, written);
      expect(hers.seqs(id)).to.deep.equal(seqsFrom(1, written));
      const { body } = await ada.rest.get<{ items: Frame[] }>(`/conversations/${id}/messages?limit=100`);
      expect(body.items).to.have.length(100);
      const changes = hers.events(id).filter((event) => event.type.startsWith('participant.'));
      for (const [i, socket] of sockets.entries()) {
        const [came, went] = changes
          .filter((event) => event.data['user_id'] === late[i]!.id)
          .map((event) => event.seq!);
        await socket.reached(id, went!);
        expect(socket.seqs(id)).to.deep.equal(seqsFrom(came!, went!));
      }
    });

    it('a narrowed socket ends with the membership, for good', async () => {
      const id = await group(ada, bob);
      const socket = Socket.connect(node.base, bob.token, '', `/api/v1/ws/conversations/${id}`);
      await socket.frame((frame) => frame.type === 'session.ready');
      await ada.rest.call('DELETE', `/conversations/${id}/participants/${bob.id}`);
      expect((await socket.closed).code).to.equal(4503);
      expect(socket.events(id).map((event) => event.type)).to.deep.equal(['participant.removed']);
    });

    it('a conversation that ends says so, and nothing more is heard of it', async () => {
      const id = await group(ada, bob);
      await his.reached(id, 1);
      await his.close();
      await ada.rest.call('DELETE', `/conversations/${id}`);
      await hers.reached(id, 2);
      const again = await bob.socket('?resume=1');
      expect(again.frames[0]!.data['conversations']).to.deep.equal([]);
      await again.command('session.resume', {
        cursors: { [id]: hers.events(id)[0] ? String((hers.events(id)[0] as { id?: string }).id) : '' },
      });
      expect(again.events(id).map((event) => event.type)).to.deep.equal(['conversation.deleted']);
    });
  });
}
