// Where a redis-server >= 7.0 comes from: REDIS_SERVER, the PATH, the project's own .cache/redis, and when there is none,
// the package manager of this system.
// Refuses: to start, stop or install a Redis service, and to change anything outside the project without being root.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { firstIn, pathOf, ROOT, run, say, SetupError } from './shell.mjs';

const OLDEST = [7, 0];
const OWN = join(ROOT, '.cache/redis');
const BY_HAND =
  'Install redis-server >= 7.0 yourself (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis; ' +
  'Fedora: dnf install redis; Alpine: apk add redis; Arch: pacman -S redis) or set REDIS_SERVER to its path. ' +
  'To use a Redis that runs already, set REDIS_URL. To need none of this: docker compose up.';

/**
 * A REDIS_SERVER that does not fit is an error, since it was named on purpose; elsewhere the next one is looked at.
 * @returns {{ server: string, cli: string | undefined, version: string } | undefined}
 */
export function findRedis({ env = process.env, own = OWN } = {}) {
  const path = pathOf(env);
  const named = env.REDIS_SERVER;
  if (named) {
    const found = inspect(named.includes('/') ? resolve(named) : (firstIn(path, named) ?? named), env);
    if (!found) throw new SetupError(`REDIS_SERVER is ${named}, which is no redis-server that runs.`);
    if (isOlder(found.version, OLDEST)) throw tooOld(found);
    return withCli(found, path);
  }
  let old;
  for (const dir of [...path, own]) {
    const candidate = firstIn([dir], 'redis-server');
    const found = candidate && inspect(candidate, env);
    if (found && !isOlder(found.version, OLDEST)) return withCli(found, path);
    old ??= found;
  }
  if (old) throw tooOld(old);
  return undefined;
}

export function isOlder(version, [major, minor]) {
  const [ownMajor, ownMinor] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** Call it when `findRedis` found none. */
export function fetchRedis() {
  const path = pathOf();
  if (firstIn(path, 'apt-get') && firstIn(path, 'dpkg-deb')) {
    if (process.getuid?.() === 0) installWithApt();
    else unpackWithApt();
  } else if (process.platform === 'darwin' && firstIn(path, 'brew')) {
    say('No redis-server found: installing it with Homebrew ...');
    run('brew', ['install', 'redis'], `brew install redis failed. ${BY_HAND}`);
  } else {
    throw new SetupError(`No redis-server found. ${BY_HAND}`);
  }
  const found = findRedis();
  if (!found) throw new SetupError(`redis-server was fetched, but does not run. ${BY_HAND}`);
  say(`Redis ${found.version}: ${found.server}`);
  return found;
}

function inspect(server, env) {
  const { status, stdout } = spawnSync(server, ['--version'], { encoding: 'utf8', timeout: 10_000, env });
  const version = /\bv=(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
  return status === 0 && version ? { server, version } : undefined;
}

function withCli(found, path) {
  return { ...found, cli: firstIn([dirname(found.server), ...path], 'redis-cli') };
}

function tooOld({ server, version }) {
  return new SetupError(`${server} is Redis ${version}, but ${OLDEST.join('.')} or newer is needed. ${BY_HAND}`);
}

/**
 * Debian keeps the program in redis-tools; its package redis-server adds a link to that and a system service. We want
 * the program without a service that starts now or at the next boot, so we make the link ourselves.
 */
function installWithApt() {
  say('No redis-server found: installing redis-tools with apt ...');
  const failed = `apt-get could not install redis-tools. ${BY_HAND}`;
  run('apt-get', ['update', '-q'], failed);
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-tools'], failed);
  emptyOwn();
  symlinkSync('/usr/bin/redis-check-rdb', join(OWN, 'redis-server'));
  symlinkSync('/usr/bin/redis-cli', join(OWN, 'redis-cli'));
  if (!inspect(join(OWN, 'redis-server'), process.env)) unpackWithApt();
}

/** The same packages without root: unpacked below the project, with the libraries that this machine lacks. */
function unpackWithApt() {
  say('No redis-server found: unpacking the packages of this system into .cache/redis ...');
  emptyOwn();
  const packages = join(OWN, 'packages');
  const apt = join(OWN, 'apt');
  for (const dir of [packages, join(apt, 'lists/partial'), join(apt, 'archives/partial')]) {
    mkdirSync(dir, { recursive: true });
  }
  // With the package lists of the system, or when they are missing or out of date, with fresh ones of our own.
  const ownLists = ['-o', `Dir::State::lists=${apt}/lists`, '-o', `Dir::Cache=${apt}`];
  if (!download([], packages, 'ignore')) {
    run('apt-get', [...ownLists, '-q', 'update'], `apt-get could not fetch its package lists. ${BY_HAND}`);
    if (!download(ownLists, packages, 'inherit'))
      throw new SetupError(`apt-get could not download redis-server. ${BY_HAND}`);
  }
  const root = join(OWN, 'unpacked');
  for (const name of readdirSync(packages)) {
    run('dpkg-deb', ['-x', join(packages, name), root], `${name} could not be unpacked. ${BY_HAND}`);
  }
  rmSync(packages, { recursive: true });
  rmSync(apt, { recursive: true });

  const files = readdirSync(root, { recursive: true }).filter((file) => /\.so(\.\d+)*$/.test(file));
  const libraries = new Set(files.map((file) => `$here/${relative(OWN, dirname(join(root, file)))}`));
  for (const program of ['redis-server', 'redis-cli']) {
    const lines = [
      '#!/bin/sh',
      'here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)',
      ...(libraries.size > 0 ? [`export LD_LIBRARY_PATH="${[...libraries].join(':')}"`] : []),
      `exec "$here/unpacked/usr/bin/${program}" "$@"`,
    ];
    writeFileSync(join(OWN, program), `${lines.join('\n')}\n`);
    chmodSync(join(OWN, program), 0o755);
  }
}

/** Downloads redis-server and what apt would install with it here, by apt's own reckoning. */
function download(options, packages, stderr) {
  const plan = [...options, '-s', 'install', '--no-install-recommends', 'redis-server'];
  const stdio = ['ignore', 'pipe', stderr];
  const { status, stdout } = spawnSync('apt-get', plan, {
    encoding: 'utf8',
    stdio,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) return false;
  const lacking = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name);
  const names = new Set(['redis-server', 'redis-tools', ...lacking]);
  return spawnSync('apt-get', [...options, '-q', 'download', ...names], { cwd: packages, stdio }).status === 0;
}

function emptyOwn() {
  rmSync(OWN, { recursive: true, force: true });
  mkdirSync(OWN, { recursive: true });
}
