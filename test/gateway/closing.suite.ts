/** How sockets end: revoked, too slow, too many, restarted; each alone, and with the code that tells the client what to do. */
import { expect } from 'chai';
import { conversationStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import { Rest, Socket } from '../support/client.ts';
import { bearer, handshake } from '../support/handshake.ts';
import { scrape, valueOf } from '../support/metrics.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import type { World } from '../support/world.ts';
import { seqsFrom, write } from '../support/writing.ts';

export function closingSuite(world: World): void {
  describe('closing', () => {
    const startNode = useNodes(world);

    /** Another session of the same user. */
    async function logIn(node: Node, username: string): Promise<{ token: string; refreshToken: string; rest: Rest }> {
      const { body } = await new Rest(node.base).post('/auth/login', { username, password: 'correct horse' });
      const token = String(body['access_token']);
      return { token, refreshToken: String(body['refresh_token']), rest: new Rest(node.base, token) };
    }

    const stillAnswers = async (socket: Socket) => expect((await socket.ask('ping')).type).to.equal('pong');

    it('a session that is logged out or revoked loses its sockets on every node, and cannot come back', async () => {
      const [node, other] = [await startNode(), await startNode()];
      const ada = await register(node, 'ada');
      const [second, third] = [await logIn(node, 'ada'), await logIn(node, 'ada')];
      const kept = await ada.socket('', other);
      const loggedOut = [await Socket.open(node.base, second.token), await Socket.open(other.base, second.token)];
      const revoked = await Socket.open(other.base, third.token);
      await second.rest.post('/auth/logout', { refresh_token: second.refreshToken });
      for (const socket of loggedOut) expect((await socket.closed).code).to.equal(4501);
      const { body } = await third.rest.get<{ items: { id: string; current: boolean }[] }>('/auth/sessions');
      const id = body.items.find((session) => session.current)!.id;
      expect((await ada.rest.call('DELETE', `/auth/sessions/${id}`)).status).to.equal(204);
      expect((await revoked.closed).code).to.equal(4501);
      await stillAnswers(kept);
      for (const { token } of [second, third]) {
        const refused = await handshake(other.base, { headers: bearer(token) });
        expect([refused.status, refused.body['code']]).to.deep.equal([401, 'unauthenticated']);
      }
    });

    it('a new password closes the sockets of the other sessions', async () => {
      const node = await startNode();
      const ada = await register(node, 'ada');
      const second = await Socket.open(node.base, (await logIn(node, 'ada')).token);
      const own = await ada.socket();
      const body = { current_password: 'correct horse', new_password: 'battery staple' };
      expect((await ada.rest.call('PUT', '/users/me/password', body)).status).to.equal(204);
      expect((await second.closed).code).to.equal(4501);
      await stillAnswers(own);
      const stranger = await register(node, 'bob');
      await stillAnswers(await stranger.socket());
    });

    it('a reader that takes nothing is cut off, and everyone else gets everything', async () => {
      const node = await startNode({ WS_MAX_BUFFERED_BYTES: '65536' });
      const [ada, bob] = [await register(node), await register(node)];
      const id = await group(ada, bob);
      const [watching, stuck] = [await ada.socket(), await RawSocket.open(node.base, bob.token)];
      // Live, or it would be one that catches up, for which its pages wait.
      await stuck.saw('session.ready');
      await ada.rest.post(`/conversations/${id}/messages`, { content: 'the last that it takes' });
      await stuck.saw('the last that it takes');
      stuck.socket.pause();
      const content = 'x'.repeat(200_000);
      const rest = { message_type: 'text', reply_to: null, attachments: [], mentions: [], mentions_all: false };
      for (let i = 0; i < 60; i += 1) {
        const message_id = `01K${String(i).padStart(23, '0')}`;
        await world.log.append({
          script: 'message.send',
          stream: conversationStream(id),
          actorId: ada.id,
          args: {
            message_id,
            reply_to: '',
            rules: '',
            broken: '',
            data: JSON.stringify({ message_id, content, ...rest, metadata: {} }),
          },
        });
      }
      await watching.reached(id, 62);
      expect(watching.seqs(id)).to.deep.equal(seqsFrom(2, 62));
      stuck.socket.resume();
      expect((await stuck.closed).bytes).to.be.lessThan(60 * content.length);
      expect(valueOf(await scrape(node), 'chat_slow_sockets_dropped_total')).to.equal(1);
      // Much of it in one page: who takes it promptly is not too slow, however much it is.
      const back = await bob.socket('?resume=1');
      await back.command('session.resume', { cursors: { [id]: '0-0' } });
      expect(back.seqs(id)).to.deep.equal(seqsFrom(1, 62));
    });

    it('one that reads slowly what it missed is not cut off: pages wait for it', async () => {
      const node = await startNode({ WS_MAX_BUFFERED_BYTES: '3000000' });
      const [ada, bob] = [await register(node), await register(node)];
      const id = await group(ada, bob);
      await write(world, ada, id, 3_000);
      const socket = await bob.socket('?resume=1');
      const ask = socket.ask('session.resume', { cursors: { [id]: '0-0' } });
      for (let turn = 0; turn < 30; turn += 1) {
        socket.ws.pause();
        await new Promise((resolve) => setImmediate(resolve));
        socket.ws.resume();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await ask).error).to.equal(undefined);
      expect(socket.seqs(id)).to.deep.equal(seqsFrom(1, 3_001));
    });

    it('a refused socket may send what is no frame, and costs nobody anything', async () => {
      const node = await startNode({ WS_MAX_CONNECTIONS: '1' });
      const ada = await register(node);
      const first = await ada.socket();
      const refused = await RawSocket.open(node.base, ada.token);
      refused.socket.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
      await refused.closed;
      expect((await first.ask('ping')).type).to.equal('pong');
    });

    it('more sockets than there is room for are told to come back, until one goes', async () => {
      const node = await startNode({ WS_MAX_CONNECTIONS: '2' });
      const ada = await register(node);
      const [first] = [await ada.socket(), await ada.socket()];
      const third = Socket.connect(node.base, ada.token);
      expect(await third.closed).to.deep.equal({ code: 1013, reason: 'full' });
      expect(third.frames).to.deep.equal([]);
      await first.close();
      await until('there is room again', async () => {
        const again = Socket.connect(node.base, ada.token);
        await Promise.race([again.closed, again.frame((frame) => frame.type === 'session.ready')]);
        return again.frames.length > 0;
      });
    });

    it('a node that stops sends everyone away to come back, and takes nobody any more', async () => {
      const node = await startNode();
      const users: User[] = [await register(node), await register(node)];
      const sockets = [await users[0]!.socket(), await users[1]!.socket('?resume=1'), await users[0]!.socket()];
      const stopped = node.stop();
      for (const socket of sockets) expect((await socket.closed).code).to.equal(1012);
      await stopped;
      const refused = await handshake(node.base, { headers: bearer(users[0]!.token) }).catch((error: Error) => error);
      expect(refused).to.be.instanceOf(Error);
    });
  });
}
