// npm test: makes the clone ready and runs mocha as .mocharc.json says, on the named test files or on all.
// Usage: node scripts/test.mjs [mocha arguments] [test files]
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setup } from './setup.mjs';
import { orExplain, ROOT } from './shell.mjs';

const redis = await orExplain(() => setup());
const given = process.argv.slice(2);
const files = given.some((argument) => argument.endsWith('.ts')) ? [] : ['test/**/*.test.ts'];
const mocha = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...given, ...files], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, REDIS_SERVER: redis.server },
  // Mocha runs the tests in a child of its own and passes some signals on and others not. As a group both get each once.
  detached: true,
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    try {
      if (mocha.pid) process.kill(-mocha.pid, signal);
    } catch {
      // The tests have ended in the meantime.
    }
  });
}
mocha.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
