/**
 * The versions of the views in one partition. A program that has a newer version of a view than the partition builds it beside the old
 * one, stream by stream and those that are asked for first, between the batches; then it deletes the old one's keys. Reads need no switch:
 * they find a stream's new documents as soon as they are there, and fold until then. What is known of versions lies in the partition's
 * `views` hash: `<view>:v<n>` → `building` or `complete`, for as long as the version has keys. The keys of a version that is newer than the
 * program are not touched.
 */
import type { StreamRef } from '../keys.ts';
import type { Write } from '../log/consumer-group.ts';
import type { Say } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import { viewName } from '../views/projection.ts';
import type { Projection } from '../views/projection.ts';
import { everyKeyOf } from '../views/shapes.ts';
import { laneIn } from './fold.ts';
import type { Commit, Outcome } from './partition.ts';

/** Streams that are brought up together, and how many of these batches one look takes. */
const AT_ONCE = 16;
const BATCHES_PER_LOOK = 16;
const CLEARED_AT_ONCE = 200;

export const COMPLETE = 'complete';

/** What a look is given to work with. */
export interface Building {
  /** Brings some views of these streams nearer to their logs, and says whether they are there. */
  bringUp(
    projections: readonly Projection[],
    streams: readonly StreamRef[],
  ): Promise<{ outcome: Outcome; isPartial: boolean }>;
  readonly commit: Commit;
  /** Runs a task between two batches. */
  readonly alone: (task: () => Promise<void>) => Promise<void>;
}

/** The streams of partitions that have something to build, by one look at all keys; partitions take turns in building. */
export class VersionWork {
  private readonly log: Log;
  private readonly wanting = new Set<number>();
  private readonly found = new Map<number, Promise<StreamRef[]>>();
  private turn: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.log = log;
  }

  want(partition: number): void {
    this.wanting.add(partition);
  }

  streams(partition: number): Promise<StreamRef[]> {
    const ready = this.found.get(partition);
    if (ready) return ready;
    this.wanting.add(partition);
    const wanted = [...this.wanting];
    this.wanting.clear();
    const scanned = this.scan(wanted);
    for (const each of wanted)
      this.found.set(
        each,
        scanned.then((lists) => lists.get(each) ?? []),
      );
    return this.found.get(partition)!;
  }

  done(partition: number): void {
    this.wanting.delete(partition);
    this.found.delete(partition);
  }

  /** One after the other, whatever became of the one before. */
  inTurn(task: () => Promise<void>): Promise<void> {
    this.turn = this.turn.catch(() => {}).then(task);
    return this.turn;
  }

  private async scan(partitions: readonly number[]): Promise<Map<number, StreamRef[]>> {
    const lists = new Map(partitions.map((partition) => [partition, [] as StreamRef[]]));
    for await (const stream of this.log.streams()) lists.get(this.log.keys.partitionOf(stream.id))?.push(stream);
    return lists;
  }
}

/** Says that these views hold every stream of the partition. */
export const noteOfComplete = (
  { log, projections }: Pick<VersionOptions, 'log' | 'projections'>,
  partition: number,
): Write => ({
  command: 'HSET',
  key: log.keys.at(partition, 'views'),
  args: projections.flatMap((projection) => [viewName(projection), COMPLETE]),
});

export interface VersionOptions {
  readonly log: Log;
  readonly projections: readonly Projection[];
  readonly info?: Say | undefined;
}

/** What is to be done in one partition, from the moment it is taken. */
export class PartitionVersions {
  private readonly log: Log;
  private readonly projections: readonly Projection[];
  private readonly partition: number;
  private readonly work: VersionWork;
  private readonly info: Say | undefined;
  private building: readonly Projection[] = [];
  /** Names of versions that are older than what is complete by then. */
  private outdated: readonly string[] = [];
  /** How far this worker has gone through the partition's streams, building and then clearing. */
  private built = 0;
  private cleared = 0;

  constructor(options: VersionOptions, partition: number, work: VersionWork) {
    this.info = options.info;
    this.log = options.log;
    this.projections = options.projections;
    this.partition = partition;
    this.work = work;
  }

  /** True for a view that this worker is building: what is far behind in it is left to that. */
  isBuilding(projection: Projection): boolean {
    return this.building.includes(projection);
  }

  /** Looks what there is, and leaves word of what this worker is going to write. */
  async begin(commit: Commit): Promise<void> {
    const known = await this.log.connection.commands.hgetall(this.key);
    const own = new Set(this.projections.map(viewName));
    const others = new Set(Object.keys(known).filter((view) => !own.has(view)));
    const isNewest = ({ name, version }: Projection) => versionsIn(others, name).every((other) => other < version);
    const newest = this.projections.filter(isNewest);
    this.building = newest.filter((projection) => known[viewName(projection)] !== COMPLETE);
    this.outdated = newest.flatMap((projection) => olderThan(projection, known)).filter((view) => !own.has(view));
    [this.built, this.cleared] = [0, 0];
    const unknown = [...own].filter((view) => known[view] === undefined);
    // What a newer program built lacks from here on what this worker takes from the feed.
    const newer = [...others].filter((view) => known[view] === COMPLETE && !this.outdated.includes(view));
    const building = [...unknown, ...newer].flatMap((view) => [view, 'building']);
    if (building.length > 0) await commit('more', [this.note('HSET', building)]);
    if (!this.isDone) this.work.want(this.partition);
  }

  /** Does a piece of what is left to do. Whatever goes wrong is tried again at the next look, or by the next worker. */
  async look(tools: Building): Promise<void> {
    if (this.isDone) return;
    await this.work.inTurn(async () => {
      const streams = await this.work.streams(this.partition);
      for (let i = 0; i < BATCHES_PER_LOOK && !this.isDone; i += 1) {
        const isWell = this.building.length > 0 ? await this.build(streams, tools) : await this.clear(streams, tools);
        if (!isWell) return;
      }
    });
    if (this.isDone) this.work.done(this.partition);
  }

  get isDone(): boolean {
    return this.building.length === 0 && this.outdated.length === 0;
  }

  private get key(): string {
    return this.log.keys.at(this.partition, 'views');
  }

  private note(command: 'HSET' | 'HDEL', args: readonly string[]): Write {
    return { command, key: this.key, args };
  }

  private async build(streams: readonly StreamRef[], tools: Building): Promise<boolean> {
    const next = streams.slice(this.built, this.built + AT_ONCE);
    if (next.length > 0) {
      // Beside them, not instead: one that cannot be built is asked for again and again.
      const chosen = [...(await this.askedFor()), ...next];
      for (let isPartial = true; isPartial;) {
        // Between the slices of a long log the partition's batches have their turn.
        const done = await between(tools, () => tools.bringUp(this.building, chosen));
        if (done?.outcome !== 'ok') return false;
        ({ isPartial } = done);
      }
      this.built += next.length;
      return true;
    }
    const isWell = await written(tools, [
      noteOfComplete({ log: this.log, projections: this.building }, this.partition),
    ]);
    if (isWell) {
      if (this.built > 0)
        this.info?.('views were built', { partition: this.partition, views: this.building.map(viewName) });
      this.building = [];
    }
    return isWell;
  }

  private async clear(streams: readonly StreamRef[], tools: Building): Promise<boolean> {
    const next = streams.slice(this.cleared, this.cleared + CLEARED_AT_ONCE);
    if (next.length > 0) {
      const keys = next.flatMap((s) => this.outdated.flatMap((view) => everyKeyOf(this.log.keys, view, s)));
      const isWell = await written(
        tools,
        keys.map((key) => ({ command: 'UNLINK', key, args: [] })),
      );
      if (isWell) this.cleared += next.length;
      return isWell;
    }
    const parkedKey = this.log.keys.at(this.partition, 'parked');
    const lanes = await this.log.connection.commands.hkeys(parkedKey);
    const released = lanes.filter((lane) => this.outdated.some((view) => laneIn(view, lane)));
    const isWell = await written(tools, [
      this.note('HDEL', this.outdated),
      ...(released.length > 0 ? [{ command: 'HDEL', key: parkedKey, args: released }] : []),
    ]);
    if (isWell) {
      if (this.cleared > 0)
        this.info?.('older versions of views were deleted', { partition: this.partition, views: this.outdated });
      this.outdated = [];
    }
    return isWell;
  }

  /** Streams for which readers fold what is not built yet. */
  private async askedFor(): Promise<StreamRef[]> {
    const names = await this.log.connection.commands.spop(this.log.keys.at(this.partition, 'wanted'), AT_ONCE);
    return names.flatMap((name) => {
      const [kind, id = ''] = name.split(' ');
      return kind === 'conversation' || kind === 'user' ? [{ kind, id }] : [];
    });
  }
}

/** Nothing where the partition was lost before its turn came. */
async function between<T>({ alone }: Building, task: () => Promise<T>): Promise<T | undefined> {
  const results: T[] = [];
  await alone(async () => void results.push(await task()));
  return results[0];
}

async function written(tools: Building, writes: readonly Write[]): Promise<boolean> {
  return (await between(tools, () => tools.commit('more', writes))) === 'ok';
}

const NAME = /^(.+):v(\d+)$/;

function versionsIn(views: Iterable<string>, name: string): number[] {
  return [...views].flatMap((view) => {
    const match = NAME.exec(view);
    return match?.[1] === name ? [Number(match[2])] : [];
  });
}

/** Where nothing is noted of a view, any older version may have been there. */
function olderThan({ name, version }: Projection, known: Readonly<Record<string, string>>): string[] {
  const noted = versionsIn(Object.keys(known), name);
  const all = noted.length > 0 ? noted : Array.from({ length: version }, (_, i) => i);
  return all.filter((older) => older < version && older > 0).map((older) => `${name}:v${older}`);
}
