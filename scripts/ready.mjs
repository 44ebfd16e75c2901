// Makes the clone ready, the client library too, and runs a Node program in it that starts Redis servers of its own.
// Usage: node scripts/ready.mjs <arguments of node>
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { buildLibrary } from './library.mjs';
import { setup } from './setup.mjs';
import { alone, isMain, orExplain, ROOT } from './shell.mjs';

/** Ends with the program's code. It finds the redis-server under REDIS_SERVER. */
export async function runReady(nodeArguments) {
  const redis = await orExplain(async () => {
    const found = await setup();
    await alone(buildLibrary);
    return found;
  });
  const program = spawn(process.execPath, nodeArguments, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, REDIS_SERVER: redis.server },
    // Mocha runs the tests in a child of its own and passes some signals on and others not. As a group both get each once.
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      try {
        if (program.pid) process.kill(-program.pid, signal);
      } catch {
        // It has ended in the meantime.
      }
    });
  }
  program.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

if (isMain(import.meta.url)) await runReady(process.argv.slice(2));
