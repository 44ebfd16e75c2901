/**
 * One node of the product as a real process, that can be killed, stopped, continued and started again on its port. Runs the compiled
 * program where that is newer than every source, else the sources. Its output is kept in a file for whoever looks for the reason.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { imageArguments } from '../image.ts';
import { endWithUs } from '../../src/redis/leftovers.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY_WITHIN_MS = 40_000;

export interface NodeSettings {
  readonly name: string;
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Another program than the product's, to be run by Node with tsx, that has no health endpoint; ready when it prints "ready". */
  readonly program?: string;
}

export class NodeProcess {
  readonly settings: NodeSettings;
  kills = 0;
  private child: ChildProcess | undefined;
  private exited: Promise<void> = Promise.resolve();

  constructor(settings: NodeSettings) {
    this.settings = settings;
  }

  get name(): string {
    return this.settings.name;
  }

  get base(): string {
    return `http://127.0.0.1:${this.settings.port}`;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.child !== undefined;
  }

  /** Starts it and waits until it is ready. A start that fails because something else is down is tried again until the deadline. */
  async start(readyWithin = READY_WITHIN_MS): Promise<void> {
    const deadline = Date.now() + readyWithin;
    while (!(await this.startOnce(deadline))) {
      if (Date.now() > deadline) throw new Error(`${this.name} did not become ready:\n${this.lastWords()}`);
      await sleep(100);
    }
  }

  /** Starts it and does not wait. */
  launch(): void {
    const { environment, logFile, program } = this.settings;
    const output = openSync(logFile, 'a');
    const args = program === undefined ? programArgs() : ['--import', 'tsx', program];
    const { PATH, HOME, REDIS_SERVER } = process.env;
    const env = { PATH, HOME, REDIS_SERVER, ...environment };
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', output, output], env });
    closeSync(output);
    endWithUs(child);
    this.child = child;
    this.exited = new Promise((resolve) =>
      child.once('exit', () => {
        if (this.child === child) this.child = undefined;
        resolve();
      }),
    );
  }

  async kill(): Promise<void> {
    this.kills += 1;
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** SIGSTOP: the process stands still, its connections stay. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Asks it to end, and makes it. */
  async stop(): Promise<void> {
    this.thaw();
    this.child?.kill('SIGTERM');
    const late = setTimeout(() => this.child?.kill('SIGKILL'), 8_000);
    await this.exited;
    clearTimeout(late);
  }

  output(): string {
    return existsSync(this.settings.logFile) ? readFileSync(this.settings.logFile, 'utf8') : '';
  }

  lastWords(): string {
    return this.output().trim().split('\n').slice(-12).join('\n').slice(-3_000);
  }

  private async startOnce(deadline: number): Promise<boolean> {
    const before = this.output().length;
    this.launch();
    while (this.isRunning && Date.now() < deadline) {
      if (await this.isReady(before)) return true;
      await sleep(25);
    }
    if (this.isRunning) await this.kill();
    return false;
  }

  async isReady(outputBefore = 0): Promise<boolean> {
    if (this.settings.program !== undefined) return this.output().slice(outputBefore).includes('ready');
    try {
      const answer = await fetch(`${this.base}/api/v1/health/ready`, { signal: AbortSignal.timeout(1_000) });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }
}

function programArgs(): readonly string[] {
  const compiled = join(ROOT, 'dist/src/main.js');
  return isCurrent(compiled) ? imageArguments : ['--import', 'tsx', join(ROOT, 'src/main.ts')];
}

function isCurrent(compiled: string): boolean {
  const stamp = join(ROOT, 'dist/.built');
  if (!existsSync(compiled) || !existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  return ['src', 'lua', 'scripts'].every((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => !file.startsWith('prove'))
      .every((file) => statSync(join(ROOT, folder, file), { throwIfNoEntry: false })!.mtimeMs <= built),
  );
}
