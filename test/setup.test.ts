// What `npm start` and `npm test` do first, on made-up clones and made-up redis-servers. The package managers are not called.
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lifeOf } from '../src/redis/folder-lock.ts';
import { tempDir } from '../src/redis/redis-server.ts';

interface Found {
  server: string;
  cli: string | undefined;
  version: string;
}
interface Setup {
  checkNode: (version?: string) => void;
  packagesAreStale: (root?: string) => boolean;
}
interface RedisBinary {
  findRedis: (from: { env: Record<string, string>; own: string }) => Found | undefined;
}
interface Shell {
  alone: <T>(work: () => Promise<T> | T, root: string) => Promise<T>;
}

const script = async (name: string): Promise<unknown> =>
  import(new URL(`../scripts/${name}.mjs`, import.meta.url).href);
const { checkNode, packagesAreStale } = (await script('setup')) as Setup;
const { findRedis } = (await script('redis-binary')) as RedisBinary;
const { alone } = (await script('shell')) as Shell;

describe('setup', () => {
  let root: string;
  beforeEach(async () => {
    root = await tempDir();
  });

  it('refuses a Node that is too old, and names the one it needs', () => {
    for (const good of ['20.19.0', '20.20.2', '24.1.0', '100.0.0']) checkNode(good);
    for (const old of ['18.20.0', '20.18.3', '9.11.2'])
      expect(() => checkNode(old)).to.throw(/20\.19 or newer.*this is/);
  });

  describe('packages', () => {
    const a = { version: '1.0.0', integrity: 'sha512-a' };
    const lock = (packages: object, at = 'package-lock.json') =>
      writeFile(join(root, at), JSON.stringify({ packages }));
    const installed = async (packages: object) => {
      await mkdir(join(root, 'node_modules'), { recursive: true });
      await lock(packages, 'node_modules/.package-lock.json');
    };

    it('are installed when there are none, others, too few or too many', async () => {
      await lock({ '': {}, 'node_modules/a': a });
      expect(packagesAreStale(root), 'none').to.equal(true);
      await installed({ 'node_modules/a': { ...a, version: '1.0.1' } });
      expect(packagesAreStale(root), 'others').to.equal(true);
      await installed({});
      expect(packagesAreStale(root), 'too few').to.equal(true);
      await installed({ 'node_modules/a': a, 'node_modules/b': a });
      expect(packagesAreStale(root), 'too many').to.equal(true);
    });

    it('are left alone when they are those of the lock, whatever it lists for other systems', async () => {
      await lock({ '': {}, 'node_modules/a': a, 'node_modules/for-another-system': { ...a, optional: true } });
      await installed({ 'node_modules/a': a });
      expect(packagesAreStale(root)).to.equal(false);
    });
  });

  describe('redis-server', () => {
    const fake = async (dir: string, version: string, name = 'redis-server'): Promise<string> => {
      const path = join(root, dir, name);
      await mkdir(join(root, dir), { recursive: true });
      await writeFile(path, `#!/bin/sh\necho 'Redis server v=${version} sha=00000000:0 malloc=libc'\n`, {
        mode: 0o755,
      });
      return path;
    };
    const find = (path: string[], named?: string) =>
      findRedis({
        own: join(root, 'own'),
        env: {
          PATH: [...path.map((dir) => join(root, dir)), '/nowhere'].join(':'),
          ...(named === undefined ? {} : { REDIS_SERVER: named }),
        },
      });

    it('is the named one, else the first of the PATH, else our own', async () => {
      expect(find(['first'])).to.equal(undefined);
      const own = await fake('own', '7.2.4');
      expect(find(['first'])?.server).to.equal(own);
      const second = await fake('second', '8.0.1');
      const cli = await fake('second', '8.0.1', 'redis-cli');
      expect(find(['first', 'second'])).to.deep.equal({ server: second, cli, version: '8.0.1' });
      const named = await fake('elsewhere', '7.0.0');
      expect(find(['second'], named)?.server).to.equal(named);
      expect(find(['second'], 'redis-server')?.server).to.equal(second);
    });

    it('is passed over when it is too old, and said so when there is no other', async () => {
      const old = await fake('first', '6.2.7');
      expect(() => find(['first'])).to.throw(`${old} is Redis 6.2.7, but 7.0 or newer is needed`);
      const good = await fake('second', '7.0.15');
      expect(find(['first', 'second'])?.server).to.equal(good);
      expect(() => find(['second'], old)).to.throw(/6\.2\.7/);
      expect(() => find(['second'], '/no/such/file')).to.throw(/REDIS_SERVER is \/no\/such\/file/);
    });
  });

  it('runs once at a time in a checkout, and takes over from one that was killed', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      await stat(root);
      order.push(`${name} ends`);
    };
    await Promise.all([alone(work('one'), root), alone(work('two'), root)]);
    expect(order).to.deep.equal(['one begins', 'one ends', 'two begins', 'two ends']);

    const killed = spawn('sleep', ['60']);
    const pid = killed.pid ?? 0;
    await writeFile(join(root, '.cache/setup.lock'), String(pid));
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(lifeOf(pid)).to.equal(undefined);
    expect(await alone(() => readFile(join(root, '.cache/setup.lock'), 'utf8'), root)).to.equal(String(process.pid));
  });
});
