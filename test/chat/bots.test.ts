/** Bots and incoming hooks: users with a key in the place of a password, which works where it is meant to, and ends when it is told to. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { parseBot } from '../../src/chat/bots/owning.ts';
import { userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import { Rest, Socket } from '../support/client.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

interface Made extends Json {
  bot: { id: string; username: string };
  api_key: string;
}

describe('bot.* and hooks', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let eve: User;
  let id: string;
  let names = 0;
  beforeEach(async () => {
    node = await startNode();
    [ada, eve] = [await register(node), await register(node)];
    id = await group(ada);
  });

  const create = (by: User, more: Json = {}, key?: string) =>
    by.rest.post<Made>(
      '/bots',
      { username: `helper-${(names += 1)}`, ...more },
      key === undefined ? {} : { 'Idempotency-Key': key },
    );
  async function made(by: User, more: Json = {}, rooms = [id]) {
    const { status, body } = await create(by, more);
    expect(status, JSON.stringify(body)).to.equal(201);
    for (const room of rooms) await add(room, body.bot.id);
    return { ...body, rest: new Rest(node.base, body.api_key) };
  }
  const add = (room: string, user: string) =>
    ada.rest.post(`/conversations/${room}/participants`, { user_ids: [user] });
  const say = (rest: Rest, content: string, room = id) => rest.post(`/conversations/${room}/messages`, { content });

  it('read and write where they were brought in, over REST and a socket', async () => {
    const { bot, api_key, rest } = await made(ada, { display_name: 'Helper' });
    expect((await rest.get('/users/me')).body).to.include({ id: bot.id, is_bot: true, owner_id: ada.id });
    expect((await eve.rest.get(`/users/${bot.id}`)).body).to.include({ is_bot: true, display_name: 'Helper' });
    expect((await say(rest, 'hello')).body).to.include({ sender_id: bot.id, content: 'hello' });
    const socket = await Socket.open(node.base, api_key);
    await say(ada.rest, '/weather Paris');
    const { data } = await socket.frame(({ type }) => type === 'message.sent', 'the question');
    expect(data['content']).to.equal('/weather Paris');
    await socket.command('message.send', { conversation_id: id, content: 'rain' });
    expect((await say(rest, 'x', await group(eve))).status).to.equal(404);
  });

  it('are shown to who made them, their key only once and never stored', async () => {
    const key = ulid();
    const wish = { username: 'once-only', conversation_ids: [id] };
    const [one, two] = [await create(ada, wish, key), await create(ada, wish, key)];
    expect(two.body).to.deep.equal(one.body);
    expect((await create(ada, { ...wish, username: 'other-one' }, key)).status).to.equal(409);
    expect((await create(eve, wish)).status).to.equal(409);
    const { bot, api_key } = one.body;
    expect((await ada.rest.get<{ items: Json[] }>('/bots')).body.items).to.deep.equal([bot]);
    expect((await ada.rest.get(`/bots/${bot.id}`)).body).to.deep.equal(bot);
    expect(JSON.stringify(bot)).not.to.include(api_key);
    const stored = await world.log.guardField(userStream(ada.id), 'bots', bot.id);
    expect(parseBot(bot.id, stored!).scope).to.deep.equal([id]);
    const { connection } = world.log;
    for (const redisKey of await connection.commands.keys('*')) {
      const value = (await connection.commands.dumpBuffer(redisKey))?.toString('latin1') ?? '';
      expect(value.includes(api_key.split('.')[3]!), redisKey).to.equal(false);
    }
    for (const method of ['GET', 'DELETE'])
      expect((await eve.rest.call(method, `/bots/${bot.id}`)).status).to.equal(404);
    expect((await eve.rest.get<{ items: Json[] }>('/bots')).body.items).to.deep.equal([]);
  });

  it('end at once, with their sockets, and stay ended', async () => {
    const { bot, api_key, rest } = await made(ada);
    const other = await startNode();
    const socket = await Socket.open(other.base, api_key);
    const key = { 'Idempotency-Key': ulid() };
    const remove = () => ada.rest.call('DELETE', `/bots/${bot.id}`, undefined, key);
    expect((await remove()).status).to.equal(204);
    expect((await remove()).status).to.equal(204);
    expect((await ada.rest.call('DELETE', `/bots/${bot.id}`)).status).to.equal(404);
    expect((await socket.closed).code).to.equal(4501);
    expect((await rest.get('/users/me')).status).to.equal(401);
    expect((await ada.rest.get<{ items: Json[] }>('/bots')).body.items).to.deep.equal([]);
    const members = (await ada.rest.get<{ items: Json[] }>(`/conversations/${id}/participants`)).body.items;
    expect(members.map(({ user_id }) => user_id)).to.deep.equal([ada.id]);
  });

  it('are not there where their account has ended and a crash kept the rest from being written', async () => {
    const { bot } = await made(ada);
    const stream = userStream(bot.id);
    const proved = (await world.log.guardField(stream, 'account', 'password'))!;
    await world.log.append({ script: 'user.delete', stream, actorId: bot.id, args: { proved, erase: '' } });
    expect((await ada.rest.get(`/bots/${bot.id}`)).status).to.equal(404);
    expect((await ada.rest.get<{ items: Json[] }>('/bots')).body.items).to.deep.equal([]);
    expect((await ada.rest.call('DELETE', `/bots/${bot.id}`)).status).to.equal(204);
  });

  it('end with the account of who made them', async () => {
    const { rest } = await made(ada);
    await ada.rest.call('DELETE', '/users/me', { password: 'correct horse' });
    await until('the key is over', async () => (await rest.get('/users/me')).status === 401);
  });

  it('with a key for some conversations reach no other and nothing that is not of one', async () => {
    const second = await group(ada);
    const { rest, api_key } = await made(ada, { conversation_ids: [id] }, [id, second]);
    expect((await say(rest, 'here')).status).to.equal(201);
    expect((await rest.get('/users/me')).status).to.equal(200);
    const { body: secret } = await say(ada.rest, 'secret', second);
    await writesNothing(world, 'refusals', async () => {
      expect((await say(rest, 'there', second)).status).to.equal(404);
      expect((await rest.get(`/conversations/${second}/messages`)).status).to.equal(404);
      const forward = { conversation_id: second, message_id: secret['id'] };
      expect((await rest.post(`/conversations/${id}/messages`, { forward })).status).to.equal(404);
      for (const path of ['/conversations', '/notifications', '/users', '/drafts'])
        expect((await rest.get(path)).status, path).to.equal(403);
    });
    const wide = Socket.connect(node.base, api_key);
    wide.ws.on('unexpected-response', () => wide.ws.terminate());
    expect((await wide.closed).code).to.equal(1006);
    const narrow = Socket.connect(node.base, api_key, '', `/api/v1/ws/conversations/${id}`);
    await narrow.frame(({ type }) => type === 'session.ready');
    expect((await narrow.ask('message.send', { conversation_id: second, content: 'x' })).error?.code).to.equal(
      'forbidden',
    );
  });

  it('are no people: no bots, tickets or passwords of their own, and no log-in', async () => {
    const { bot, rest } = await made(ada);
    await writesNothing(world, 'refusals', async () => {
      expect((await rest.post('/bots', { username: 'a-child' })).status).to.equal(403);
      expect((await rest.post('/auth/ws-ticket')).status).to.equal(403);
      expect((await rest.post(`/conversations/${id}/hooks`, { name: 'x' })).status).to.equal(403);
      expect((await rest.call('DELETE', '/users/me', { password: '' })).status).to.equal(403);
      for (const password of ['', 'correct horse', `key:${'0'.repeat(64)}`])
        expect((await new Rest(node.base).post('/auth/login', { username: bot.username, password })).status).to.equal(
          401,
        );
      const forged = `bot.${bot.id}.${ulid()}.${'A'.repeat(43)}`;
      expect((await new Rest(node.base, forged).get('/users/me')).status).to.equal(401);
      for (const username of ['a', 'with blanks', '']) expect((await create(ada, { username })).status).to.equal(400);
    });
  });

  it('are twenty at most', async () => {
    const key = world.log.keys.of(userStream(ada.id), 'bots');
    await world.log.connection.commands.hset(key, ...Array.from({ length: 20 }, () => [ulid(), '1 -']).flat());
    expect((await create(ada, { username: 'one-too-many' })).status).to.equal(409);
    expect((await create(eve, { username: 'one-too-many' })).status, 'the name is free').to.equal(201);
  });

  describe('hook.*', () => {
    const hook = (by: User, more: Json = {}) => by.rest.post(`/conversations/${id}/hooks`, { name: 'Builds', ...more });
    const post = (url: unknown, body: unknown, headers = {}) =>
      new Rest(node.base).post(String(url).replace('/api/v1', ''), body, headers);

    it('take messages at their address, as a bot of that name, until the bot is deleted', async () => {
      const { status, body } = await hook(ada);
      expect(status).to.equal(201);
      const posted = await post(body['url'], { content: 'build 7 is red' });
      expect(posted.status).to.equal(201);
      expect(posted.body).to.include({ content: 'build 7 is red', sender_id: body['id'], conversation_id: id });
      expect((await ada.rest.get(`/users/${String(body['id'])}`)).body).to.include({
        display_name: 'Builds',
        is_bot: true,
      });
      const { items } = (await ada.rest.get<{ items: Json[] }>('/bots')).body;
      expect(items.map((bot) => [bot['id'], bot['conversation_ids']])).to.deep.equal([[body['id'], [id]]]);
      for (const wrong of [{}, { content: '' }, { content: 'x', sender_id: ada.id }])
        expect((await post(body['url'], wrong)).status).to.equal(400);
      await ada.rest.call('DELETE', `/bots/${String(body['id'])}`);
      expect((await post(body['url'], { content: 'x' })).status).to.equal(404);
      expect((await post('/hooks/nothing', { content: 'x' })).status).to.equal(404);
    });

    it('are made once under one id, and only by who may bring people in', async () => {
      const key = { 'Idempotency-Key': ulid() };
      const make = () => ada.rest.post(`/conversations/${id}/hooks`, { name: 'Builds' }, key);
      expect((await make()).body).to.deep.equal((await make()).body);
      await add(id, eve.id);
      const stranger = await register(node);
      await writesNothing(world, 'refusals', async () => {
        expect((await hook(eve)).status).to.equal(403);
        expect((await hook(stranger)).status).to.equal(404);
        expect((await hook(ada, { name: '\n' })).status).to.equal(400);
      });
      expect((await ada.rest.get<{ items: Json[] }>('/bots')).body.items).to.have.length(1);
    });

    it('post each thing once under an id of the caller', async () => {
      const { body } = await hook(ada);
      const key = { 'Idempotency-Key': ulid() };
      const [one, two] = [
        await post(body['url'], { content: 'once' }, key),
        await post(body['url'], { content: 'once' }, key),
      ];
      expect(two.body).to.deep.equal(one.body);
      expect((await post(body['url'], { content: 'other' }, key)).status).to.equal(409);
    });
  });
});
