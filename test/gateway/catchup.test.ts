/** The pure meeting of history and live, with arrays: whatever the interleaving, every seq once and in order. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CatchUp } from '../../src/gateway/catchup.ts';
import type { Framed } from '../../src/gateway/frames.ts';

const framed = (seq: number): Framed => ({ id: `1-${seq}`, seq, frame: Buffer.from(String(seq)), withheld: undefined });
const range = (from: number, to: number): Framed[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => framed(from + i));
const seqs = (events: readonly Framed[] | 'again'): number[] | 'again' =>
  events === 'again' ? 'again' : events.map((event) => event.seq);

/** A log that grows, a tail that lags behind it and a reader that pages through it: what a session does, one step at a time. */
class Model {
  readonly sent: number[] = [];
  private readonly catching: CatchUp;
  private logged: number;
  private tailed: number;

  /** What the tail had brought by then came before the session followed. */
  constructor(cursor: number, logged: number, tailed: number) {
    this.catching = new CatchUp(cursor);
    this.logged = logged;
    this.tailed = Math.min(tailed, logged);
  }

  write(count: number): void {
    this.logged += count;
  }

  /** The tail brings the next events. */
  tail(count: number): void {
    const until = Math.min(this.logged, this.tailed + count);
    const batch = range(this.tailed + 1, until);
    this.tailed = until;
    if (batch.length > 0) this.keep(this.catching.live(batch));
  }

  /** One page of the log; at its end the waiting events follow. */
  read(size: number): void {
    if (!this.catching.isReading) return;
    const { position } = this.catching;
    const page = range(position + 1, Math.min(this.logged, position + size));
    this.keep(this.catching.history(page));
    if (page.length < size) this.finish();
  }

  /** Goes live, if nothing is missing. */
  finish(): void {
    if (!this.catching.isReading) return;
    const waiting = this.catching.finish(this.tailed);
    if (waiting !== 'again') this.keep(waiting);
  }

  /** Everything that is still under way arrives. */
  settle(): number {
    while (this.catching.isReading) this.read(7);
    this.tail(this.logged);
    return this.logged;
  }

  private keep(events: readonly Framed[]): void {
    this.sent.push(...events.map((event) => event.seq));
  }
}

describe('catch-up', () => {
  it('any interleaving of log pages and live batches gives every seq once, in order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant('tail' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant('read' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('finish' as const), count: fc.constant(0) }),
      // More than fits while the log is being read.
      fc.record({ kind: fc.constant('burst' as const), count: fc.integer({ min: 900, max: 1_300 }) }),
    );
    const begins = fc.record({ cursor: fc.nat(20), more: fc.nat(20), lag: fc.nat(20), steps: fc.array(step) });
    fc.assert(
      fc.property(begins, ({ cursor, more, lag, steps }) => {
        const model = new Model(cursor, cursor + more, Math.max(0, cursor + more - lag));
        for (const { kind, count } of steps) {
          if (kind === 'burst') {
            model.write(count);
            model.tail(count);
          } else model[kind](count);
        }
        const last = model.settle();
        expect(model.sent).to.deep.equal(range(cursor + 1, last).map((event) => event.seq));
      }),
      { numRuns: 300 },
    );
  });

  it('live events wait for the log, then follow it without those that it had', () => {
    const catching = new CatchUp(2);
    expect(seqs(catching.live(range(4, 6)))).to.deep.equal([]);
    expect(seqs(catching.history(range(1, 5)))).to.deep.equal([3, 4, 5]);
    expect(seqs(catching.finish(6))).to.deep.equal([6]);
    expect(catching.isReading).to.equal(false);
  });

  it('more than fits is read from the log again', () => {
    const catching = new CatchUp(0);
    catching.live(range(1, 1_001));
    expect(catching.finish(0)).to.equal('again');
    expect(catching.position).to.equal(0);
    expect(seqs(catching.history(range(1, 1_001)))).to.have.length(1_001);
    expect(seqs(catching.finish(1_001))).to.deep.equal([]);
  });

  it('so is more than may lie in memory', () => {
    const catching = new CatchUp(0);
    catching.live([{ ...framed(1), frame: Buffer.alloc(262_145) }]);
    expect(catching.finish(0)).to.equal('again');
    catching.live(range(1, 2));
    expect(seqs(catching.finish(0))).to.deep.equal([1, 2]);
  });

  it('what came by before the session followed is read again, also when nothing waits', () => {
    const catching = new CatchUp(8);
    expect(catching.finish(10)).to.equal('again');
    catching.live(range(12, 12));
    expect(catching.finish(12)).to.equal('again');
    expect(seqs(catching.history(range(9, 12)))).to.deep.equal([9, 10, 11, 12]);
    expect(seqs(catching.finish(12))).to.deep.equal([]);
  });

  it('where the log was ahead of the tail, the tail is skipped until it has passed', () => {
    const catching = new CatchUp(0);
    catching.history(range(1, 5));
    catching.finish(2);
    expect(catching.isOver(2)).to.equal(false);
    expect(seqs(catching.live(range(3, 4)))).to.deep.equal([]);
    expect(catching.isOver(4)).to.equal(false);
    expect(seqs(catching.live(range(5, 6)))).to.deep.equal([6]);
    expect(catching.isOver(6)).to.equal(true);
  });

  it('a hole in the log is never passed over', () => {
    expect(() => new CatchUp(1).history([framed(3)])).to.throw('hole before seq 3');
    expect(() => new CatchUp(1).history([framed(2), framed(4)])).to.throw('hole before seq 4');
  });

  it('who was taken out gets everything up to that event, from wherever it comes, and nothing after', () => {
    const catching = new CatchUp(0);
    catching.live(range(3, 4));
    catching.endAt(4);
    catching.live(range(5, 6));
    expect(seqs(catching.history(range(1, 2)))).to.deep.equal([1, 2]);
    expect(catching.hasLeft).to.equal(false);
    expect(seqs(catching.finish(0))).to.deep.equal([3, 4]);
    expect(catching.hasLeft).to.equal(true);
    const reading = new CatchUp(0);
    reading.endAt(2);
    expect(reading.finish(0)).to.equal('again');
    expect(seqs(reading.history(range(1, 5)))).to.deep.equal([1, 2]);
    expect(seqs(reading.finish(9))).to.deep.equal([]);
  });
});
