/** What has reached a client, by pings and pongs alone: never more than it has, and all of it soon. */
import { expect } from 'chai';
import fc from 'fast-check';
import sinon from 'sinon';
import { Reached } from '../../src/gateway/reached.ts';

describe('what has reached a client', () => {
  let clock: sinon.SinonFakeTimers;
  beforeEach(() => (clock = sinon.useFakeTimers()));
  afterEach(() => clock.restore());

  /** A socket: what was sent lies in order, and the client takes it piece by piece. */
  class Wire {
    readonly sent = new Map<string, string>();
    readonly way: (Buffer | string)[] = [];
    pings = 0;
    taken = '0';
    readonly account = new Reached({
      sent: () => new Map(this.sent),
      write: (frame) => {
        this.pings += 1;
        this.way.push(frame);
      },
      now: () => Date.now(),
    });

    send(event: string): void {
      this.sent.set('room', event);
      this.way.push(event);
      this.account.wrote();
    }

    take(): void {
      const next = this.way.shift();
      if (typeof next === 'string') this.taken = next;
      else if (next) this.account.pong(next.subarray(2));
    }

    get reached(): string {
      return this.account.events.get('room') ?? '0';
    }
  }

  it('is told at once, and nothing before the session has begun', () => {
    const wire = new Wire();
    wire.account.standsAt(new Map([['room', '1']]));
    wire.send('2');
    expect(wire.pings).to.equal(0);
    wire.account.begin();
    expect([wire.pings, wire.reached]).to.deep.equal([1, '1']);
    wire.take();
    expect(wire.reached).to.equal('1');
    wire.take();
    expect(wire.reached).to.equal('2');
    wire.account.wrote();
    expect(wire.pings, 'where nothing is new').to.equal(1);
  });

  it('takes no answer that is none', () => {
    const wire = new Wire();
    wire.account.begin();
    wire.send('1');
    for (const payload of ['', 'abc', 'abcd', 'abcdefgh']) wire.account.pong(Buffer.from(payload));
    expect(wire.reached).to.equal('0');
  });

  it('asks some times at once, then a few times a second', () => {
    const wire = new Wire();
    wire.account.begin();
    for (let n = 1; n <= 1_000; n += 1) {
      wire.send(String(n));
      while (wire.way.length > 0) wire.take();
      clock.tick(10);
    }
    expect(wire.pings).to.be.within(60, 80);
    clock.tick(1_000);
    while (wire.way.length > 0) wire.take();
    expect(wire.reached).to.equal('1000');
    wire.account.end();
    clock.tick(10_000);
    expect(wire.way).to.deep.equal([]);
  });

  it('is never more than the client has, and all of it in the end, in whatever order things happen', () => {
    const acts = fc.array(fc.constantFrom('send', 'take', 'wait'), { maxLength: 200 });
    const holds = (all: string[]) => {
      const wire = new Wire();
      wire.account.begin();
      let n = 0;
      for (const act of all) {
        if (act === 'send') wire.send(String((n += 1)));
        else if (act === 'take') wire.take();
        else clock.tick(100);
        if (Number(wire.reached) > Number(wire.taken)) return false;
      }
      for (let i = 0; i < 4; i += 1) {
        while (wire.way.length > 0) wire.take();
        clock.tick(1_000);
      }
      wire.account.end();
      return wire.reached === String(n);
    };
    fc.assert(fc.property(acts, holds), { numRuns: 300 });
  });
});
