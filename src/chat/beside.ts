/** Work that a timer begins and does not wait for: so many pieces at once, and what one of them throws is passed over. */
import { fail } from '../errors.ts';

export class Beside {
  private readonly atOnce: number;
  private running = 0;

  constructor(atOnce: number) {
    this.atOnce = atOnce;
  }

  /** Throws `unavailable` where there is no room for one more: the timer tries again. */
  checkRoom(): void {
    if (this.running >= this.atOnce) throw fail('unavailable', 'Too much is on its way already');
  }

  begin(work: Promise<unknown>): void {
    this.running += 1;
    const ended = () => void (this.running -= 1);
    work.then(ended, ended);
  }
}
