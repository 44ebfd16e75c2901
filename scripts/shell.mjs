// What the scripts that run before anything is built share: words to a person, one command after another, one of them at
// a time per checkout. Plain JavaScript without packages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../..');

/** What a person can put right: shown without a stack. */
export class SetupError extends Error {}

export async function orExplain(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

export function isMain(url) {
  return process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(url);
}

// Progress goes to stderr: whoever reads our output wants the server's or the tests'.
export function say(message) {
  console.error(message);
}

export function run(command, args, failed) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], env });
  if (status !== 0) throw new SetupError(failed);
}

/** The first file of that name in these folders that may be run. */
export function firstIn(dirs, name) {
  return dirs.map((dir) => join(dir, name)).find(isExecutable);
}

export function pathOf(env = process.env) {
  return (env.PATH ?? '').split(delimiter).filter(Boolean);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Of what a build reads: names, sizes and times. */
export function fingerprint(paths) {
  const hash = createHash('sha1');
  const add = (path) => {
    const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) for (const name of readdirSync(join(ROOT, path)).toSorted()) add(join(path, name));
    else hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
  };
  paths.forEach(add);
  return hash.digest('hex');
}

/** One at a time per checkout: two starts in a fresh clone must not run npm or the compiler into each other. */
export async function alone(work, root = ROOT) {
  const lock = join(root, '.cache/setup.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let round = 0; !take(lock); round++) {
    const holder = holderOf(lock);
    if (holder && !isAlive(holder)) rmSync(lock, { force: true });
    else if (round === 10) say(`Waiting for another setup (process ${holder}; if that is none, delete ${lock}) ...`);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  try {
    // Dead, and only not yet collected by its parent.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
