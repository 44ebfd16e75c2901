/**
 * The group that keeps the views: its effect folds events into documents and writes them together with the checkpoint. Owns which streams
 * stand still in which view, and bringing a view up to its log. Refuses to know any feature: projections arrive as an argument.
 */
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { FeedEntry, Write } from '../log/consumer-group.ts';
import type { Warn } from '../log/connection.ts';
import { foldBatch, placeOf, portionsOf } from './fold.ts';
import type { FoldOptions, Parked, Part } from './fold.ts';
import type { Commit, Effect, Gap, Outcome } from './partition.ts';
import { Worker } from './worker.ts';
import type { WorkerOptions } from './worker.ts';

export interface ProjectorOptions extends FoldOptions, WorkerOptions {
  readonly groupName: string;
  /** How long feed entries stay for gateways after every group is done with them. */
  readonly keepFeedMs: number;
}

/** A quiet room's every message would else wake a projector, and the node that serves its sockets; a view lags by little more. */
export const GATHER_MS = 400;
/** Positions kept in memory per partition, so that a long-lived worker does not grow with its history. */
const MAX_KNOWN = 5_000;

export function projector(options: ProjectorOptions): Worker {
  return new Worker(options, {
    name: options.groupName,
    since: 'beginning',
    reads: 'woken',
    keepFeedMs: options.keepFeedMs,
    effect: (partition) => new Projecting(options, options.log.keys.at(partition, 'parked')),
  });
}

export class Projecting implements Effect {
  private readonly options: FoldOptions & { readonly warn: Warn };
  private readonly parkedKey: string;
  /** Positions that this worker wrote. */
  private readonly known = new Map<string, string>();
  private readonly parked = new Set<string>();

  constructor(options: FoldOptions & { readonly warn: Warn }, parkedKey: string) {
    this.options = options;
    this.parkedKey = parkedKey;
  }

  reset(parked: Readonly<Record<string, string>>): void {
    this.known.clear();
    this.parked.clear();
    for (const place of Object.keys(parked)) this.parked.add(place);
  }

  apply(events: readonly RawEvent[], strangers: readonly FeedEntry[], commit: Commit): Promise<Outcome> {
    return this.bringUp(
      events,
      strangers.map((entry) => this.parkStranger(entry)),
      commit,
    );
  }

  /** Nobody knows which of its events each view lacks: every view of the stream is brought up to its log. */
  async fill(stream: StreamRef, _gap: Gap, commit: Commit): Promise<void> {
    await this.bringUpStream(stream, [], commit);
  }

  async retryParked(commit: Commit): Promise<void> {
    for (const place of Array.from(this.parked)) {
      const projection = this.options.projections.find((p) => place.startsWith(placeOf(p, { kind: p.source, id: '' })));
      if (!projection) continue;
      this.parked.delete(place);
      const release: Write = { command: 'HDEL', key: this.parkedKey, args: [place] };
      const stream: StreamRef = { kind: projection.source, id: place.slice(place.lastIndexOf(' ') + 1) };
      await this.bringUpStream(stream, [release], commit);
    }
  }

  private async bringUpStream(stream: StreamRef, writes: readonly Write[], commit: Commit): Promise<void> {
    const newest = await this.options.log.readBefore(stream, '+', 1);
    await this.bringUp(newest, writes, commit);
  }

  /** Brings the views up to these events, in as many writes as that takes. */
  private async bringUp(events: readonly RawEvent[], writes: readonly Write[], commit: Commit): Promise<Outcome> {
    for (let extra = writes; ; extra = []) {
      const parts = await foldBatch(this.options, events, this.known, (place) => this.parked.has(place));
      const isPartial = parts.some((part) => part.isPartial);
      const portions = portionsOf(parts);
      for (const [i, portion] of portions.entries()) {
        const isLast = !isPartial && i === portions.length - 1;
        const changed = portion.filter((part) => part.writes.length > 0);
        const parking = portion.flatMap(({ place, parked }) => (parked ? [this.park(place, parked)] : []));
        const outcome = await commit(
          isLast ? 'last' : 'more',
          [...(i === 0 ? extra : []), ...parking, ...changed.flatMap((part) => part.writes)],
          changed.map((part) => part.expected),
        );
        if (outcome !== 'ok') return outcome;
        this.remember(portion);
      }
      if (!isPartial) return 'ok';
    }
  }

  private remember(parts: readonly Part[]): void {
    for (const { place, parked, applied } of parts) {
      if (parked) this.parked.add(place);
      this.known.set(place, applied);
    }
    for (const place of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(place);
    }
  }

  private park(place: string, why: Parked): Write {
    this.options.warn('an event cannot be applied, its stream stands still in this view', { place, ...why });
    return { command: 'HSET', key: this.parkedKey, args: [place, JSON.stringify(why)] };
  }

  /** An entry that is no event of ours belongs to no stream: it is named and passed over. */
  private parkStranger({ id }: FeedEntry): Write {
    return this.park(`feed entry ${id}`, { event_id: id, type: '', error: 'this feed entry is not an event' });
  }
}
