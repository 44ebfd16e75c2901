/**
 * A Cluster of six. A primary is killed under load and started again once its replica took over: writes come back within eight seconds,
 * and with REPLICATION_ACKS=1 nothing that was acknowledged is lost. A slot is moved under load, key by key: every command goes through, if need be after a repeat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import keySlot from 'cluster-key-slot';
import { Keys, conversationStream } from '../../../src/keys.ts';
import { moveSlot, startCluster } from '../../redis-cluster.ts';
import type { RedisCluster } from '../../redis-cluster.ts';
import { startRedis } from '../../../src/redis/redis-server.ts';
import { cast } from '../cast.ts';
import type { Cast } from '../cast.ts';
import { eventually, Findings, judge, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';
import { codesOf } from './kills.ts';

const BACK_WITHIN_MS = 8_000;
const MASTERS = 3;

export const primaryKilled: Story = {
  name: 'primary-killed',
  about: 'a primary of a Cluster of six killed under load, with REPLICATION_ACKS=1',
  run: (options) => told(options, killPrimaries),
};

export const slotMoved: Story = {
  name: 'slot-moved',
  about: 'a slot of a Cluster moved to another primary under load',
  run: (options) => told(options, moveSlots),
};

interface At {
  readonly options: StoryOptions;
  readonly findings: Findings;
  readonly world: World;
  readonly cluster: RedisCluster;
  readonly stage: Cast;
}

async function told(options: StoryOptions, change: (at: At) => Promise<void>) {
  const findings = new Findings(options.seed);
  return within(findings, await World.start({ redis: false, partitions: 6 }), async (world) => {
    const cluster = await startCluster({ masters: MASTERS, replicas: 1, dir: `${world.folder}/cluster` });
    world.atEnd(() => cluster.stop());
    const settings = { REDIS_CLUSTER_NODES: cluster.addresses, REPLICATION_ACKS: '1' };
    const both = ['api', 'gateway', 'projector'] as const;
    await Promise.all(
      options.short ? [world.node(both, settings)] : [world.node(both, settings), world.node(both, settings)],
    );
    const truth = new Truth({ clusterNodes: cluster.nodes.map(({ host, port }) => ({ host, port })) });
    world.atEnd(() => truth.close());
    const size = options.short
      ? { writers: 6, readers: 3, conversations: 6 }
      : { writers: 16, readers: 8, conversations: 12 };
    const stage = await cast(world, findings.random, { ...size, writing: { pace: 30 } });
    for (const client of [...stage.writers, ...stage.readers]) client.start();
    await sleep(500);
    await change({ options, findings, world, cluster, stage });
    await settle(findings, truth, stage.writers, stage.readers);
    await judge(findings, world, truth);
    findings.count('repeated', sum(stage.writers.map((w) => w.repeats)));
    findings.expect(sum(stage.writers.map((w) => w.refused)) === 0, `refused: ${codesOf(stage.writers)}`);
    findings.expect(sum(stage.readers.map((r) => r.resets)) === 0, 'a reader was reset though nothing was lost');
    for await (const line of world.ledgers.lines()) {
      if (line.line === 'acked' && line.durability !== 'replicated')
        findings.expect(false, `an ack says ${line.durability}`);
    }
  });
}

async function killPrimaries({ options, findings, cluster, stage }: At): Promise<void> {
  const { random } = findings;
  const rounds = options.short ? 1 : Math.max(3, Math.round((options.minutes ?? 2) * 2));
  let takeover = 0;
  for (let round = 0; round < rounds; round += 1) {
    const primaries = await primariesOf(cluster);
    const at = random.pick(primaries);
    const killed = cluster.nodes[at]!;
    const before = stage.writers.map((writer) => writer.acked);
    const started = Date.now();
    await killed.kill();
    const taken = await eventually(async () => (await primariesOf(cluster)).length === MASTERS, 20_000);
    findings.expect(taken, `no replica took over from ${killed.name}`);
    takeover = Math.max(takeover, Date.now() - started);
    // What supervises Redis starts it again: with one replica each, an acknowledgement by two waits for it to be that replica.
    cluster.nodes[at] = await startRedis(killed.options);
    // Each writer picks its conversations at random and repeats until it is through: when all go on, every slot is served.
    const goesOn = () => stage.writers.every((writer, i) => writer.acked > before[i]! + 8);
    findings.expect(await eventually(goesOn, 30_000), `writes did not come back after ${killed.name} was killed`);
    const whole = await eventually(async () => (await replicasInStep(cluster)) === MASTERS, 30_000);
    findings.expect(whole, `${killed.name} did not come back as a replica`);
    await sleep(options.short ? 200 : 5_000);
  }
  const silence = Math.max(...stage.writers.map((w) => w.longestSilenceMs));
  findings.count('primaries killed', rounds);
  findings.count('longest silence ms', silence);
  findings.count('until a replica took over ms', takeover);
  findings.expect(silence <= BACK_WITHIN_MS, `a writer waited ${silence} ms`);
}

async function moveSlots({ options, findings, world, cluster, stage }: At): Promise<void> {
  const keys = new Keys(world.partitions);
  const partitions = [...new Set(stage.conversations.map((id) => keys.partitionOf(id)))];
  const moves = options.short ? 1 : partitions.length;
  for (const conversation of stage.conversations.slice(0, moves)) {
    const slot = keySlot(keys.of(conversationStream(conversation), 'log'));
    const masters = cluster.nodes.slice(0, MASTERS).map((node) => new Redis(node.url));
    await moveSlot(masters, slot).finally(() => masters.forEach((master) => master.disconnect()));
    await sleep(500);
  }
  findings.count('slots moved', moves);
}

async function ask<T>(url: string, question: (client: Redis) => Promise<T>, otherwise: T): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    return await question(client);
  } catch {
    return otherwise;
  } finally {
    client.disconnect();
  }
}

async function primariesOf(cluster: RedisCluster): Promise<number[]> {
  const infos = await Promise.all(cluster.nodes.map(({ url }) => ask(url, (c) => c.info('replication'), '')));
  return infos.flatMap((info, i) => (info.includes('role:master') ? [i] : []));
}

async function replicasInStep(cluster: RedisCluster): Promise<number> {
  const infos = await Promise.all(cluster.nodes.map(({ url }) => ask(url, (c) => c.info('replication'), '')));
  return infos.filter((info) => info.includes('role:slave') && info.includes('master_link_status:up')).length;
}
