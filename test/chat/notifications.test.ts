/** Notifications: who is told of what and who is not, each once, the list and the marks, and that one recipient's trouble is their own. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';
import { until } from '../../src/redis/redis-server.ts';

interface List extends Json {
  items: (Json & { id: string; kind: string; message_id: string; actor_id: string; read: boolean })[];
  unread_count: number;
  next_cursor: string | null;
}

describe('notification.add and notification.read', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let eve: User;
  let id: string;
  let names: Record<'ada' | 'bob' | 'eve', string>;
  let count = 0;
  beforeEach(async () => {
    node = await startNode();
    count += 1;
    names = { ada: `ada${count}`, bob: `bob${count}`, eve: `eve${count}` };
    ada = await register(node, names.ada);
    bob = await register(node, names.bob);
    eve = await register(node, names.eve);
    id = await group(ada, bob, eve);
  });

  const list = async (of: User, search = '') => (await of.rest.get<List>(`/notifications${search}`)).body;
  const kinds = async (of: User) => (await list(of)).items.map(({ kind }) => kind);
  const say = async (by: User, content: string, more: object = {}, room = id) => {
    const { status, body } = await by.rest.post(`/conversations/${room}/messages`, { content, ...more });
    expect(status, JSON.stringify(body)).to.equal(201);
    return String(body['id']);
  };
  /** What is said last is for a fourth person: when that one heard, everything before it was looked at. */
  const settled = async (by = ada, room = id) => {
    const witness = await register(node);
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [witness.id] });
    await ada.rest.post(`/conversations/${room}/participants`, { user_ids: [witness.id] });
    const { username } = (await witness.rest.get<{ username: string }>('/users/me')).body;
    await say(by, `@${username}`, {}, room);
    await until('the witness is notified', async () => (await list(witness)).items.length === 1);
  };

  it('tell who is mentioned, answered or written to, each of one message once, and never who did it', async () => {
    const question = await say(ada, `who, @${names.ada}?`);
    const answer = await say(bob, `@${names.ada} me, and @${names.eve} too`, { reply_to: question });
    // Who writes has read what came before.
    await until('eve is told', async () => (await list(eve)).items.length === 1);
    await say(eve, 'I am not', { reply_to: answer });
    const direct = String((await bob.rest.post('/conversations/direct', { user_id: eve.id })).body['id']);
    await say(bob, 'psst', {}, direct);
    await say(bob, `psst @${names.eve}`, {}, direct);
    await until('eve has three', async () => (await list(eve)).items.length === 3);
    await settled();
    expect(await kinds(ada)).to.deep.equal(['reply', 'mention']);
    expect(await kinds(bob)).to.deep.equal(['reply']);
    expect(await kinds(eve)).to.have.members(['mention', 'mention', 'direct']);
    const [latest] = (await list(bob)).items;
    expect(latest).to.include({ kind: 'reply', conversation_id: id, actor_id: eve.id, read: false });
  });

  it('tell who is mentioned or answered whatever else the message holds, also after many that were for nobody', async () => {
    const hollow = { reply_to: null, mentions: [], mentions_all: false, metadata: {} };
    const text = JSON.stringify({ content: '', ...hollow });
    const question = await say(ada, text, { metadata: hollow });
    await settled();
    await say(bob, `${text} @${names.eve}`, { metadata: hollow });
    await say(bob, text, { metadata: hollow, reply_to: question });
    await settled(bob);
    expect(await kinds(eve)).to.deep.equal(['mention']);
    expect(await kinds(ada)).to.deep.equal(['reply']);
  });

  it('tell of a reaction to who wrote the message, and of an edit to who is mentioned anew', async () => {
    const message = await say(ada, `hello @${names.bob}`);
    await bob.rest.call('PUT', `/conversations/${id}/messages/${message}/reactions/${encodeURIComponent('👍')}`);
    await ada.rest.call('PATCH', `/conversations/${id}/messages/${message}`, {
      content: `hello @${names.bob} and @${names.eve}`,
    });
    await settled();
    expect([await kinds(ada), await kinds(bob), await kinds(eve)]).to.deep.equal([
      ['reaction'],
      ['mention'],
      ['mention'],
    ]);
  });

  it('keep quiet for who muted the conversation, has read it, blocked the other one or left', async () => {
    await bob.rest.call('PATCH', `/conversations/${id}/settings`, { muted_until: '2099-01-01T00:00:00.000Z' });
    await eve.rest.call('PUT', `/users/me/blocks/${ada.id}`);
    await say(ada, `@${names.bob} @${names.eve}`);
    await settled();
    await eve.rest.call('DELETE', `/users/me/blocks/${ada.id}`);
    await bob.rest.call('PATCH', `/conversations/${id}/settings`, { muted_until: '2020-01-01T00:00:00.000Z' });
    expect([await kinds(bob), await kinds(eve)]).to.deep.equal([[], []]);
    await say(ada, `@${names.bob} again`);
    await settled();
    expect(await kinds(bob)).to.deep.equal(['mention']);
  });

  it('are marked up to one, by id or all, and told to the own devices', async () => {
    for (const text of ['one', 'two', 'three', 'four']) await say(ada, `${text} @${names.bob}`);
    await until('bob has four', async () => (await list(bob)).items.length === 4);
    const { items } = await list(bob);
    const post = (body: object) => bob.rest.post('/notifications/read', body);
    const unread = async () => {
      const { items: now, unread_count } = await list(bob);
      expect(unread_count).to.equal(now.filter(({ read }) => !read).length);
      return now.map(({ read }) => read);
    };
    const socket = await bob.socket();
    await post({ ids: [items[0]!.id] });
    expect(await unread()).to.deep.equal([true, false, false, false]);
    await post({ up_to: items[2]!.id });
    expect(await unread()).to.deep.equal([true, false, true, true]);
    await post({});
    expect(await unread()).to.deep.equal([true, true, true, true]);
    const events = () => socket.frames.filter(({ type }) => type === 'notification.read').map(({ data }) => data);
    await socket.until(() => events().length === 3, 'three marks');
    expect(events()).to.deep.equal([{ ids: [items[0]!.id] }, { up_to: items[2]!.id }, { up_to: items[0]!.id }]);
    expect((await post({})).headers.get('Chat-Event-Id')).to.equal(null);
    expect((await post({ ids: ['01HZZZZZZZZZZZZZZZZZZZZZZZ'] })).status).to.equal(404);
    expect((await post({ ids: [items[0]!.id], up_to: items[0]!.id })).status).to.equal(400);
    const first = await list(bob, '?limit=3');
    const rest = await list(bob, `?limit=3&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map((one) => one.id)).to.deep.equal(items.map((one) => one.id));
  });

  it('are kept to the last thousand, and a repeat of an event makes none', async () => {
    const { keys, connection } = world.log;
    const user = userStream(bob.id);
    const add = (n: number) =>
      world.log.append({
        script: 'notification.add',
        stream: user,
        actorId: ada.id,
        knowsRepeats: true,
        args: {
          conversation: id,
          source: `${n}-${n}`,
          notification: `01H${String(n).padStart(23, '0')}`,
          data: JSON.stringify({
            notification_id: `01H${String(n).padStart(23, '0')}`,
            kind: 'mention',
            conversation_id: id,
            message_id: id,
            actor_id: ada.id,
          }),
        },
      });
    for (let n = 1; n <= 1_003; n += 1) await add(n);
    expect((await add(1_003)).status).to.equal('unchanged');
    expect((await add(7)).status).to.equal('unchanged');
    expect(await connection.commands.zcard(keys.of(user, 'notified'))).to.equal(1_001);
    const first = await list(bob, '?limit=100');
    expect([first.items[0]!.id, first.unread_count]).to.deep.equal([`01H${'1003'.padStart(23, '0')}`, 1_000]);
    let all = first.items.length;
    for (let { next_cursor } = first; next_cursor !== null;) {
      const page = await list(bob, `?limit=100&cursor=${next_cursor}`);
      all += page.items.length;
      next_cursor = page.next_cursor;
    }
    expect(all).to.equal(1_000);
  });

  it('reach the others where one recipient’s key is broken, which is parked for that one', async () => {
    const { keys, connection } = world.log;
    const redis = connection.commands;
    await redis.del(keys.of(userStream(bob.id), 'notified_at'));
    await redis.set(keys.of(userStream(bob.id), 'notified_at'), 'broken');
    await say(ada, `@${names.bob} @${names.eve}`);
    await settled();
    expect(await kinds(eve)).to.deep.equal(['mention']);
    const parked = await redis.hgetall(keys.at(keys.partitionOf(bob.id), 'parked'));
    expect(Object.keys(parked)).to.include(`notifications user ${bob.id}`);
  });

  it('tell of what happened before the first worker came, which is after the first request', async () => {
    await node.stop();
    await world.log.connection.commands.flushall();
    const api = await startNode({ ROLES: 'api' });
    const [ann, ben] = [await register(api, 'ann'), await register(api, 'ben')];
    const room = await group(ann, ben);
    await say(ann, 'hello @ben', {}, room);
    await startNode({ ROLES: 'projector' });
    await until('ben is told', async () => (await kinds(ben)).length === 1);
  });
});
