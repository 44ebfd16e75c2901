/**
 * Brings to the archive what is old enough of the conversations' logs, of each partition by one worker at a time, and of all of them in
 * turn: a round begins once an hour. Owns the pace: it works at most half of the time, so that nobody waits for it. Refuses to know where the
 * files are, and what a segment is: see `log/archive`. Whoever is ended in the middle has lost nothing, and the next round goes on.
 */
import { ChatError, reasonOf } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import type { Say, Warn } from '../log/connection.ts';
import { archive } from './archiving.ts';
import type { ArchivingOptions } from './archiving.ts';
import { Loops } from './loops.ts';
import { Share } from './share.ts';
import type { Held } from './share.ts';

export interface ArchiverOptions extends Omit<ArchivingOptions, 'before'> {
  readonly warn: Warn;
  readonly info?: Say;
  /** Unique to this start of this process. */
  readonly worker: string;
  readonly leaseMs: number;
  /** What happened this long ago leaves Redis. */
  readonly afterMs: number;
  readonly now: () => number;
}

const ROUND_MS = 3_600_000;
/** After trouble with Redis or with the files. */
const AGAIN_MS = 60_000;

/** A partition whose logs this worker looks after. */
class Holding implements Held {
  readonly number: number;
  readonly fence: string;
  isLost = false;
  private atWork: Promise<unknown> = Promise.resolve();

  constructor(number: number, fence: string) {
    this.number = number;
    this.fence = fence;
  }

  lose(): void {
    this.isLost = true;
  }

  async idle(): Promise<void> {
    await this.atWork.catch(() => {});
  }

  async work<T>(task: Promise<T>): Promise<T> {
    this.atWork = task;
    return task;
  }
}

export class Archiver {
  private readonly options: ArchiverOptions;
  private readonly share: Share<Holding>;
  private readonly loops: Loops;

  constructor(options: ArchiverOptions) {
    const { log, worker, leaseMs, info, warn } = options;
    this.options = options;
    this.loops = new Loops((error) => warn(`archive: ${reasonOf(error)}`));
    const group = new ConsumerGroup(log, 'archive', worker);
    const hold = (number: number, fence: string) => new Holding(number, fence);
    this.share = new Share({ group, partitions: log.keys.partitions, leaseMs, hold, info });
  }

  async start(): Promise<void> {
    const { leaseMs } = this.options;
    const assign = () => this.share.assign(() => Promise.resolve());
    await this.share.renew();
    await assign();
    this.loops.every(leaseMs / 3, () => this.share.renew());
    this.loops.every(leaseMs / 3, assign);
    this.loops.repeat(async () => {
      await this.loops.pause((await this.round()) ? ROUND_MS : AGAIN_MS);
    });
  }

  async stop(): Promise<void> {
    this.share.lose();
    await this.loops.stop();
    await this.share.leave();
  }

  /** Looks at every conversation of its partitions once. False where it did not come to the end. */
  private async round(): Promise<boolean> {
    const { log, info } = this.options;
    let events = 0;
    for await (const stream of log.streams()) {
      if (this.loops.areStopping) return true;
      if (stream.kind !== 'conversation') continue;
      try {
        events += await this.bring(stream);
      } catch (error) {
        this.options.warn(`archive: ${reasonOf(error)}`, { stream: `${stream.kind} ${stream.id}` });
        // What is wrong with one log is that log's own; else it is of no use to go on.
        if (error instanceof ChatError) return false;
      }
    }
    if (events > 0) info?.('archive: a round is done', { events });
    return true;
  }

  private async bring(stream: StreamRef): Promise<number> {
    const { log, afterMs, now } = this.options;
    const steps = archive({ ...this.options, before: now() - afterMs }, stream);
    let events = 0;
    for (;;) {
      const holding = this.share.held.get(log.keys.partitionOf(stream.id));
      if (!holding || holding.isLost || this.loops.areStopping) return events;
      const since = performance.now();
      const step = await holding.work(steps.next());
      if (step.done) return events;
      events += step.value.events;
      await this.loops.pause(performance.now() - since);
    }
  }
}
