/**
 * The program: one node, or several as one, started by the environment. Owns how it ends: by SIGTERM, SIGINT or SIGHUP with 0, by an error that nobody
 * caught with 1, either way drained. What a node is made of stands in `server.ts`.
 */
import cluster from 'node:cluster';
import { ConfigError, readConfig } from './config.ts';
import type { Config } from './config.ts';
import { createLogger, outliveReaders } from './logger.ts';
import type { OpenLogger } from './logger.ts';
import { start } from './server.ts';
import type { RunningServer } from './server.ts';
import { startWorkers } from './workers.ts';

/** After this a stop that hangs is ended; of who waits for others that stop, after twice that. */
const STOP_WITHIN_MS = 10_000;
/** npm passes a signal on that the terminal sent already: what comes within this is one. */
const ONE_SIGNAL_MS = 1_000;

async function main(): Promise<void> {
  outliveReaders();
  let config: Config;
  let logger: OpenLogger;
  try {
    config = readConfig();
    logger = createLogger(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`These settings are not right:\n${error.message}\n`);
    process.exitCode = 1;
    cluster.worker?.disconnect();
    return;
  }
  const isOverOthers = cluster.isPrimary && config.WORKERS > 1;
  const starting = isOverOthers ? startWorkers(config, logger) : start(config, logger);
  endWell(starting, logger, isOverOthers ? 2 * STOP_WITHIN_MS : STOP_WITHIN_MS);
  try {
    const { port } = await starting;
    if (cluster.isWorker) process.send!({ port });
    else greet(port, config);
  } catch (error) {
    logger.error(`cannot start: ${(error as Error).message}`);
    process.exitCode = 1;
    cluster.worker?.disconnect();
    // What was begun has been stopped. Whatever still holds the process must not keep it from being started anew.
    setTimeout(() => process.exit(), STOP_WITHIN_MS).unref();
  }
}

function endWell(starting: Promise<RunningServer>, logger: OpenLogger, withinMs: number): void {
  let since: number | undefined;
  let code = 0;
  const end = async () => {
    since = Date.now();
    logger.info('stopping');
    setTimeout(() => process.exit(1), withinMs).unref();
    try {
      // A start that fails has stopped what it began.
      await (await starting.catch(() => undefined))?.stop();
    } catch (error) {
      logger.error(`stopping failed: ${(error as Error).message}`);
      code = 1;
    }
    await logger.close();
    process.exit(code);
  };
  const onSignal = () => {
    if (since === undefined) void end();
    else if (Date.now() - since >= ONE_SIGNAL_MS) process.exit(1);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
  // Whatever it was, it may have left something half done, so this process serves nobody new. The sockets are told to come back.
  process.on('uncaughtException', (error, origin) => {
    // Anything can be thrown.
    const { message = String(error), stack } = (error ?? {}) as Partial<Error>;
    logger.error(`${origin}: ${message}`, { stack });
    code = 1;
    if (since === undefined) void end();
  });
}

function greet(port: number, config: Config): void {
  const lines = [`Rill is ready: ${[...config.ROLES].join(', ')}`];
  const base = `http://${hostInUrl(config.HOST)}:${port}`;
  if (config.ROLES.has('api')) {
    lines.push(
      `  chat in a browser   ${base}/client`,
      `  REST                ${base}/api/v1   described at ${base}/openapi.json`,
      `  the first user      curl -H 'Content-Type: application/json' -d '{"username":"ada","password":"correct horse"}' ${base}/api/v1/auth/register`,
    );
  }
  if (config.ROLES.has('gateway')) lines.push(`  WebSocket           ${base.replace('http', 'ws')}/api/v1/ws`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

await main();
