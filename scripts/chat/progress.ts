/** How far a long work is: said once it takes longer than a second, over one line for a person, else a line every few seconds. */
import { duration, grouped } from './printing.ts';
import type { Terminal } from './terminal.ts';

const QUIET_MS = 1_000;
const LINE_MS = 200;
const REPORT_MS = 5_000;
const WIDTH = 24;

export class Progress {
  private readonly terminal: Pick<Terminal, 'tell' | 'isWatched'>;
  private readonly what: string;
  private readonly since = performance.now();
  private nextAt: number;
  private isLineOpen = false;

  /** `what` is counted: `logs`, `events`. */
  constructor(terminal: Pick<Terminal, 'tell' | 'isWatched'>, what: string) {
    this.terminal = terminal;
    this.what = what;
    this.nextAt = this.since + QUIET_MS;
  }

  /** Tells that so much is done; `of` is undefined where nobody knows how much there is. */
  at(done: number, of?: number): void {
    const now = performance.now();
    if (now < this.nextAt) return;
    const { isWatched } = this.terminal;
    this.nextAt = now + (isWatched ? LINE_MS : REPORT_MS);
    const line = progressLine({ done, of, what: this.what, ms: now - this.since });
    this.isLineOpen = isWatched;
    this.terminal.tell(isWatched ? `\r\u001b[K${line}` : `${line}\n`);
  }

  /** What comes next begins in a line of its own. Answers how long it took. */
  end(): number {
    if (this.isLineOpen) this.terminal.tell('\r\u001b[K');
    this.isLineOpen = false;
    return performance.now() - this.since;
  }
}

interface Done {
  readonly done: number;
  readonly of: number | undefined;
  readonly what: string;
  readonly ms: number;
}

export function progressLine({ done, of, what, ms }: Done): string {
  const rate = `${rateOf(done, ms)} ${what}/s`;
  if (of === undefined || of === 0) return `${grouped(done)} ${what}, ${rate}`;
  const share = Math.min(1, done / of);
  const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '-');
  const left = done === 0 ? '' : `, ${duration((ms / done) * Math.max(0, of - done))} left`;
  return `[${bar}] ${grouped(done)} of ${grouped(of)} ${what}, ${rate}${left}`;
}

/** So many a second. */
export const rateOf = (count: number, ms: number): string => grouped(Math.round((count / Math.max(1, ms)) * 1_000));
