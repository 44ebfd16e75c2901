/**
 * Read models can be thrown away. After kills every view is dumped, deleted and made again: by the rebuild, by projectors with batches
 * of 1, 4 and 64, and with every event delivered twice; each time it is the same to the byte. A worker that stood still beyond its
 * lease writes nothing when it goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { START } from '../../../src/envelope.ts';
import { ConsumerGroup } from '../../../src/log/consumer-group.ts';
import { cast } from '../cast.ts';
import { differencesOf, dumpViews, GROUP, ReadModels } from '../read-models.ts';
import { eventually, Findings, judge, projected, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';

const WORKER = fileURLToPath(new URL('../projector-worker.ts', import.meta.url));
const BATCHES = [1, 4, 64];

export const readModels: Story = {
  name: 'read-models',
  about: 'views dumped, deleted, rebuilt, batched, delivered twice: the same to the byte',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => tell(options, findings, world));
  },
};

export const stalledWorker: Story = {
  name: 'stalled-worker',
  about: 'a projector stopped (SIGSTOP) beyond its lease and continued writes nothing',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => stall(options, findings, world));
  },
};

async function tell({ short, minutes = 0.5 }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  await world.node(['api', 'gateway']);
  const settings = { REDIS_URL: world.redis.url, PARTITIONS: String(world.partitions), LEASE_MS: '1000', BATCH: '16' };
  const workers = [await world.program('worker-1', WORKER, settings)];
  if (!short) workers.push(await world.program('worker-2', WORKER, settings));
  const { writers } = await cast(world, random, {
    writers: short ? 6 : 16,
    readers: 0,
    conversations: short ? 4 : 16,
    writing: { pace: 30 },
  });
  for (const writer of writers) writer.start();
  const ends = Date.now() + (short ? 600 : minutes * 60_000);
  let kills = 0;
  while (Date.now() < ends || kills === 0) {
    await sleep(random.between(300, short ? 500 : 1_500));
    const worker = random.pick(workers);
    await worker.kill();
    kills += 1;
    await worker.start();
  }

  const truth = new Truth(world.target);
  const models = await ReadModels.open(world.redis.url, world.partitions);
  world.atEnd(() => {
    truth.close();
    models.close();
  });
  await settle(findings, truth, writers, []);
  await judge(findings, world, truth);
  await projected(findings, truth);
  await Promise.all(workers.map((worker) => worker.stop()));
  findings.count('projectors killed', kills);

  const live = await dumpViews(truth);
  findings.count('view keys', live.size);
  findings.failures.push(...(await models.differences()).slice(0, 3));
  const compare = async (how: string) => {
    const differences = differencesOf(live, await dumpViews(truth));
    findings.count(`differences ${how}`, differences.length);
    findings.failures.push(...differences.slice(0, 2).map((difference) => `${how}: ${difference}`));
  };
  await models.rebuild(random);
  await compare('rebuilt');
  for (const batchSize of BATCHES) {
    await models.forget(truth);
    const done = await models.project(truth, { worker: `batch-${batchSize}`, batchSize, leaseMs: 10_000 });
    findings.expect(done, `a projector with batches of ${batchSize} did not reach the end`);
    await compare(`in batches of ${batchSize}`);
  }
  await models.deliverAgain(truth);
  const again = await models.project(truth, { worker: 'again', batchSize: 16, leaseMs: 10_000 });
  findings.expect(again, 'a projector did not reach the end of what it had applied already');
  await compare('delivered twice');
}

async function stall({ short, minutes = 1 }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  await world.node(['api', 'gateway']);
  const settings = { REDIS_URL: world.redis.url, PARTITIONS: String(world.partitions), LEASE_MS: '700', BATCH: '4' };
  const workers = await Promise.all(['a', 'b'].map((name) => world.program(`worker-${name}`, WORKER, settings)));
  const { writers } = await cast(world, random, { writers: 6, readers: 0, conversations: 8, writing: { pace: 15 } });
  for (const writer of writers) writer.start();
  const truth = new Truth(world.target);
  const models = await ReadModels.open(world.redis.url, world.partitions);
  world.atEnd(() => {
    truth.close();
    models.close();
  });

  const ends = Date.now() + (short ? 0 : minutes * 60_000);
  let stops = 0;
  do {
    const worker = workers[stops % 2]!;
    await sleep(random.between(50, 400));
    worker.freeze();
    await sleep(random.between(1_500, 2_500));
    worker.thaw();
    stops += 1;
    await sleep(random.between(200, 500));
  } while (Date.now() < ends);
  await settle(findings, truth, writers, []);
  await projected(findings, truth);
  await Promise.all(workers.map((worker) => worker.stop()));
  findings.count('stopped', stops);
  findings.count(
    'restarts from a checkpoint',
    sum(workers.map((w) => w.output().split('restarts a partition').length - 1)),
  );

  const live = await dumpViews(truth);
  await fencedWritesNothing(findings, truth, models);
  findings.failures.push(...differencesOf(live, await dumpViews(truth)).slice(0, 2));
  await models.rebuild(random);
  const differences = differencesOf(live, await dumpViews(truth));
  findings.count('differences', differences.length);
  findings.failures.push(...differences.slice(0, 3), ...(await models.differences()).slice(0, 3));
  await judge(findings, world, truth);
}

/** The same without chance: a worker whose lease ran out and went to another applies a batch, and nothing of it is there. */
async function fencedWritesNothing(findings: Findings, truth: Truth, { log }: ReadModels): Promise<void> {
  const [late, next] = ['late', 'next'].map((worker) => new ConsumerGroup(log, GROUP, worker));
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    let fence: string | undefined;
    // A worker that had no time to give its lease back has it until it ends.
    await eventually(async () => (fence = (await late!.lease(partition, 30))?.fence) !== undefined, 5_000);
    const { checkpoint } = await late!.open(partition);
    await sleep(50);
    const newer = (await next!.lease(partition, 5_000))?.fence;
    findings.expect(fence !== undefined && newer !== undefined && newer !== fence, 'the lease did not change hands');
    const key = log.keys.at(partition, 'parked');
    const writes = [{ command: 'HSET', key, args: ['a late write', 'x'] }];
    const batch = { partition, fence: fence ?? '', after: checkpoint, upTo: checkpoint || START, writes };
    findings.expect(
      (await late!.apply(batch)) === 'fenced',
      `the late worker was not refused in partition ${partition}`,
    );
    findings.expect((await truth.client.hexists(key, 'a late write')) === 0, 'the late worker wrote');
    await next!.lease(partition, 0);
  }
}
