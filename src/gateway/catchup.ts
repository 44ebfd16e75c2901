/**
 * Where history meets live: a stream that one session is catching up on. Pure, no sockets and no Redis. Live events that arrive while
 * the log is being read wait here; when the log's end is reached they follow it, each seq once and in order.
 *
 *   buffering → skipping → (gone)
 *
 * buffering: the log is being read, live events wait. skipping: the log was ahead of the tail, so the tail's events up to `position`
 * were sent already and are dropped; the first later one ends it.
 */
import type { Framed } from './frames.ts';

/** Waiting events are only a shortcut: what does not fit is read from the log again. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 262_144;

export class CatchUp {
  /** Seq of the last event that the session has. */
  position: number;
  private state: 'buffering' | 'skipping' = 'buffering';
  private waiting: Framed[] = [];
  private waitingBytes = 0;
  private mustRead = false;
  /** Seq of the event by which the session leaves the stream. */
  private end = Infinity;

  constructor(position: number) {
    this.position = position;
  }

  /** Begins anew at another position, keeping what waits. */
  moveTo(position: number): void {
    this.position = position;
  }

  /** Takes live events; returns those to send now. */
  live(events: readonly Framed[]): readonly Framed[] {
    if (this.state === 'skipping') return this.take(events.filter((event) => this.lacks(event)));
    this.waitingBytes += events.reduce((sum, event) => sum + event.frame.length, 0);
    if (this.waiting.length + events.length > MAX_WAITING || this.waitingBytes > MAX_WAITING_BYTES) {
      this.empty();
      this.mustRead = true;
    } else this.waiting.push(...events);
    return [];
  }

  /** Takes a page of the log; returns what of it the session does not have yet. Throws when the log has a hole. */
  history(page: readonly Framed[]): readonly Framed[] {
    const fresh = page.filter((event) => this.lacks(event));
    const hole = fresh.find((event, i) => event.seq !== this.position + 1 + i);
    if (hole) throw new Error(`the log has a hole before seq ${hole.seq}`);
    return this.take(fresh);
  }

  /**
   * The log's end was reached: returns the waiting events that follow it, or 'again' when something up to `head`, the last seq that
   * is known to be there, is missing: more waited than fits, or it came by before the session followed. The log must then be read on
   * from `position`. After success live events flow, except those that were sent already.
   */
  finish(head: number): readonly Framed[] | 'again' {
    const after = this.waiting.filter((event) => this.lacks(event));
    const isDense = after.every((event, i) => event.seq === this.position + 1 + i);
    const reached = after.at(-1)?.seq ?? this.position;
    const isMissing = this.mustRead || !isDense || reached < (this.isLeaving ? this.end : head);
    this.empty();
    this.mustRead = false;
    if (isMissing) return 'again';
    this.state = 'skipping';
    return this.take(after);
  }

  /** What was read or waits may not be what the log has now: it is read on from `position` before anything flows. */
  readAgain(): void {
    this.mustRead = true;
  }

  /** Nothing after this seq is for the session: its user was taken out by it. */
  endAt(seq: number): void {
    this.end = seq;
  }

  /** The user came back in before the end was reached. */
  goOn(): void {
    this.end = Infinity;
  }

  get isLeaving(): boolean {
    return this.end !== Infinity;
  }

  get isReading(): boolean {
    return this.state === 'buffering';
  }

  /** True when the session has everything up to the event by which it leaves. */
  get hasLeft(): boolean {
    return this.position >= this.end;
  }

  /** True when nothing is left to do here once the tail has passed `seq`. */
  isOver(seq: number): boolean {
    return this.state === 'skipping' && seq >= this.position;
  }

  private lacks(event: Framed): boolean {
    return event.seq > this.position && event.seq <= this.end;
  }

  private empty(): void {
    this.waiting = [];
    this.waitingBytes = 0;
  }

  private take(events: readonly Framed[]): readonly Framed[] {
    this.position = events.at(-1)?.seq ?? this.position;
    return events;
  }
}
