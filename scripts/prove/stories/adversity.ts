/**
 * What befalls Redis itself: its script cache is emptied each second, its clock jumps an hour both ways, it reaches maxmemory, its disk
 * is full. No half-written command, clear errors, recovery unaided, nothing acknowledged lost.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cast } from '../cast.ts';
import type { Cast } from '../cast.ts';
import { fakeClock } from '../clock.ts';
import type { NodeProcess } from '../node-process.ts';
import { eventually, Findings, judge, projected, settle, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import type { RedisTarget } from '../truth.ts';
import { World } from '../world.ts';
import type { Role } from '../world.ts';
import { codesOf } from './kills.ts';

const ALL: readonly Role[] = ['api', 'gateway', 'projector'];
const HOUR = 3_600_000;
/** What a client may be told while a command cannot be carried out. */
const CLEAR = new Set(['unavailable', 'unknown_outcome', 'no_answer']);

export const scriptFlush = story('script-flush', 'SCRIPT FLUSH each second: no error reaches a client', async (at) => {
  await at.world.node(ALL);
  const stage = await begin(at);
  const truth = truthOf(at.world, at.world.target);
  for (let flushes = 0; flushes < (at.short ? 5 : 60 * at.minutes); flushes += 1) {
    await sleep(at.short ? 200 : 1_000);
    await truth.client.script('FLUSH', 'SYNC');
    at.findings.count('flushes', flushes + 1);
  }
  await end(at, stage, truth);
  at.findings.expect(sum(stage.writers.map((w) => w.repeats)) === 0, `tries failed: ${codesOf(stage.writers)}`);
});

export const clockJumps = story('clock-jumps', "Redis' clock jumps an hour ahead and back", async (at) => {
  const { world, findings } = at;
  const clock = fakeClock(world);
  if (clock) {
    await world.redis.stop();
    await world.restartRedis({ binary: clock.binary });
  } else findings.skipped = 'no C compiler: instead of the clock the last event is put an hour ahead';
  const node = await world.node(ALL);
  const stage = await begin(at);
  const truth = truthOf(world, world.target);
  const ahead = async () => {
    for (const key of await truth.keys('chat:{*}:feed:head')) {
      const id = (await truth.client.hget(key, 'id')) ?? '0-0';
      await truth.client.hset(key, 'id', `${Date.now() + HOUR}-${id.split('-')[1]}`);
    }
  };
  for (const offset of [HOUR, 0, -HOUR, HOUR, 0]) {
    await sleep(stretch(at) / 2);
    if (clock) clock.set(offset);
    else if (offset === HOUR) await ahead();
  }
  await sleep(stretch(at) / 2);
  await end(at, stage, truth);
  if (clock) await workerDiesAhead(at, node, clock.set, truth);
  if (clock) findings.count('events an hour ahead', await eventsAhead(truth));
});

/** A worker renews its leases while the clock is ahead, and dies; then the clock goes back: nobody may wait the hour out. */
async function workerDiesAhead(
  at: At,
  node: NodeProcess,
  set: (offsetMs: number) => void,
  truth: Truth,
): Promise<void> {
  if (at.short) return; // the leases are renewed every few seconds, and must run out after it
  set(HOUR);
  await sleep(5_000);
  await node.kill();
  set(0);
  await node.start();
  const stage = await cast(at.world, at.findings.random, {
    prefix: 'after-',
    writers: 4,
    readers: 0,
    conversations: 8,
  });
  for (const writer of stage.writers) writer.start();
  await sleep(1_000);
  await Promise.all(stage.writers.map((writer) => writer.stop()));
  await projected(at.findings, truth);
}

/** Shows that the clock did jump: ids never run backwards, so events stay ahead once one was. */
async function eventsAhead(truth: Truth): Promise<number> {
  const ids = [...(await truth.logs()).values()].flat().map(({ id }) => Number.parseInt(id, 10));
  return ids.filter((ms) => ms > Date.now() + HOUR / 2).length;
}

export const memoryFull = story('maxmemory', 'maxmemory is reached under load and raised again', async (at) => {
  const { world, findings } = at;
  await world.node(ALL);
  const stage = await begin(at);
  const truth = truthOf(world, world.target);
  await sleep(stretch(at) / 2);
  const used = Number(/used_memory:(\d+)/.exec(await truth.client.info('memory'))?.[1]);
  await truth.client.config('SET', 'maxmemory', String(used + 100_000));
  const refused = await eventually(() => codesOf(stage.writers).includes('unavailable'), 20_000);
  findings.expect(refused, 'the memory was never full, so nothing was shown');
  await sleep(stretch(at));
  await truth.client.config('SET', 'maxmemory', '0');
  await sleep(stretch(at) / 2);
  await end(at, stage, truth);
});

export const diskFull = story(
  'disk-full',
  'the disk of the private Redis is full and gets room again',
  async (at) => {
    const { world, findings } = at;
    const disk = smallDisk(world);
    if (disk === undefined) {
      findings.skipped = 'a tmpfs cannot be mounted here (needs root)';
      return;
    }
    const node = await world.node(ALL, { DATA_DIR: disk });
    const stage = await begin(at);
    await sleep(stretch(at) / 2);
    const ballast = join(disk, 'ballast');
    fillUp(ballast);
    const felt = await eventually(() => sum(stage.writers.map((w) => w.repeats)) > 0, 30_000);
    findings.expect(felt, 'the disk was never full, so nothing was shown');
    await sleep(stretch(at));
    rmSync(ballast);
    const acked = () => sum(stage.writers.map((w) => w.acked));
    const before = acked();
    findings.expect(
      await eventually(() => acked() > before + 20, 30_000),
      'it did not recover when there was room again',
    );
    findings.count('ended by a full disk', node.output().split('Redis ended by itself').length - 1);
    const read = (name: string) => readFileSync(join(disk, 'redis', name), 'utf8').trim();
    const port = /^port (\d+)$/m.exec(read('redis.conf'))?.[1];
    await end(at, stage, truthOf(world, { url: `redis://:${read('password')}@127.0.0.1:${port}` }));
    await node.stop();
  },
  false,
);

interface At {
  readonly world: World;
  readonly findings: Findings;
  readonly short: boolean;
  readonly minutes: number;
}

function story(name: string, about: string, run: (at: At) => Promise<void>, ownRedis = true): Story {
  return {
    name,
    about,
    async run({ seed, short, minutes = 0.5 }: StoryOptions) {
      const findings = new Findings(seed);
      const world = await World.start(ownRedis ? {} : { redis: false });
      return within(findings, world, () => run({ world, findings, short, minutes }));
    },
  };
}

const stretch = ({ short, minutes }: At): number => (short ? 500 : (minutes * 60_000) / 3);

async function begin({ world, findings, short }: At): Promise<Cast> {
  const size = short ? { writers: 6, readers: 3, conversations: 4 } : { writers: 16, readers: 8, conversations: 8 };
  const stage = await cast(world, findings.random, { ...size, writing: { pace: 25 } });
  for (const client of [...stage.writers, ...stage.readers]) client.start();
  return stage;
}

async function end({ world, findings }: At, { writers, readers }: Cast, truth: Truth): Promise<void> {
  await settle(findings, truth, writers, readers);
  await judge(findings, world, truth);
  const codes = new Set(writers.flatMap((writer) => [...writer.codes.keys()]));
  for (const code of codes) findings.expect(CLEAR.has(code), `a client was told ${code}: ${codesOf(writers)}`);
  findings.count('repeated', sum(writers.map((w) => w.repeats)));
  findings.expect(sum(readers.map((r) => r.resets)) === 0, 'a reader was reset though nothing was lost');
}

function truthOf(world: World, target: RedisTarget): Truth {
  const truth = new Truth(target);
  world.atEnd(() => truth.close());
  return truth;
}

/** A tmpfs of a few megabytes, unmounted when the world ends; undefined where that is not allowed. */
function smallDisk(world: World): string | undefined {
  const folder = join(world.folder, 'disk');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  world.atEnd(() => {
    execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
  });
  return folder;
}

/** Writes until there is no room at all. */
function fillUp(file: string): void {
  for (const size of [1_048_576, 4_096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch {
      continue; // no room for a piece of this size
    }
  }
}
