/** The processes under measurement, and what they use by /proc: the product and its peer, each on a Redis of its own, and bare servers. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { imageArguments } from '../image.ts';
import { startRedis } from '../../src/redis/redis-server.ts';
import type { RedisProcess } from '../../src/redis/redis-server.ts';
import { UNLIMITED } from '../unlimited.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const peer = fileURLToPath(new URL('peer/', import.meta.url));
const SECRET = 'a secret for benchmarks, of 32 characters and more';
/** /proc counts CPU in ticks of 10 ms. */
const TICK_US = 10_000;

/** One server with all that it needs: what a user of it pays. */
export interface Target {
  readonly port: number;
  readonly pids: readonly number[];
  readonly redis?: RedisProcess;
  stop(): Promise<void>;
}

export interface Stored extends Target {
  readonly redis: RedisProcess;
}

const SETTINGS = {
  ...UNLIMITED,
  WS_MAX_CONNECTIONS: '0',
};

/** The product in one process, with every role, started as the image starts it. */
export function startProduct(settings: Record<string, string> = {}): Promise<Stored> {
  return onRedis((url) =>
    run(imageArguments, {
      REDIS_URL: url,
      SECRET_KEY: SECRET,
      HOST: '127.0.0.1',
      PORT: '0',
      PASSWORD_HASH_COST: '4',
      DEFAULT_CHANNELS: '',
      LOG_LEVEL: 'warn',
      ...SETTINGS,
      ...settings,
    }),
  );
}

/** socket.io with its Redis Streams adapter, which is fetched when it is first wanted. */
export function startPeer(): Promise<Stored> {
  if (!existsSync(`${peer}node_modules`)) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: peer });
  return onRedis((url) => run([`${peer}server.mjs`], { REDIS_URL: url }));
}

/** A yardstick that stores nothing. */
export async function startBare(name: 'bare-ws' | 'bare-http'): Promise<Target> {
  const child = run(['--import', 'tsx', `scripts/bench/${name}.ts`], {});
  return { port: await portOf(child), pids: [child.pid!], stop: () => end(child) };
}

async function onRedis(start: (url: string) => ChildProcess): Promise<Stored> {
  const redis = await startRedis();
  const child = start(redis.url);
  return {
    port: await portOf(child),
    pids: [child.pid!],
    redis,
    async stop() {
      await end(child);
      await redis.stop();
    },
  };
}

function run(args: readonly string[], environment: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      const match = /(?:localhost:|127\.0\.0\.1:|port )(\d+)/.exec(output);
      if (match) resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** CPU microseconds, user and system, that processes have used so far. */
export function cpuUs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }, 0);
}

export function rssKib(pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]),
    0,
  );
}

/** What a command of Redis took in all: calls, and microseconds by its own clock. Those inside of a script count for themselves too. */
type CommandStats = ReadonlyMap<string, { readonly calls: number; readonly us: number }>;

async function commandStats(redis: Redis): Promise<CommandStats> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+)/gm);
  return new Map([...lines].map(([, name, calls, us]) => [name!, { calls: Number(calls), us: Number(us) }]));
}

/** A command that took less than this for an operation is not worth a line. */
const WORTH_US = 2;

/**
 * What all processes of a target use while something is done `count` times, as measures named for the `unit`: in all, and where there is
 * a Redis the node's part, Redis' part, and the commands that took most of that.
 */
export async function costOf(
  target: Target,
  unit: string,
  count: number,
  act: () => Promise<void>,
): Promise<Record<string, number>> {
  const used = () => ({ node: cpuUs(target.pids), redis: target.redis ? cpuUs([target.redis.pid]) : 0 });
  const redis = target.redis ? new Redis(target.redis.url) : undefined;
  try {
    const stats = redis && (await commandStats(redis));
    const before = used();
    await act();
    const after = used();
    const [node, inRedis] = [(after.node - before.node) / count, (after.redis - before.redis) / count];
    const measures: Record<string, number> = { [`cpu us/${unit}`]: node + inRedis };
    if (!redis || !stats) return measures;
    measures[`… node us/${unit}`] = node;
    measures[`… redis us/${unit}`] = inRedis;
    for (const [name, { calls, us }] of await commandStats(redis)) {
      const was = stats.get(name) ?? { calls: 0, us: 0 };
      const each = (us - was.us) / count;
      if (each < WORTH_US || name === 'info') continue;
      measures[`    ${name} us/${unit}`] = each;
      measures[`    ${name} calls/${unit}`] = (calls - was.calls) / count;
    }
    return measures;
  } finally {
    redis?.disconnect();
  }
}
