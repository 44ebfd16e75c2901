/** How much one caller may ask for, and what they are told past it. */
import { expect } from 'chai';
import { Rest } from '../support/client.ts';
import type { Json, Reply } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('limits', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  function expectLimited({ status, body, headers }: Reply): void {
    expect([status, body['code']]).to.deep.equal([429, 'rate_limited']);
    expect(Number(headers.get('Retry-After'))).to.be.within(1, 60);
    expect(headers.get('RateLimit-Policy')).to.match(/q=\d+;w=60/);
    expect(headers.get('RateLimit')).to.match(/r=0;t=\d+/);
  }

  it('messages a minute: REST and WebSocket count together, for each user alone', async () => {
    const node = await startNode({ RATE_LIMIT_MESSAGES_PER_MINUTE: '3' });
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    const socket = await ada.socket();
    const message = { conversation_id: id, content: 'x' };
    const post = (by = ada) => by.rest.post(`/conversations/${id}/messages`, { content: 'x' });
    expect((await post()).status).to.equal(201);
    await socket.command('message.send', message);
    expect((await post()).status).to.equal(201);
    expectLimited(await writesNothing(world, 'REST', () => post()));
    const refused = await writesNothing(world, 'WebSocket', () => socket.ask('message.send', message));
    expect(refused.error).to.include({ code: 'rate_limited' });
    expect(refused.error?.retry_after).to.be.within(1, 60);
    expect((await post(bob)).status).to.equal(201);
    await socket.command('receipt.read', { conversation_id: id });
    expect((await ada.rest.get(`/conversations/${id}/messages`)).status).to.equal(200);
  });

  it('tell what is left on each answer of REST, whatever came of it, and nothing where there is no limit', async () => {
    const limits = { RATE_LIMIT_MESSAGES_PER_MINUTE: '30', RATE_LIMIT_REQUESTS_PER_MINUTE: '10' };
    const node = await startNode({ ...limits, RATE_LIMIT_CONVERSATIONS_PER_HOUR: '5' });
    const ada = await register(node);
    const told = ({ headers }: Reply, name: string) => {
      const of = (header: string) =>
        headers
          .get(header)
          ?.split(', ')
          .find((item) => item.startsWith(`"${name}";`))
          ?.slice(name.length + 3);
      return [of('RateLimit-Policy'), of('RateLimit')];
    };
    const made = await ada.rest.post('/conversations', { type: 'group', name: 'a group' });
    expect(told(made, 'requests')).to.deep.equal(['q=100;w=60', 'r=99;t=1']);
    expect(told(made, 'new conversations')).to.deep.equal(['q=5;w=3600', 'r=4;t=720']);
    const path = `/conversations/${String(made.body['id'])}/messages`;
    const first = await ada.rest.post(path, { content: 'x' });
    const second = await ada.rest.post(path, { content: 'x' });
    expect(told(first, 'messages')).to.deep.equal(['q=30;w=60', 'r=29;t=2']);
    expect(told(second, 'messages')[1]).to.match(/^r=28;/);
    const missing = await ada.rest.get('/conversations/01K00000000000000000000000');
    expect([missing.status, told(missing, 'requests')[0], told(missing, 'messages')[0]]).to.deep.equal([
      404,
      'q=100;w=60',
      undefined,
    ]);
    const nobody = await new Rest(node.base).post('/auth/login', { username: 'ada', password: 'wrong password' });
    expect(told(nobody, 'requests')[0]).to.equal('q=10;w=60');
    const open = await register(await startNode());
    expect((await open.rest.get('/users/me')).headers.has('RateLimit')).to.equal(false);
  });

  it('what has not the form does not count', async () => {
    const node = await startNode({ RATE_LIMIT_MESSAGES_PER_MINUTE: '1' });
    const ada = await register(node);
    const id = await group(ada);
    for (let i = 0; i < 3; i += 1) await ada.rest.post(`/conversations/${id}/messages`, {});
    expect((await ada.rest.post(`/conversations/${id}/messages`, { content: 'x' })).status).to.equal(201);
  });

  it('requests a minute: by address where nobody is known, ten times as many for a user', async () => {
    const node = await startNode({ RATE_LIMIT_REQUESTS_PER_MINUTE: '3' });
    const [ada, bob] = [await register(node), await register(node)];
    const nobody = new Rest(node.base);
    const logIn = { username: 'nobody', password: 'wrong password' };
    expect((await nobody.post('/auth/login', logIn)).status).to.equal(401);
    expectLimited(await nobody.post('/auth/login', logIn));
    const statuses = [];
    for (let i = 0; i < 30; i += 1) statuses.push((await ada.rest.get('/users/me')).status);
    expect(new Set(statuses)).to.deep.equal(new Set([200]));
    expectLimited(await ada.rest.get('/users/me'));
    expect((await bob.rest.get('/users/me')).status).to.equal(200);
    for (const path of ['/health/live', '/health/ready']) expect((await nobody.get(path)).status).to.equal(200);
  });

  it('who comes without a token that holds counts as nobody; who has one is not hindered by that', async () => {
    const node = await startNode({ RATE_LIMIT_REQUESTS_PER_MINUTE: '4' });
    const ada = await register(node);
    for (const token of [undefined, 'garbage', `${ada.token}x`]) {
      expect((await new Rest(node.base, token).get('/users/me')).status).to.equal(401);
    }
    expectLimited(await new Rest(node.base, 'garbage').get('/users/me'));
    expectLimited(await new Rest(node.base).get('/users/me'));
    expect((await ada.rest.get('/users/me')).status).to.equal(200);
  });

  it('by the address that the nearest trusted proxy saw, and by nothing that a caller writes', async () => {
    const [behind, open] = await Promise.all(
      ['1', '0'].map((TRUSTED_PROXIES) => startNode({ TRUSTED_PROXIES, RATE_LIMIT_REQUESTS_PER_MINUTE: '1' })),
    );
    const ask = async (node: typeof behind, seen: string) =>
      (await new Rest(node!.base).call('GET', '/users/me', undefined, { 'X-Forwarded-For': seen })).status;
    expect(await ask(behind, '192.0.2.1')).to.equal(401);
    expect(await ask(behind, '192.0.2.2')).to.equal(401);
    expect(await ask(behind, '198.51.100.7, 192.0.2.2')).to.equal(429);
    expect(await ask(behind, '2001:db8::1')).to.equal(401);
    expect(await ask(behind, '2001:db8::2')).to.equal(429);
    // The port of the caller's connection is none of the caller's address.
    expect(await ask(behind, '203.0.113.8:4321')).to.equal(401);
    expect(await ask(behind, '203.0.113.8:4322')).to.equal(429);
    expect(await ask(behind, '[2001:db8:7::1]:4321')).to.equal(401);
    expect(await ask(behind, '[2001:db8:7::1]:4322')).to.equal(429);
    expect(await ask(open, '192.0.2.1')).to.equal(401);
    expect(await ask(open, '192.0.2.2')).to.equal(429);
  });

  it('a new port is no new caller: neither for log-ins nor in the list of sessions', async () => {
    const node = await startNode({ TRUSTED_PROXIES: '1', RATE_LIMIT_LOGINS_PER_MINUTE: '3' });
    await register(node, 'ada');
    const logIn = (seen: string, password = 'wrong password') =>
      new Rest(node.base).post('/auth/login', { username: 'ada', password }, { 'X-Forwarded-For': seen });
    const statuses = [];
    for (let port = 4_000; port < 4_005; port += 1) statuses.push((await logIn(`203.0.113.8:${port}`)).status);
    expect(statuses).to.deep.equal([401, 401, 401, 429, 429]);
    const { body } = await logIn('[2001:DB8::1]:4321', 'correct horse');
    const sessions = await new Rest(node.base, String(body['access_token'])).get<{ items: Json[] }>('/auth/sessions');
    expect(sessions.body.items.map(({ ip }) => ip)).to.have.members(['127.0.0.1', '2001:db8::1']);
  });

  it('0 is no limit', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const posts = Array.from({ length: 150 }, () => ada.rest.post(`/conversations/${id}/messages`, { content: 'x' }));
    expect(new Set((await Promise.all(posts)).map(({ status }) => status))).to.deep.equal(new Set([201]));
  });
});
