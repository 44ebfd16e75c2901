/**
 * Where history meets live: a stream that one session is catching up on. Pure, no sockets and no Redis. Live events that arrive while
 * the log is being read wait here; when the log's end is reached they follow it, each seq once and in order.
 *
 *   buffering → skipping → (gone)
 *
 * buffering: the log is being read, live events wait. skipping: the log was ahead of the tail, so the tail's events up to `position`
 * were sent already and are dropped; the first later one ends it.
 */

/** An event ready to be written: its WebSocket frame, and its place in its stream. */
export interface Framed {
  readonly id: string;
  readonly seq: number;
  readonly frame: Buffer;
}

/** Waiting events are only a shortcut: what does not fit is read from the log again. */
const MAX_WAITING = 1_000;

export class CatchUp {
  /** Seq of the last event that the session has. */
  position: number;
  private state: 'buffering' | 'skipping' = 'buffering';
  private waiting: Framed[] = [];
  private overflowed = false;

  constructor(position: number) {
    this.position = position;
  }

  /** Begins anew at another position, keeping what waits. */
  moveTo(position: number): void {
    this.position = position;
  }

  /** Takes live events; returns those to send now. */
  live(events: readonly Framed[]): Framed[] {
    if (this.state === 'skipping') {
      const fresh = events.filter((event) => event.seq > this.position);
      if (fresh.length > 0) this.position = fresh.at(-1)!.seq;
      return fresh;
    }
    if (this.waiting.length + events.length > MAX_WAITING) {
      this.overflowed = true;
      this.waiting = [];
    } else if (!this.overflowed) this.waiting.push(...events);
    return [];
  }

  /** Takes a page of the log; returns what of it the session does not have yet. Throws when the log has a hole. */
  history(page: readonly Framed[]): Framed[] {
    const fresh = page.filter((event) => event.seq > this.position);
    fresh.forEach((event, i) => {
      if (event.seq !== this.position + 1 + i) throw new Error(`the log has a hole before seq ${event.seq}`);
    });
    if (fresh.length > 0) this.position = fresh.at(-1)!.seq;
    return fresh;
  }

  /**
   * The log's end was reached: returns the waiting events that follow it, or 'again' when something between is missing (more waited
   * than fits), so the log must be read on from `position`. After success live events flow, except those that were sent already.
   */
  finish(): Framed[] | 'again' {
    const after = this.waiting.filter((event) => event.seq > this.position);
    const dense = after.every((event, i) => event.seq === this.position + 1 + i);
    const missing = this.overflowed || !dense;
    this.waiting = [];
    this.overflowed = false;
    if (missing) return 'again';
    if (after.length > 0) this.position = after.at(-1)!.seq;
    this.state = 'skipping';
    return after;
  }

  get isReading(): boolean {
    return this.state === 'buffering';
  }

  /** True when nothing is left to do here once the tail has passed `seq`. */
  isOver(seq: number): boolean {
    return this.state === 'skipping' && seq >= this.position;
  }
}
