/** What a session says when it is ready, what commands answer, and how events reach every socket alike. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { conversationStream } from '../../src/keys.ts';
import { Socket } from '../support/client.ts';
import type { Json } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { World } from '../support/world.ts';

export function sessionsSuite(world: World): void {
  describe('sessions', () => {
    const startNode = useNodes(world);

    it('session.ready says who and where, exactly', async () => {
      const node = await startNode({ WS_HEARTBEAT_INTERVAL: '17' });
      const [ada, bob] = [await register(node, 'ada'), await register(node, 'bob')];
      const id = await group(ada, bob);
      const sent = await ada.rest.post(`/conversations/${id}/messages`, { content: 'hello' });
      // Being there is an event of the user's own, so it comes after the session is ready.
      const [userHead] = await world.log.heads([{ kind: 'user', id: bob.id }], []);
      const socket = await bob.socket();
      const ready = socket.frames[0]!;
      const sessions = await bob.rest.get<{ items: { id: string }[] }>('/auth/sessions');
      const me = await bob.rest.get('/users/me');
      const message: Json = { ...sent.body };
      delete message['read_status'];
      expect(ready).to.deep.equal({
        type: 'session.ready',
        data: {
          session_id: sessions.body.items[0]!.id,
          heartbeat_interval: 17,
          user: me.body,
          conversations: [
            {
              id,
              type: 'group',
              name: 'a group',
              last_event_id: sent.headers.get('Chat-Event-Id'),
              last_message: message,
              unread_count: 1,
              read_up_to: (await world.log.readAfter(conversationStream(id), '0-0'))[0]!.id,
            },
          ],
          total_unread: 1,
          user_event_id: userHead!.id,
        },
      });
    });

    it('session.ready names the hundred most recently active; the others are followed as well', async () => {
      const node = await startNode();
      const [ada, bob] = [await register(node), await register(node)];
      const first = await group(ada, bob);
      for (let i = 0; i < 11; i += 1) await Promise.all(Array.from({ length: 10 }, () => group(ada, bob)));
      const socket = await bob.socket();
      const named = (socket.frames[0]!.data['conversations'] as { id: string }[]).map((c) => c.id);
      expect(named).to.have.length(100);
      expect(named).to.not.include(first);
      await ada.rest.post(`/conversations/${first}/messages`, { content: 'you too' });
      await socket.reached(first, 2);
    });

    it('an ack names the event and carries the message', async () => {
      const node = await startNode();
      const ada = await register(node);
      const id = await group(ada);
      const socket = await ada.socket();
      const messageId = ulid();
      const more = { reply_to: null, metadata: { colour: 'red' } };
      const ack = await socket.ask('message.send', { conversation_id: id, id: messageId, content: 'hi', ...more });
      const event = await socket.frame((f) => f.type === 'message.sent');
      const stored = await ada.rest.get(`/conversations/${id}/messages/${messageId}`);
      expect(ack).to.deep.equal({
        type: 'ack',
        id: ack.id,
        data: { event_id: event.id, seq: 2, durability: 'disk', message: stored.body },
      });
      const again = await socket.ask('message.send', { conversation_id: id, id: messageId, content: 'hi', ...more });
      expect(again.data).to.deep.equal(ack.data);
    });

    it('every socket on every node gets the same bytes in one order, and they are what the log holds', async () => {
      const nodes = [await startNode(), await startNode()] as const;
      const users = [];
      for (let i = 0; i < 4; i += 1) users.push(await register(nodes[0]));
      const [ada, ...others] = users;
      const id = await group(ada!, ...others);
      const sockets = await Promise.all(users.map((user, i) => user.socket('', nodes[i % 2]!)));
      const sending = sockets.flatMap((socket) =>
        Array.from({ length: 10 }, (_, i) =>
          socket.command('message.send', { conversation_id: id, content: `${i} 🎉` }),
        ),
      );
      await Promise.all(sending);
      await Promise.all(sockets.map((socket) => socket.reached(id, 41)));
      const log = (await world.log.readAfter(conversationStream(id), '0-0')).map((event) => event.json.toString());
      for (const socket of sockets) {
        const events = socket.texts.filter((_, i) => socket.frames[i]!.seq && socket.frames[i]!.conversation_id === id);
        expect(events).to.deep.equal(log.slice(1));
      }
    });

    const inOneGo = async (before: () => Promise<unknown>) => {
      const node = await startNode();
      const [ada, bob] = [await register(node), await register(node)];
      const id = await group(ada, bob);
      const [hers, his] = [await ada.socket(), await bob.socket()];
      const contents = Array.from({ length: 50 }, (_, i) => `message ${i}`);
      await hers.command('message.send', { conversation_id: id, content: 'the first' });
      await before();
      const acks = await Promise.all(
        contents.map((content) => hers.command('message.send', { conversation_id: id, content })),
      );
      await Promise.all([hers.reached(id, 52), his.reached(id, 52)]);
      for (const socket of [hers, his]) {
        expect(socket.events(id).map((event) => event.data['content'])).to.deep.equal(['the first', ...contents]);
      }
      expect(acks.map((ack) => ack['seq'])).to.deep.equal(contents.map((_, i) => i + 3));
    };

    it('what one socket sends in one go stays in order', () => inOneGo(async () => {}));

    it('also where Redis has forgotten the scripts', () =>
      inOneGo(() => Promise.all(world.log.connection.masters().map((master) => master.script('FLUSH')))));

    it('commands sent before session.ready are done after it', async () => {
      const node = await startNode();
      const ada = await register(node);
      const id = await group(ada);
      const socket = Socket.connect(node.base, ada.token);
      socket.ws.on('open', () => {
        socket.ws.send(
          JSON.stringify({ type: 'message.send', id: 'early', data: { conversation_id: id, content: 'x' } }),
        );
      });
      await socket.frame((f) => f.type === 'ack');
      await socket.reached(id, 2);
      expect(socket.frames[0]!.type).to.equal('session.ready');
      await socket.close();
    });

    it('answers ping with pong, with and without an id', async () => {
      const node = await startNode();
      const socket = await (await register(node)).socket();
      expect(await socket.ask('ping')).to.deep.equal({ type: 'pong', id: 't1', data: {} });
      socket.ws.send('{"type":"ping"}');
      expect(await socket.frame((f) => f.type === 'pong' && f.id === undefined)).to.deep.equal({
        type: 'pong',
        data: {},
      });
    });

    it('a request id is done once, on either way in', async () => {
      const node = await startNode();
      const ada = await register(node);
      const id = await group(ada);
      const socket = await ada.socket();
      const request_id = ulid();
      const data = { conversation_id: id, content: 'once' };
      const first = await socket.command('message.send', data, { request_id });
      expect(await socket.command('message.send', data, { request_id })).to.deep.equal(first);
      const { status, body, headers } = await ada.rest.post(
        `/conversations/${id}/messages`,
        { content: 'once' },
        { 'Idempotency-Key': request_id },
      );
      expect([status, body, headers.get('Chat-Event-Id')]).to.deep.equal([201, first['message'], first['event_id']]);
      const event = await socket.frame((f) => f.type === 'message.sent');
      expect(event).to.include({ request_id });
    });

    it('a narrowed socket carries its conversation and nothing else', async () => {
      const node = await startNode();
      const [ada, bob] = [await register(node), await register(node)];
      const [one, other] = [await group(ada, bob), await group(ada, bob)];
      const socket = Socket.connect(node.base, bob.token, '', `/api/v1/ws/conversations/${one}`);
      const ready = await socket.frame((f) => f.type === 'session.ready');
      expect((ready.data['conversations'] as { id: string }[]).map((c) => c.id)).to.deep.equal([one]);
      await ada.rest.post(`/conversations/${other}/messages`, { content: 'not for it' });
      await group(ada, bob);
      await ada.rest.post(`/conversations/${one}/messages`, { content: 'for it' });
      await socket.reached(one, 2);
      await socket.command('receipt.read', { conversation_id: one });
      await socket.reached(one, 3);
      expect(socket.frames.filter((f) => f.seq !== undefined).map((f) => f.type)).to.deep.equal([
        'message.sent',
        'receipt.read',
      ]);
      await socket.close();
    });
  });
}
