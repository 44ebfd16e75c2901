/** Limits as nodes hold them together: exact where little is left, ahead of the count by a tenth at most, never open without Redis. */
import { expect } from 'chai';
import fc from 'fast-check';
import { readConfig } from '../src/config.ts';
import { allowancesOf, addressSubject, Limits } from '../src/limits.ts';
import type { Take } from '../src/limits.ts';
import type { Log } from '../src/log/log.ts';
import { codeOf, refusal, SECRET_KEY } from './support/accounts.ts';
import { useWorld } from './support/world.ts';

const ANN = '01K00000000000000000000ANN';

describe('limits over nodes', () => {
  const world = useWorld();
  let calls: string[][];
  beforeEach(() => {
    calls = [];
  });
  const takeWith =
    (log: Log): Take =>
    (id, asked) => {
      calls.push([...asked]);
      return log.run('limit.take', { kind: 'limit', id }, { asked });
    };
  const nodeWith = (messages: number, take = takeWith(world.log), more: Record<string, string> = {}) =>
    new Limits(
      allowancesOf(readConfig({ SECRET_KEY, RATE_LIMIT_MESSAGES_PER_MINUTE: String(messages), ...more })),
      take,
    );
  const spend = (node: Limits, now = Date.now()) => codeOf(node.spend('message', ANN, now));
  const passed = (codes: readonly string[]) => codes.filter((code) => code === 'ok').length;

  it('below twenty all nodes together let pass exactly what is allowed, one after the other or all at once', async () => {
    const nodes = [nodeWith(7), nodeWith(7), nodeWith(7)];
    const codes: string[] = [];
    for (let i = 0; i < 12; i += 1) codes.push(await spend(nodes[i % 3]!));
    expect(codes).to.deep.equal([...Array<string>(7).fill('ok'), ...Array<string>(5).fill('rate_limited')]);
    await world.log.connection.commands.flushall();
    const fresh = [nodeWith(7), nodeWith(7), nodeWith(7)];
    const atOnce = await Promise.all(Array.from({ length: 30 }, (_, i) => spend(fresh[i % 3]!)));
    expect(passed(atOnce)).to.equal(7);
  });

  it('one node is exact whatever the limit, and asks Redis once for several while much is left', async () => {
    const node = nodeWith(200);
    const codes: string[] = [];
    for (let i = 0; i < 100; i += 1) codes.push(await spend(node, 0));
    expect(passed(codes)).to.equal(100);
    expect(calls.length).to.be.within(1, 100 / 8);
    codes.push(...(await Promise.all(Array.from({ length: 300 }, () => spend(node, 0)))));
    // A share of the minute may pass meanwhile: 0.3 s.
    expect(passed(codes)).to.be.within(200, 203);
  });

  it('tells what is left without asking for it, and exactly where it asks anyway', async () => {
    const node = nodeWith(200);
    const left = async (limits: Limits, now: number) => (await limits.spend('message', ANN, now))?.times;
    const now = Date.now();
    expect([await left(node, now), await left(node, now)]).to.deep.equal([199, 198]);
    expect(calls).to.deep.equal([]);
    const [one, other] = [nodeWith(7), nodeWith(7)];
    await world.log.connection.commands.flushall();
    expect([await left(one, now), await left(other, now), await left(one, now)]).to.deep.equal([6, 5, 4]);
    expect(await nodeWith(0).spend('message', ANN, now)).to.equal(undefined);
  });

  it('several nodes let pass too much by a tenth each at most', async () => {
    const most = 100;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 20 })), { minLength: 20, maxLength: 40 }),
        async (count, bursts) => {
          await world.log.connection.commands.flushall();
          const nodes = Array.from({ length: count }, () => nodeWith(most));
          const since = Date.now();
          let done = 0;
          for (const [which, size] of bursts) {
            const codes = await Promise.all(Array.from({ length: size }, () => spend(nodes[which % count]!)));
            done += passed(codes);
          }
          const refilled = Math.ceil(((Date.now() - since) / 60_000) * most);
          expect(done).to.be.at.most(most + refilled + count * (most / 10));
          const asked = bursts.reduce((sum, [, size]) => sum + size, 0);
          expect(done).to.be.at.least(Math.min(asked, most));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('takes nothing of what is meant for another action or another user, and one call settles both', async () => {
    const node = nodeWith(2, takeWith(world.log), { RATE_LIMIT_REACTIONS_PER_MINUTE: '60' });
    const now = Date.now();
    await node.spend('reaction', ANN, now);
    expect(calls).to.deep.equal([]);
    expect([await spend(node), await spend(node), await spend(node)]).to.deep.equal(['ok', 'ok', 'rate_limited']);
    await node.spend('reaction', ANN, now);
    await node.spend('message', addressSubject('2001:db8::1'), now);
    expect(calls[0]).to.deep.equal(['reaction', '60', '60000', '1', '0', 'message', '2', '60000', '0', '1']);
  });

  it('says when to come back, keeps to it without asking again, and does not keep to a clock that jumped back', async () => {
    const node = nodeWith(2);
    const now = Date.now();
    await spend(node, now);
    await spend(node, now);
    const refused = await refusal(node.spend('message', ANN, now));
    expect(refused).to.include({ code: 'rate_limited', retryAfter: 30 });
    expect(refused.headers).to.deep.equal({
      'RateLimit-Policy': '"messages";q=2;w=60',
      RateLimit: '"messages";r=0;t=30',
    });
    const before = calls.length;
    expect(await refusal(node.spend('message', ANN, now + 10_000))).to.include({ retryAfter: 20 });
    expect(calls.length).to.equal(before);
    await spend(node, now + 31_000);
    await spend(node, now - 3_600_000);
    expect(calls.length).to.equal(before + 2);
  });

  it('forgets nothing of what was let pass when somebody acts for a moment that is past', async () => {
    const node = nodeWith(20);
    const now = Date.now();
    await spend(node, now);
    for (const [i, past] of [now - 3_600_000, now, now - 7_200_000, now].entries())
      await node.spend('message', `someone${i}`, past);
    await spend(node, now);
    expect(calls.map((asked) => asked[3])).to.deep.equal(['2']);
  });

  it('is exact for what is counted by the hour', async () => {
    const nodes = [1, 2].map(() => nodeWith(0, undefined, { RATE_LIMIT_UPLOADS_PER_HOUR: '40' }));
    const codes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => codeOf(nodes[i % 2]!.spend('upload', ANN, 0))),
    );
    expect(passed(codes)).to.equal(40);
  });

  it('without Redis lets nothing pass but what it may be ahead by, answers unavailable, and charges that later', async () => {
    const log = await world.another();
    const node = nodeWith(100, takeWith(log));
    for (let i = 0; i < 3; i += 1) await spend(node);
    const small = nodeWith(3, takeWith(log));
    const another = await world.another();
    log.close();
    const codes: string[] = [];
    for (let i = 0; i < 20; i += 1) codes.push(await spend(node));
    expect(passed(codes)).to.be.at.most(10);
    expect(codes.at(-1)).to.equal('unavailable');
    expect(await spend(small)).to.equal('unavailable');
    // It is back: the next who asks settles what was let pass.
    let isBack = false;
    const flaky = nodeWith(40, (id, asked) =>
      isBack ? takeWith(another)(id, asked) : Promise.reject(Object.assign(new Error('gone'), { code: 'x' })),
    );
    for (let i = 0; i < 4; i += 1) await codeOf(flaky.spend('message', 'ben', 0)).catch(() => 'lost');
    isBack = true;
    await flaky.spend('message', 'ben', 0);
    const [, , , done, wanted] = calls.at(-1)!;
    expect([Number(done), Number(wanted)]).to.deep.equal([4, 1]);
  });

  it('0 asks nobody', async () => {
    const node = nodeWith(0);
    expect(await spend(node)).to.equal('ok');
    expect(calls).to.deep.equal([]);
  });

  it('counts an IPv6 network and an IPv4 address however it is written as one', () => {
    expect(addressSubject('2001:DB8::1')).to.equal(addressSubject('[2001:db8:0:0:ffff::2]:4321'));
    expect(addressSubject('::ffff:192.0.2.1')).to.equal('192.0.2.1');
    expect(addressSubject('')).to.equal('unknown');
    for (const text of ['2001:db8::1', '192.0.2.1', ''])
      expect(() => world.log.keys.of({ kind: 'limit', id: addressSubject(text) }, 'self')).not.to.throw();
  });
});
