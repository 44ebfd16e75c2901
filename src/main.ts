/** The program: one node, started by the environment, ended by SIGTERM or SIGINT. What it is made of stands in `server.ts`. */
import { ConfigError, readConfig } from './config.ts';
import type { Config } from './config.ts';
import { createLogger } from './logger.ts';
import { start } from './server.ts';

/** After this a stop that hangs is ended. */
const STOP_WITHIN_MS = 10_000;

async function main(): Promise<void> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`These settings are not right:\n${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const logger = createLogger(config);
  const server = await start(config, logger).catch((error: unknown) => {
    logger.error(`cannot start: ${(error as Error).message}`);
    process.exitCode = 1;
    // What was begun has been stopped. Whatever still holds the process must not keep it from being started anew.
    setTimeout(() => process.exit(), STOP_WITHIN_MS).unref();
  });
  if (!server) return;
  greet(server.port, config);

  let first = 0;
  const end = () => {
    // npm passes a signal on that the terminal sent already: what comes within a second is one.
    if (first > 0 && Date.now() - first < 1_000) return;
    if (first > 0) process.exit(1);
    first = Date.now();
    logger.info('stopping');
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(`stopping failed: ${(error as Error).message}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

function greet(port: number, config: Config): void {
  const base = `http://${config.HOST === '0.0.0.0' || config.HOST === '::' ? 'localhost' : config.HOST}:${port}`;
  const lines = [`Rill is ready: ${[...config.ROLES].join(', ')}`];
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

await main();
