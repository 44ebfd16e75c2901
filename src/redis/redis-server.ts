/**
 * The one spawner of redis-server processes: the embedded Redis, every test and the benchmarks start theirs here.
 * Owns: redis.conf (the password stands in it and never on a command line), free ports, waiting until a server really
 * answers, and ending it. Children and temporary folders do not outlive this process.
 * Refuses: to supervise (embedded-redis.ts does), to form a cluster (redis-cluster.ts does), and to connect anyone: it
 * hands out addresses.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { redisServer } from '../config.ts';
import { endWithUs, removeFolder, tempDir } from './leftovers.ts';

export { tempDir };

const HOST = '127.0.0.1';
const CLUSTER_BUS = 10_000;

// umask: only the owner reads the data. flock (where there is one): the kernel then guarantees that no two Redis ever
// append to one folder, in two containers neither, and it lets go by itself however the process ends.
const LAUNCH = `umask 077
if command -v flock >/dev/null; then
  exec 9>>in-use
  flock -w 5 9 || { echo "another redis-server is still using this folder"; exit 75; }
fi
exec "$0" redis.conf`;

const SETTINGS: Record<string, string> = {
  bind: HOST,
  daemonize: 'no',
  'always-show-logo': 'no',
  logfile: 'redis.log',
  save: '""',
  appendonly: 'yes',
  appendfsync: 'always',
  'aof-load-truncated': 'yes',
  // An RDB preamble keeps erased text: traces of deleted entries survive a rewrite in it.
  'aof-use-rdb-preamble': 'no',
  'maxmemory-policy': 'noeviction',
  // A conversation is mostly a few messages long; the default node of 4 KB is allocated for the first one already.
  'stream-node-max-bytes': '1024',
};

const CLUSTER_SETTINGS: Record<string, string> = {
  'cluster-enabled': 'yes',
  'cluster-config-file': 'nodes.conf',
  'cluster-node-timeout': '2000',
  'cluster-require-full-coverage': 'no',
  'cluster-announce-ip': HOST,
  'repl-diskless-sync-delay': '0',
  'repl-ping-replica-period': '1',
  'shutdown-timeout': '1',
};

export interface RedisOptions {
  /** Made when missing. Not given: a temporary one, removed by `stop()`. */
  dir?: string;
  /** `stop()` removes the folder. */
  temporary?: boolean;
  /** Not given: a free one. */
  port?: number;
  password?: string;
  /** Lines of redis.conf over the defaults, written as they are. */
  settings?: Record<string, string>;
  /** Lines of redis.conf that name further users. */
  users?: readonly string[];
  cluster?: boolean;
  name?: string;
  /** Not given: what the environment says. */
  binary?: string;
  /** In a session of its own, so that no Ctrl-C reaches it, and not ended with this process. */
  outlives?: boolean;
  /** Milliseconds until the first answer; time spent loading data is not counted. */
  readyWithin?: number;
  /** Gives a start up. */
  signal?: AbortSignal;
}

export interface RedisProcess {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly url: string;
  readonly pid: number;
  readonly dir: string;
  /** `startRedis(process.options)` starts it again on the same folder and port. */
  readonly options: RedisOptions;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** What this process has written to its log so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisProcess> {
  const { dir = await tempDir(), temporary = options.dir === undefined } = options;
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(options.cluster));
    try {
      return await launch({ ...options, dir, port, temporary });
    } catch (error) {
      const another = error instanceof AddressInUse && options.port === undefined && attempt < 5;
      if (!another) throw error;
    }
  }
}

/** Resolves once the condition holds; rejects with `what` at the deadline. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, within = 10_000): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not within ${within} ms: ${what}`);
    await sleep(20);
  }
}

class AddressInUse extends Error {}

async function launch(options: RedisOptions & { dir: string; port: number }): Promise<RedisProcess> {
  const { dir, port, password, name = `redis-${port}`, readyWithin = 15_000, outlives = false, signal } = options;
  const { binary = redisServer() } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, 'redis.conf'), configuration(options), { mode: 0o600 });
  signal?.throwIfAborted();
  const logFile = await open(join(dir, 'redis.log'), 'a', 0o600);
  const logStart = (await logFile.stat()).size;
  const child = spawn('/bin/sh', ['-c', LAUNCH, binary.includes('/') ? resolve(binary) : binary], {
    cwd: dir,
    stdio: ['ignore', logFile.fd, logFile.fd],
    detached: outlives,
  });
  const exited = new Promise<Awaited<RedisProcess['exited']>>((done) =>
    child.once('exit', (code, by) => done({ code, signal: by })),
  );
  const spawned = new Promise<void>((done, failed) => child.once('spawn', done).once('error', failed));
  if (!outlives) endWithUs(child);
  try {
    await spawned;
  } finally {
    await logFile.close();
  }
  const pid = child.pid ?? 0;

  const log = async (): Promise<string> => (await readFile(join(dir, 'redis.log'))).subarray(logStart).toString('utf8');
  const kill = async (): Promise<void> => {
    child.ref();
    child.kill('SIGKILL');
    await exited;
  };
  const stop = async (): Promise<void> => {
    child.ref();
    child.kill('SIGTERM');
    // Redis drops the wish to end when it comes at a bad moment, as in the middle of a replica's first AOF.
    const again = setInterval(() => child.kill('SIGTERM'), 1_000);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearInterval(again);
    clearTimeout(late);
    if (options.temporary) await removeFolder(dir);
  };

  const watching = new AbortController();
  try {
    await Promise.race([
      answers(port, password, pid, readyWithin, watching.signal),
      exited.then(({ code, signal: by }) => Promise.reject(new Error(`it ended with ${by ?? `code ${code}`}`))),
      aborted(signal, watching.signal),
    ]);
  } catch (error) {
    await kill();
    signal?.throwIfAborted();
    const tail = (await log()).trim().split('\n').slice(-15).join('\n');
    const hint = (await exited).code === 127 ? ' Run `node scripts/setup.mjs`, or set REDIS_SERVER, or REDIS_URL.' : '';
    const Reason = /address already in use|failed listening on port|could not bind/i.test(tail) ? AddressInUse : Error;
    throw new Reason(`${name} (${binary}, port ${port}) did not start: ${reasonOf(error)}.${hint}\n${tail}`);
  } finally {
    watching.abort();
  }

  // Who forgets to stop it must not hang for ever: this process may end, and sweeps.
  child.unref();
  const url = `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${HOST}:${port}`;
  return { name, host: HOST, port, password, url, pid, dir, options, exited, log, stop, kill };
}

function configuration(options: RedisOptions & { dir: string; port: number }): string {
  const quoted = options.password === undefined ? undefined : JSON.stringify(options.password);
  const lines: Record<string, string> = {
    ...SETTINGS,
    ...(options.cluster ? CLUSTER_SETTINGS : {}),
    ...(quoted === undefined ? {} : { requirepass: quoted, masterauth: quoted }),
    ...options.settings,
    dir: JSON.stringify(options.dir),
    port: String(options.port),
  };
  const settings = Object.entries(lines).map(([setting, value]) => `${setting} ${value}`);
  return [...settings, ...(options.users ?? []), ''].join('\n');
}

// The pid is compared because a foreign server may hold the port while ours is about to fail on it.
async function answers(port: number, password: string | undefined, pid: number, within: number, over: AbortSignal) {
  const client = new Redis({
    host: HOST,
    port,
    ...(password === undefined ? {} : { password }),
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
  });
  client.on('error', () => undefined);
  over.addEventListener('abort', () => client.disconnect());
  let deadline = Date.now() + within;
  while (!over.aborted) {
    const info = await Promise.race([client.info().catch(() => ''), sleep(Math.min(within, 1_000), '')]);
    if (info.includes(`process_id:${pid}\r`)) {
      if (info.includes('\r\nloading:0')) return;
      deadline = Date.now() + within;
    }
    if (Date.now() > deadline) throw new Error(`it did not answer within ${within} ms`);
    await sleep(20);
  }
}

function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise((_, failed) => {
    if (signal?.aborted) failed(new Error('it was given up'));
    signal?.addEventListener('abort', () => failed(new Error('it was given up')), { signal: over });
  });
}

// Below the range from which the system takes the ports of outgoing connections: such a connection could otherwise sit
// on the port of a server that is just being started again, or a client's retry could even connect to itself.
const PORTS = { from: 10_240, to: 22_240 };
/** Given out by this process: a port whose server is down just now is still somebody's. */
const given = new Set<number>();

export async function freePort(cluster = false): Promise<number> {
  for (;;) {
    if (given.size > (PORTS.to - PORTS.from) / 2) given.clear();
    const port = randomInt(PORTS.from, PORTS.to);
    if (given.has(port) || !(await isFree(port)) || (cluster && !(await isFree(port + CLUSTER_BUS)))) continue;
    given.add(port);
    return port;
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen({ port, host: HOST, exclusive: true }, () => probe.close(() => done(true)));
  });
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
