/**
 * Loops that run side by side until they are stopped. An error of a turn is told and waited out, longer each time, and the loop goes on:
 * never a hot loop, and never one that has ended without a word.
 */
import { within } from '../log/deadline.ts';

const BACK_OFF_MS = { first: 1_000, most: 5_000 };
/** A stop does not wait longer for what is in hand: whatever it is, it will be done again. */
export const LAST_TURN_MS = 3_000;

export class Loops {
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>[] = [];
  private readonly tell: (error: unknown) => void;

  constructor(tell: (error: unknown) => void) {
    this.tell = tell;
  }

  get areStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Takes a turn every so often, the first after that time. */
  every(ms: number, turn: () => Promise<void>): void {
    this.repeat(async () => {
      await this.pause(ms);
      if (!this.areStopping) await turn();
    });
  }

  /** Takes one turn after the other; each has to pause somewhere. */
  repeat(turn: () => Promise<void>): void {
    this.running.push(this.run(turn));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await within<unknown>(LAST_TURN_MS, Promise.all(this.running), () => undefined);
  }

  /** Ends at once when the loops are stopped. */
  pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  private async run(turn: () => Promise<void>): Promise<void> {
    for (let failures = 0; !this.areStopping;) {
      try {
        await turn();
        failures = 0;
      } catch (error) {
        if (this.areStopping) return;
        this.tell(error);
        await this.pause(Math.min(BACK_OFF_MS.first * 2 ** failures, BACK_OFF_MS.most));
        failures += 1;
      }
    }
  }
}
