/**
 * A poison event (an unknown type, broken JSON, a missing field) is parked with its reason and holds back only its own conversation:
 * the others' views follow within a second of when they are gathered, reads of the poisoned one still answer. Mended, the replay is equal to a rebuild.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GATHER_MS } from '../../../src/projector/projector.ts';
import { cast } from '../cast.ts';
import { seqOf } from '../checker.ts';
import { history } from '../client.ts';
import { HISTORY, Poisoner, poisons } from '../poisoner.ts';
import { differencesOf, dumpViews, ReadModels } from '../read-models.ts';
import { eventually, Findings, projected, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';

const WORKER = fileURLToPath(new URL('../projector-worker.ts', import.meta.url));
/** Beyond the time for which views gather. */
const MOST_DELAY_MS = GATHER_MS + 1_000;

export const poison: Story = {
  name: 'poison',
  about: 'a poison event is parked with its reason and holds back only its conversation',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start({ partitions: 2 }), (world) => tell(options, findings, world));
  },
};

async function tell({ short, minutes = 0.5 }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  await world.node(['api', 'gateway']);
  const settings = { REDIS_URL: world.redis.url, PARTITIONS: String(world.partitions), LEASE_MS: '1000' };
  const worker = await world.program('worker', WORKER, settings);
  const { writers, conversations, audience } = await cast(world, random, {
    writers: 6,
    readers: 1,
    conversations: poisons.length + 3,
    writing: { pace: 30 },
  });
  for (const writer of writers) writer.start();
  await sleep(500);

  const truth = new Truth(world.target);
  const poisoner = new Poisoner(truth, world.partitions);
  const models = await ReadModels.open(world.redis.url, world.partitions);
  world.atEnd(() => {
    truth.close();
    models.close();
  });
  const [reader] = audience;
  const placed: { conversation: string; id: string }[] = [];
  for (const [i, kind] of poisons.entries()) {
    const conversation = conversations[i]!;
    const id = await poisoner.poison(conversation, reader!.id, kind);
    placed.push({ conversation, id });
    const place = `${HISTORY} conversation ${conversation}`;
    await eventually(async () => (await poisoner.parked()).has(place), 5_000);
    const why = (await poisoner.parked()).get(place);
    findings.expect(why?.event_id === id, `${kind.name}: not parked at ${id} but ${why?.event_id}`);
    findings.expect(kind.reason.test(why?.error ?? ''), `${kind.name}: parked because "${why?.error}"`);
  }
  const healthy = conversations.slice(poisons.length);
  const slowest = await slowestView(poisoner, healthy, short ? 1_500 : minutes * 60_000);
  findings.count('slowest view ms', slowest);
  findings.expect(slowest < MOST_DELAY_MS, `another conversation waited ${slowest} ms`);
  for (const { conversation, id } of placed) {
    const { applied } = await poisoner.progress(conversation);
    findings.expect(
      seqOf(applied) === seqOf(id) - 1,
      `the view of ${conversation} stands at ${applied}, not before ${id}`,
    );
  }
  await Promise.all(writers.map((writer) => writer.stop()));
  await projected(findings, truth);

  const before = await logged(truth, placed[0]!.conversation);
  const shown = await history(world.bases('api'), reader!, placed[0]!.conversation, 'asc');
  findings.expect(
    shown.length === before,
    `a read of a poisoned conversation has ${shown.length} of ${before} messages`,
  );
  for (const { conversation, id } of placed) await poisoner.mend(conversation, reader!.id, id);
  await worker.kill();
  await worker.start();
  const released = await eventually(async () => (await poisoner.parked()).size === 0, 10_000);
  findings.expect(released, `still parked after mending: ${JSON.stringify([...(await poisoner.parked())][0])}`);
  await projected(findings, truth);
  await worker.stop();

  const replayed = await dumpViews(truth);
  findings.failures.push(...(await models.differences()).slice(0, 3));
  await models.rebuild(random);
  const differences = differencesOf(replayed, await dumpViews(truth));
  findings.count('poisons', placed.length);
  findings.count('differences', differences.length);
  findings.failures.push(...differences.slice(0, 3));
}

const logged = async (truth: Truth, conversation: string): Promise<number> =>
  (await truth.logs()).get(conversation)!.filter((event) => event.message !== undefined).length;

/** The longest time until an event that was in the log was in its view. */
async function slowestView(poisoner: Poisoner, conversations: readonly string[], forMs: number): Promise<number> {
  const delays = conversations.map(async (conversation) => {
    let slowest = 0;
    const ends = Date.now() + forMs;
    while (Date.now() < ends) {
      const started = Date.now();
      const { head } = await poisoner.progress(conversation);
      const isIn = async () => seqOf((await poisoner.progress(conversation)).applied) >= seqOf(head);
      while (!(await isIn()) && Date.now() - started < 5_000) await sleep(5);
      slowest = Math.max(slowest, Date.now() - started);
      await sleep(20);
    }
    return slowest;
  });
  return Math.max(...(await Promise.all(delays)));
}
