/**
 * Readers agree: live ones, late ones, ones that come and go, and REST pages in both directions have the same events in the same order,
 * byte for byte, over two gateways. And: sockets are cut again and again and gateways killed, and no reader has a gap or a repeat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../cast.ts';
import { pagesAgree } from '../pages.ts';
import { Findings, judge, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';
import type { Role } from '../world.ts';

const ALL: readonly Role[] = ['api', 'gateway', 'projector'];

export const readersAgree: Story = {
  name: 'readers-agree',
  about: 'live, late and returning readers over two gateways, and REST pages both ways, are byte-equal',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => agree(options, findings, world));
  },
};

export const cutSockets: Story = {
  name: 'cut-sockets',
  about: 'sockets cut each 1–5 s and a gateway killed each 20 s: no gap, no repeat, no disorder',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => cuts(options, findings, world));
  },
};

async function agree({ short, minutes = 1 }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  await Promise.all([world.node(ALL), world.node(ALL)]);
  const size = short ? { writers: 4, readers: 12, conversations: 6 } : { writers: 10, readers: 50, conversations: 20 };
  const stage = await cast(world, random, { ...size, writing: { pace: short ? 40 : 60, deeds: 0.5 } });
  const readers = stage.audience.map((person, i) =>
    stage.reader(person.name, person, i % 3 === 2 ? { cutEvery: short ? [200, 800] : [500, 5_000] } : {}),
  );
  const time = short ? 2_500 : minutes * 60_000;
  for (const writer of stage.writers) writer.start();
  // A third is there from the beginning, a third comes late, a third comes and goes.
  const arrivals = readers.map(async (reader, i) => {
    await sleep(i % 3 === 1 ? random.between(0.3, 0.9) * time : 0);
    reader.start();
  });
  await sleep(time);
  await Promise.all(arrivals);

  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  await settle(findings, truth, stage.writers, readers);
  findings.count('readers', readers.length);
  findings.count('reconnects', sum(readers.map((r) => r.connects)));
  await judge(findings, world, truth);
  findings.count(
    'pages equal',
    await pagesAgree(findings, truth, world.bases('api'), stage.audience, stage.conversations),
  );
}

async function cuts({ short, minutes = 2, say }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  const [, first, second] = await Promise.all([
    world.node(['api', 'projector']),
    world.node(['gateway']),
    world.node(['gateway']),
  ]);
  const { writers, readers } = await cast(world, random, {
    writers: short ? 4 : 10,
    readers: short ? 20 : 100,
    conversations: short ? 5 : 10,
    writing: { pace: short ? 50 : 150, deeds: 0.5 },
    reading: { cutEvery: short ? [300, 1_500] : [1_000, 5_000] },
  });
  for (const client of [...writers, ...readers]) client.start();
  const rounds = short ? 1 : Math.max(2, Math.round((minutes * 60) / 20));
  for (let round = 0; round < rounds; round += 1) {
    const gateway = [first, second][round % 2]!;
    await sleep(short ? 800 : 20_000);
    await gateway.kill();
    await sleep(random.between(0, 500));
    await gateway.start();
    if (!short) say(`round ${round + 1} of ${rounds}, ${sum(readers.map((r) => r.connects))} connects`);
  }
  await sleep(500);

  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  await settle(findings, truth, writers, readers);
  findings.count('gateways killed', rounds);
  findings.count('reconnects', sum(readers.map((r) => r.connects)));
  findings.count('told to reload', sum(readers.map((r) => r.resets)));
  findings.expect(sum(readers.map((r) => r.resets)) === 0, 'a reader was reset though nothing was lost');
  findings.expect(sum(readers.map((r) => r.connects)) > readers.length, 'no socket was cut, so nothing was shown');
  await judge(findings, world, truth);
}
