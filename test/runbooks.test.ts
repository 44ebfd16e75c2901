/** The backup of docs/runbooks.md as it stands there, and the command line on a private Redis, with its server and without. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { redisServer } from '../src/config.ts';
import { Log } from '../src/log/log.ts';
import { startEmbeddedRedis } from '../src/redis/embedded-redis.ts';
import { tempDir } from '../src/redis/redis-server.ts';
import { chatOn, json } from './support/command-line.ts';
import { register } from './support/projectors.ts';
import { pathWithRedisCli } from './support/redis-cli.ts';

const path = await pathWithRedisCli();
const page = readFileSync(fileURLToPath(new URL('../docs/runbooks.md', import.meta.url)), 'utf8');
const backup = /## Backup[\s\S]*?```sh\n([\s\S]*?)```/.exec(page)![1]!;

describe('a private Redis and its backup', function () {
  this.timeout(30_000);
  let folder: string;
  before(function () {
    if (path === undefined) this.skip();
  });
  beforeEach(async () => {
    folder = await tempDir();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are reached while a server runs and where none does; the copy is whole, and what came later is not in it', async () => {
    const [dataDir, copy] = [join(folder, 'data'), join(folder, 'copy')];
    const chat = (at: string) => chatOn(() => ({ DATA_DIR: at, REDIS_SERVER: redisServer() }));
    const redis = await startEmbeddedRedis({ dataDir, redisServer: redisServer(), log: () => {} });
    const options = {
      partitions: 4,
      replicationAcks: 0,
      newSalt: () => randomBytes(8).toString('hex'),
      warn: () => {},
    };
    const log = await Log.open({ redis: { url: redis.url }, ...options });
    try {
      await register(log, 1);
      const env = {
        PATH: path!,
        DATA_DIR: dataDir,
        BACKUP: copy,
      };
      await promisify(execFile)('bash', ['--norc', '-euc', backup], { env });
      await register(log, 2);
      expect(json(await chat(dataDir)('verify', '--json'))).to.deep.include({ streams: 2, differences: [] });
    } finally {
      log.close();
      await redis.stop();
    }
    expect(json(await chat(dataDir)('verify', '--json'))).to.deep.include({ streams: 2, differences: [] });
    const restored = await chat(copy)('verify', '--json');
    expect([restored.code, restored.errors]).to.deep.equal([0, '']);
    expect(json(restored)).to.deep.include({ streams: 1, differences: [] });
  });
});
