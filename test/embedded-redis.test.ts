// The spawner, the cluster and the embedded Redis against real redis-server processes, with kill -9 in every place.
import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Cluster, Redis } from 'ioredis';
import { startEmbeddedRedis, type EmbeddedRedis, type Tell } from '../src/redis/embedded-redis.ts';
import { lifeOf } from '../src/redis/folder-lock.ts';
import { startCluster } from '../scripts/redis-cluster.ts';
import { startRedis, tempDir, until, type RedisProcess } from '../src/redis/redis-server.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function client(at: { url: string }): Redis {
  const redis = new Redis(at.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  cleanUps.push(() => redis.disconnect());
  return redis;
}

function ended<T extends { stop(): Promise<void> }>(process: T): T {
  cleanUps.push(() => process.stop());
  return process;
}

describe('the redis-server spawner', () => {
  it('starts a server that writes everything to disk, and stops it', async () => {
    const redis = await startRedis({ password: 'with "quotes" and blanks' });
    const config = (await client(redis).config(
      'GET',
      'append*',
      'maxmemory-policy',
      'stream-node-max-bytes',
    )) as string[];
    expect(config).to.include.members(['always', 'noeviction', '1024']);
    expect(await readFile(`/proc/${redis.pid}/cmdline`, 'utf8').catch(() => '')).not.to.contain('quotes');
    await redis.stop();
    expect(await redis.exited).to.deep.equal({ code: 0, signal: null });
    expect(await stat(redis.dir).catch(() => 'removed')).to.equal('removed');
  });

  it('keeps data and port over stop and over kill', async () => {
    const first = await startRedis({ dir: await tempDir() });
    await client(first).set('stopped', '1');
    await first.stop();
    const second = await startRedis(first.options);
    await client(second).set('killed', '1');
    await second.kill();
    expect((await second.exited).signal).to.equal('SIGKILL');
    const third = ended(await startRedis(second.options));
    expect(third.port).to.equal(first.port);
    expect(await client(third).mget('stopped', 'killed')).to.deep.equal(['1', '1']);
  });

  it('says why a server does not start', async () => {
    const running = ended(await startRedis());
    expect(await failure(startRedis({ port: running.port }))).to.match(/address already in use/i);
    expect(await failure(startRedis({ settings: { 'no-such-setting': '1' } }))).to.match(/no-such-setting/);
    expect(await failure(startRedis({ binary: '/no/such/redis-server' }))).to.match(/scripts\/setup\.mjs/);
  });

  it('ends its servers with the process that started them', async () => {
    for (const end of [`process.kill(process.pid, 'SIGTERM')`, `throw new Error('on purpose')`, '']) {
      const child = run(`
        import { startRedis } from '${moduleUrl('redis-server')}';
        const redis = await startRedis();
        console.log(redis.pid);
        ${end}`);
      const pid = Number(await line(child));
      await until('its Redis has ended too', () => lifeOf(pid) === undefined);
    }
  });

  it('forms a cluster with replicas, whose data outlives a kill', async () => {
    const cluster = ended(await startCluster({ masters: 3, replicas: 1 }));
    const [host, port] = (cluster.addresses.split(',')[0] ?? '').split(':');
    const commands = new Cluster([{ host, port: Number(port) }]);
    cleanUps.push(() => commands.disconnect());
    const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((key) => commands.set(key, key)));
    expect(commands.nodes('master')).to.have.length(3);
    expect(commands.nodes('slave')).to.have.length(3);

    const replica = cluster.nodes[5] as RedisProcess;
    await replica.kill();
    cluster.nodes[5] = await startRedis(replica.options);
    expect(await client(cluster.nodes[5]).dbsize()).to.be.greaterThan(0);
    expect(await Promise.all(keys.map((key) => commands.get(key)))).to.deep.equal(keys);
  });
});

describe('the embedded Redis', () => {
  let dataDir: string;
  let logged: string[];
  const log: Tell = (level, message) => void logged.push(`${level}: ${message}`);
  const start = async (): Promise<EmbeddedRedis> => ended(await startEmbeddedRedis({ dataDir, log }));

  beforeEach(async () => {
    dataDir = await tempDir();
    logged = [];
  });

  it('keeps data, password and port, and lets nobody else read them', async () => {
    const first = await start();
    await client(first).set('key', 'value');
    expect(await failure(client({ url: `redis://127.0.0.1:${first.port}` }).ping())).to.match(/NOAUTH/);
    await first.stop();
    expect(await readdir(first.dir)).not.to.include('lock');

    const second = await start();
    expect(second.url).to.equal(first.url);
    expect(await client(second).get('key')).to.equal('value');
    for (const name of await readdir(second.dir, { recursive: true })) {
      expect((await stat(join(second.dir, name))).mode & 0o077, name).to.equal(0);
    }
  });

  it('starts a killed Redis again, with its data, on the same address', async () => {
    let restarts = 0;
    const redis = ended(await startEmbeddedRedis({ dataDir, log, onRestart: () => restarts++ }));
    const commands = client(redis);
    for (const kill of [1, 2]) {
      await commands.set(`kill-${kill}`, 'kept');
      process.kill(redis.pid, 'SIGKILL');
      await until('Redis is back', () => restarts === kill);
    }
    expect(await commands.mget('kill-1', 'kill-2')).to.deep.equal(['kept', 'kept']);
    expect(logged).to.include('error: Redis ended by itself; it is started again');
  });

  it('gives up starting Redis again when it is stopped', async () => {
    const redis = await start();
    // Redis can no more read its own files: it would be tried for ever.
    await writeFile(join(redis.dir, 'appendonlydir', 'appendonly.aof.manifest'), 'nonsense\n');
    process.kill(redis.pid, 'SIGKILL');
    await until('a start has failed', () => logged.includes('error: Redis did not start; it is tried again'));
    await redis.stop();
    expect(await readdir(redis.dir)).not.to.include('lock');
  });

  it('leaves out the cut end of an append-only file, and says so', async () => {
    const first = await start();
    await client(first).set('whole', '1');
    await client(first).set('cut', '1');
    await first.stop();
    const file = join(first.dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
    await truncate(file, (await stat(file)).size - 3);
    const second = await start();
    expect(await client(second).mget('whole', 'cut')).to.deep.equal(['1', null]);
    expect(logged.join('\n')).to.match(/warn: The append-only file ended in the middle/);
  });

  it('gives a start up on demand and frees the folder', async () => {
    const mute = join(dataDir, 'mute');
    await writeFile(mute, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const demand = new AbortController();
    const refusal = failure(startEmbeddedRedis({ dataDir, log, redisServer: mute, signal: demand.signal }));
    await until('it has been spawned', () => existsSync(join(dataDir, 'redis', 'redis.log')));
    demand.abort(new Error('on demand'));
    expect(await refusal).to.match(/on demand/);
    await start();
  });

  it('is refused to a second server on the same folder', async () => {
    await start();
    expect(await failure(start())).to.match(/in use by another server \(process \d+\)/);
    const child = server(dataDir);
    child.stderr?.resume();
    expect((await once(child, 'exit'))[0]).to.equal(1);
  });

  it('takes over after kill -9 of the server, of the server and its Redis, and after process.exit', async () => {
    for (const end of ['server', 'both', 'exit'] as const) {
      const child = server(dataDir);
      const { url, pid } = JSON.parse(await line(child)) as { url: string; pid: number };
      await client({ url }).set(end, 'kept');
      if (end === 'exit') child.stdin?.end();
      else child.kill('SIGKILL');
      if (end === 'both') process.kill(pid, 'SIGKILL');
      await once(child, 'exit');
      if (end === 'server') expect(lifeOf(pid), 'the Redis lives on').to.be.a('string');

      const redis = await start();
      expect(lifeOf(pid), 'the former Redis').to.equal(undefined);
      expect(redis.url).to.equal(url);
      expect(await client(redis).get(end)).to.equal('kept');
      if (end === 'server') expect(logged.join('\n')).to.match(/outlived its server/);
      await redis.stop();
    }
  });

  it('ends an orphan that does not answer', async () => {
    const child = server(dataDir);
    const { pid } = JSON.parse(await line(child)) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await start();
    expect(lifeOf(pid)).to.equal(undefined);
  });

  it('never ends a foreign process, be it on the recorded port or under the recorded number', async () => {
    const first = await start();
    await first.stop();
    const foreign = ended(await startRedis({ port: first.port, password: first.password }));
    await writeFile(join(first.dir, 'redis.pid'), `${foreign.pid}\n`);
    await copyFile('/dev/null', join(first.dir, 'lock'));
    const second = await start();
    expect(second.port).not.to.equal(foreign.port);
    expect(second.password).to.equal(first.password);
    expect(await client(foreign).ping()).to.equal('PONG');
  });
});

/** A server process with an embedded Redis: says where, lives until its input ends. */
function server(dataDir: string): ChildProcess {
  return run(`
    import { startEmbeddedRedis } from '${moduleUrl('embedded-redis')}';
    const redis = await startEmbeddedRedis({ dataDir: ${JSON.stringify(dataDir)}, log: () => undefined });
    console.log(JSON.stringify({ url: redis.url, pid: redis.pid }));
    process.stdin.on('end', () => process.exit(0)).resume();`);
}

function run(script: string): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: new URL('..', import.meta.url),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  return child;
}

async function line(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output');
  const [first] = (await once(createInterface(child.stdout), 'line')) as [string];
  return first;
}

function moduleUrl(name: string): string {
  return new URL(`../src/redis/${name}.ts`, import.meta.url).href;
}

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing failed',
    (error: unknown) => String(error),
  );
}
