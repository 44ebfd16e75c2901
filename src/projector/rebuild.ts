/**
 * Making views again, beside those that are read: on its other side each view of a partition is built from the logs while projectors go on with
 * the side that is read, then compared with that one by digest and read in its place, by one field. The former side stays, to be turned back
 * to, until it is dropped.
 *
 *   building → compared → turned
 *
 * building: under a lease of its own, so that no two build the same; nobody reads the side. compared and turned: for a moment under the
 * projectors' lease, so that both sides stand still at the end of their logs. Nobody waits for any of it: a read of either side folds what
 * that lacks of the log.
 */
import { START } from '../envelope.ts';
import { fail } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Write } from '../log/consumer-group.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import { viewName } from '../views/projection.ts';
import type { Projection } from '../views/projection.ts';
import { nameOnSide, otherSide, Sides } from '../views/sides.ts';
import type { Side } from '../views/sides.ts';
import { Views } from '../views/store.ts';
import { digestOf } from './digest.ts';
import { foldBatch, laneIn, laneOf, portionsOf } from './fold.ts';
import type { FoldOptions, Parked } from './fold.ts';
import { sideBySide } from './trying.ts';
import { noteOfComplete } from './versions.ts';

export interface RebuildOptions extends FoldOptions {
  /** The projectors' group. */
  readonly groupName: string;
  /** Unique to this run. */
  readonly worker: string;
  /** From nothing, when absent; or on from what the other side has, where it was read before; or its keys are deleted and nothing else. */
  readonly how?: 'anew' | 'back' | 'drop';
  /** All of them, where none are named. */
  readonly partitions?: readonly number[];
  readonly onProgress?: OnProgress;
}

/** Told after each log, with how many events it was so far. */
export type OnProgress = (done: number, of: number, events: number) => void;

export interface Rebuilt {
  readonly streams: number;
  readonly events: number;
  /** Where what is read from now on is not what was read before. */
  readonly differing: readonly { readonly view: string; readonly stream: StreamRef }[];
}

const PAGE = 1_000;
const PARTITIONS_AT_ONCE = 4;
/** Most logs are short, and each costs a few round trips: what goes to Redis together is synced to its disk together. */
const STREAMS_AT_ONCE = 16;
/** The lease is renewed for every page; a run that dies gives the partition back after this. */
const LEASE_MS = 15_000;
/** While so few streams have moved on, the projectors may wait for them. */
const FEW = 16;
const ROUNDS = 5;

export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { log } = options;
  const { keys } = log;
  const chosen = new Set(options.partitions ?? Array.from({ length: keys.partitions }, (_, i) => i));
  const all = (await everyStream(log)).filter(({ id }) => chosen.has(keys.partitionOf(id)));
  const parts = new Map([...chosen].map((partition) => [partition, [] as StreamRef[]]));
  for (const stream of all) parts.get(keys.partitionOf(stream.id))!.push(stream);
  const sides = new Sides(log);
  await sides.refresh();
  const found = { streams: all.length, events: 0, differing: [] as Rebuilt['differing'][number][] };
  let done = 0;
  await sideBySide(PARTITIONS_AT_ONCE, [...parts], async ([partition, streams]) => {
    const other = new OtherSide(options, sides, partition);
    await other.held(async () => {
      await other.build(streams, (events, isDone) => {
        found.events += events;
        options.onProgress?.((done += isDone ? 1 : 0), all.length, found.events);
      });
      if (options.how !== 'drop') found.differing.push(...(await other.turn(streams)));
    });
  });
  await options.views.refresh();
  return found;
}

/** One look at all keys: a look for each partition would go through all of them as often. */
export async function everyStream(log: Log): Promise<StreamRef[]> {
  const found: StreamRef[] = [];
  for await (const stream of log.streams()) found.push(stream);
  return found;
}

/** The sides of one partition's views that are not read. */
class OtherSide {
  private readonly options: RebuildOptions;
  private readonly partition: number;
  private readonly sides: Sides;
  /** The sides that are read when the work begins. */
  private readonly read: ReadonlyMap<string, Side>;
  private readonly builders: ConsumerGroup;
  private readonly projectors: ConsumerGroup;
  /** Folds into this side. */
  private readonly folding: FoldOptions;
  /** Reads the side that is read by everybody. */
  private readonly live: Views;
  private readonly reached = new Map<string, string>();
  private readonly parked = new Map<string, Parked>();
  private fence = '';
  private feedHead = START;
  private leasedAt = -Infinity;

  constructor(options: RebuildOptions, sides: Sides, partition: number) {
    const { log, groupName, worker } = options;
    this.options = options;
    this.partition = partition;
    this.sides = sides;
    this.builders = new ConsumerGroup(log, `rebuild-${groupName}`, worker);
    this.projectors = new ConsumerGroup(log, groupName, worker);
    this.read = new Map(options.projections.map((projection) => [projection.name, sides.of(projection, partition)]));
    const side = ({ name }: Projection) => this.read.get(name)!;
    const views = new Views(log, { nameOf: (p) => nameOnSide(viewName(p), otherSide(side(p))) });
    this.folding = { ...options, views };
    this.live = new Views(log, { nameOf: (p) => nameOnSide(viewName(p), side(p)) });
  }

  /** Does something while nobody else rebuilds the partition. */
  async held(task: () => Promise<void>): Promise<void> {
    const { options, partition, builders } = this;
    const lease = await builders.lease(partition, LEASE_MS);
    if (!lease) throw fail('conflict', `another rebuild is at work in partition ${partition}`);
    this.fence = lease.fence;
    this.feedHead = lease.head;
    try {
      if (options.how === 'back') {
        const turned = options.projections.map((projection) => this.sides.wasTurned(projection, partition));
        if ((await Promise.all(turned)).includes(false))
          throw fail('conflict', 'there is nothing to turn back to: these views were not rebuilt everywhere');
      }
      await task();
    } finally {
      await builders.lease(partition, 0);
    }
  }

  /** Brings the views of these streams to the ends of their logs. */
  async build(streams: readonly StreamRef[], onPage: (events: number, isDone: boolean) => void): Promise<void> {
    const { how = 'anew' } = this.options;
    await sideBySide(STREAMS_AT_ONCE, streams, async (stream) => {
      if (how !== 'back') await this.write(this.own(stream).flatMap((p) => this.shape(p, stream).clearing()));
      if (how !== 'drop') await this.bringUp(stream, (events) => onPage(events, false));
      onPage(0, true);
    });
  }

  /** Has these sides read from now on, and says for which streams that makes a difference. */
  async turn(streams: readonly StreamRef[]): Promise<Rebuilt['differing']> {
    const { partition, options, projectors, sides } = this;
    // Most of it is compared while the projectors go on.
    let differing = await this.compared(streams);
    let moved = await this.movedSince(streams);
    for (let round = 1; moved.length > FEW && round < ROUNDS; round += 1) {
      await this.bringUpAll(moved);
      moved = await this.movedSince([...streams, ...moved]);
    }
    const fence = await projectors.seize(partition, LEASE_MS);
    try {
      const { checkpoint } = await projectors.open(partition);
      moved = await this.movedSince([...streams, ...moved]);
      await this.bringUpAll(moved);
      const late = new Set(moved.map(({ id }) => id));
      differing = [...differing.filter(({ stream }) => !late.has(stream.id)), ...(await this.compared(moved))];
      const progress = { after: checkpoint, upTo: checkpoint };
      const outcome = await projectors.apply({ partition, fence, ...progress, writes: await this.notes() });
      if (outcome !== 'ok') throw fail('conflict', `another rebuild took partition ${partition}`);
      await sides.turn(options.projections, partition, ({ name }) => otherSide(this.read.get(name)!));
    } finally {
      await projectors.lease(partition, 0);
    }
    return differing;
  }

  private own({ kind }: StreamRef): Projection[] {
    return this.options.projections.filter(({ source }) => source === kind);
  }

  private shape(projection: Projection, stream: StreamRef) {
    return this.folding.views.shape(projection, stream);
  }

  private async bringUpAll(streams: readonly StreamRef[]): Promise<void> {
    await sideBySide(STREAMS_AT_ONCE, streams, (stream) => this.bringUp(stream, () => {}));
  }

  private async bringUp(stream: StreamRef, onPage: (events: number) => void): Promise<void> {
    const { log } = this.options;
    const projections = this.own(stream);
    const from = await this.positions(stream, projections);
    const known = new Map(from);
    const after = [...from.values()].toSorted((a, b) => seqOf(a) - seqOf(b))[0] ?? START;
    const options = { ...this.folding, projections };
    for await (const page of log.readAll(stream, after, PAGE)) {
      const parts = await foldBatch(options, page, known, (lane) => this.parked.has(lane));
      for (const portion of portionsOf(parts)) {
        const changed = portion.filter(({ isMoved }) => isMoved);
        await this.write(
          changed.flatMap(({ writes }) => writes),
          changed.map(({ expected }) => expected),
        );
        for (const { lane, applied, parked } of portion) {
          known.set(lane, applied);
          if (parked) this.parked.set(lane, parked);
        }
      }
      this.reached.set(nameOf(stream), page.at(-1)!.id);
      onPage(page.length);
      await this.keepLease();
    }
  }

  /** Each renewal is written to Redis' disk: now and then will do. */
  private async keepLease(): Promise<void> {
    if (performance.now() - this.leasedAt < LEASE_MS / 3) return;
    this.leasedAt = performance.now();
    await this.builders.lease(this.partition, LEASE_MS);
  }

  /** How far each view is on this side: a side that is new holds nothing. */
  private async positions(stream: StreamRef, projections: readonly Projection[]): Promise<Map<string, string>> {
    const isFresh = this.options.how !== 'back' && !this.reached.has(nameOf(stream));
    const at = (projection: Projection) =>
      isFresh ? START : this.folding.views.applied(this.shape(projection, stream));
    return new Map(await Promise.all(projections.map(async (p) => [laneOf(p, stream), await at(p)] as const)));
  }

  private async write(writes: readonly Write[], expects: Parameters<ConsumerGroup['build']>[0]['expects'] = []) {
    if (writes.length + expects.length === 0) return;
    const { partition, fence } = this;
    const outcome = await this.builders.build({ partition, fence, expects, writes });
    if (outcome !== 'ok') throw fail('conflict', `another rebuild took partition ${partition}`);
  }

  /** Streams whose logs have gone on since they were built, or that were not there. */
  private async movedSince(streams: readonly StreamRef[]): Promise<StreamRef[]> {
    const { log } = this.options;
    const all = new Map(streams.map((stream) => [nameOf(stream), stream]));
    for await (const stream of this.newcomers()) all.set(nameOf(stream), stream);
    const known = [...all.values()];
    const heads = await log.heads(known, []);
    return known.filter((stream, i) => heads[i] && heads[i].id !== this.reached.get(nameOf(stream)));
  }

  /** Whoever came into being since the work began is in the feed; where that was cut off meanwhile, all are looked for again. */
  private async *newcomers(): AsyncGenerator<StreamRef> {
    let next = seqOf(this.feedHead) + 1;
    for (let from = this.feedHead; ;) {
      const entries = await this.builders.after(this.partition, from, PAGE);
      for (const { id, event } of entries) {
        if (!event) continue;
        if (seqOf(id) !== next) return yield* this.options.log.streams(this.partition);
        next += 1;
        yield event.stream;
      }
      if (entries.length < PAGE) return;
      from = entries.at(-1)!.id;
    }
  }

  /** Where the two sides hold something else although they stand at the same event. */
  private async compared(streams: readonly StreamRef[]): Promise<Rebuilt['differing'][number][]> {
    const { log } = this.options;
    const differing: Rebuilt['differing'][number][] = [];
    await sideBySide(STREAMS_AT_ONCE, streams, async (stream) => {
      for (const projection of this.own(stream)) {
        const shapes = [this.live.shape(projection, stream), this.shape(projection, stream)];
        const positions = () => Promise.all(shapes.map((shape) => this.live.applied(shape)));
        const [before, built] = await positions();
        // One that is behind, or moves while it is looked at, cannot be compared.
        if (before !== built) continue;
        const digests = await Promise.all(shapes.map(({ keys, archived }) => digestOf(log, keys, archived)));
        if (digests[0] !== digests[1] && (await positions())[0] === built)
          differing.push({ view: viewName(projection), stream });
      }
      await this.keepLease();
    });
    return differing;
  }

  /** What stands still in these views now, and that they are whole. */
  private async notes(): Promise<Write[]> {
    const { partition, projectors } = this;
    const { projections } = this.options;
    const key = projectors.parkedKey(partition);
    const before = Object.keys(await projectors.parked(partition));
    const released = before.filter(
      (lane) => projections.some((p) => laneIn(viewName(p), lane)) && !this.parked.has(lane),
    );
    const parked = [...this.parked].flatMap(([lane, why]) => [lane, JSON.stringify(why)]);
    return [
      ...(released.length > 0 ? [{ command: 'HDEL', key, args: released }] : []),
      ...(parked.length > 0 ? [{ command: 'HSET', key, args: parked }] : []),
      noteOfComplete(this.options, partition),
    ];
  }
}

const nameOf = ({ kind, id }: StreamRef): string => `${kind} ${id}`;
