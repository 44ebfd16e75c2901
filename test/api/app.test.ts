/** What every answer has around it: CORS, security headers, health, and bodies that come compressed. */
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { product } from '../../scripts/documents/made.ts';
import { until } from '../../src/redis/redis-server.ts';
import { Rest } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const ORIGIN = 'https://app.example';

describe('the API as a whole', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  beforeEach(async () => {
    node = await startNode({ CORS_ORIGINS: ORIGIN });
    ada = await register(node);
  });

  it('a listed origin may call and read what it needs, errors too; another gets no leave', async () => {
    const preflight = (Origin: string) =>
      fetch(`${node.base}/api/v1/conversations`, {
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'PATCH',
          'Access-Control-Request-Headers': 'authorization,idempotency-key',
        },
      });
    const asked = await preflight(ORIGIN);
    expect(asked.status).to.equal(204);
    expect(asked.headers.get('Access-Control-Allow-Origin')).to.equal(ORIGIN);
    expect(Number(asked.headers.get('Access-Control-Max-Age'))).to.be.above(600);
    expect(asked.headers.get('Access-Control-Allow-Methods')).to.include('PATCH');
    expect(asked.headers.get('Access-Control-Allow-Headers')).to.equal('authorization,idempotency-key');
    for (const path of ['/users/me', '/nothing']) {
      const { headers } = await ada.rest.call('GET', path, undefined, { Origin: ORIGIN });
      expect(headers.get('Access-Control-Allow-Origin'), path).to.equal(ORIGIN);
      expect(headers.get('Vary'), path).to.include('Origin');
      expect(headers.get('Access-Control-Expose-Headers'), path).to.match(/Chat-Event-Id.*Retry-After/);
    }
    for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`]) {
      const foreign = await ada.rest.call('GET', '/users/me', undefined, { Origin: origin });
      expect(foreign.headers.get('Access-Control-Allow-Origin'), origin).to.equal(null);
      expect((await preflight(origin)).headers.get('Access-Control-Allow-Origin'), origin).to.equal(null);
    }
  });

  it('nobody keeps an answer; documents and pages are sent again only where they changed', async () => {
    const id = await group(ada);
    const answers = [
      await ada.rest.get('/users/me'),
      await ada.rest.get('/health/live'),
      await ada.rest.get('/nothing'),
      await ada.rest.post(`/conversations/${id}/messages`, { content: 'x' }),
      await ada.rest.post(`/conversations/${id}/messages`, {}),
    ];
    for (const { status, headers } of answers) expect(headers.get('Cache-Control'), `${status}`).to.equal('no-store');
    const tags = new Set<string | null>();
    for (const path of ['/', '/client', '/client/client.js', '/client/client.css', '/openapi.json']) {
      const first = await fetch(node.base + path);
      expect(first.headers.get('Cache-Control'), path).to.equal('no-cache');
      const tag = first.headers.get('ETag');
      tags.add(tag);
      // Without a word of our own, fetch would ask for a fresh one.
      const ask = (known: string) =>
        fetch(node.base + path, { headers: { 'If-None-Match': known, 'Cache-Control': 'max-age=0' } });
      const again = await ask(`W/${tag}, "another"`);
      expect([again.status, await again.text(), again.headers.get('ETag')], path).to.deep.equal([304, '', tag]);
      expect((await ask('"another"')).status, path).to.equal(200);
    }
    expect(tags.size).to.equal(5);
  });

  it('a path may end in a slash', async () => {
    for (const path of ['/users/me', '/conversations', '/health/live', '/auth/sessions']) {
      expect((await ada.rest.get(`${path}/`)).status, path).to.equal(200);
    }
    expect((await new Rest(node.base).post('/auth/login/', { username: 'x', password: 'y' })).status).to.equal(401);
    for (const path of ['/client/', '/openapi.json/'])
      expect((await fetch(node.base + path)).status, path).to.equal(200);
  });

  it('a client that offers another protocol is answered in this one', async () => {
    const { hostname, port } = new URL(node.base);
    const headers = {
      Connection: 'Upgrade, HTTP2-Settings',
      Upgrade: 'h2c',
      'HTTP2-Settings': '',
      'Content-Type': 'application/json',
    };
    const ask = (method: string, path: string, body = '') =>
      new Promise<number>((resolve, reject) => {
        const asked = request({ hostname, port, method, path, headers }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
        });
        asked.on('error', reject).end(body);
      });
    expect(await ask('GET', '/api/v1/health/ready')).to.equal(200);
    expect(await ask('GET', '/api/v1/ws')).to.equal(426);
    expect(await ask('POST', '/api/v1/auth/register', '{"username":"java","password":"correct horse"}')).to.equal(201);
  });

  it('keeps idle connections for as long as it was told, and a stop waits for none', async () => {
    const slow = await startNode({ PASSWORD_HASH_COST: '12' });
    const agent = new Agent({ keepAlive: true });
    const answer = await new Promise<IncomingMessage>((resolve) => {
      const body = JSON.stringify({ username: 'slow', password: 'correct horse' });
      const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
      const asked = request(`${slow.base}/api/v1/auth/register`, { agent, method: 'POST', headers }, resolve);
      asked.end(body);
      asked.on('socket', () => void until('it is under way', () => asked.writableFinished).then(() => slow.stop()));
    });
    expect(answer.headers).to.include({ connection: 'keep-alive', 'keep-alive': 'timeout=75' });
    const since = Date.now();
    const closed = new Promise((resolve) => answer.socket.once('close', resolve));
    answer.resume();
    await until('the node has stopped', () =>
      fetch(slow.base).then(
        () => false,
        () => true,
      ),
    );
    await closed;
    expect(Date.now() - since).to.be.below(2_000);
    agent.destroy();
  });

  it('answers tell browsers not to guess and not to frame', async () => {
    const { headers } = await ada.rest.get('/nothing');
    expect(headers.get('X-Content-Type-Options')).to.equal('nosniff');
    expect(headers.get('X-Frame-Options')).to.equal('SAMEORIGIN');
    expect(headers.get('Content-Security-Policy')).to.include("default-src 'self'");
    expect(headers.get('X-Powered-By')).to.equal(null);
  });

  it('a body may come compressed, but not in a way that nobody knows, nor as a bomb', async () => {
    const id = await group(ada);
    const post = async (body: Buffer, encoding: string) => {
      const response = await fetch(`${node.base}/api/v1/conversations/${id}/messages`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: {
          Authorization: `Bearer ${ada.token}`,
          'Content-Type': 'application/json',
          'Content-Encoding': encoding,
        },
      });
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    const json = (content: string) => Buffer.from(JSON.stringify({ content }));
    expect(await post(gzipSync(json('small')), 'gzip')).to.deep.equal([201, undefined]);
    expect(await post(gzipSync(json('x'.repeat(5_000_000))), 'gzip')).to.deep.equal([413, 'payload_too_large']);
    expect(await post(json('not compressed'), 'gzip')).to.deep.equal([400, 'validation_failed']);
    expect(await post(json('x'), 'rot13')).to.deep.equal([415, 'unsupported_media_type']);
  });

  it('whatever a request must look like is said in words', async () => {
    const wordless: string[] = [];
    let count = 0;
    const look = (value: unknown, where: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (typeof (value as { pattern?: unknown }).pattern === 'string' || 'format' in value) {
        count += 1;
        if (!('words' in value)) wordless.push(where);
      }
      for (const [name, inner] of Object.entries(value)) look(inner, `${where}/${name}`);
    };
    const { commands, queries } = product();
    for (const [name, { data }] of [...commands, ...queries]) look(data, name);
    expect(count).to.be.above(20);
    expect(wordless).to.deep.equal([]);
    const refused = await ada.rest.call('PATCH', '/users/me', { avatar_url: 'https://:' });
    expect(refused.body['errors']).to.deep.equal([
      { pointer: '/avatar_url', message: 'must be a web address that begins with http:// or https://' },
    ]);
    expect((await ada.rest.call('PATCH', '/users/me', { avatar_url: 'HTTPS://a.example/x.png' })).status).to.equal(200);
    const named = await ada.rest.post('/auth/register', { username: 'no good', password: 'correct horse' });
    expect(named.body['detail']).to.equal('/username: must be 3 to 32 letters from A to Z, digits, or any of _ . -');
  });

  it('every address says which methods it takes', async () => {
    const addresses = ['/', '/client', '/client/client.js', '/openapi.json', '/api/v1/health/live', '/api/v1/users'];
    for (const path of addresses) {
      const get = await fetch(`${node.base}${path}`, { headers: { Authorization: `Bearer ${ada.token}` } });
      expect([get.status, await get.text()], path).to.satisfy(
        ([status, text]: [number, string]) => status === 200 && text,
      );
      for (const method of ['PUT', 'DELETE', 'POST']) {
        const { status, headers } = await fetch(`${node.base}${path}`, { method });
        expect([status, headers.get('Allow')], `${method} ${path}`).to.deep.equal([405, 'HEAD, GET']);
      }
    }
    expect((await fetch(`${node.base}/client/../server.ts`)).status).to.equal(404);
  });

  it('health needs no token, HEAD answers as GET without a body, and an unexpected error says nothing of the inside', async () => {
    const nobody = new Rest(node.base);
    expect((await nobody.get('/health/live')).body).to.deep.equal({ status: 'live' });
    expect((await nobody.get('/health/ready')).body).to.deep.equal({ status: 'ready' });
    const head = await ada.rest.call('HEAD', '/users/me');
    expect([head.status, head.body]).to.deep.equal([200, {}]);
    await world.log.connection.commands.set(world.log.keys.of({ kind: 'user', id: ada.id }, 'conversations'), 'broken');
    const broken = await ada.rest.get('/conversations');
    expect([broken.status, broken.body['code']]).to.deep.equal([500, 'internal']);
    expect(JSON.stringify(broken.body)).to.not.match(/WRONGTYPE|redis/i);
    expect(node.warnings.join()).to.include('WRONGTYPE');
  });
});
