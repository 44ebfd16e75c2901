/** The program as operators start it: a process of its own, with its output, its port and its end. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { redisServer } from '../../src/config.ts';
import { endWithUs } from '../../src/redis/leftovers.ts';
import { freePort, until } from '../../src/redis/redis-server.ts';
import { wrote } from './canary.ts';
import { SECRET } from './server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Program {
  readonly base: string;
  readonly pid: number;
  output(): string;
  /** Nobody reads what it says any more. */
  stopReading(): void;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts the program and waits until it says that it is ready, unless told otherwise. It does not outlive this process. */
export async function startProgram(settings: Record<string, string>, waits = true): Promise<Program> {
  const port = await freePort();
  const environment = {
    HOST: '127.0.0.1',
    PORT: String(port),
    PARTITIONS: '4',
    SECRET_KEY: SECRET,
    PASSWORD_HASH_COST: '4',
    DEFAULT_CHANNELS: '',
  };
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'], REDIS_SERVER: redisServer(), ...environment, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithUs(child);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    // What it says to a person who starts it is no line of the log.
    if (line.startsWith('{')) wrote(line);
  });
  let isOver = false;
  const exited = new Promise<Awaited<Program['exited']>>((resolve) =>
    child.once('exit', (code, signal) => {
      isOver = true;
      resolve({ code, signal });
    }),
  );
  const output = () => chunks.join('');
  if (waits) await until('the program is ready', () => isOver || output().includes('is ready'), 40_000);
  if (waits && isOver) throw new Error(`the program ended: ${output()}`);
  return {
    base: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    output,
    stopReading() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    signal: (name) => void child.kill(name),
    exited,
  };
}
