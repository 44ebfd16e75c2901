// Forms a Redis Cluster of local redis-servers, for tests and benchmarks: node-0 … are masters with an equal share of the
// slots each, the nodes after them replicas, dealt out in turn.
// Refuses: anything that a cluster on more than one machine needs.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { removeFolder, tempDir } from '../src/redis/leftovers.ts';
import { startRedis, until, type RedisOptions, type RedisProcess } from '../src/redis/redis-server.ts';

const SLOTS = 16_384;

export interface ClusterOptions extends Omit<RedisOptions, 'port' | 'cluster' | 'name'> {
  masters?: number;
  /** Of each master. */
  replicas?: number;
}

export interface RedisCluster {
  /** Masters first. Put a restarted node in its old place: `stop()` ends what stands here. */
  readonly nodes: RedisProcess[];
  /** As REDIS_CLUSTER_NODES takes it. */
  readonly addresses: string;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const {
    masters = 3,
    replicas = 0,
    dir = await tempDir(),
    temporary = options.dir === undefined,
    ...shared
  } = options;
  const starts = Array.from({ length: masters * (1 + replicas) }, (_, index) =>
    startRedis({ ...shared, cluster: true, dir: join(dir, `node-${index}`), name: `node-${index}` }),
  );
  const started = await Promise.allSettled(starts);
  const nodes = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    if (temporary) await removeFolder(dir);
  };
  try {
    for (const start of started) if (start.status === 'rejected') throw start.reason;
    await form(nodes, masters);
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, stop, addresses: nodes.map((node) => `${node.host}:${node.port}`).join(',') };
}

/** As redis-cli moves a slot from one master to the next: mark it on both sides, migrate key by key, tell everyone. */
export async function moveSlot(masters: readonly Redis[], slot: number): Promise<void> {
  const { from, to, ids } = await openSlot(masters, slot);
  const { host, port } = masters[to]!.options;
  for (;;) {
    const keys = (await masters[from]!.call('CLUSTER', 'GETKEYSINSLOT', slot, 4)) as string[];
    if (keys.length === 0) break;
    await masters[from]!.call('MIGRATE', host!, port!, '', 0, 5_000, 'KEYS', ...keys);
    await sleep(10);
  }
  for (const at of [to, from, ...masters.keys()]) {
    await masters[at]!.call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to]!);
  }
}

/** Marks a slot as moving to the next master, and moves nothing yet. */
export async function openSlot(
  masters: readonly Redis[],
  slot: number,
): Promise<{ from: number; to: number; ids: string[] }> {
  const ids = await Promise.all(masters.map((client) => client.call('CLUSTER', 'MYID').then(String)));
  const owners = (await masters[0]!.call('CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
  const owner = owners.find(([first, last]) => first <= slot && slot <= last)?.[2][2] ?? '';
  const from = ids.indexOf(owner);
  const to = (from + 1) % masters.length;
  await masters[to]!.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', owner);
  await masters[from]!.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to]!);
  return { from, to, ids };
}

async function form(nodes: RedisProcess[], masters: number): Promise<void> {
  const clients = nodes.map((node) => new Redis(node.url, { maxRetriesPerRequest: 1 }));
  const every = (holds: (client: Redis) => Promise<boolean>) => async () =>
    (await Promise.all(clients.map(holds))).every(Boolean);
  try {
    await Promise.all(clients.map((client, index) => prepare(client, index, masters)));
    for (const [index, client] of clients.entries()) {
      for (const { host, port } of nodes.slice(index + 1)) await client.call('CLUSTER', 'MEET', host, String(port));
    }
    await until(
      'every node knows every other',
      every((client) => knowsAll(client, nodes.length)),
      20_000,
    );
    const ids = await Promise.all(clients.map((client) => client.call('CLUSTER', 'MYID').then(String)));
    await Promise.all(
      clients.slice(masters).map((client, index) => client.call('CLUSTER', 'REPLICATE', ids[index % masters] ?? '')),
    );
    await until(
      'every node calls the cluster ok',
      every((client) => works(client, nodes.length)),
      20_000,
    );
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function prepare(client: Redis, index: number, masters: number): Promise<void> {
  // Distinct epochs from the start, or the nodes would first have to resolve their collision.
  await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  if (index >= masters) return;
  const first = Math.round((index * SLOTS) / masters);
  const next = Math.round(((index + 1) * SLOTS) / masters);
  await client.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(next - 1));
}

async function knowsAll(client: Redis, count: number): Promise<boolean> {
  const lines = String(await client.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines.length === count && lines.every((line) => !/handshake|noaddr|fail| disconnected/.test(line));
}

async function works(client: Redis, count: number): Promise<boolean> {
  const [state, slots, replication] = await Promise.all([
    client.call('CLUSTER', 'INFO').then(String),
    client.call('CLUSTER', 'SLOTS') as Promise<unknown[][]>,
    client.info('replication'),
  ]);
  // What clients are told: a replica appears in it only once its master has sent it something.
  const told = slots.reduce((sum, [, , ...nodes]) => sum + nodes.length, 0);
  return (
    told === count &&
    state.includes('cluster_state:ok') &&
    state.includes(`cluster_slots_ok:${SLOTS}`) &&
    (replication.includes('role:master') || replication.includes('master_link_status:up'))
  );
}
