/**
 * One partition of one group in the hands of one worker: from the moment its lease is held until it is lost. Hands the events to the
 * group's effect in feed order, and moves the checkpoint with the effect's last write. Refuses to guess: whatever does not continue the
 * checkpoint is thrown away and read again.
 *
 *   opening → reading → lost
 *
 * opening: group made at the checkpoint, what was parked tried again, everything after the checkpoint worked off. reading: batches of new
 * entries. lost: the lease went to another worker or the script was fenced; nothing is written any more.
 */
import { START } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { ConsumerGroup, Expected, FeedEntry, Since, Write } from '../log/consumer-group.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import type { Warn } from '../log/connection.ts';

/** `fenced`: another worker has the partition; `elsewhere`: something is not what the writes continue. Both wrote nothing. */
export type Outcome = 'ok' | 'fenced' | 'elsewhere';

/** Writes to the partition's own slot, all or none. With the `last` of a batch the checkpoint moves behind it. */
export type Commit = (
  step: 'more' | 'last',
  writes: readonly Write[],
  expects?: readonly Expected[],
) => Promise<Outcome>;

/** What the feed has lost lies between these ids, by their milliseconds: log and feed share one clock. */
export interface Gap {
  readonly after: string;
  readonly upTo: string;
}

/** What a group does with events, in one partition. */
export interface GroupEffect {
  /** All that was believed is forgotten. `parked` is what stands still in the partition, of all groups: name → reason as JSON. */
  reset(parked: Readonly<Record<string, string>>): void;
  /** Does what the events ask for; `strangers` are entries that are no events of ours. Ends with one commit that is the last. */
  apply(events: readonly RawEvent[], strangers: readonly FeedEntry[], commit: Commit): Promise<Outcome>;
  /** Does what a stream's events ask for that the feed has lost. */
  fill(stream: StreamRef, gap: Gap, commit: Commit): Promise<void>;
  /** Before the first events: a newer program may understand what an older one parked, and have more to do besides. */
  begin?(commit: Commit): Promise<void>;
  /** True while there is something to look again at. */
  readonly isWaiting?: boolean;
  /**
   * Now and then while it is waiting, beside the batches: tries again what waits for something that was not there. Commits only within `alone`, which runs a
   * task between two batches.
   */
  lookAgain?(commit: Commit, alone: (task: () => Promise<void>) => Promise<void>): Promise<void>;
}

export interface PartitionOptions {
  readonly log: Log;
  readonly group: ConsumerGroup;
  readonly since: Since;
  readonly effect: GroupEffect;
  readonly batchSize: number;
  readonly warn: Warn;
}

export class Partition {
  readonly number: number;
  readonly fence: string;
  private readonly options: PartitionOptions;
  private checkpoint = START;
  private state: 'opening' | 'reading' | 'lost' = 'opening';
  private opening: Promise<void> | undefined;
  private working: Promise<void> = Promise.resolve();
  private lookingAgain: Promise<void> | undefined;
  private behindAt = '';
  private hasAskedInVain = false;

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

  get isWaiting(): boolean {
    return this.options.effect.isWaiting === true;
  }

  lose(): void {
    this.state = 'lost';
  }

  /** Resolves when what was begun is over. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.opening, this.working, this.lookingAgain]);
  }

  /** Nothing is known any more of what was applied: the next turn begins at the stored checkpoint. */
  interrupt(): void {
    if (this.state === 'reading') this.state = 'opening';
  }

  /** The group was asked what is new and gave nothing. */
  gotNothing(): void {
    this.hasAskedInVain = true;
  }

  /**
   * Told now and then where the feed ends. An entry that went to a worker who lost the lease just then, or was deleted unread, never
   * comes by itself: where the group gave nothing since the last time although there was more, the partition is opened again. One whose turn
   * has not come since then is not at a loss but only late.
   */
  lookAt(head: string): void {
    const isBehind = seqOf(head) > seqOf(this.checkpoint);
    if (isBehind && this.behindAt === this.checkpoint && this.hasAskedInVain) this.interrupt();
    this.behindAt = isBehind ? this.checkpoint : '';
    this.hasAskedInVain = false;
  }

  /** Lets the effect try again what waits. */
  async lookAgain(): Promise<void> {
    const { effect } = this.options;
    if (this.state !== 'reading' || !effect.lookAgain || this.lookingAgain) return;
    this.lookingAgain = effect
      .lookAgain(this.committing(), (task) =>
        this.alone(async () => {
          if (!this.isLost) await task();
        }),
      )
      .finally(() => {
        this.lookingAgain = undefined;
      });
    await this.lookingAgain;
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
    const { group, effect } = this.options;
    const { head } = await this.readState();
    await effect.begin?.(this.committing());
    if (!this.isLost) await this.catchUp();
    // The end of the feed is gone: nothing will ever come to show it.
    if (!this.isLost && seqOf(head) > seqOf(this.checkpoint)) {
      await this.fillGap(head);
      await effect.apply([], [], this.committing(head));
    }
    if (this.isLost) return;
    await group.rewind(this.number, this.checkpoint);
    this.state = 'reading';
  }

  private async readState(): Promise<{ head: string }> {
    const { group, effect, since } = this.options;
    const { checkpoint, head } = await group.open(this.number, since);
    this.checkpoint = checkpoint;
    effect.reset(await group.parked(this.number));
    return { head };
  }

  /** Applies entries of the feed in their order. Throws when Redis fails; the same entries may be given again. */
  work(entries: readonly FeedEntry[]): Promise<void> {
    return this.alone(() => this.workOff(entries));
  }

  /** One after the other, whatever became of the one before. */
  private alone(task: () => Promise<void>): Promise<void> {
    this.working = this.working.catch(() => {}).then(task);
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
    const { group, warn } = this.options;
    await this.readState();
    warn(`${group.name}: restarts a partition from its checkpoint`, {
      partition: this.number,
      checkpoint: this.checkpoint,
    });
    await group.rewind(this.number, this.checkpoint);
  }

  private async applyBatch(entries: readonly FeedEntry[]): Promise<Outcome> {
    const at = seqOf(this.checkpoint);
    const fresh = entries.filter((entry) => entry.event === undefined || seqOf(entry.id) > at);
    let expected = at;
    let upTo = this.checkpoint;
    let isFilled = false;
    for (const { id, event } of fresh) {
      if (!event) continue;
      expected += 1;
      // Not the next one: it was trimmed or never delivered. The logs have everything.
      if (seqOf(id) !== expected) {
        const next = await this.nextInFeed();
        if (next !== undefined && next < seqOf(id)) return 'elsewhere';
        if (!isFilled) await this.fillGap(id);
        isFilled = true;
        expected = seqOf(id);
      }
      upTo = id;
    }
    const events = fresh.flatMap(({ event }) => event ?? []);
    const strangers = fresh.filter(({ event }) => !event);
    return this.options.effect.apply(events, strangers, this.committing(upTo));
  }

  /** Under our fence and from our checkpoint on; nothing is written any more once the partition is lost. */
  private committing(upTo = this.checkpoint): Commit {
    return async (step, writes, expects = []) => {
      const after = this.checkpoint;
      const { group } = this.options;
      const own = { partition: this.number, fence: this.fence, after, upTo: step === 'last' ? upTo : after };
      const outcome = await group.apply({ ...own, expects, writes });
      if (outcome === 'fenced') this.lose();
      if (outcome === 'ok' && step === 'last') this.checkpoint = upTo;
      return outcome;
    };
  }

  /** What was lost from the feed, up to an entry, may concern every stream of the partition. */
  private async fillGap(upTo: string): Promise<void> {
    const { group, log, effect, warn } = this.options;
    const gap = { after: this.checkpoint, upTo };
    warn(`${group.name}: the feed has a gap, what is missing is brought up from the logs`, {
      partition: this.number,
      ...gap,
    });
    for await (const stream of log.streams(this.number)) {
      if (this.isLost) return;
      await effect.fill(stream, gap, this.committing());
    }
  }
}
