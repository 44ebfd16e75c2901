/** Redis goes away under a node: callers are told to come back, nothing hangs or ends, and all is well when it is there again. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { until } from '../../src/redis/redis-server.ts';
import { Rest } from '../support/client.ts';
import type { Reply } from '../support/client.ts';
import { bearer, handshake } from '../support/handshake.ts';
import { group, register, useNodes } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const AWAY = ['unavailable', 'unknown_outcome'];

describe('without Redis', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  function expectAway(
    { status, body, headers }: Pick<Reply, 'status' | 'body'> & { headers: Headers },
    what: string,
  ): void {
    expect(status, `${what}: ${JSON.stringify(body)}`).to.equal(503);
    expect(body['code'], what).to.be.oneOf(AWAY);
    expect(Number(headers.get('Retry-After')), what).to.be.at.least(1);
  }

  it('REST answers 503, sockets stay and get errors, and both recover by themselves', async function () {
    this.timeout(40_000);
    const node = await startNode();
    const [ada, bob] = [await register(node, 'ada'), await register(node)];
    const id = await group(ada, bob);
    const [socket, other] = [await ada.socket(), await bob.socket()];
    const message = { conversation_id: id, id: ulid(), content: 'in spite of all' };
    const nobody = new Rest(node.base);
    const startAgain = await world.killRedis();
    try {
      const calls: [string, string, object?][] = [
        ['GET', '/users/me'],
        ['GET', '/conversations'],
        ['GET', '/channels'],
        ['GET', '/users?query=a'],
        ['GET', `/conversations/${id}`],
        ['GET', `/conversations/${id}/messages`],
        ['GET', `/conversations/${id}/participants`],
        ['POST', `/conversations/${id}/messages`, { content: 'x' }],
        ['POST', `/conversations/${id}/read`, {}],
        ['POST', '/conversations', { type: 'group' }],
        ['PATCH', `/conversations/${id}`, { name: 'x' }],
        ['POST', '/auth/ws-ticket', {}],
      ];
      for (const [method, path, body] of calls)
        expectAway(await ada.rest.call(method, path, body), `${method} ${path}`);
      const logIn = { username: 'ada', password: 'correct horse' };
      expectAway(await nobody.post('/auth/login', logIn), 'login');
      expectAway(await nobody.post('/auth/register', { username: 'eve', password: 'correct horse' }), 'register');
      expectAway(await nobody.get('/health/ready'), 'ready');
      expect((await nobody.get('/health/live')).status).to.equal(200);
      expect((await nobody.get('/nothing')).status).to.equal(404);
      for (const type of ['message.send', 'receipt.read', 'conversation.leave']) {
        const refused = await socket.ask(type, type === 'message.send' ? message : { conversation_id: id });
        expect(refused.error?.code, type).to.be.oneOf(AWAY);
        expect(refused.error?.retry_after, type).to.equal(1);
      }
      const refused = await handshake(node.base, { headers: bearer(ada.token) });
      expect(refused.status).to.be.oneOf([101, 503]);
    } finally {
      await startAgain();
    }
    await until('the node is ready', async () => (await nobody.get('/health/ready')).status === 200, 20_000);
    await until('messages are taken', async () => !(await socket.ask('message.send', message)).error, 20_000);
    await other.until(() => other.events(id).some((event) => event.data['content'] === message.content), 'the message');
    expect(other.events(id).filter((event) => event.data['content'] === message.content)).to.have.length(1);
    const { status, body } = await ada.rest.get<{ items: unknown[] }>(`/conversations/${id}/messages`);
    // The first of them says who made the group.
    expect([status, body.items.length]).to.deep.equal([200, other.events(id).length + 1]);
    const again = await nobody.post('/auth/login', { username: 'ada', password: 'correct horse' });
    expect(again.status).to.equal(200);
    expect(node.warnings.filter((warning) => warning.includes('request failed'))).to.deep.equal([]);
  });
});
