/** The end of an account: what becomes of its messages, with the wish that they go and without it. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { erasing } from '../../src/chat/messages/erasing.ts';
import { checks, guards, projections } from '../../src/chat/index.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import { verify } from '../../src/projector/verify.ts';
import { until } from '../../src/redis/redis-server.ts';
import { Views } from '../../src/views/store.ts';
import type { Json } from '../support/client.ts';
import { decode } from '../support/folds.ts';
import { projected } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const PASSWORD = 'correct horse';

describe('the end of an account', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;

  const write = async (by: User, room: string, content: string): Promise<string> => {
    const { status, body } = await by.rest.post<{ id: string }>(`/conversations/${room}/messages`, { content });
    expect(status).to.equal(201);
    return body.id;
  };
  const history = async (room: string) => {
    const { body } = await bob.rest.get<{ items: Json[] }>(`/conversations/${room}/messages?limit=100&order=asc`);
    return body.items.filter((item) => item['message_type'] !== 'system');
  };
  const contents = async (room: string) => (await history(room)).map((item) => item['content']);
  const end = (body: Json = {}) => ada.rest.call('DELETE', '/users/me', { password: PASSWORD, ...body });
  const timersOf = async (userId: string) =>
    (await world.log.connection.commands.zrange(world.log.keys.of(userStream(userId), 'timers'), '0', '-1')).filter(
      (one) => one.startsWith('erasing '),
    );

  async function rooms() {
    const left = await group(bob, ada);
    await write(ada, left, 'said before I left');
    await ada.rest.post(`/conversations/${left}/leave`);
    const joined = await group(bob, ada);
    const pinned = await write(ada, joined, 'a first text');
    await ada.rest.call('PATCH', `/conversations/${joined}/messages/${pinned}`, { content: 'a second text' });
    await bob.rest.call('PUT', `/conversations/${joined}/messages/${pinned}/pin`);
    await write(bob, joined, 'of bob');
    const reply = { content: 'an answer', reply_to: pinned };
    await ada.rest.post(`/conversations/${joined}/messages`, reply);
    const direct = (await ada.rest.post<{ id: string }>('/conversations/direct', { user_id: bob.id })).body.id;
    await write(ada, direct, 'between us');
    await write(bob, direct, 'bob to ada');
    return { left, joined, direct, pinned };
  }

  describe('on a node', () => {
    beforeEach(async () => {
      node = await startNode();
      [ada, bob] = [await register(node), await register(node)];
    });

    it('leaves its messages, of a deleted user, and the direct conversation to the other; its sockets end', async () => {
      const { left, joined, direct } = await rooms();
      const socket = await ada.socket();
      expect((await end()).status).to.equal(204);
      expect((await socket.closed).code).to.equal(4501);
      expect(await contents(left)).to.deep.equal(['said before I left']);
      expect(await contents(joined)).to.deep.equal(['a second text', 'of bob', 'an answer']);
      expect(await contents(direct)).to.deep.equal(['between us', 'bob to ada']);
      const { body } = await bob.rest.get<{ participants: { user: Json }[] }>(`/conversations/${direct}`);
      expect(body.participants.map(({ user }) => user['display_name'])).to.include('Deleted user');
      expect(await timersOf(ada.id)).to.deep.equal([]);
    });

    it('with erase takes every text of it away, of places left long ago too, and nothing of others', async () => {
      const { left, joined, direct, pinned } = await rooms();
      const socket = await bob.socket();
      expect((await end({ erase: true })).status).to.equal(204);
      await socket.frame(({ type, conversation_id }) => type === 'message.deleted' && conversation_id === direct);
      await until('all is empty', async () => {
        const all = [...(await history(left)), ...(await history(joined)), ...(await history(direct))];
        return all.every((item) => (item['sender_id'] === ada.id) === item['is_deleted']);
      });
      expect(await contents(left)).to.deep.equal(['']);
      expect(await contents(joined)).to.deep.equal(['', 'of bob', '']);
      expect(await contents(direct)).to.deep.equal(['', 'bob to ada']);
      const at = `/conversations/${joined}/messages/${pinned}`;
      const revisions = await bob.rest.get(`${at}/revisions`);
      const pins = await bob.rest.get(`/conversations/${joined}/pins`);
      const log = await bob.rest.get(`/conversations/${joined}/events?limit=100`);
      expect(JSON.stringify([revisions.body, pins.body, log.body])).to.not.match(
        /a first text|a second text|an answer/,
      );
      expect((await bob.rest.post(`/conversations/${direct}/messages`, { content: 'still here' })).status).to.equal(
        201,
      );
      await projected(world);
      const proof = { log: world.log, views: new Views(world.log), projections, guards, checks, decode };
      expect((await verify(proof)).differences).to.deep.equal([]);
    });

    it('asks for a truth value', async () => {
      expect((await end({ erase: 'yes' })).status).to.equal(400);
      expect((await end({ erase: false })).status).to.equal(204);
      expect(await timersOf(ada.id)).to.deep.equal([]);
    });
  });

  describe('step by step', () => {
    beforeEach(async () => {
      node = await startNode({ ROLES: 'api' });
      [ada, bob] = [await register(node), await register(node)];
    });

    /** What is due next, fired as after a crash: twice, before anybody else knows how far it came. */
    async function fireTwice(timer: { fire(name: string, dueAt: number): Promise<void> }): Promise<string> {
      const [due] = await timersOf(ada.id);
      const key = world.log.keys.of(userStream(ada.id), 'timers');
      await world.log.connection.commands.zadd(key, 1, due!);
      const name = due!.slice('erasing '.length);
      await timer.fire(name, 1);
      await timer.fire(name, 1);
      return name;
    }

    it('is done in bounded steps over more messages than one takes, and once more at the end', async () => {
      const room = await group(bob, ada);
      const stream = conversationStream(room);
      const rest = { reply_to: null, attachments: [], mentions: [], mentions_all: false, metadata: {} };
      await Promise.all(
        Array.from({ length: 2_600 }, (_, i) => {
          const message_id = ulid();
          const data = JSON.stringify({ message_id, content: `text ${i}`, message_type: 'text', ...rest });
          const args = { message_id, reply_to: '', rules: '', broken: '', data };
          const actorId = i % 2 === 0 ? ada.id : bob.id;
          return world.log.append({ script: 'message.send', stream, actorId, knowsRepeats: true, args });
        }),
      );
      await end({ erase: true });
      const memberships = { ever: async () => [room] };
      const timer = erasing({ log: world.log, decode, memberships } as unknown as Parameters<typeof erasing>[0]);
      const fired: string[] = [];
      for (let i = 0; i < 10 && (await timersOf(ada.id)).length > 0; i += 1) fired.push(await fireTwice(timer));
      // Two steps of the first round, and what the second round looks at: the messages and what the first one added.
      expect(fired.map((name) => name.split(' ')[1] ?? '1')).to.deep.equal(['1', '1', '2', '2']);
      const types = new Map<string, number>();
      for await (const page of world.log.readAll(stream, '0-0'))
        for (const { type } of page) types.set(type, (types.get(type) ?? 0) + 1);
      expect(types.get('message.deleted')).to.equal(1_300);
    });
  });
});
