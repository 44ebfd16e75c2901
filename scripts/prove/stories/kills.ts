/** `kill -9` at random of api, gateway, projector and Redis while people write: nothing acknowledged is lost, nothing comes twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../cast.ts';
import type { NodeProcess } from '../node-process.ts';
import { Findings, judge, projected, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';
import type { Writer } from '../writer.ts';

const KINDS = ['api', 'gateway', 'projector', 'redis'] as const;

export const kills: Story = {
  name: 'kills',
  about: 'kill -9 of api, gateway, projector and Redis under writers',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => tell(options, findings, world));
  },
};

async function tell({ short, minutes = 3, say }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  const nodes: Record<Exclude<(typeof KINDS)[number], 'redis'>, NodeProcess[]> = {
    api: [],
    gateway: [],
    projector: [],
  };
  const start = async (role: keyof typeof nodes) => nodes[role].push(await world.node([role]));
  const copies = short
    ? (['api', 'gateway', 'projector'] as const)
    : (['api', 'api', 'gateway', 'gateway', 'projector', 'projector'] as const);
  await Promise.all(copies.map(start));
  const { writers, readers } = await cast(world, random, {
    writers: short ? 16 : 32,
    readers: 4,
    conversations: 8,
    writing: { pace: short ? 60 : 40, deeds: 0.5 },
  });
  for (const client of [...writers, ...readers]) client.start();

  const ends = Date.now() + (short ? 1_000 : minutes * 60_000);
  const least = short ? 1 : 10;
  const killed: Record<(typeof KINDS)[number], number> = { api: 0, gateway: 0, projector: 0, redis: 0 };
  while (Date.now() < ends || KINDS.some((kind) => killed[kind] < least)) {
    for (const kind of random.shuffled(KINDS)) {
      await sleep(random.between(150, short ? 300 : 1_500));
      killed[kind] += 1;
      if (kind === 'redis') {
        await world.killRedis();
        await sleep(random.between(0, 300));
        await world.restartRedis();
      } else {
        const node = random.pick(nodes[kind]);
        await node.kill();
        await sleep(random.between(0, 300));
        await node.start();
      }
    }
    if (!short) say(`killed ${JSON.stringify(killed)}, acknowledged ${sum(writers.map((w) => w.acked))}`);
  }

  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  await settle(findings, truth, writers, readers);
  for (const kind of KINDS) findings.count(`killed ${kind}`, killed[kind]);
  findings.count('repeated', sum(writers.map((w) => w.repeats)));
  findings.count('reconnects', sum(readers.map((r) => r.connects)));
  await judge(findings, world, truth);
  findings.expect(sum(writers.map((w) => w.refused)) === 0, `messages were refused: ${codesOf(writers)}`);
  findings.expect(sum(readers.map((r) => r.resets)) === 0, 'a reader was reset though nothing was lost');
  if (short) return; // a killed worker's partitions are free only when its lease is over
  await projected(findings, truth);
}

export const codesOf = (writers: readonly Writer[]): string =>
  JSON.stringify(
    writers.map((writer) => Object.fromEntries(writer.codes)).filter((codes) => Object.keys(codes).length > 0),
  );
