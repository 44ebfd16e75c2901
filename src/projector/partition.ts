/**
 * One partition in the hands of one worker: from the moment its lease is held until it is lost. Applies batches in feed order, each as
 * one script with its checkpoint. Refuses to guess: whatever does not continue the checkpoint is thrown away and read again.
 *
 *   opening → reading → lost
 *
 * opening: group made at the checkpoint, what was parked tried again, everything after the checkpoint worked off. reading: batches of new
 * entries. lost: the lease went to another worker or the script was fenced; nothing is written any more.
 */
import { START } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { FeedEntry, ConsumerGroup, Write } from '../log/consumer-group.ts';
import { seqOf } from '../log/log.ts';
import type { Warn } from '../log/connection.ts';
import { foldBatch, placeOf, portionsOf } from './fold.ts';
import type { FoldOptions, Part, Parked } from './fold.ts';

/** Writes for other slots that must be done before a batch is acknowledged; repeating them is harmless. */
export type Outward = (events: readonly RawEvent[]) => Promise<void>;

export interface PartitionOptions extends FoldOptions {
  readonly group: ConsumerGroup;
  readonly outward: Outward;
  readonly batchSize: number;
  readonly warn: Warn;
}

/** Positions kept in memory per partition, so that a long-lived worker does not grow with its history. */
const MAX_KNOWN = 5_000;

export class Partition {
  readonly number: number;
  readonly fence: string;
  private readonly options: PartitionOptions;
  private checkpoint = START;
  private readonly known = new Map<string, string>();
  private readonly parked = new Set<string>();
  private state: 'opening' | 'reading' | 'lost' = 'opening';
  private opening: Promise<void> | undefined;
  private working: Promise<void> = Promise.resolve();
  private behindAt = '';

  constructor(options: PartitionOptions, number: number, fence: string) {
    this.options = options;
    this.number = number;
    this.fence = fence;
  }

  get isLost(): boolean {
    return this.state === 'lost';
  }

  /** True while somebody waits for `open`. */
  get isOpening(): boolean {
    return this.opening !== undefined;
  }

  lose(): void {
    this.state = 'lost';
  }

  /** Resolves when what was begun is over. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.opening, this.working]);
  }

  /** Nothing is known any more of what was applied: the next turn begins at the stored checkpoint. */
  interrupt(): void {
    if (this.state === 'reading') this.state = 'opening';
  }

  /**
   * Told now and then where the feed ends. An entry that went to a worker who lost the lease just then, or was deleted unread, never
   * comes by itself: where nothing moved since the last time although there is more, the partition is opened again.
   */
  lookAt(head: string): void {
    const isBehind = seqOf(head) > seqOf(this.checkpoint);
    if (isBehind && this.behindAt === this.checkpoint) this.interrupt();
    this.behindAt = isBehind ? this.checkpoint : '';
  }

  /** Makes the group, retries what was parked, and works off what a dead worker or the time without one left behind. */
  open(): Promise<void> {
    if (this.state !== 'opening') return Promise.resolve();
    this.opening ??= this.begin().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async begin(): Promise<void> {
    const { group } = this.options;
    const { head } = await this.readState();
    await this.retryParked();
    if (!this.isLost) await this.work(await group.unfinished(this.number));
    if (!this.isLost) await this.catchUp();
    // The end of the feed is gone: nothing will ever come to show it.
    if (!this.isLost && seqOf(head) > seqOf(this.checkpoint)) {
      await this.fillGap(seqOf(this.checkpoint) + 1, seqOf(head));
      await this.foldAndApply([], [], [], head);
    }
    if (this.isLost) return;
    await group.rewind(this.number, this.checkpoint);
    this.state = 'reading';
  }

  private async readState(): Promise<{ head: string }> {
    const { checkpoint, head } = await this.options.group.open(this.number);
    this.checkpoint = checkpoint;
    this.known.clear();
    this.parked.clear();
    for (const place of Object.keys(await this.options.group.parked(this.number))) this.parked.add(place);
    return { head };
  }

  /** Applies entries of the feed in their order. Throws when Redis fails; the same entries may be given again. */
  work(entries: readonly FeedEntry[]): Promise<void> {
    this.working = this.working.catch(() => {}).then(() => this.workOff(entries));
    return this.working;
  }

  private async workOff(entries: readonly FeedEntry[]): Promise<void> {
    for (let i = 0; i < entries.length; i += this.options.batchSize) {
      if (this.isLost) return;
      const batch = entries.slice(i, i + this.options.batchSize);
      if ((await this.applyBatch(batch)) === 'elsewhere') {
        await this.restart();
        return;
      }
    }
  }

  /** Reads from the checkpoint what the group was given before but nobody applied. */
  private async catchUp(): Promise<void> {
    for (let from = this.checkpoint; ;) {
      const entries = await this.options.group.after(this.number, from, this.options.batchSize);
      if (entries.length === 0 || this.isLost) return;
      await this.work(entries);
      from = entries.at(-1)!.id;
    }
  }

  /** Seq of the first event that the feed has after the checkpoint. */
  private async nextInFeed(): Promise<number | undefined> {
    for (let from = this.checkpoint; ;) {
      const entries = await this.options.group.after(this.number, from, this.options.batchSize);
      const event = entries.find((entry) => entry.event);
      if (event) return seqOf(event.id);
      if (entries.length === 0) return undefined;
      from = entries.at(-1)!.id;
    }
  }

  /** The checkpoint or a view is not where we thought: forget what we believe and read from the stored one. */
  private async restart(): Promise<void> {
    await this.readState();
    const about = { partition: this.number, checkpoint: this.checkpoint };
    this.options.warn('projector restarts a partition from its checkpoint', about);
    await this.options.group.rewind(this.number, this.checkpoint);
  }

  private async applyBatch(entries: readonly FeedEntry[]): Promise<'ok' | 'fenced' | 'elsewhere'> {
    const at = seqOf(this.checkpoint);
    const fresh = entries.filter((entry) => entry.event === undefined || seqOf(entry.id) > at);
    const writes = fresh.flatMap((entry) => (entry.event ? [] : this.parkForeign(entry)));
    let expected = at;
    let upTo = this.checkpoint;
    let isFilled = false;
    for (const { id, event } of fresh) {
      if (!event) continue;
      expected += 1;
      // Not the next one: it was trimmed or never delivered. Each view reads what it lacks from the log, which has everything.
      if (seqOf(id) !== expected) {
        const next = await this.nextInFeed();
        if (next !== undefined && next < seqOf(id)) return 'elsewhere';
        if (!isFilled) await this.fillGap(expected, seqOf(id));
        isFilled = true;
        expected = seqOf(id);
      }
      upTo = id;
    }
    const events = fresh.flatMap(({ event }) => event ?? []);
    const ids = entries.map(({ id }) => id);
    return this.foldAndApply(events, writes, ids, upTo);
  }

  /** Brings the views up to these events; with the last of the writes the checkpoint moves and the entries are acknowledged. */
  private async foldAndApply(
    events: readonly RawEvent[],
    writes: readonly Write[],
    ids: readonly string[],
    upTo: string,
  ): Promise<'ok' | 'fenced' | 'elsewhere'> {
    await this.options.outward(events);
    for (let extra = writes; ; extra = []) {
      const parts = await foldBatch(this.options, events, this.known, (place) => this.parked.has(place));
      const isPartial = parts.some((part) => part.isPartial);
      const portions = portionsOf(parts);
      for (const [i, portion] of portions.entries()) {
        const isLast = !isPartial && i === portions.length - 1;
        const progress = isLast ? { upTo, ids } : { upTo: this.checkpoint, ids: [] };
        const outcome = await this.applyPortion(portion, i === 0 ? extra : [], progress);
        if (outcome !== 'ok') return outcome;
      }
      if (!isPartial) return 'ok';
    }
  }

  private async applyPortion(
    parts: readonly Part[],
    writes: readonly Write[],
    progress: { upTo: string; ids: readonly string[] },
  ): Promise<'ok' | 'fenced' | 'elsewhere'> {
    const changed = parts.filter((part) => part.writes.length > 0);
    const parking = parts.flatMap(({ place, parked }) => (parked ? [this.park(place, parked)] : []));
    const outcome = await this.options.group.apply({
      partition: this.number,
      fence: this.fence,
      after: this.checkpoint,
      ...progress,
      expects: changed.map((part) => part.expected),
      writes: [...writes, ...parking, ...changed.flatMap((part) => part.writes)],
    });
    if (outcome === 'fenced') this.lose();
    if (outcome !== 'ok') return outcome;
    this.checkpoint = progress.upTo;
    for (const { place, parked, applied } of parts) {
      if (parked) this.parked.add(place);
      this.known.set(place, applied);
    }
    for (const place of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(place);
    }
    return 'ok';
  }

  private park(place: string, why: Parked): Write {
    this.options.warn('an event cannot be applied, its stream stands still in this view', { place, ...why });
    return { command: 'HSET', key: this.options.group.parkedKey(this.number), args: [place, JSON.stringify(why)] };
  }

  /** An entry that is no event of ours belongs to no stream: it is named and passed over. */
  private parkForeign(entry: FeedEntry): Write[] {
    if (entry.fields === null) return [];
    const why = { event_id: entry.id, type: '', error: 'this feed entry is not an event' };
    return [this.park(`feed entry ${entry.id}`, why)];
  }

  /** What was lost from the feed may concern every stream of the partition: each is brought up from its log. */
  private async fillGap(from: number, to: number): Promise<void> {
    this.options.warn('the feed has a gap: the views of this partition are brought up from the logs', {
      partition: this.number,
      from,
      to,
    });
    for await (const stream of this.options.log.streams(this.number)) {
      if (this.isLost) return;
      // Nobody knows which of its events the other slots lack, and what they have they pass over.
      for await (const page of this.options.log.readAll(stream, START)) await this.options.outward(page);
      await this.bringUp(stream, []);
    }
  }

  /** A newer program may understand what an older one parked: each such stream gets one more try. */
  private async retryParked(): Promise<void> {
    for (const place of Array.from(this.parked)) {
      const projection = this.options.projections.find((p) => place.startsWith(placeOf(p, { kind: p.source, id: '' })));
      if (!projection) continue;
      this.parked.delete(place);
      const release: Write = { command: 'HDEL', key: this.options.group.parkedKey(this.number), args: [place] };
      await this.bringUp({ kind: projection.source, id: place.slice(place.lastIndexOf(' ') + 1) }, [release]);
    }
  }

  /** Brings every view of one stream up to its log. */
  private async bringUp(stream: StreamRef, writes: readonly Write[]): Promise<void> {
    const newest = await this.options.log.readBefore(stream, '+', 1);
    await this.foldAndApply(newest, writes, [], this.checkpoint);
  }
}
