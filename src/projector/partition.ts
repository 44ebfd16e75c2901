/**
 * One partition in the hands of one worker: from the moment its lease is held until it is lost. Applies batches in feed order, each as
 * one script with its checkpoint. Refuses to guess: whatever does not continue the checkpoint is thrown away and read again.
 *
 *   opening → reading → lost
 *
 * opening: group made at the checkpoint, unfinished entries claimed. reading: batches of new entries. lost: the lease went to another
 * worker or the script was fenced; nothing is written any more.
 */
import type { RawEvent } from '../envelope.ts';
import type { FeedEntry, FeedGroup, Write } from '../log/feed.ts';
import { seqOf } from '../log/log.ts';
import type { Warn } from '../log/connection.ts';
import { foldBatch, placeOf } from './fold.ts';
import type { FoldOptions, Parked } from './fold.ts';

/** Writes for other slots that must be done before a batch is acknowledged; repeating them is harmless. */
export type Outward = (events: readonly RawEvent[]) => Promise<void>;

export interface PartitionOptions extends FoldOptions {
  readonly group: FeedGroup;
  readonly outward: Outward;
  readonly batchSize: number;
  readonly warn: Warn;
}

/** Positions and reasons kept in memory per partition, so that a long-lived worker does not grow with its history. */
const MAX_KNOWN = 5_000;

export class Partition {
  readonly number: number;
  private readonly options: PartitionOptions;
  private readonly fence: string;
  private checkpoint = '0-0';
  private readonly known = new Map<string, string>();
  private readonly parked = new Set<string>();
  private state: 'opening' | 'reading' | 'lost' = 'opening';
  private working: Promise<void> = Promise.resolve();

  constructor(options: PartitionOptions, number: number, fence: string) {
    this.options = options;
    this.number = number;
    this.fence = fence;
  }

  get isLost(): boolean {
    return this.state === 'lost';
  }

  lose(): void {
    this.state = 'lost';
  }

  /** Resolves when what was begun is over. */
  idle(): Promise<void> {
    return this.working;
  }

  /** After an error nothing is known of what was applied: the next turn begins at the stored checkpoint. */
  interrupt(): void {
    if (this.state === 'reading') this.state = 'opening';
  }

  async ensureOpen(): Promise<void> {
    if (this.state === 'opening') await this.open();
  }

  /** Makes the group, retries what was parked, and works off what a dead worker or the time without one left behind. */
  async open(): Promise<void> {
    const { group } = this.options;
    this.checkpoint = (await group.open(this.number)).checkpoint;
    this.known.clear();
    this.parked.clear();
    for (const place of Object.keys(await group.parked(this.number))) this.parked.add(place);
    await this.retryParked();
    const unfinished = await group.unfinished(this.number);
    await this.work(unfinished);
    await this.catchUp();
    await group.rewind(this.number, this.checkpoint);
    if (this.state === 'opening') this.state = 'reading';
  }

  /** Applies entries of the feed in their order. Throws when Redis fails; the same entries may be given again. */
  work(entries: readonly FeedEntry[]): Promise<void> {
    this.working = this.working.catch(() => {}).then(() => this.workOff(entries));
    return this.working;
  }

  private async workOff(entries: readonly FeedEntry[]): Promise<void> {
    for (let i = 0; i < entries.length; i += this.options.batchSize) {
      if (this.state === 'lost') return;
      const batch = entries.slice(i, i + this.options.batchSize);
      if ((await this.applyBatch(batch)) === 'elsewhere') {
        await this.restart();
        return;
      }
    }
  }

  /** Reads from the checkpoint what the group was given before but nobody applied. */
  private async catchUp(): Promise<void> {
    for (;;) {
      const entries = await this.options.group.after(this.number, this.checkpoint, this.options.batchSize);
      if (entries.length === 0 || this.isLost) return;
      const before = this.checkpoint;
      await this.work(entries);
      if (this.checkpoint === before) return;
    }
  }

  private async feedHas(seq: number): Promise<boolean> {
    const [next] = await this.options.group.after(this.number, this.checkpoint, 1);
    return next !== undefined && seqOf(next.id) <= seq;
  }

  /** The checkpoint is not where we thought: forget what we believe and read from the stored one. */
  private async restart(): Promise<void> {
    const { checkpoint } = await this.options.group.open(this.number);
    this.options.warn('projector restarts a partition from its checkpoint', { partition: this.number, checkpoint });
    this.checkpoint = checkpoint;
    this.known.clear();
    await this.options.group.rewind(this.number, checkpoint);
  }

  private async applyBatch(entries: readonly FeedEntry[]): Promise<'ok' | 'elsewhere'> {
    const ids = entries.map((entry) => entry.id);
    const at = seqOf(this.checkpoint);
    const fresh = entries.filter((entry) => seqOf(entry.id) > at || entry.event === undefined);
    const events = fresh.flatMap((entry) => entry.event ?? []);
    const writes: Write[] = fresh.flatMap((entry) => (entry.event ? [] : this.parkForeign(entry)));
    let expected = at;
    let upTo = this.checkpoint;
    for (const entry of fresh) {
      if (!entry.event) continue;
      expected += 1;
      // Not the next one: it was trimmed or never delivered. Each view reads what it lacks from the log, which has everything.
      if (seqOf(entry.id) !== expected) {
        if (await this.feedHas(expected)) return 'elsewhere';
        await this.reportGap(expected, seqOf(entry.id));
        expected = seqOf(entry.id);
      }
      upTo = entry.id;
    }
    return this.foldAndApply(events, writes, ids, upTo);
  }

  private async foldAndApply(
    events: readonly RawEvent[],
    writes: Write[],
    ids: readonly string[],
    upTo: string,
  ): Promise<'ok' | 'elsewhere'> {
    const { group, options } = { group: this.options.group, options: this.options };
    const folded = await foldBatch(options, events, this.known, (place) => this.parked.has(place));
    await options.outward(events);
    for (const [place, why] of folded.parked) writes.push(this.park(place, why));
    const batch = { partition: this.number, fence: this.fence, after: this.checkpoint, upTo, ids };
    const outcome = await group.apply({ ...batch, writes: [...writes, ...folded.writes] });
    if (outcome === 'fenced') this.lose();
    if (outcome !== 'ok') return outcome === 'elsewhere' ? 'elsewhere' : 'ok';
    this.checkpoint = upTo;
    for (const place of folded.parked.keys()) this.parked.add(place);
    for (const [place, id] of folded.applied) this.known.set(place, id);
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
    return [
      this.park(`feed entry ${entry.id}`, { event_id: entry.id, type: '', error: 'this feed entry is not an event' }),
    ];
  }

  private async reportGap(from: number, to: number): Promise<void> {
    this.options.warn('the feed has a gap: the views of this partition are brought up from the logs', {
      partition: this.number,
      from,
      to,
    });
    for await (const stream of this.options.log.streams(this.number)) await this.heal(stream);
  }

  /** Brings every view of one stream up to its log. */
  private async heal(stream: RawEvent['stream']): Promise<void> {
    const [newest] = await this.options.log.readBefore(stream, '+', 1);
    if (newest) await this.foldAndApply([newest], [], [], this.checkpoint);
  }

  /** A newer program may understand what an older one parked: each such stream gets one more try. */
  private async retryParked(): Promise<void> {
    for (const place of Array.from(this.parked)) {
      const projection = this.options.projections.find((p) => place.startsWith(placeOf(p, { kind: p.source, id: '' })));
      if (!projection) continue;
      const stream = { kind: projection.source, id: place.slice(place.lastIndexOf(' ') + 1) };
      const [newest] = await this.options.log.readBefore(stream, '+', 1);
      if (!newest) continue;
      this.parked.delete(place);
      const release: Write = { command: 'HDEL', key: this.options.group.parkedKey(this.number), args: [place] };
      await this.foldAndApply([newest], [release], [], this.checkpoint);
    }
  }
}
