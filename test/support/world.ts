/**
 * Real Redis servers for suites: one Redis or a Cluster of three masters, emptied between tests, stopped by handle. A start costs
 * seconds, so suites that run one after the other share a topology, unless one leaves it dead. `topologies` lets one suite run on both.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Log } from '../../src/log/log.ts';
import type { LogOptions } from '../../src/log/log.ts';
import { startCluster } from '../../scripts/redis-cluster.ts';
import { startRedis } from '../../src/redis/redis-server.ts';
import type { RedisProcess } from '../../src/redis/redis-server.ts';

export const topologies = ['one Redis', 'a Cluster of three'] as const;
export type Topology = (typeof topologies)[number];

export interface World {
  /** A log of its own for each test, on an empty Redis. */
  readonly log: Log;
  /** A second log on the same Redis, closed after the test, as another node would have. */
  another(options?: Partial<LogOptions>): Promise<Log>;
  /** REDIS_URL or REDIS_CLUSTER_NODES for a server process. */
  readonly environment: Record<string, string>;
  readonly warnings: string[];
  /** Ends every server without warning, and gives the way to start them again on their folders and ports. */
  killRedis(): Promise<() => Promise<void>>;
}

interface Running {
  /** A server that was started again stands in its old place. */
  readonly servers: RedisProcess[];
  readonly environment: Record<string, string>;
  readonly options: LogOptions['redis'];
  stop(): Promise<void>;
}

/** Suites that are yet to run by topology, and what they share. */
const waiting = new Map<Topology, number>();
const shared = new Map<Topology, Running>();

/** Registers the hooks of a suite and gives access to what they made. */
export function useWorld(topology: Topology = 'one Redis', options: Partial<LogOptions> = {}): World {
  let redis: Running;
  let log: Log;
  const others: Log[] = [];
  const warnings: string[] = [];
  let isDown = false;
  waiting.set(topology, (waiting.get(topology) ?? 0) + 1);
  const open = (more: Partial<LogOptions> = {}) =>
    Log.open({
      redis: redis.options,
      partitions: 4,
      replicationAcks: 0,
      newSalt: () => randomBytes(8).toString('hex'),
      warn: (message) => warnings.push(message),
      ...options,
      ...more,
    });

  before(async function () {
    this.timeout(30_000);
    redis = shared.get(topology) ?? (await startTopology(topology));
    shared.set(topology, redis);
  });
  beforeEach(async () => {
    warnings.length = 0;
    await Promise.all(redis.servers.map(({ url }) => empty(url)));
    log = await open();
  });
  afterEach(() => {
    for (const other of [log, ...others.splice(0)]) other.close();
  });
  after(async () => {
    waiting.set(topology, waiting.get(topology)! - 1);
    if (waiting.get(topology)! > 0 && !isDown) return;
    shared.delete(topology);
    await redis.stop();
  });

  return {
    get log() {
      return log;
    },
    async another(more) {
      const other = await open(more);
      others.push(other);
      return other;
    },
    get environment() {
      return redis.environment;
    },
    warnings,
    async killRedis() {
      const { servers } = redis;
      isDown = true;
      await Promise.all(servers.map((server) => server.kill()));
      return async () => {
        const again = await Promise.all(servers.map((server) => startRedis(server.options)));
        servers.splice(0, servers.length, ...again);
        isDown = false;
      };
    },
  };
}

/** By a connection of its own: to open a log costs ten times as much. */
async function empty(url: string): Promise<void> {
  const client = new Redis(url);
  try {
    await client.flushall();
  } finally {
    client.disconnect();
  }
}

async function startTopology(topology: Topology): Promise<Running> {
  if (topology === 'one Redis') {
    const servers = [await startRedis()];
    const { url } = servers[0]!;
    return { servers, environment: { REDIS_URL: url }, options: { url }, stop: () => servers[0]!.stop() };
  }
  const cluster = await startCluster({ masters: 3 });
  const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  return {
    servers: cluster.nodes,
    environment: { REDIS_CLUSTER_NODES: cluster.addresses },
    options: { clusterNodes },
    stop: () => cluster.stop(),
  };
}
