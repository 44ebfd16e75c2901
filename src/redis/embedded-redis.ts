/**
 * The private Redis of a server that was given no REDIS_URL. Owns <DATA_DIR>/redis: the append-only file, redis.conf, the
 * log, the password, and a lock that admits one server at a time. Keeps that Redis up while the server lives, ends it with
 * the server, and ends one that outlived a killed server before it starts another.
 * Refuses: a folder that a living server uses, and to end any process that is not this folder's own Redis.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readlink, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { FolderInUse, lifeOf, lockFolder } from './folder-lock.ts';
import { isFree, reasonOf, startRedis, until, type RedisOptions, type RedisProcess } from './redis-server.ts';
import { userLine } from './users.ts';

const HOST = '127.0.0.1';
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 5_000;
/** A Redis that was up for this long starts again with the first back-off. */
const STEADY_MS = 30_000;
const LARGEST_LOG = 10 * 1024 * 1024;

export type Tell = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

export interface EmbeddedRedisOptions {
  dataDir: string;
  log: Tell;
  /** Not given: what the environment says. */
  redisServer?: string;
  /** Passwords of people and programs that read along; '' is none, and then there is no such user. */
  readers?: { readonly operator: string; readonly analytics: string };
  /** Gives the start up, however long the loading takes. */
  signal?: AbortSignal;
  /** Called after Redis died and was started again: connections and script caches are gone, the data is not. */
  onRestart?: () => void;
}

export interface EmbeddedRedis {
  readonly url: string;
  readonly dir: string;
  readonly port: number;
  readonly password: string;
  /** Of the Redis that runs now. */
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { log, redisServer } = options;
  const made = join(options.dataDir, 'redis');
  await mkdir(made, { recursive: true, mode: 0o700 });
  await chmod(made, 0o700);
  // As Redis itself will name its folder: compared with its answer, and with /proc.
  const dir = await realpath(made);
  const unlock = await lockFolder(dir);

  const stopping = new AbortController();
  const giveUp = (): void => stopping.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', giveUp);
  try {
    options.signal?.throwIfAborted();
    const password = await keptPassword(dir);
    await endOrphan(dir, password, log);
    await turnLog(dir);
    const settings: RedisOptions = {
      name: 'embedded Redis',
      dir,
      password,
      settings: { pidfile: 'redis.pid' },
      users: readersOf(options),
      outlives: true,
      signal: stopping.signal,
      ...(redisServer === undefined ? {} : { binary: redisServer }),
    };
    let redis = await start(settings, await keptPort(dir, log), log);
    const { url, port } = redis;

    // Ends with process.exit() and uncaught errors too; Redis then closes its files by itself.
    const atExit = (): void => void redis.stop();
    process.once('exit', atExit);
    const supervised = supervise(redis, stopping.signal, log, async () => {
      redis = await start(settings, port, log);
      options.onRestart?.();
      return redis;
    });
    const end = async (): Promise<void> => {
      stopping.abort();
      await supervised;
      await redis.stop();
      process.removeListener('exit', atExit);
      await unlock();
    };
    let ended: Promise<void> | undefined;
    return {
      url,
      dir,
      port,
      password,
      stop: () => (ended ??= end()),
      get pid() {
        return redis.pid;
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

/**
 * The same Redis for a short visit, undefined where none has ever been in the folder. Where a server runs on it, it is that one's and stays;
 * else it is started, and ends with the visit.
 */
export async function visitEmbeddedRedis(
  options: EmbeddedRedisOptions,
): Promise<Pick<EmbeddedRedis, 'url' | 'stop'> | undefined> {
  const dir = join(options.dataDir, 'redis');
  const port = await recordedPort(dir);
  if (port === undefined) return undefined;
  const url = `redis://:${await keptPassword(dir)}@${HOST}:${port}`;
  const running = { url, stop: () => Promise.resolve() };
  // One that does not listen is one that nobody uses: who starts a server waits until it does.
  if (!(await isFree(port))) return running;
  try {
    return await startEmbeddedRedis(options);
  } catch (error) {
    if (error instanceof FolderInUse) return running;
    throw error;
  }
}

function readersOf({ readers }: EmbeddedRedisOptions): string[] {
  const named = (['operator', 'analytics'] as const).filter((name) => readers?.[name]);
  return named.map((name) => userLine(name, readers![name]));
}

async function start(settings: RedisOptions, port: number | undefined, log: Tell): Promise<RedisProcess> {
  const redis = await startRedis(port === undefined ? settings : { ...settings, port });
  const cut = /.*(truncating the aof|aof-load-truncated is enabled).*/i.exec(await redis.log());
  if (cut) log('warn', 'The append-only file ended in the middle of a write, which is left out', { redis: cut[0] });
  log('info', 'Embedded Redis is up', { port: redis.port, pid: redis.pid, dir: redis.dir });
  return redis;
}

/** Runs until the stop: whenever Redis ends, starts it again, ever more slowly while that fails. */
async function supervise(
  redis: RedisProcess,
  stopping: AbortSignal,
  log: Tell,
  startAgain: () => Promise<RedisProcess>,
): Promise<void> {
  const stopped = new Promise<'stopped'>((done) => stopping.addEventListener('abort', () => done('stopped')));
  let backOff = FIRST_BACK_OFF_MS;
  for (let since = Date.now(); ; since = Date.now()) {
    const end = await Promise.race([redis.exited, stopped]);
    if (end === 'stopped') return;
    if (Date.now() - since > STEADY_MS) backOff = FIRST_BACK_OFF_MS;
    log('error', 'Redis ended by itself; it is started again', { ...end, back_off_ms: backOff });
    for (let up = false; !up;) {
      await sleep(backOff, undefined, { signal: stopping }).catch(() => undefined);
      backOff = Math.min(backOff * 2, LONGEST_BACK_OFF_MS);
      if (stopping.aborted) return;
      try {
        redis = await startAgain();
        up = true;
      } catch (error) {
        if (stopping.aborted) return;
        log('error', 'Redis did not start; it is tried again', { reason: reasonOf(error), back_off_ms: backOff });
      }
    }
  }
}

/** Made once, so that a Redis that outlived its server can be asked, and an operator's command line stays right. */
async function keptPassword(dir: string): Promise<string> {
  const path = join(dir, 'password');
  const kept = (await textOf(path))?.trim();
  if (kept) return kept;
  const password = randomBytes(32).toString('base64url');
  await writeFile(`${path}.new`, `${password}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return password;
}

async function keptPort(dir: string, log: Tell): Promise<number | undefined> {
  const port = await recordedPort(dir);
  if (port === undefined || (await isFree(port))) return port;
  log('warn', 'The former port of the embedded Redis is taken; it gets another', { port });
  return undefined;
}

async function recordedPort(dir: string): Promise<number | undefined> {
  const [, port] = /^port (\d+)$/m.exec((await textOf(join(dir, 'redis.conf'))) ?? '') ?? [];
  return port === undefined ? undefined : Number(port);
}

/** Ends the Redis of this folder that a killed server left behind. It would go on writing to our files. */
async function endOrphan(dir: string, password: string, log: Tell): Promise<void> {
  const pid = Number((await textOf(join(dir, 'redis.pid'))) ?? 0);
  const life = pid > 0 ? lifeOf(pid) : undefined;
  if (life === undefined) return;
  // On Linux this is the proof, and the password is told to nobody without it: anyone may sit on the old port by now.
  const inside = process.platform === 'linux' ? await readlink(`/proc/${pid}/cwd`).catch(() => '') : undefined;
  if (inside !== undefined && inside !== dir) return;
  const client = new Redis({
    host: HOST,
    port: (await recordedPort(dir)) ?? 0,
    password,
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  const confirmed = await confirms(client, dir, pid);
  if (!confirmed && inside === undefined) return client.disconnect();

  log('warn', 'A Redis of this data folder outlived its server; it is ended first', { pid });
  if (confirmed) client.shutdown().catch(() => undefined);
  else signalQuietly(pid, 'SIGTERM');
  const gone = (): boolean => lifeOf(pid) !== life;
  await until('the former Redis ends', gone, confirmed ? 10_000 : 2_000).catch(async () => {
    signalQuietly(pid, 'SIGKILL');
    await until(`the former Redis (process ${pid}) ends after SIGKILL`, gone);
  });
  client.disconnect();
}

async function confirms(client: Redis, dir: string, pid: number): Promise<boolean> {
  try {
    await client.connect();
    const [, itsDir] = (await client.config('GET', 'dir')) as string[];
    return itsDir === dir && (await client.info('server')).includes(`process_id:${pid}\r`);
  } catch {
    return false;
  }
}

async function turnLog(dir: string): Promise<void> {
  const path = join(dir, 'redis.log');
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LARGEST_LOG) await rename(path, `${path}.1`);
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime.
  }
}
