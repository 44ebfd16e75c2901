/**
 * How a command comes to the log: the Redis that the settings name, a Cluster, or the private one of a data folder, which is started for
 * the while where no server runs on it. Needs no secret, and changes nothing by coming.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from '../../src/config.ts';
import { archiveFilesOf } from '../../src/files/file-store.ts';
import type { RedisAddress } from '../../src/log/connection.ts';
import { Log } from '../../src/log/log.ts';
import { visitedAddress } from '../../src/redis/address.ts';
import { Problem } from './problem.ts';
import type { Terminal } from './terminal.ts';

/** A person waits. */
const CONNECT_WITHIN_MS = 5_000;

export async function withRedis<T>(config: Config, task: (redis: RedisAddress) => Promise<T>): Promise<T> {
  const visited = await visitedAddress(config);
  if (!visited)
    throw new Problem(
      'no_data',
      `no server has used ${config.DATA_DIR} yet: start one, or set DATA_DIR, REDIS_URL or REDIS_CLUSTER_NODES`,
    );
  try {
    return await task(visited.redis);
  } finally {
    await visited.stop();
  }
}

export interface Visit {
  readonly redis: RedisAddress;
  readonly config: Config;
  readonly terminal: Terminal;
}

export async function withLogAt<T>({ redis, config, terminal }: Visit, task: (log: Log) => Promise<T>): Promise<T> {
  // Why it could not be reached is said once, in the end; what `doctor` finds is its matter.
  let isOpen = false;
  const log = await Log.open({
    redis,
    partitions: 'as it was first used',
    replicationAcks: 0,
    archive: archiveFilesOf(config),
    newSalt: () => randomBytes(8).toString('hex'),
    warn: (message) => {
      if (isOpen) terminal.tell(`${message}\n`);
    },
    connectWithinMs: CONNECT_WITHIN_MS,
  });
  isOpen = true;
  try {
    return await task(log);
  } finally {
    log.close();
  }
}
