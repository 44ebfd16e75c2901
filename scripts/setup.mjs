// Makes a fresh clone ready: the right Node, the packages of package-lock.json, a redis-server. Says nothing and is done
// in a moment when nothing is missing. Plain JavaScript without packages, because it runs before there are any.
// Usage: node scripts/setup.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchRedis, findRedis, isOlder } from './redis-binary.mjs';
import { alone, isMain, orExplain, ROOT, run, say, SetupError } from './shell.mjs';

const OLDEST_NODE = [20, 19];

/** @returns the redis-server to use: its path, its redis-cli, its version; nothing when `redis` is false */
export async function setup({ redis = true } = {}) {
  checkNode();
  return alone(() => {
    if (packagesAreStale()) installPackages();
    return redis ? (findRedis() ?? fetchRedis()) : undefined;
  });
}

export function checkNode(version = process.versions.node) {
  if (isOlder(version, OLDEST_NODE)) {
    throw new SetupError(
      `Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${version}. Get one at https://nodejs.org`,
    );
  }
}

/** Compares what npm noted about node_modules with the lock: a checkout changes the time of a file, not its content. */
export function packagesAreStale(root = ROOT) {
  const installed = packagesIn(join(root, 'node_modules/.package-lock.json'));
  const wanted = packagesIn(join(root, 'package-lock.json'));
  if (!installed) return true;
  const differs = (path) =>
    installed[path].version !== wanted[path]?.version || installed[path].integrity !== wanted[path]?.integrity;
  // What is made for other systems stands in the lock only.
  const lacks = (path) => path !== '' && !installed[path] && !wanted[path].optional;
  return Object.keys(installed).some(differs) || Object.keys(wanted).some(lacks);
}

function packagesIn(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

function installPackages() {
  say('Installing the packages of package-lock.json ...');
  // The development ones too, whatever NODE_ENV says: the compiler is one of them.
  const options = ['--include=dev', '--no-audit', '--no-fund'];
  run('npm', ['ci', ...options], 'npm ci failed; what it said stands above.');
}

if (isMain(import.meta.url)) {
  await orExplain(async () => {
    const redis = await setup();
    say(`Ready: Node ${process.versions.node}, Redis ${redis.version} (${redis.server})`);
  });
}
