/** The users of Redis, on a real one as deploy/ starts it: the server does all it must, who looks after it cannot write, who reads along reads the feeds. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { redisServer } from '../src/config.ts';
import { conversationStream, Keys } from '../src/keys.ts';
import { startEmbeddedRedis } from '../src/redis/embedded-redis.ts';
import { endWithUs } from '../src/redis/leftovers.ts';
import { freePort, tempDir, until } from '../src/redis/redis-server.ts';
import { RULES } from '../src/redis/users.ts';
import { group, register, useNodes } from './support/server.ts';
import type { World } from './support/world.ts';

const folder = fileURLToPath(new URL('../deploy/redis/', import.meta.url));
const PASSWORDS = { app: 'an app of tests', operator: 'an operator of tests', analytics: 'analytics of tests' };
type Name = keyof typeof PASSWORDS;
const keys = new Keys(4);

/** Answers, or the first word of the refusal. */
const answer = (client: Redis, ...words: [string, ...string[]]): Promise<unknown> =>
  client.call(...words).catch((error: Error) => error.message.split(' ')[0]);

describe('the users of Redis', () => {
  let port: number;
  let stop: () => Promise<void>;
  const clients: Redis[] = [];
  const as = (name: Name, at = port): Redis => {
    const client = new Redis({
      host: '127.0.0.1',
      port: at,
      username: name,
      password: PASSWORDS[name],
      maxRetriesPerRequest: 1,
      enableReadyCheck: false,
    });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };

  before(async function () {
    this.timeout(20_000);
    port = await freePort();
    const dir = await tempDir();
    const environment = {
      PATH: process.env['PATH'],
      REDIS_SERVER: redisServer(),
      ACL_FILE: `${dir}/users.acl`,
      REDIS_APP_PASSWORD: PASSWORDS.app,
      REDIS_OPERATOR_PASSWORD: PASSWORDS.operator,
      REDIS_ANALYTICS_PASSWORD: PASSWORDS.analytics,
    };
    const more = ['--port', String(port), '--dir', dir, '--bind', '127.0.0.1'];
    const child = spawn('/bin/sh', [`${folder}start.sh`, ...more], { env: environment, stdio: 'ignore' });
    endWithUs(child);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    stop = async () => {
      child.kill('SIGTERM');
      await exited;
    };
    const first = as('app');
    await until('it answers', async () => (await answer(first, 'PING')) === 'PONG');
  });
  const leave = () => {
    for (const client of clients.splice(0)) client.disconnect();
  };
  afterEach(leave);
  after(() => {
    leave();
    return stop();
  });

  const url = () => `redis://app:${encodeURIComponent(PASSWORDS.app)}@127.0.0.1:${port}`;
  const startNode = useNodes({
    get environment() {
      return { REDIS_URL: url() };
    },
  } as unknown as World);

  it('are those of the file, and nobody without a password', async () => {
    const lines = readFileSync(`${folder}users.acl`, 'utf8').trim().split('\n');
    expect(lines).to.deep.equal([
      'user default off',
      ...Object.entries(RULES).map(([name, rules]) => `user ${name} on #${name.toUpperCase()}_SHA256 ${rules}`),
    ]);
    const nobody = new Redis({ host: '127.0.0.1', port, enableReadyCheck: false });
    nobody.on('error', () => {});
    clients.push(nobody);
    expect(await answer(nobody, 'GET', 'chat:partitions')).to.equal('NOAUTH');
  });

  it('app does all that a node does, and administers nothing', async function () {
    this.timeout(45_000);
    const node = await startNode({ DEFAULT_CHANNELS: 'general' });
    const [ada, bob] = [await register(node, 'ada'), await register(node, 'bob')];
    const id = await group(ada, bob);
    const [one, other] = [await ada.socket(), await bob.socket()];
    const sent = await one.command('message.send', { conversation_id: id, content: 'one that bob reads' });
    await other.until(() => other.events(id).some(({ seq }) => seq === sent['seq']), 'the message');
    await one.command('typing.start', { conversation_id: id });
    await other.frame(({ type }) => type === 'typing.started');
    await until('it is found', async () => {
      const { body } = await bob.rest.get<{ items: unknown[] }>('/search/messages?q=reads');
      return body.items.length === 1;
    });
    expect((await fetch(`${node.base}/health/ready`)).status).to.equal(200);
    expect(await (await fetch(`${node.base}/metrics`)).text()).to.match(/^chat_redis_file_ok\{server="redis"\} 1$/m);
    await until(
      'nothing is behind',
      async () => {
        const text = await (await fetch(`${node.base}/metrics`)).text();
        const lags = [...text.matchAll(/^chat_projector_lag_events\{.*\} (\d+)$/gm)];
        return lags.length > 1 && lags.every(([, lag]) => lag === '0');
      },
      30_000,
    );
    expect(node.warnings).to.deep.equal([]);
    const app = as('app');
    for (const words of [['FLUSHALL'], ['CONFIG', 'SET', 'appendonly', 'no'], ['SHUTDOWN'], ['SET', 'elsewhere', 'x']])
      expect(await answer(app, ...(words as [string])), words.join(' ')).to.equal('NOPERM');
  });

  it('operator reads everything of ours, and writes nothing, by no script either', async () => {
    const node = await startNode();
    const ada = await register(node, 'cleo');
    const id = await group(ada);
    const operator = as('operator');
    const log = keys.of(conversationStream(id), 'log');
    expect(await operator.xrange(log, '-', '+')).to.have.length.above(0);
    expect(await operator.info('server')).to.include('redis_version');
    expect((await operator.scan('0', 'MATCH', 'chat:*:events', 'COUNT', 10_000))[1]).to.include(log);
    const feed = keys.at(keys.partitionOf(id), 'feed');
    for (const words of [
      ['XADD', log, '*', 'type', 'x'],
      ['DEL', log],
      ['XTRIM', feed, 'MAXLEN', '0'],
      ['HSET', keys.of(conversationStream(id), 'head'), 'id', '9-9'],
      ['PUBLISH', feed, 'x'],
      ['XREADGROUP', 'GROUP', 'views', 'x', 'STREAMS', feed, '>'],
      ['CONFIG', 'SET', 'maxmemory', '1'],
      ['CLIENT', 'KILL', 'TYPE', 'normal'],
      ['KEYS', '*'],
      ['ACL', 'SETUSER', 'x'],
    ])
      expect(await answer(operator, ...(words as [string])), words.join(' ')).to.equal('NOPERM');
    // The error of a command within a script begins with ERR in Redis 7.0.
    expect(await answer(operator, 'EVAL', "return redis.call('DEL', KEYS[1])", '1', log)).to.match(/^(NOPERM|ERR)$/);
    expect(await answer(operator, 'EVAL', "return redis.call('PUBLISH', KEYS[1], 'x')", '1', feed)).to.match(
      /^(NOPERM|ERR)$/,
    );
    expect(await answer(operator, 'EVAL', "return redis.call('XLEN', KEYS[1])", '1', log)).to.be.above(0);
    const sha = String(await operator.script('LOAD', "return redis.call('DEL', KEYS[1])"));
    expect(await answer(operator, 'EVALSHA', sha, '1', log)).to.match(/^(NOPERM|ERR)$/);
    expect(await operator.xlen(log)).to.be.above(0);
  });

  it('analytics reads feeds with a group of its own, and sees and changes nothing else', async () => {
    const node = await startNode();
    const ada = await register(node, 'dora');
    const id = await group(ada);
    const analytics = as('analytics');
    const feed = keys.at(keys.partitionOf(id), 'feed');
    await analytics.xgroup('CREATE', feed, 'mine', '0');
    const rows = (await analytics.xreadgroup('GROUP', 'mine', 'one', 'COUNT', 1, 'STREAMS', feed, '>')) as [
      string,
      [string, string[]][],
    ][];
    expect(await analytics.xack(feed, 'mine', rows[0]![1][0]![0])).to.equal(1);
    for (const words of [
      ['XRANGE', keys.of(conversationStream(id), 'log'), '-', '+'],
      ['HGETALL', keys.of({ kind: 'user', id: ada.id }, 'account')],
      ['XADD', feed, '*', 'type', 'x'],
      ['XTRIM', feed, 'MAXLEN', '0'],
      ['XDEL', feed, '1-1'],
      ['XGROUP', 'DESTROY', feed, 'views'],
      ['XGROUP', 'SETID', feed, 'views', '$'],
      ['SUBSCRIBE', feed],
      ['EVAL', 'return 1', '0'],
      ['INFO'],
    ])
      expect(await answer(analytics, ...(words as [string])), words.join(' ')).to.equal('NOPERM');
    // Redis knows no permission for one group. Whoever takes what was for ours takes nothing away: it goes on by its checkpoint.
    const path = `/conversations/${id}/messages`;
    await ada.rest.post(path, { content: 'a word that is unheard of', id: ulid() });
    for (const name of ['views', 'reactions'])
      await analytics.xreadgroup('GROUP', name, 'a thief', 'STREAMS', feed, '>').catch(() => undefined);
    await until('it is found all the same', async () => {
      const { body } = await ada.rest.get<{ items: unknown[] }>('/search/messages?q=unheard');
      return body.items.length === 1;
    });
  });

  it('the private Redis has those who read along where their passwords are set', async function () {
    this.timeout(20_000);
    const { operator, analytics } = PASSWORDS;
    const dataDir = await tempDir();
    const redis = await startEmbeddedRedis({ dataDir, log: () => {}, readers: { operator, analytics } });
    try {
      expect(await answer(as('operator', redis.port), 'GET', 'chat:partitions')).to.equal(null);
      expect(await answer(as('operator', redis.port), 'SET', 'chat:partitions', '4')).to.equal('NOPERM');
      expect(await answer(as('analytics', redis.port), 'GET', 'chat:partitions')).to.equal('NOPERM');
    } finally {
      await redis.stop();
    }
  });
});
