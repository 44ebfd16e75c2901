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
    readers: { operator: config.REDIS_OPERATOR_PASSWORD, analytics: config.REDIS_ANALYTICS_PASSWORD },
    log: (level, message, fields) => logger[level](message, fields),
  });
  onStop(() => embedded.stop());
  return { url: embedded.url };
}

/** The same for whoever is not the server: a private Redis that nobody runs just now is started for the while. Undefined where there is none yet. */
export async function visitedAddress({
  REDIS_URL,
  REDIS_CLUSTER_NODES,
  DATA_DIR,
  REDIS_SERVER,
}: Pick<Config, 'REDIS_URL' | 'REDIS_CLUSTER_NODES' | 'DATA_DIR' | 'REDIS_SERVER'>): Promise<
  { readonly redis: RedisAddress; stop(): Promise<void> } | undefined
> {
  const stop = async () => {};
  if (REDIS_CLUSTER_NODES.length > 0) return { redis: { clusterNodes: REDIS_CLUSTER_NODES }, stop };
  if (REDIS_URL) return { redis: { url: REDIS_URL }, stop };
  const { visitEmbeddedRedis } = await import('./embedded-redis.ts');
  const visited = await visitEmbeddedRedis({ dataDir: DATA_DIR, redisServer: REDIS_SERVER, log: () => {} });
  return visited && { redis: { url: visited.url }, stop: () => visited.stop() };
}
