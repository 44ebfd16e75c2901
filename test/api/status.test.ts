/** What operators ask a node: health, counts and metrics, and who may ask; and the pages that show the API. */
import { expect } from 'chai';
import { freePort } from '../../src/redis/redis-server.ts';
import { Rest } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const TOKEN = 'a token for metrics';
const GUARDED = ['/health/detailed', '/stats', '/metrics'];
const PLACES = ['', '/api/v1'];
/** As a proxy on the machine itself would pass a call on. */
const FROM_ELSEWHERE = { 'X-Forwarded-For': '203.0.113.8' };

describe('what operators ask', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const ask = (node: Node, path: string, headers: Record<string, string> = {}) => fetch(node.base + path, { headers });
  const bearer = (token: string) => ({ ...FROM_ELSEWHERE, Authorization: `Bearer ${token}` });

  describe('and who may', () => {
    let node: Node;
    let ada: User;
    let bob: User;
    beforeEach(async () => {
      node = await startNode({ ADMIN_USERNAMES: 'root, ADA', METRICS_TOKEN: TOKEN.replaceAll(' ', '-') });
      ada = await register(node, 'ada');
      bob = await register(node, 'bob');
    });

    it('everybody whether it lives and is ready, at the root and below the base', async () => {
      for (const place of PLACES) {
        for (const [path, status] of [
          ['/health', 'ready'],
          ['/health/live', 'live'],
          ['/health/ready', 'ready'],
        ]) {
          const answer = await ask(node, place + path, FROM_ELSEWHERE);
          expect([answer.status, await answer.json()], place + path).to.deep.equal([200, { status }]);
        }
      }
    });

    it('the rest an admin, the token for it, and the machine itself; nobody by a header', async () => {
      for (const path of PLACES.flatMap((place) => GUARDED.map((guarded) => place + guarded))) {
        const statusOf = async (headers: Record<string, string>) => (await ask(node, path, headers)).status;
        expect(await statusOf({}), path).to.equal(200);
        expect(await statusOf(bearer(ada.token)), path).to.equal(200);
        expect(await statusOf(bearer(TOKEN.replaceAll(' ', '-'))), path).to.equal(200);
        expect(await statusOf(FROM_ELSEWHERE), path).to.equal(401);
        expect(await statusOf({ 'X-Forwarded-For': '127.0.0.1' }), path).to.equal(401);
        expect(await statusOf(bearer('wrong')), path).to.equal(401);
        const refused = await ask(node, path, bearer(bob.token));
        expect([refused.status, ((await refused.json()) as { code: string }).code], path).to.deep.equal([
          403,
          'forbidden',
        ]);
      }
    });

    it('no admin any more who has gone; and tokens cannot be tried without end', async () => {
      await ada.rest.call('DELETE', '/users/me', { password: 'correct horse' });
      expect((await ask(node, '/stats', bearer(ada.token))).status).to.equal(401);
      const limited = await startNode({ RATE_LIMIT_REQUESTS_PER_MINUTE: '3', TRUSTED_PROXIES: '1' });
      const statuses = [];
      for (let i = 0; i < 5; i += 1) statuses.push((await ask(limited, '/metrics', bearer(`guess-${i}`))).status);
      expect(statuses).to.deep.equal([401, 401, 401, 429, 429]);
      // Without a token of its own there is none that fits, an empty one neither.
      for (const Authorization of ['Bearer', 'Bearer ', 'Bearer undefined']) {
        expect(
          (await ask(limited, '/stats', { ...FROM_ELSEWHERE, 'X-Forwarded-For': '198.51.100.1', Authorization }))
            .status,
        ).to.equal(401);
      }
    });
  });

  it('how it is: its sockets, what there is in all, Redis, its memory', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    const gone = await group(ada);
    const socket = await ada.socket();
    for (const content of ['one', 'two']) await socket.command('message.send', { conversation_id: id, content });
    await ada.rest.post(`/conversations/${gone}/messages`, { content: 'x' });
    await ada.rest.call('DELETE', `/conversations/${gone}`);
    await bob.rest.call('DELETE', '/users/me', { password: 'correct horse' });
    const detailed = (await (await ask(node, '/health/detailed')).json()) as Record<string, unknown>;
    expect(detailed).to.have.all.keys(
      'status',
      'timestamp',
      'version',
      'active_connections',
      'total_conversations',
      'total_messages',
      'redis_status',
      'memory_usage',
    );
    const counts = { active_connections: 1, total_conversations: 1, total_messages: 2 };
    expect(detailed).to.include({ status: 'ready', redis_status: 'connected', version: '0.1.0', ...counts });
    expect(Date.parse(String(detailed['timestamp']))).to.be.closeTo(Date.now(), 5_000);
    expect((detailed['memory_usage'] as { rss: number }).rss).to.be.above(10_000_000);
    const stats = (await (await ask(node, '/stats')).json()) as Record<string, unknown>;
    expect({ ...stats, timestamp: 0 }).to.deep.equal({ timestamp: 0, ...counts, total_users: 1 });
  });

  it('its metrics: messages, sockets, how long messages take, and the process; of no user or conversation', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const socket = await ada.socket();
    await socket.command('message.send', { conversation_id: id, content: 'x' });
    await ada.rest.post(`/conversations/${id}/messages`, { content: 'y' });
    await ada.rest.post(`/conversations/${id}/messages`, { content: '' });
    const answer = await ask(node, '/metrics');
    expect(answer.headers.get('Content-Type')).to.match(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    expect(text).to.match(/^chat_messages_sent_total 2$/m);
    expect(text).to.match(/^chat_active_connections 1$/m);
    expect(text).to.match(/^chat_message_processing_seconds_count 3$/m);
    expect(text).to.match(/^chat_message_processing_seconds_bucket\{le="2\.5"\} 3$/m);
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']) {
      expect(text).to.include(`\n${name} `);
    }
    expect(text).to.not.match(new RegExp(`${ada.id}|${id}`));
  });

  it('that Redis is away, while it is', async () => {
    const node = await startNode();
    const start = await world.killRedis();
    try {
      const answer = await ask(node, '/health/detailed');
      const detailed = (await answer.json()) as Record<string, unknown>;
      expect(answer.status).to.equal(200);
      expect(detailed).to.include({ status: 'unavailable', redis_status: 'unavailable', total_messages: null });
      for (const path of ['/health', '/health/ready']) expect((await ask(node, path)).status, path).to.equal(503);
      expect((await ask(node, '/health/live')).status).to.equal(200);
      expect((await ask(node, '/metrics')).status).to.equal(200);
    } finally {
      await start();
    }
  });

  it('any role, whatever else it serves', async () => {
    for (const ROLES of ['gateway', 'projector']) {
      const node = await startNode({ ROLES, PORT: String(await freePort()) });
      for (const path of ['/health', '/health/detailed', '/stats', '/metrics']) {
        expect((await ask(node, path)).status, `${ROLES} ${path}`).to.equal(200);
      }
      for (const path of ['/', '/docs', '/openapi.json']) expect((await ask(node, path)).status, path).to.equal(404);
    }
  });

  it('every link of the first page leads somewhere, and the document tells of all', async () => {
    const node = await startNode();
    const first = (await (await ask(node, '/')).json()) as { name: string; links: Record<string, string> };
    expect(first).to.include({ name: 'Rill', version: '0.1.0' });
    const { websocket, ...links } = first.links;
    expect([links['api'], websocket]).to.deep.equal(['/api/v1', '/api/v1/ws']);
    for (const path of Object.values(links)) expect((await ask(node, path)).status, path).to.equal(200);
    const { paths } = (await (await ask(node, '/openapi.json')).json()) as { paths: Record<string, object> };
    for (const path of ['/health', '/health/live', '/health/ready', ...GUARDED]) {
      expect(paths).to.have.property(`/api/v1${path}`);
      // Held against the document by the client.
      if (path !== '/metrics') await new Rest(node.base).get(path);
    }
  });

  it('the pages that show the document come from here alone', async () => {
    const node = await startNode();
    for (const [page, scripts] of [
      ['/docs', ['/docs/swagger-ui-bundle.js', '/docs/docs.js', '/docs/swagger-ui.css']],
      ['/redoc', ['/redoc/redoc.standalone.js', '/redoc/redoc.js']],
    ] as const) {
      const answer = await ask(node, page);
      const html = await answer.text();
      expect(html).to.not.match(/https?:\/\//);
      const policy = answer.headers.get('Content-Security-Policy');
      expect(policy).to.include("default-src 'self'").and.to.include("script-src 'self';");
      for (const path of scripts) {
        expect(html).to.include(`"${path}"`);
        const file = await ask(node, path);
        expect([file.status, file.headers.get('Content-Type')], path).to.deep.equal([
          200,
          `text/${path.endsWith('css') ? 'css' : 'javascript'}; charset=utf-8`,
        ]);
        expect(await file.text(), path).to.not.include('cdn.redoc.ly');
      }
    }
  });
});
