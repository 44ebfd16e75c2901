/**
 * Folds over long pieces of a log: few at a time in a process, one for all who want the same, and none that is waited for or goes on for
 * ever. Whoever asks for the past of a large conversation can so take neither the processor nor the memory from everyone else.
 */
import { fail } from '../errors.ts';

/** How many fold at once, how many may wait for that, and how long each of both may take. */
export interface FoldLimits {
  readonly atOnce: number;
  readonly waiting: number;
  readonly waitMs: number;
  readonly workMs: number;
}

/** Throws `unavailable` once the work has taken too long. */
export type CheckTime = () => void;

const tooBusy = (): Error => fail('unavailable', 'Too many ask for what is long ago: try again in a moment');

export class LongFolds {
  private readonly limits: FoldLimits;
  private readonly underWay = new Map<string, Promise<unknown>>();
  private readonly queue: (() => void)[] = [];
  private running = 0;

  constructor(limits: FoldLimits) {
    this.limits = limits;
  }

  /** Does the work when its turn comes. What has the same name is done once, and its result shared: nobody may change it. */
  run<T>(name: string | undefined, work: (checkTime: CheckTime) => Promise<T>): Promise<T> {
    if (name === undefined) return this.inTurn(work);
    let shared = this.underWay.get(name) as Promise<T> | undefined;
    if (!shared) {
      shared = this.inTurn(work).finally(() => this.underWay.delete(name));
      this.underWay.set(name, shared);
    }
    return shared;
  }

  private async inTurn<T>(work: (checkTime: CheckTime) => Promise<T>): Promise<T> {
    await this.turn();
    const time = AbortSignal.timeout(this.limits.workMs);
    try {
      return await work(() => {
        if (time.aborted) throw fail('unavailable', 'This is too much to be worked out at once');
      });
    } finally {
      this.running -= 1;
      this.queue.shift()?.();
    }
  }

  private async turn(): Promise<void> {
    if (this.running < this.limits.atOnce) {
      this.running += 1;
      return;
    }
    if (this.queue.length >= this.limits.waiting) throw tooBusy();
    await new Promise<void>((resolve, reject) => {
      const goOn = () => {
        clearTimeout(timer);
        this.running += 1;
        resolve();
      };
      const timer = setTimeout(() => {
        this.queue.splice(this.queue.indexOf(goOn), 1);
        reject(tooBusy());
      }, this.limits.waitMs);
      this.queue.push(goOn);
    });
  }
}
