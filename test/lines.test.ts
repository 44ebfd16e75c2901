/** What a node says of what happens: enough to follow it, and never what is secret or what people wrote. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { until } from '../src/redis/redis-server.ts';
import { leaks } from './support/canary.ts';
import { Rest } from './support/client.ts';
import { handshake } from './support/handshake.ts';
import { group, register, useNodes } from './support/server.ts';
import type { Node } from './support/server.ts';
import { built } from './support/projectors.ts';
import { useWorld } from './support/world.ts';

describe('the canary of the whole run', () => {
  it('finds a secret, a text of somebody and any token in a line, and nothing else', () => {
    const line = (fields: object) => JSON.stringify({ level: 'info', message: 'request', ...fields });
    const all = [line({ user: 'ada' }), line({ why: 'for "battery staple"' }), line({ at: '/?token=eyJh.eyJz.c2ln' })];
    expect(leaks(all, ['battery staple', 'correct horse'])).to.deep.equal([
      `battery staple in ${all[1]}`,
      `a token in ${all[2]}`,
    ]);
    expect(leaks(all.slice(0, 1), ['battery staple'])).to.deep.equal([]);
  });
});

describe('the lines of a log', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const saying = ({ lines }: Node, message: string) =>
    lines.filter((line) => line.message === message).map(({ fields }) => fields);

  it('one for each request: what, how it ended, how long it took, whose it was, under which id', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const request = ulid();
    node.lines.length = 0;
    await ada.rest.post(`/conversations/${id}/messages`, { content: 'canary' }, { 'Idempotency-Key': request });
    await ada.rest.get(`/conversations/${id}/messages?limit=1`);
    await ada.rest.post(`/conversations/${ulid()}/messages`, { content: 'canary' });
    await new Rest(node.base, 'canary').get('/users/me');
    await new Rest(node.base).get('/canary');
    await ada.rest.call('PUT', '/conversations');
    await fetch(`${node.base}/client?canary=1`);
    const requests = saying(node, 'request');
    const { id: user } = ada;
    const messages = '/api/v1/conversations/{conversation_id}/messages';
    expect(requests.map((line) => ({ ...line, ms: 0 }))).to.deep.equal([
      { method: 'POST', route: messages, status: 201, ms: 0, user, request },
      { method: 'GET', route: messages, status: 200, ms: 0, user, request: undefined },
      { method: 'POST', route: messages, status: 404, ms: 0, user, request: undefined },
      { method: 'GET', route: '/api/v1/users/me', status: 401, ms: 0, user: undefined, request: undefined },
      { method: 'GET', route: undefined, status: 404, ms: 0, user: undefined, request: undefined },
      { method: 'PUT', route: undefined, status: 405, ms: 0, user: undefined, request: undefined },
      { method: 'GET', route: '/client', status: 200, ms: 0, user: undefined, request: undefined },
    ]);
    for (const { ms } of requests) expect(ms).to.be.within(0, 5_000);
    expect(JSON.stringify(node.lines)).to.not.match(/canary/);
  });

  it('with the trace that it came with, and none for a health check that went well, unless debug asks for it', async () => {
    const node = await startNode();
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const ada = await register(node);
    for (const traceparent of [trace, 'canary']) await ada.rest.post('/conversations', {}, { traceparent });
    for (const path of ['/health', '/health/live', '/api/v1/health/ready']) await fetch(node.base + path);
    // The client of the tests looks at the document, too.
    const asked = saying(node, 'request').filter(({ route }) => route !== '/openapi.json');
    expect(asked.map((line) => [line['status'], line['trace']])).to.deep.equal([
      [201, undefined],
      [400, trace],
      [400, undefined],
    ]);
    const debugging = await startNode({ LOG_LEVEL: 'debug' });
    await fetch(`${debugging.base}/health`);
    expect(saying(debugging, 'request')).to.have.length(1);
  });

  it('one for each socket that opens, closes, with its reason, or is refused', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const socket = await ada.socket();
    await socket.command('message.send', { conversation_id: id, content: 'canary' });
    await socket.close();
    const ended = await ada.socket();
    await ada.rest.post('/auth/logout', { refresh_token: ada.refreshToken });
    await ended.closed;
    await handshake(node.base, { path: '/api/v1/ws?token=canary' });
    await until('both are closed', () => saying(node, 'socket closed').length === 2);
    const opened = saying(node, 'socket opened');
    expect(opened).to.have.length(2);
    for (const line of opened) expect(line).to.include({ user: ada.id, ip: '127.0.0.1' });
    const [first, second] = saying(node, 'socket closed');
    expect(first).to.deep.include({ user: ada.id, socket: opened[0]!['socket'], code: 1005 });
    expect(second).to.include({ user: ada.id, socket: opened[1]!['socket'], code: 4501 });
    expect(second!['reason']).to.match(/session/);
    expect(saying(node, 'socket refused')).to.deep.equal([{ code: 'unauthenticated', ip: '127.0.0.1' }]);
    expect(JSON.stringify(node.lines)).to.not.include('canary');
  });

  it('the roles as they start and stop, and whose the partitions are', async () => {
    const first = await startNode();
    for (const message of ['api started', 'gateway started', 'projector started', 'views: owns 4 of 4 partitions']) {
      expect(saying(first, message), message).to.have.length(1);
    }
    await built(world.log);
    expect(first.lines.filter(({ message }) => /^(older versions of )?views were/.test(message))).to.deep.equal([]);
    const second = await startNode({ ROLES: 'projector' });
    expect(saying(second, 'api started')).to.deep.equal([]);
    await until('the second takes its share over', () => saying(second, 'views: owns 2 of 4 partitions').length > 0);
    expect(saying(first, 'views: owns 2 of 4 partitions')).to.deep.equal([{ before: 4 }]);
    await first.stop();
    for (const role of ['api', 'gateway', 'projector']) expect(saying(first, `${role} stops`), role).to.have.length(1);
  });

  it('debug tells of each command with its outcome and of each script with its time; info does not', async () => {
    const node = await startNode({ LOG_LEVEL: 'debug' });
    const ada = await register(node, 'ada');
    const id = await group(ada);
    const socket = await ada.socket();
    node.lines.length = 0;
    await socket.command('message.send', { conversation_id: id, content: 'canary' });
    await socket.ask('message.send', { conversation_id: ulid(), content: 'canary' });
    const commands = saying(node, 'command');
    expect(commands.map(({ type, outcome, user }) => [type, outcome, user])).to.deep.equal([
      ['message.send', 'ok', ada.id],
      ['message.send', 'not_found', ada.id],
    ]);
    const scripts = saying(node, 'script').filter(({ script }) => script === 'message.send');
    expect(scripts.map(({ answer }) => String(answer).split(' ')[0])).to.deep.equal(['ok', 'fail']);
    for (const { ms } of [...commands, ...scripts]) expect(ms).to.be.within(0, 5_000);
    expect(JSON.stringify(node.lines)).to.not.match(/canary|correct horse/);
    const quiet = await startNode();
    await new Rest(quiet.base, ada.token).post(`/conversations/${id}/messages`, { content: 'x' });
    expect(quiet.lines.filter(({ level }) => level === 'debug')).to.deep.equal([]);
  });
});
