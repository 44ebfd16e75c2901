/**
 * Lost state is told: a Redis restored from an older copy, a failover that lost entries, FLUSHALL. What was acknowledged meanwhile is
 * gone, and nobody can change that; but every reader that saw it is told by `sync.reset`, goes on without a gap, and agrees with the
 * log again. Projectors come back by themselves, at their checkpoint and without a hot loop.
 */
import { cp, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../cast.ts';
import type { Cast } from '../cast.ts';
import { pagesAgree } from '../pages.ts';
import { eventually, Findings, judge, projected, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import type { RedisTarget } from '../truth.ts';
import { World } from '../world.ts';
import type { Role } from '../world.ts';

const ALL: readonly Role[] = ['api', 'gateway', 'projector'];
const MOST_RETRIES_A_SECOND = 2;

export const restored: Story = {
  name: 'restored',
  about: 'Redis comes back from an older copy: readers are told and converge',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), async (world) => {
      await Promise.all([world.node(ALL), world.node(ALL)]);
      const stage = await begin(options, findings, world);
      await sleep(stretch(options));
      const copy = `${world.folder}/copy`;
      process.kill(world.redis.pid, 'SIGSTOP');
      await cp(world.redis.dir, copy, { recursive: true });
      process.kill(world.redis.pid, 'SIGCONT');
      await sleep(stretch(options));
      await world.killRedis();
      await rm(world.redis.dir, { recursive: true });
      await cp(copy, world.redis.dir, { recursive: true });
      await world.restartRedis();
      await sleep(stretch(options));
      await end(findings, world, stage, world.target);
    });
  },
};

export const failover: Story = {
  name: 'failover',
  about: 'a replica that lacks the last entries takes over: readers are told and converge',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), async (world) => {
      const replication = await world.proxy(world.redis.port);
      const replica = await world.anotherRedis('replica', { replicaof: `127.0.0.1 ${replication.port}` });
      const door = await world.proxy(world.redis.port);
      await Promise.all([world.node(ALL, { REDIS_URL: door.url }), world.node(ALL, { REDIS_URL: door.url })]);
      const stage = await begin(options, findings, world);
      const second = new Truth({ url: replica.url });
      world.atEnd(() => second.close());
      const inStep = async () => (await second.client.info('replication')).includes('master_link_status:up');
      findings.expect(await eventually(inStep), 'the replica never came into step');
      await sleep(stretch(options));
      replication.freeze();
      await sleep(stretch(options));
      await world.killRedis();
      await second.client.call('REPLICAOF', 'NO', 'ONE');
      door.pointAt(replica.port);
      await sleep(stretch(options));
      await end(findings, world, stage, { url: replica.url });
    });
  },
};

export const flushed: Story = {
  name: 'flushed',
  about: 'groups destroyed, then FLUSHALL: projectors come back without a hot loop, readers are told',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), async (world) => {
      await Promise.all([world.node(ALL), world.node(ALL)]);
      const stage = await begin(options, findings, world);
      const truth = new Truth(world.target);
      world.atEnd(() => truth.close());
      await sleep(stretch(options) / 2);
      for (const feed of await truth.keys('chat:{*}:feed')) await truth.client.xgroup('DESTROY', feed, 'views');
      await sleep(stretch(options) / 2);
      await Promise.all(stage.writers.map((writer) => writer.stop()));
      await projected(findings, truth);
      await truth.client.flushall();
      const nowhere = new Map<string, string>();
      const told = () => stage.readers.every((reader) => reader.hasReached(nowhere));
      if (!(await eventually(told, 10_000)))
        findings.expect(false, `not told of FLUSHALL: ${stage.readers.map((r) => r.lacks(nowhere)).find(Boolean)}`);
      findings.count('told to reload', sum(stage.readers.map((r) => r.resets)));
      // Life goes on: other people, other rooms, on the same nodes.
      const next = await cast(world, findings.random, { ...size(options), prefix: 'next-' });
      for (const client of [...next.writers, ...next.readers]) client.start();
      await sleep(stretch(options));
      await Promise.all(stage.readers.map((reader) => reader.stop()));
      await end(findings, world, next, world.target, false);
    });
  },
};

const stretch = ({ short, minutes = 0.5 }: StoryOptions): number => (short ? 600 : (minutes * 60_000) / 3);
const size = ({ short }: StoryOptions) => ({
  writers: short ? 4 : 12,
  readers: short ? 6 : 24,
  conversations: short ? 4 : 12,
  writing: { pace: 40 },
});

async function begin(options: StoryOptions, { random }: Findings, world: World): Promise<Cast> {
  const stage = await cast(world, random, size(options));
  for (const client of [...stage.writers, ...stage.readers]) client.start();
  return stage;
}

async function end(
  findings: Findings,
  world: World,
  { writers, readers, audience, conversations }: Cast,
  target: RedisTarget,
  mustBeTold = true,
): Promise<void> {
  const truth = new Truth(target);
  world.atEnd(() => truth.close());
  await settle(findings, truth, writers, readers);
  const report = await judge(findings, world, truth, ['lost']);
  if (mustBeTold) {
    findings.count('told to reload', sum(readers.map((r) => r.resets)));
    findings.expect(report.faults.lost > 0, 'nothing was lost, so nothing was shown');
    const untold = readers.filter((reader) => reader.resets === 0);
    findings.expect(untold.length === 0, `${untold.length} readers were told nothing`);
  }
  findings.count('pages equal', await pagesAgree(findings, truth, world.bases('api'), audience, conversations));
  await projected(findings, truth);
  const busiest = mostRetriesASecond(world);
  findings.count('most retries a second', busiest);
  findings.expect(busiest <= MOST_RETRIES_A_SECOND, `a projector tried ${busiest} times within a second`);
}

/** From the nodes' own logs: every failed turn of a projector's loop is told there. */
function mostRetriesASecond(world: World): number {
  let most = 0;
  for (const node of world.nodes) {
    const seconds = new Map<string, number>();
    for (const line of node.output().split('\n')) {
      if (!line.includes('"message":"projector:')) continue;
      const second = /"timestamp":"([^."]+)/.exec(line)?.[1] ?? '';
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    most = Math.max(most, ...seconds.values());
  }
  return most;
}
