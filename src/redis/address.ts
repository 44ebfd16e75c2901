/** Which Redis a process works on: the one that its settings name, else a private one of its own, which it starts. */
import type { Config } from '../config.ts';

export interface RedisAddress {
  readonly url?: string;
  readonly clusterNodes?: Config['REDIS_CLUSTER_NODES'];
}

type Say = (message: string, fields?: Record<string, unknown>) => void;

/** `onStop` takes what ends a private Redis again. */
export async function redisAddress(
  config: Config,
  logger: Readonly<Record<'info' | 'warn' | 'error', Say>>,
  onStop: (stop: () => Promise<void>) => void,
): Promise<RedisAddress> {
  if (config.REDIS_CLUSTER_NODES.length > 0) return { clusterNodes: config.REDIS_CLUSTER_NODES };
  if (config.REDIS_URL) return { url: config.REDIS_URL };
  const { startEmbeddedRedis } = await import('./embedded-redis.ts');
  const embedded = await startEmbeddedRedis({
    dataDir: config.DATA_DIR,
    redisServer: config.REDIS_SERVER,
    log: (level, message, fields) => logger[level](message, fields),
  });
  onStop(() => embedded.stop());
  return { url: embedded.url };
}
