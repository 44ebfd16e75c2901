/** The roles as processes of their own on one Redis, and how each of them ends. */
import { expect } from 'chai';
import { until } from '../../src/redis/redis-server.ts';
import { Rest, Socket } from '../support/client.ts';
import { handshake } from '../support/handshake.ts';
import { startProgram } from '../support/process.ts';
import type { Program } from '../support/process.ts';
import { projected } from '../support/projecting.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { useWorld } from '../support/world.ts';

describe('roles', function () {
  this.timeout(60_000);
  const world = useWorld();
  const programs: Program[] = [];
  const startRole = async (ROLES: string, settings: Record<string, string> = {}) => {
    const program = await startProgram({ ROLES, ...world.environment, ...settings });
    programs.push(program);
    return program;
  };
  afterEach(async () => {
    for (const program of programs) program.signal('SIGKILL');
    await Promise.all(programs.splice(0).map((program) => program.exited));
  });

  const register = async (api: Program) => {
    const { body } = await new Rest(api.base).post('/auth/register', { username: 'ada', password: 'correct horse' });
    const token = String(body['access_token']);
    return { token, rest: new Rest(api.base, token) };
  };
  const isReady = async ({ base }: Program) => {
    const answer = await fetch(`${base}/api/v1/health/ready`).catch(() => undefined);
    return answer?.status === 200;
  };

  for (const role of ['api', 'gateway', 'projector']) {
    it(`${role} ends with 1 and says so where its port is taken, and leaves nothing running`, async () => {
      const first = await startRole(role);
      const second = await startProgram({ ROLES: role, ...world.environment, PORT: new URL(first.base).port }, false);
      programs.push(second);
      await until('it says why it cannot start', () => second.output().includes('EADDRINUSE'), 30_000);
      // Sooner than it is made to end: by then nothing holds it any more.
      const late = setTimeout(() => second.signal('SIGKILL'), 8_000);
      expect(await second.exited).to.deep.equal({ code: 1, signal: null });
      clearTimeout(late);
      expect(await isReady(first)).to.equal(true);
    });
  }

  it('registers at one, connects to another, and a third makes the views', async () => {
    const [api, gateway, projector] = await Promise.all(['api', 'gateway', 'projector'].map((role) => startRole(role)));
    const { token, rest } = await register(api!);
    const made = await rest.post<{ id: string }>('/conversations', { type: 'group', name: 'us' });
    const socket = await Socket.open(gateway!.base, token);
    const message = { conversation_id: made.body.id, content: 'from one to the other' };
    const ack = await socket.command('message.send', message);
    await socket.reached(made.body.id, 2);
    const page = await rest.get<{ items: object[] }>(`/conversations/${made.body.id}/messages`);
    expect(page.body.items).to.have.length(2);
    expect(page.body.items[0]).to.deep.equal(ack['message']);
    await projected(world);
    expect((await rest.get<{ items: object[] }>(`/conversations/${made.body.id}/messages`)).body).to.deep.equal(
      page.body,
    );
    for (const program of [api!, gateway!, projector!]) {
      expect(await isReady(program)).to.equal(true);
      expect((await new Rest(program.base).get('/health/live')).status).to.equal(200);
    }
    for (const program of [gateway!, projector!]) {
      expect((await new Rest(program.base, token).get('/users/me')).status).to.equal(404);
    }
    for (const program of [api!, projector!]) {
      expect((await handshake(program.base, { headers: { Authorization: `Bearer ${token}` } })).status).to.equal(404);
    }
    for (const program of [api!, gateway!, projector!]) program.signal('SIGTERM');
    expect((await socket.closed).code).to.equal(1012);
    for (const program of [api!, gateway!, projector!]) {
      expect(await program.exited, program.output()).to.deep.equal({ code: 0, signal: null });
    }
  });

  it('ends once for two signals at once: lets the request under way end, is ready no more, and says so to its sockets', async () => {
    const node = await startRole('api,gateway,projector', { PASSWORD_HASH_COST: '12' });
    const { token } = await register(node);
    const [socket, silent] = [await Socket.open(node.base, token), await RawSocket.open(node.base, token)];
    const before = node.output().length;
    const login = new Rest(node.base).post('/auth/login', { username: 'ada', password: 'correct horse' });
    await until('the request is under way', async () => (await new Rest(node.base).get('/health/live')).status === 200);
    node.signal('SIGTERM');
    await until('the node is stopping', () => node.output().slice(before).includes('stopping'));
    node.signal('SIGTERM');
    node.signal('SIGINT');
    expect((await socket.closed).code).to.equal(1012);
    await until('the node is not ready', async () => !(await isReady(node)));
    expect((await login).status).to.equal(200);
    expect((await silent.closed).code).to.equal(1012);
    expect(await node.exited, node.output()).to.deep.equal({ code: 0, signal: null });
    expect(node.output().split('stopping')).to.have.length(2);
  });

  it('a later signal ends at once what does not end by itself', async () => {
    const node = await startRole('api,gateway');
    const { token } = await register(node);
    const silent = await RawSocket.open(node.base, token);
    silent.socket.pause();
    node.signal('SIGTERM');
    const first = Date.now();
    await until('a second has passed', () => Date.now() - first > 1_100);
    node.signal('SIGTERM');
    expect(await node.exited, node.output()).to.deep.equal({ code: 1, signal: null });
  });

  it('does not start with settings that are not right, and says which', async () => {
    const wrong = await startProgram({ ...world.environment, WS_HEARTBEAT_INTERVAL: 'often' }, false);
    expect(await wrong.exited).to.deep.equal({ code: 1, signal: null });
    expect(wrong.output()).to.include('WS_HEARTBEAT_INTERVAL');
    const other = await startProgram({ ...world.environment, PARTITIONS: '8' }, false);
    expect((await other.exited).code).to.equal(1);
    expect(other.output()).to.include('PARTITIONS=4');
  });
});
