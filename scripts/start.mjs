// npm start: makes the clone ready, builds what has changed, and becomes the server: in this same process, so that a signal
// reaches it and nothing stands between it and whoever watches it.
// Refuses: to be needed in production. A built tree starts as the Dockerfile says.
// Usage: node scripts/start.mjs [--build]      --build: build and end
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildLibrary } from './library.mjs';
import { checkNode, setup } from './setup.mjs';
import { alone, fingerprint, orExplain, ROOT, run, say } from './shell.mjs';

const DIST = join(ROOT, 'dist');
// Read where they lie, relative to the compiled code.
const COPIED = ['lua', 'src/api/pages', 'src/api/reference'];
/** Of a package that is only there to build with: what of it is served. */
const BUNDLES = ['redoc.standalone.js', 'redoc.standalone.js.LICENSE.txt'];
const SOURCES = ['src', 'scripts', 'lua', 'tsconfig.json', 'tsconfig.library.json', 'package-lock.json'];

await orExplain(async () => {
  checkNode();
  const onlyBuild = process.argv.includes('--build');
  if (existsSync(join(ROOT, '.env'))) process.loadEnvFile(join(ROOT, '.env'));
  const ownRedis = !onlyBuild && !process.env.REDIS_URL && !process.env.REDIS_CLUSTER_NODES;
  const redis = await setup({ redis: ownRedis });
  await alone(build);
  if (onlyBuild) return;
  if (redis) process.env.REDIS_SERVER = redis.server;
  process.setSourceMapsEnabled(true);
  await import('../dist/src/main.js');
});

function build() {
  const stamp = join(DIST, '.built');
  const now = fingerprint(SOURCES);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  say('Building ...');
  rmSync(stamp, { force: true });
  // Without its output the compiler would still trust its notes, and write nothing.
  if (!existsSync(join(DIST, 'src'))) rmSync(join(ROOT, '.cache/build.tsbuildinfo'), { force: true });
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], 'The build failed.');
  buildLibrary();
  for (const folder of COPIED) {
    rmSync(join(DIST, folder), { recursive: true, force: true });
    if (existsSync(join(ROOT, folder))) cpSync(join(ROOT, folder), join(DIST, folder), { recursive: true });
  }
  for (const name of BUNDLES) {
    cpSync(join(ROOT, 'node_modules/redoc/bundles', name), join(DIST, 'src/api/reference', name));
  }
  writeFileSync(stamp, now);
}
