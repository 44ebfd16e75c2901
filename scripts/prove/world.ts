/**
 * A small world of real processes for one story: a redis-server with everything on, nodes by role, all on loopback and free ports, in
 * a folder of its own. Whatever was started is ended by `stop`, also when the story failed.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder, tempDir } from '../../src/redis/leftovers.ts';
import { freePort, startRedis } from '../../src/redis/redis-server.ts';
import type { RedisOptions, RedisProcess } from '../../src/redis/redis-server.ts';
import { UNLIMITED } from '../unlimited.ts';
import { Ledgers } from './ledger.ts';
import { NodeProcess } from './node-process.ts';
import { Proxy } from './proxy.ts';
import type { RedisTarget } from './truth.ts';

export const SECRET_KEY = 'a secret of the stories, of more than 32 characters';

export type Role = 'api' | 'gateway' | 'projector';

export interface WorldOptions {
  readonly partitions?: number;
  /** Lines of redis.conf over the defaults; false: the story brings its own Redis. */
  readonly redis?: RedisOptions | false;
}

const NODE_SETTINGS = {
  HOST: '127.0.0.1',
  SECRET_KEY,
  PASSWORD_HASH_COST: '4',
  DEFAULT_CHANNELS: '',
  ACCESS_TOKEN_EXPIRE_MINUTES: '1440',
  ...UNLIMITED,
};

export class World {
  readonly folder: string;
  readonly partitions: number;
  readonly ledgers: Ledgers;
  readonly nodes: NodeProcess[] = [];
  /** Of the Redis that was started last. */
  redisKills = 0;
  private server: RedisProcess | undefined;
  private made = 0;
  private readonly proxies: Proxy[] = [];
  private readonly ends: (() => Promise<unknown> | void)[] = [];

  private constructor(folder: string, partitions: number) {
    this.folder = folder;
    this.partitions = partitions;
    this.ledgers = new Ledgers(join(folder, 'ledgers'));
  }

  static async start({ partitions = 8, redis = {} }: WorldOptions = {}): Promise<World> {
    const world = new World(await tempDir('rill-prove-'), partitions);
    if (redis !== false) world.server = await startRedis({ dir: join(world.folder, 'redis'), ...redis });
    return world;
  }

  get redis(): RedisProcess {
    if (!this.server) throw new Error('this world has no Redis of its own');
    return this.server;
  }

  /** Where the truth is read. */
  get target(): RedisTarget {
    return { url: this.redis.url };
  }

  /** `kill -9` of Redis. */
  async killRedis(): Promise<void> {
    this.redisKills += 1;
    await this.redis.kill();
  }

  /** The same folder and port again. */
  async restartRedis(more: Partial<RedisOptions> = {}): Promise<void> {
    this.server = await startRedis({ ...this.redis.options, ...more });
  }

  /** Another Redis of the story's; ended with the world. */
  async anotherRedis(name: string, settings: Record<string, string> = {}): Promise<RedisProcess> {
    const server = await startRedis({ dir: join(this.folder, name), name, settings });
    this.ends.push(() => server.stop());
    return server;
  }

  async proxy(port: number): Promise<Proxy> {
    const proxy = await Proxy.open(port);
    this.proxies.push(proxy);
    return proxy;
  }

  /** Starts a node and waits until it is ready. Settings over the defaults; REDIS_URL is this world's unless they say otherwise. */
  async node(roles: readonly Role[], settings: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
    const node = await this.newNode(roles, settings);
    await node.start();
    return node;
  }

  async newNode(roles: readonly Role[], settings: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
    this.made += 1;
    const name = `${roles.join('-')}-${this.made}`;
    const port = await freePort();
    const own = settings['REDIS_URL'] ?? settings['REDIS_CLUSTER_NODES'] ?? settings['DATA_DIR'];
    const environment = {
      ...NODE_SETTINGS,
      PORT: String(port),
      ROLES: roles.join(','),
      PARTITIONS: String(this.partitions),
      ...(own === undefined ? { REDIS_URL: this.redis.url } : {}),
      ...settings,
    };
    return this.add({ name, port, environment });
  }

  /** Another program of the stories' own, as a process of this world. */
  async program(name: string, program: string, environment: Readonly<Record<string, string>>): Promise<NodeProcess> {
    const node = await this.add({ name, port: 0, environment, program });
    await node.start();
    return node;
  }

  /** Addresses of the nodes with a role, dead or alive. */
  bases(role: Role): string[] {
    return this.nodes
      .filter((node) => node.settings.environment['ROLES']?.split(',').includes(role))
      .map((node) => node.base);
  }

  /** Done when the world ends, in reverse. */
  atEnd(end: () => Promise<unknown> | void): void {
    this.ends.push(end);
  }

  async stop(): Promise<void> {
    // Nothing of it is wanted any more, so nobody is asked to finish.
    await Promise.allSettled(this.nodes.map((node) => node.kill()));
    await Promise.allSettled(this.proxies.map((proxy) => proxy.close()));
    for (const end of this.ends.toReversed()) await Promise.resolve(end()).catch(() => {});
    await this.server?.stop().catch(() => {});
    await removeFolder(this.folder);
  }

  private async add(settings: Omit<NodeProcess['settings'], 'logFile'>): Promise<NodeProcess> {
    await mkdir(this.folder, { recursive: true });
    const node = new NodeProcess({ ...settings, logFile: join(this.folder, `${settings.name}.log`) });
    this.nodes.push(node);
    return node;
  }
}
