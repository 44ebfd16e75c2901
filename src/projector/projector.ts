/**
 * The group that keeps the views: its effect folds events into documents and writes them together with the checkpoint. Owns which streams
 * stand still in which view, and bringing a view up to its log: a stream's, or all when there is a newer version. Refuses to know any
 * feature: projections arrive as an argument.
 */
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { FeedEntry, Write } from '../log/consumer-group.ts';
import type { Warn } from '../log/connection.ts';
import { spansOf } from '../trace.ts';
import type { BeginSpan } from '../trace.ts';
import type { Projection } from '../views/projection.ts';
import { foldBatch, laneOf, portionsOf } from './fold.ts';
import type { FoldOptions, Parked, Part } from './fold.ts';
import type { Commit, GroupEffect, Gap, Outcome } from './partition.ts';
import { PartitionVersions, VersionWork } from './versions.ts';
import type { VersionOptions } from './versions.ts';
import { Worker } from './worker.ts';
import type { WorkerOptions } from './worker.ts';

/** The group of a server's projectors, as operators see it. */
export const VIEWS = 'views';

export interface ProjectorOptions extends FoldOptions, WorkerOptions, Pick<ProjectingOptions, 'trace'> {
  readonly groupName: string;
  /** How long feed entries stay for gateways after every group is done with them. */
  readonly keepFeedMs: number;
}

/**
 * Reads do not wait for a view: they fold what it lacks. So it is brought up once a second, which costs Redis half of what 400 ms did: the
 * first event after a while at once, as it wakes the projector.
 */
export const GATHER_MS = 1_000;
/** Positions kept in memory per partition, so that a long-lived worker does not grow with its history. */
const MAX_KNOWN = 5_000;

export function projector(options: ProjectorOptions): Worker {
  const versionWork = new VersionWork(options.log);
  return new Worker(options, {
    name: options.groupName,
    since: 'beginning',
    reads: 'woken',
    keepFeedMs: options.keepFeedMs,
    effect: (partition) => new Projecting(options, partition, versionWork),
  });
}

export interface ProjectingOptions extends FoldOptions, VersionOptions {
  readonly warn: Warn;
  /** Where spans are collected. */
  readonly trace?: BeginSpan | undefined;
}

export class Projecting implements GroupEffect {
  private readonly options: ProjectingOptions;
  private readonly parkedKey: string;
  /** Positions that this worker wrote. */
  private readonly known = new Map<string, string>();
  private readonly parked = new Set<string>();
  private readonly versions: PartitionVersions;

  constructor(options: ProjectingOptions, partition: number, work: VersionWork) {
    this.versions = new PartitionVersions(options, partition, work);
    this.options = { ...options, leaves: (projection) => this.versions.isBuilding(projection) };
    this.parkedKey = options.log.keys.at(partition, 'parked');
  }

  reset(parked: Readonly<Record<string, string>>): void {
    this.known.clear();
    this.parked.clear();
    for (const lane of Object.keys(parked)) this.parked.add(lane);
  }

  async apply(events: readonly RawEvent[], strangers: readonly FeedEntry[], commit: Commit): Promise<Outcome> {
    const { trace } = this.options;
    const spans = trace ? spansOf(trace, 'project', events) : [];
    let outcome: Outcome | 'failed' = 'failed';
    try {
      const parked = strangers.map((entry) => this.parkStranger(entry));
      outcome = await this.bringUp(events, parked, commit);
      return outcome;
    } finally {
      for (const span of spans) span.end(outcome);
    }
  }

  /** Nobody knows which of its events each view lacks: every view of the stream is brought up to its log. */
  async fill(stream: StreamRef, _gap: Gap, commit: Commit): Promise<void> {
    await this.bringUpStream(stream, [], commit);
  }

  async begin(commit: Commit): Promise<void> {
    // Whoever turned the views to their other sides had the partition's lease.
    await this.options.views.refresh();
    await this.versions.begin(commit);
    for (const lane of Array.from(this.parked)) {
      const projection = this.options.projections.find((p) => lane.startsWith(laneOf(p, { kind: p.source, id: '' })));
      if (!projection) continue;
      this.parked.delete(lane);
      const release: Write = { command: 'HDEL', key: this.parkedKey, args: [lane] };
      const stream: StreamRef = { kind: projection.source, id: lane.slice(lane.lastIndexOf(' ') + 1) };
      await this.bringUpStream(stream, [release], commit);
    }
  }

  get isWaiting(): boolean {
    return !this.versions.isDone;
  }

  async lookAgain(commit: Commit, alone: (task: () => Promise<void>) => Promise<void>): Promise<void> {
    const bringUp = async (projections: readonly Projection[], streams: readonly StreamRef[]) => {
      const newest = await Promise.all(streams.map((stream) => this.options.log.readBefore(stream, '+', 1)));
      const options = { ...this.options, projections, leaves: () => false };
      // The checkpoint is the matter of the batches.
      const more: Commit = (_, writes, expects) => commit('more', writes, expects);
      const done = await this.bringNearer(options, newest.flat(), [], more);
      // Somebody else has moved a view: what is believed of any is worth nothing.
      if (done.outcome !== 'ok') this.known.clear();
      return done;
    };
    await this.versions.look({ bringUp, commit, alone });
  }

  private async bringUpStream(stream: StreamRef, writes: readonly Write[], commit: Commit): Promise<void> {
    const newest = await this.options.log.readBefore(stream, '+', 1);
    await this.bringUp(newest, writes, commit);
  }

  /** Brings the views up to these events, in as many writes as that takes. */
  private async bringUp(events: readonly RawEvent[], writes: readonly Write[], commit: Commit): Promise<Outcome> {
    for (let extra = writes; ; extra = []) {
      const { outcome, isPartial } = await this.bringNearer(this.options, events, extra, commit);
      if (outcome !== 'ok' || !isPartial) return outcome;
    }
  }

  /** The same, but no more than a slice of what a view lacks. */
  private async bringNearer(
    options: FoldOptions,
    events: readonly RawEvent[],
    extra: readonly Write[],
    commit: Commit,
  ): Promise<{ outcome: Outcome; isPartial: boolean }> {
    const parts = await foldBatch(options, events, this.known, (lane) => this.parked.has(lane));
    const isPartial = parts.some((part) => part.isPartial);
    const portions = portionsOf(parts);
    for (const [i, portion] of portions.entries()) {
      const isLast = !isPartial && i === portions.length - 1;
      const changed = portion.filter(({ isMoved }) => isMoved);
      const parking = portion.flatMap(({ lane, parked }) => (parked ? [this.park(lane, parked)] : []));
      const outcome = await commit(
        isLast ? 'last' : 'more',
        [...(i === 0 ? extra : []), ...parking, ...changed.flatMap((part) => part.writes)],
        changed.map((part) => part.expected),
      );
      if (outcome !== 'ok') return { outcome, isPartial };
      this.remember(portion);
    }
    return { outcome: 'ok', isPartial };
  }

  private remember(parts: readonly Part[]): void {
    for (const { lane, parked, applied } of parts) {
      if (parked) this.parked.add(lane);
      this.known.set(lane, applied);
    }
    for (const lane of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(lane);
    }
  }

  private park(lane: string, why: Parked): Write {
    this.options.warn('an event cannot be applied, its stream stands still in this view', { lane, ...why });
    return { command: 'HSET', key: this.parkedKey, args: [lane, JSON.stringify(why)] };
  }

  /** An entry that is no event of ours belongs to no stream: it is named and passed over. */
  private parkStranger({ id }: FeedEntry): Write {
    return this.park(`feed entry ${id}`, { event_id: id, type: '', error: 'this feed entry is not an event' });
  }
}
