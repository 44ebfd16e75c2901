/**
 * A power cut: Redis writes to a file system inside an image file; while Redis stands still the image is copied, as a disk that lost its
 * power would have it, and another Redis starts on the copy. What was only in the page cache is not in the image. With `always` nothing
 * that was acknowledged is missing; with `everysec` something must be, or the story shows nothing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from '../../../src/redis/redis-server.ts';
import { cast } from '../cast.ts';
import { eventually, Findings, judge, sum, within } from '../story.ts';
import type { Outcome, Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';

const ACKED = { short: 1_000, long: 100_000 };
const MOST_COPIES = 100;
const IMAGE_MB = { short: 64, long: 512 };

export const powerCut: Story = {
  name: 'power-cut',
  about: 'the disk as it is when the power goes: `always` loses nothing, `everysec` is seen to lose',
  async run(options) {
    const always = await cutOnce(options, 'always');
    if (always.skipped !== undefined) return always;
    const everysec = await cutOnce(options, 'everysec');
    const lost = Number(everysec.counts['lost'] ?? 0);
    const counts = {
      ...always.counts,
      'lost with everysec': lost,
      'acked with everysec': everysec.counts['acked'] ?? 0,
    };
    const shown = lost > 0 ? [] : ['everysec lost nothing, so the cut was none'];
    return { counts, failures: [...always.failures, ...everysec.failures, ...shown] };
  },
};

async function cutOnce(options: StoryOptions, appendfsync: 'always' | 'everysec'): Promise<Outcome> {
  const findings = new Findings(options.seed);
  const world = await World.start({ redis: false });
  return within(findings, world, async () => {
    const image = join(world.folder, 'disk.img');
    const disk = join(world.folder, 'disk');
    try {
      execFileSync('truncate', ['-s', `${options.short ? IMAGE_MB.short : IMAGE_MB.long}M`, image]);
      execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image], { stdio: 'ignore' });
      mount(world, image, disk);
    } catch (error) {
      findings.skipped = `no image can be mounted here (needs root and loop devices): ${(error as Error).message.split('\n')[0]}`;
      return;
    }
    const redis = await startRedis({ dir: join(disk, 'redis'), settings: { appendfsync } });
    world.atEnd(() => redis.kill());
    await world.node(['api', 'gateway'], { REDIS_URL: redis.url });
    await cutAndCompare(options, findings, world, { image, pid: redis.pid, appendfsync });
  });
}

async function cutAndCompare(
  { short, say }: StoryOptions,
  findings: Findings,
  world: World,
  { image, pid, appendfsync }: { image: string; pid: number; appendfsync: 'always' | 'everysec' },
): Promise<void> {
  const { random } = findings;
  const { writers } = await cast(world, random, { writers: short ? 24 : 64, readers: 0, conversations: 16 });
  for (const writer of writers) writer.start();
  const acked = () => sum(writers.map((writer) => writer.acked));
  // The time of the cut is what the losing half needs; it may be shorter than the other.
  const enough = appendfsync === 'always' ? (short ? ACKED.short : ACKED.long) : ACKED.short;
  await eventually(() => acked() >= enough, 600_000);
  await sleep(random.between(0, 300));
  process.kill(pid, 'SIGSTOP');
  const copy = join(world.folder, 'copy.img');
  copyAtOnce(image, copy);
  // Those who wait for an answer get none: what they sent last is in doubt, and that is no promise.
  for (const node of world.nodes) await node.kill();
  process.kill(pid, 'SIGKILL');
  for (const writer of writers) writer.abandon();

  const disk = join(world.folder, 'after');
  mount(world, copy, disk);
  const after = await startRedis({ dir: join(disk, 'redis'), settings: { appendfsync } });
  world.atEnd(() => after.kill());
  const truth = new Truth({ url: after.url });
  world.atEnd(() => truth.close());
  await judge(findings, world, truth, appendfsync === 'everysec' ? ['lost'] : []);
  findings.expect(acked() >= enough, `only ${acked()} messages were acknowledged`);
  if (!short) say(`${appendfsync}: ${acked()} acknowledged, ${findings.counts['lost']} lost`);
}

/**
 * The disk as it is in one instant, which is what a power cut leaves. The kernel goes on writing to the image while it is copied, so that
 * a copy may have an inode of before a journal commit and a journal of after it: only one that the next copy equals is of one instant.
 * Every byte is read, since what a file system calls a hole just then may be on its way to the disk.
 */
function copyAtOnce(image: string, copy: string): void {
  const next = `${copy}.next`;
  const copyTo = (to: string) =>
    execFileSync('dd', [`if=${image}`, `of=${to}`, 'bs=1M', 'conv=sparse'], { stdio: 'ignore' });
  copyTo(copy);
  for (let tries = 0; tries < MOST_COPIES; tries += 1) {
    copyTo(next);
    if (spawnSync('cmp', ['-s', copy, next]).status === 0) return;
    renameSync(next, copy);
  }
  throw new Error('the disk never stood still for a copy');
}

function mount(world: World, image: string, at: string): void {
  mkdirSync(at, { recursive: true });
  execFileSync('mount', ['-o', 'loop', image, at], { stdio: ['ignore', 'ignore', 'pipe'] });
  world.atEnd(() => {
    execFileSync('umount', ['-l', at], { stdio: 'ignore' });
  });
}
