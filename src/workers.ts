/**
 * Several processes as one server: the first holds the port and a private Redis and starts the others, each of which is a whole node with
 * all roles. A connection goes to one of them and stays there; the projectors' partitions are shared as among any nodes. One that ends is
 * started anew. Refuses to serve anything itself.
 */
import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import type { Logger } from './logger.ts';
import { redisAddress } from './redis/address.ts';
import { keptSecret } from './secret.ts';
import { Relay } from './siblings.ts';

/** One that cannot start does not take all of a core. */
const AGAIN_AFTER_MS = 1_000;

export interface RunningWorkers {
  readonly port: number;
  stop(): Promise<void>;
}

/** Answers when each of them is ready. */
export async function startWorkers(config: Config, logger: Logger): Promise<RunningWorkers> {
  let endRedis = async () => {};
  let workers: Workers | undefined;
  const stop = async () => {
    await workers?.stop();
    await endRedis();
  };
  try {
    const redis = await redisAddress(config, logger, (end) => (endRedis = end));
    // Made once, before there are several who would make it.
    const secret = config.SECRET_KEY || (await keptSecret(config.DATA_DIR));
    const settings = { SECRET_KEY: secret, ...(redis.url ? { REDIS_URL: redis.url } : {}) };
    workers = new Workers({ settings, logFile: config.LOG_FILE, logger });
    const ports = await Promise.all(Array.from({ length: config.WORKERS }, (_, i) => workers!.start(i + 1)));
    return { port: ports[0]!, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface WorkersOptions {
  /** What they are told beside what this process was. */
  readonly settings: Record<string, string>;
  readonly logFile: string;
  readonly logger: Logger;
}

class Workers {
  private readonly options: WorkersOptions;
  private readonly running = new Map<Worker, Promise<void>>();
  private readonly relay = new Relay();
  private isStopping = false;

  constructor(options: WorkersOptions) {
    this.options = options;
    // What started this process may have had more to do before, as building.
    cluster.setupPrimary({ exec: fileURLToPath(import.meta.url.replace(/workers(\.[jt]s)$/, 'main$1')) });
  }

  /** The port, when it is ready. */
  start(number: number): Promise<number> {
    const { settings, logFile, logger } = this.options;
    // Two cannot keep one file to its size.
    const worker = cluster.fork({ ...settings, LOG_FILE: logFile && `${logFile}.${number}` });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.running.set(worker, ended);
    return new Promise((resolve, reject) => {
      let isReady = false;
      worker.once('message', ({ port }: { port: number }) => {
        isReady = true;
        this.relay.connect(worker);
        resolve(port);
      });
      worker.once('exit', (code, signal) => {
        this.running.delete(worker);
        if (!isReady) reject(new Error('a worker could not start'));
        if (this.isStopping) return;
        logger.error('a worker has ended', { code, signal, pid: worker.process.pid });
        if (isReady) this.startAgain(number);
      });
    });
  }

  /** Each is told to end well, and has ended then. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const all = [...this.running];
    for (const [worker] of all) worker.process.kill('SIGTERM');
    await Promise.all(all.map(([, ended]) => ended));
  }

  private startAgain(number: number): void {
    if (this.isStopping) return;
    this.start(number).catch(() => setTimeout(() => this.startAgain(number), AGAIN_AFTER_MS));
  }
}
