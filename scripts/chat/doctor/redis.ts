/** What Redis must be so that the promises can be kept, on every master. */
import type { Redis } from 'ioredis';
import type { Config } from '../../../src/config.ts';
import type { Connection } from '../../../src/log/connection.ts';
import { infoFields, setting } from '../../../src/log/server-info.ts';
import { bytes } from '../printing.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** One master, and what it says of itself. */
export interface Master {
  /** With a blank before it; nothing where there is one alone. */
  readonly name: string;
  readonly client: Redis;
  readonly info: ReadonlyMap<string, string>;
}

const FULL = 0.8;
const FRAGMENTED = 1.8;
const CLOCK_MS = { warning: 1_000, problem: 60_000 };
const SLOTS = 16_384;
/** A node with more of the slots than this many times its share is worth a word. */
const UNEVEN = 1.5;

export async function mastersOf(connection: Connection): Promise<Master[]> {
  const masters = connection.masters();
  return Promise.all(
    masters.map(async (client) => {
      const { host, port } = client.options;
      return { name: masters.length > 1 ? ` ${host}:${port}` : '', client, info: infoFields(await client.info()) };
    }),
  );
}

export function checkRedis(masters: readonly Master[]): Finding[] {
  return masters.flatMap(({ name, info }) => {
    const version = info.get('redis_version') ?? '?';
    const [used, most] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))];
    const policy = info.get('maxmemory_policy');
    const ratio = Number(info.get('mem_fragmentation_ratio'));
    const limit = most > 0 ? `${bytes(used)} of ${bytes(most)}` : `${bytes(used)}, no limit`;
    return [
      finding(`Redis${name}`, `version ${version}, ${info.get('redis_mode')}, up ${info.get('uptime_in_seconds')} s`, [
        Number(version.split('.')[0]) < 7 && { state: 'problem', advice: 'Redis 7.0 or newer is needed' },
      ]),
      finding(`memory${name}`, `${limit}, ${policy}, fragmentation ${ratio}`, [
        policy !== 'noeviction' && {
          state: 'problem',
          advice: 'what is acknowledged could be evicted: CONFIG SET maxmemory-policy noeviction, and in redis.conf',
        },
        most > 0 &&
          used > FULL * most && {
            state: 'warning',
            advice: 'at maxmemory nothing new is taken: give it more, or set ARCHIVE_AFTER_DAYS',
          },
        ratio > FRAGMENTED &&
          used > 100 * 2 ** 20 && {
            state: 'warning',
            advice: 'much memory is held and not used: CONFIG SET activedefrag yes gives it back',
          },
      ]),
    ];
  });
}

export async function checkPersistence(masters: readonly Master[], config: Config): Promise<Finding[]> {
  return Promise.all(
    masters.map(async ({ name, client, info }) => {
      const [fsync, preamble, node, replicas] = await Promise.all(
        ['appendfsync', 'aof-use-rdb-preamble', 'stream-node-max-bytes', 'min-replicas-to-write'].map((asked) =>
          setting(client, asked),
        ),
      );
      const isOn = info.get('aof_enabled') === '1';
      const failed = ['aof_last_write_status', 'aof_last_bgrewrite_status'].filter(
        (status) => (info.get(status) ?? 'ok') !== 'ok',
      );
      const facts = [
        `appendonly ${isOn ? 'yes' : 'no'}`,
        `appendfsync ${fsync ?? '?'}`,
        `stream nodes of ${node ?? '?'} bytes`,
      ];
      return finding(`append-only file${name}`, facts.join(', '), [
        !isOn && {
          state: 'problem',
          advice: 'what is acknowledged would be lost: CONFIG SET appendonly yes, and in redis.conf',
        },
        failed.length > 0 && {
          state: 'problem',
          advice: `${failed.join(', ')}: the last write of the file failed; see whether the disk is full`,
        },
        fsync !== undefined &&
          fsync !== 'always' && {
            state: 'warning',
            advice: 'a power cut may lose the last second, and acks say "memory": CONFIG SET appendfsync always',
          },
        config.REPLICATION_ACKS > 0 &&
          replicas === '0' && {
            state: 'warning',
            advice: 'min-replicas-to-write 1 keeps a master that is cut off from taking what nobody else has',
          },
        preamble === 'yes' && {
          state: 'warning',
          advice: 'erased text stays in the file after a rewrite: CONFIG SET aof-use-rdb-preamble no',
        },
        node !== undefined &&
          Number(node) > 1_024 && {
            state: 'warning',
            advice: 'short conversations take some kilobytes each: CONFIG SET stream-node-max-bytes 1024 takes a third',
          },
      ]);
    }),
  );
}

/** Ids carry Redis' clock, tokens this machine's. */
export async function checkClock(connection: Connection): Promise<Finding> {
  const offsets = await Promise.all(
    connection.masters().map(async (master) => {
      const began = Date.now();
      const [seconds, micros] = await master.time();
      const middle = (began + Date.now()) / 2;
      return Number(seconds) * 1_000 + Number(micros) / 1_000 - middle;
    }),
  );
  const most = Math.max(...offsets.map(Math.abs));
  const advice = 'let both machines ask the same time server (chrony, systemd-timesyncd)';
  return finding('clock', `Redis and this machine differ by ${most.toFixed(0)} ms`, [
    most > CLOCK_MS.problem && { state: 'problem', advice },
    most > CLOCK_MS.warning && { state: 'warning', advice },
  ]);
}

export async function checkSlots(connection: Connection): Promise<Finding[]> {
  const [master] = connection.masters();
  const info = infoFields(String(await master!.cluster('INFO')));
  const nodes = String(await master!.cluster('NODES'))
    .split('\n')
    .filter(Boolean);
  const assigned = Number(info.get('cluster_slots_assigned'));
  const moving = nodes.filter((node) => node.includes('[')).length;
  const masters = nodes.filter((node) => /\bmaster\b/.test(node) && !/\bfail\b/.test(node));
  const shares = masters.map(slotsOf).filter((count) => count > 0);
  const bare = masters.filter((node) => slotsOf(node) > 0 && !nodes.some((other) => isReplicaOf(other, node)));
  const isUneven = Math.max(...shares) > (UNEVEN * SLOTS) / shares.length;
  const isWell = info.get('cluster_state') === 'ok' && assigned === SLOTS;
  return [
    finding(
      'slots',
      `${assigned} of ${SLOTS} assigned to ${shares.length} masters (${shares.join(', ')}), ${moving} nodes move some`,
      [
        !isWell && {
          state: 'problem',
          advice: '`redis-cli --cluster check` names the slots that nobody serves, `--cluster fix` assigns them',
        },
        isUneven && {
          state: 'warning',
          advice: '`redis-cli --cluster rebalance` spreads them evenly, also under load',
        },
      ],
    ),
    finding('replicas', `${bare.length} of ${shares.length} masters have none`, [
      bare.length > 0 && {
        state: 'warning',
        advice: 'when such a master is lost, its partitions are away: add a replica',
      },
    ]),
  ];
}

const slotsOf = (node: string): number =>
  node
    .split(' ')
    .slice(8)
    .filter((range) => !range.startsWith('['))
    .reduce((sum, range) => {
      const [from, to = from] = range.split('-').map(Number);
      return sum + (to! - from! + 1);
    }, 0);

const isReplicaOf = (other: string, node: string): boolean =>
  /\bslave\b/.test(other) && other.split(' ')[3] === node.split(' ')[0];
