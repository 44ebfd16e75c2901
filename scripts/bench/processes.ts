/** The processes under measurement: the product on a Redis of its own, the bare server, and what they use by /proc. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { imageArguments } from '../image.ts';
import { startRedis } from '../../src/redis/redis-server.ts';
import type { RedisProcess } from '../../src/redis/redis-server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SECRET = 'a secret for benchmarks, of 32 characters and more';
/** /proc counts CPU in ticks of 10 ms. */
const TICK_US = 10_000;

export interface Target {
  readonly port: number;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

export interface Product extends Target {
  readonly redis: RedisProcess;
}

/** The product in one process, with every role, started as the image starts it. */
export async function startProduct(settings: Record<string, string> = {}): Promise<Product> {
  const redis = await startRedis();
  const child = run(imageArguments, {
    REDIS_URL: redis.url,
    SECRET_KEY: SECRET,
    HOST: '127.0.0.1',
    PORT: '0',
    PASSWORD_HASH_COST: '4',
    RATE_LIMIT_LOGINS_PER_MINUTE: '0',
    RATE_LIMIT_REQUESTS_PER_MINUTE: '0',
    RATE_LIMIT_MESSAGES_PER_MINUTE: '0',
    RATE_LIMIT_REACTIONS_PER_MINUTE: '0',
    RATE_LIMIT_TYPING_PER_MINUTE: '0',
    RATE_LIMIT_CONVERSATIONS_PER_HOUR: '0',
    RATE_LIMIT_UPLOADS_PER_HOUR: '0',
    RATE_LIMIT_HANDSHAKES_PER_MINUTE: '0',
    WS_MAX_CONNECTIONS_PER_USER: '0',
    WS_MAX_CONNECTIONS_PER_ADDRESS: '0',
    WS_MAX_FRAMES_PER_SECOND: '0',
    WS_MAX_CONNECTIONS: '0',
    LOG_LEVEL: 'warn',
    ...settings,
  });
  const port = await said(child, /localhost:(\d+)|127\.0\.0\.1:(\d+)/);
  return {
    port,
    pids: [child.pid!],
    redis,
    async stop() {
      await end(child);
      await redis.stop();
    },
  };
}

/** A yardstick, which says its port. */
export async function startBare(name: 'bare-ws' | 'bare-http'): Promise<Target> {
  const child = run(['--import', 'tsx', `scripts/bench/${name}.ts`], {});
  const port = await said(child, /port (\d+)/);
  return { port, pids: [child.pid!], stop: () => end(child) };
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

function said(child: ChildProcess, pattern: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      const match = pattern.exec(output);
      if (match) resolve(Number(match[1] ?? match[2]));
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
