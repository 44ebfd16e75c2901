/**
 * How a command comes to the log: the Redis that the settings name, a Cluster, or the private one of a data folder, which is started for
 * the while where no server runs on it. Needs no secret, and changes nothing by coming.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from '../../src/config.ts';
import { archiveFilesOf } from '../../src/files/file-store.ts';
import type { RedisAddress } from '../../src/log/connection.ts';
import { Log } from '../../src/log/log.ts';
import { visitEmbeddedRedis } from '../../src/redis/embedded-redis.ts';
import { Problem } from './problem.ts';
import type { Terminal } from './terminal.ts';

/** A person waits. */
const CONNECT_WITHIN_MS = 5_000;

export async function withRedis<T>(config: Config, task: (redis: RedisAddress) => Promise<T>): Promise<T> {
  const { REDIS_URL, REDIS_CLUSTER_NODES, DATA_DIR, REDIS_SERVER } = config;
  if (REDIS_CLUSTER_NODES.length > 0) return task({ clusterNodes: REDIS_CLUSTER_NODES });
  if (REDIS_URL) return task({ url: REDIS_URL });
  const redis = await visitEmbeddedRedis({ dataDir: DATA_DIR, redisServer: REDIS_SERVER, log: () => {} });
  if (!redis)
    throw new Problem(
      'no_data',
      `no server has used ${DATA_DIR} yet: start one, or set DATA_DIR, REDIS_URL or REDIS_CLUSTER_NODES`,
    );
  try {
    return await task({ url: redis.url });
  } finally {
    await redis.stop();
  }
}

export function withLogOf<T>(config: Config, terminal: Terminal, task: (log: Log) => Promise<T>): Promise<T> {
  return withRedis(config, async (redis) => {
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
  });
}
