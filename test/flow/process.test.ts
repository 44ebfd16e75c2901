/** What may happen to the process of a node: readers that go, files that break, signals, errors that nobody caught. */
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir, until } from '../../src/redis/redis-server.ts';
import { Rest, Socket } from '../support/client.ts';
import { startProgram } from '../support/process.ts';
import type { Program } from '../support/process.ts';
import { useWorld } from '../support/world.ts';

/** Throws from within the program when it is told to. */
const THROWS = "process.on('SIGUSR2', () => { throw new Error('out of the blue'); })";
const REJECTS = "process.on('SIGUSR2', () => { Promise.reject('not even an error'); })";
const preloaded = (code: string) => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` });

describe('the process', function () {
  this.timeout(60_000);
  const world = useWorld();
  const programs: Program[] = [];
  const begin = async (settings: Record<string, string>, waits = true) => {
    const program = await startProgram(settings, waits);
    programs.push(program);
    return program;
  };
  afterEach(async () => {
    // The private Redis ends with its server, and only so.
    for (const program of programs) program.signal('SIGTERM');
    const late = setTimeout(() => programs.forEach((program) => program.signal('SIGKILL')), 15_000);
    await Promise.all(programs.map((program) => program.exited));
    clearTimeout(late);
    programs.length = 0;
  });

  const register = async ({ base }: Program) => {
    const { body } = await new Rest(base).post('/auth/register', { username: 'ada', password: 'correct horse' });
    return String(body['access_token']);
  };
  const isReady = async ({ base }: Program) =>
    (await fetch(`${base}/api/v1/health/ready`).catch(() => undefined))?.status === 200;

  it('lives on when nobody reads its lines any more, also while its private Redis dies and comes back', async () => {
    const DATA_DIR = await tempDir();
    const node = await begin({ DATA_DIR });
    const token = await register(node);
    node.stopReading();
    const pid = async () => Number(await readFile(join(DATA_DIR, 'redis/redis.pid'), 'utf8').catch(() => ''));
    const killed = await pid();
    process.kill(killed, 'SIGKILL');
    await until('another Redis is there', async () => ![0, killed].includes(await pid()));
    await until('the node is ready again', () => isReady(node), 20_000);
    expect((await new Rest(node.base, token).get('/users/me')).status).to.equal(200);
    node.signal('SIGTERM');
    expect(await node.exited).to.deep.equal({ code: 0, signal: null });
  });

  it('keeps a secret that was made once, and says so where the file of it is empty or cut', async () => {
    const DATA_DIR = await tempDir();
    const file = join(DATA_DIR, 'secret');
    const settings = { DATA_DIR, SECRET_KEY: '', ROLES: 'api' };
    const first = await begin(settings);
    const token = await register(first);
    const whole = await readFile(file, 'utf8');
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    first.signal('SIGTERM');
    await first.exited;
    for (const broken of ['', '\n', whole.slice(0, 30), whole.replace(/./, '\0')]) {
      await writeFile(file, broken);
      const refused = await begin(settings, false);
      expect(await refused.exited).to.deep.equal({ code: 1, signal: null });
      expect(refused.output()).to.match(/cannot start: .*secret is (empty|damaged): put the file back/);
    }
    await writeFile(file, whole);
    const again = await begin(settings);
    expect((await new Rest(again.base, token).get('/users/me')).status).to.equal(200);
  });

  for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
    it(`${signal} drains it and ends its Redis`, async () => {
      const DATA_DIR = await tempDir();
      const node = await begin({ DATA_DIR });
      const socket = await Socket.open(node.base, await register(node));
      node.signal(signal);
      expect((await socket.closed).code).to.equal(1012);
      expect(await node.exited).to.deep.equal({ code: 0, signal: null });
      expect(existsSync(join(DATA_DIR, 'redis/lock'))).to.equal(false);
    });
  }

  it('a signal while it starts is obeyed once it can be', async () => {
    const DATA_DIR = await tempDir();
    const node = await begin({ DATA_DIR }, false);
    await until('its Redis starts', () => existsSync(join(DATA_DIR, 'redis/redis.log')));
    node.signal('SIGTERM');
    expect(await node.exited).to.deep.equal({ code: 0, signal: null });
    expect(existsSync(join(DATA_DIR, 'redis/lock'))).to.equal(false);
  });

  for (const [what, code, said] of [
    ['an error that nobody caught', THROWS, 'uncaughtException: out of the blue'],
    ['a rejection that nobody awaited', REJECTS, 'not even an error'],
  ] as const) {
    it(`after ${what} it says so, drains and ends with 1`, async () => {
      const node = await begin({ ...world.environment, ...preloaded(code) });
      const socket = await Socket.open(node.base, await register(node));
      node.signal('SIGUSR2');
      expect((await socket.closed).code).to.equal(1012);
      expect(await node.exited).to.deep.equal({ code: 1, signal: null });
      expect(node.output()).to.include(said);
    });
  }

  it('LOG_FILE takes every line, in a folder that is made for it', async () => {
    const LOG_FILE = join(await tempDir(), 'logs/rill.log');
    const node = await begin({ ...world.environment, LOG_FILE });
    node.signal('SIGTERM');
    await node.exited;
    const lines = (await readFile(LOG_FILE, 'utf8')).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).to.include('stopping');
  });

  it('a LOG_FILE that cannot be written ends the start with one line that says why', async () => {
    const folder = await tempDir();
    await writeFile(join(folder, 'file'), '');
    for (const LOG_FILE of [folder, join(folder, 'file/rill.log'), '/proc/rill.log']) {
      const refused = await begin({ ...world.environment, LOG_FILE }, false);
      expect(await refused.exited, LOG_FILE).to.deep.equal({ code: 1, signal: null });
      expect(refused.output(), LOG_FILE).to.match(/^These settings are not right:\nLOG_FILE cannot be written: .+\n$/);
    }
  });

  it('a disk that is full ends nothing, and stdout has the lines', async () => {
    const node = await begin({ ...world.environment, LOG_FILE: '/dev/full' });
    await register(node);
    node.signal('SIGTERM');
    expect(await node.exited).to.deep.equal({ code: 0, signal: null });
    expect(node.output()).to.include('stopping');
  });

  it('names an IPv6 address as a URL does', async () => {
    const node = await begin({ ...world.environment, HOST: '::1' });
    expect(node.output()).to.match(/http:\/\/\[::1\]:\d+\/client/);
    expect(node.output()).to.match(/ws:\/\/\[::1\]:\d+\//);
  });
});
