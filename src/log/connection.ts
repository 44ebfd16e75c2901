/**
 * Connections to one Redis or to a Redis Cluster, behind one shape. Owns client options, deadlines, the translation of Redis errors
 * into ours, and the checks at start. Refuses a server that would lose or evict what was acknowledged.
 */
import type { Socket } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import type { Command, RedisOptions } from 'ioredis';
import keySlot from 'cluster-key-slot';
import { ChatError, fail, reasonOf } from '../errors.ts';
import type { Durability } from '../envelope.ts';
import { PARTITIONS_KEY } from '../keys.ts';
import type { Publish } from './scripts.ts';
import { infoFields, setting } from './server-info.ts';

export interface RedisAddress {
  readonly url?: string;
  readonly clusterNodes?: readonly { host: string; port: number }[];
}

/** How a part tells operators something: a line of the log. */
export type Say = (message: string, fields?: Record<string, unknown>) => void;
export type Warn = Say;

/** A command that has no answer after this long has an unknown outcome. */
const COMMAND_DEADLINE_MS = 5_000;
/** A blocked read asks for at most this long, so that a dead connection is noticed. */
export const BLOCK_MS = 2_000;

const common: RedisOptions = {
  protocol: 3,
  replyMapping: 'legacy',
  connectTimeout: 3_000,
  // A queue for the time without a server would run commands long after their caller was told that they failed.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1_000) + Math.random() * 100,
};

export class Connection {
  readonly commands: Redis | Cluster;
  readonly isCluster: boolean;
  /** How many connections are open, and how often one was lost, which a stop is as well. */
  readonly counts = { open: 0, lost: 0 };
  private readonly address: RedisAddress;
  private readonly warn: Warn;

  private constructor(address: RedisAddress, warn: Warn) {
    this.address = address;
    this.warn = warn;
    this.isCluster = (address.clusterNodes?.length ?? 0) > 0;
    this.commands = this.client();
  }

  /** Another connected client for short commands, for those who cannot share a connection. */
  async another(): Promise<Redis | Cluster> {
    const client = this.client();
    if (client instanceof Redis) await client.connect();
    else await new Promise((resolve) => client.once('ready', resolve));
    return client;
  }

  get publishCommand(): Publish {
    return this.isCluster ? 'SPUBLISH' : 'PUBLISH';
  }

  private client(): Redis | Cluster {
    const client = this.isCluster
      ? new Cluster([...this.address.clusterNodes!], {
          enableOfflineQueue: false,
          slotsRefreshTimeout: 2_000,
          slotsRefreshInterval: 10_000,
          maxRedirections: 32,
          retryDelayOnTryAgain: 100,
          retryDelayOnFailover: 200,
          retryDelayOnClusterDown: 200,
          clusterRetryStrategy: (times) => Math.min(100 * times, 1_000),
          redisOptions: { ...common, commandTimeout: COMMAND_DEADLINE_MS },
        })
      : new Redis(this.address.url!, { ...common, commandTimeout: COMMAND_DEADLINE_MS, lazyConnect: true });
    client.on('error', rateLimited(this.warn, 'Redis connection'));
    const begin = (one: Redis) => {
      gatherWrites(one);
      this.count(one);
    };
    if (client instanceof Redis) begin(client);
    else client.on('+node', begin);
    translateErrors(client);
    return client;
  }

  /** Connects, and waits until the server answers and has loaded its data. Throws `unavailable` after the deadline. */
  static async open(address: RedisAddress, warn: Warn, deadlineMs = 30_000): Promise<Connection> {
    const connection = new Connection(address, warn);
    const ends = Date.now() + deadlineMs;
    for (;;) {
      try {
        if (connection.commands.status === 'wait') await (connection.commands as Redis).connect();
        await connection.commands.get(PARTITIONS_KEY);
        return connection;
      } catch (error) {
        if (Date.now() > ends) {
          connection.close();
          throw fail('unavailable', `Redis does not answer: ${reasonOf(error)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Each master's client, for what has no key: settings, SCAN. */
  masters(): Redis[] {
    return this.commands instanceof Cluster ? this.commands.nodes('master') : [this.commands];
  }

  /** The same after asking who they are now: a SCAN is never redirected, so after a failover it could miss a whole master. */
  async mastersNow(): Promise<Redis[]> {
    await this.askOwners();
    return this.masters();
  }

  /** Asks a Cluster which server owns what: at once after a sign that something moved, else it is found out within seconds. */
  async askOwners(): Promise<void> {
    const { commands } = this;
    if (commands instanceof Cluster) await new Promise<void>((resolve) => commands.refreshSlotsCache(() => resolve()));
  }

  /** The server that owns a key, as far as is known: the same text for the same server. */
  ownerOf(key: string): string {
    const owner = this.commands instanceof Cluster ? ownerOf(this.commands, key) : undefined;
    return owner ? `${owner.host}:${owner.port}` : '';
  }

  /**
   * A connection of its own for one loop that blocks or listens, to the server which owns `key` now. On a Cluster the caller closes it and
   * asks again after any error: the slot may have moved.
   */
  async forBlocking(key: string): Promise<Redis> {
    const options: RedisOptions = {
      ...common,
      // The loop itself repeats its read from its own cursor, so a retry inside the client could only deliver out of turn.
      autoResendUnfulfilledCommands: false,
      commandTimeout: BLOCK_MS * 2,
      lazyConnect: true,
      retryStrategy: () => null,
    };
    const owner = this.commands instanceof Cluster ? ownerOf(this.commands, key) : undefined;
    if (this.isCluster && !owner) throw fail('unavailable', 'No master owns this slot');
    const client = owner ? new Redis({ ...owner, ...options }) : new Redis(this.address.url!, options);
    client.on('error', () => {});
    this.count(client);
    await client.connect();
    return client;
  }

  private count(client: Redis): void {
    const { counts } = this;
    let isOpen = false;
    client.on('ready', () => {
      if (!isOpen) counts.open += 1;
      isOpen = true;
    });
    client.on('close', () => {
      if (isOpen) {
        counts.open -= 1;
        counts.lost += 1;
      }
      isOpen = false;
    });
  }

  close(): void {
    this.commands.disconnect();
  }

  /** What an acknowledgement may promise here, by the settings of the real servers. Throws where a promise could not be kept. */
  async checkServers(replicationAcks: number): Promise<Durability> {
    let durability: Durability = replicationAcks > 0 ? 'replicated' : 'disk';
    for (const master of this.masters()) {
      const info = infoFields(await master.info());
      const [version = '0'] = (info.get('redis_version') ?? '').split('.');
      if (Number(version) < 7) throw new Error(`Redis 7.0 or newer is needed, this one is ${version}`);
      if (info.get('aof_enabled') !== '1') {
        throw new Error('Redis has no append-only file: what is acknowledged would be lost. Set appendonly yes');
      }
      const [fsync, policy] = await Promise.all([setting(master, 'appendfsync'), setting(master, 'maxmemory-policy')]);
      const evicts = policy ?? info.get('maxmemory_policy');
      if (evicts !== 'noeviction')
        throw new Error(`Redis may evict data (maxmemory-policy ${evicts}). Set it to noeviction`);
      if (fsync !== 'always') {
        durability = 'memory';
        this.warn(`appendfsync is ${fsync ?? 'not readable'}: a power cut may lose the last second, acks say "memory"`);
      }
    }
    return durability;
  }
}

/**
 * What one turn of the event loop asks of a connection leaves in one write, which is a third cheaper than writes of their own when many ask.
 * The client's own pipelines would gather as well, but survive every young collection, which makes a full one a second under load.
 */
function gatherWrites(client: Redis): void {
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command, stream) => {
    const socket = client.stream as Socket | undefined;
    if (socket?.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    return send(command, stream);
  };
}

function ownerOf(cluster: Cluster, key: string): { host: string; port: number } | undefined {
  const node = cluster.slots[keySlot(key)]?.[0];
  if (!node) return undefined;
  const colon = node.lastIndexOf(':');
  return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) };
}

/** Errors of a lost connection come by the hundred in a failover: one line a second is enough. */
function rateLimited(warn: Warn, what: string): (error: Error) => void {
  let last = 0;
  return (error) => {
    if (Date.now() - last < 1_000) return;
    last = Date.now();
    warn(`${what}: ${error.message}`);
  };
}

/** Before these the server did nothing; after the others it may have done the command. */
const NOT_DONE =
  /^(LOADING|CLUSTERDOWN|READONLY|NOREPLICAS|OOM|MISCONF|MASTERDOWN|TRYAGAIN|BUSY |NOAUTH|WRONGPASS)|enableOfflineQueue options is false|ECONNREFUSED|None of startup nodes|Failed to refresh slots/;
const IN_DOUBT = /timed out|Connection is closed|max retries|ECONNRESET|EPIPE|Too many Cluster redirections|ETIMEDOUT/;

/**
 * What a command throws is translated on its way out, also of a Cluster's client once that has followed redirections. What goes out in a
 * pipeline is not: the client looks at those errors itself.
 */
function translateErrors(client: Redis | Cluster): void {
  const send: SendCommand = client.sendCommand.bind(client);
  client.sendCommand = (command: Command, stream?: Stream, node?: unknown) => {
    if (stream === undefined) {
      const { reject } = command;
      command.reject = (error) => reject(asRedisFailure(error));
    }
    return send(command, stream, node);
  };
}

type Stream = Parameters<Cluster['sendCommand']>[1];
type SendCommand = (command: Command, stream?: Stream, node?: unknown) => unknown;

/** The same for one of a Cluster's masters, which is asked past the client. */
export async function translated<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw asRedisFailure(error);
  }
}

/** What a caller is told of a failed Redis command: `unavailable` (not done), `unknown_outcome` (perhaps done), or a defect. */
export function asRedisFailure(error: unknown): ChatError | Error {
  if (error instanceof ChatError) return error;
  const { message } = error as Error;
  if (NOT_DONE.test(message)) return fail('unavailable', 'The log cannot be written right now', { cause: error });
  if (IN_DOUBT.test(message)) return fail('unknown_outcome', undefined, { cause: error });
  return error as Error;
}
