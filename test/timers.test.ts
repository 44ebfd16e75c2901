/** Timers: each acts once, soon after its time and never before, whatever dies in between; one that fails or hangs holds up no other. */
import { expect } from 'chai';
import { fail } from '../src/errors.ts';
import type { StreamRef } from '../src/keys.ts';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import type { Timer } from '../src/log/effects.ts';
import type { Log } from '../src/log/log.ts';
import { Timers } from '../src/projector/timers.ts';
import type { TimersOptions } from '../src/projector/timers.ts';
import { until } from '../src/redis/redis-server.ts';
import { partitionRoom, room as roomOf } from './support/rooms.ts';
import { addScripts } from './support/scripts.ts';
import { topologies, useWorld } from './support/world.ts';

const PARTITIONS = [0, 1, 2, 3];
const SHORT_LEASE_MS = 600;

const bells = {
  'bell.set': {
    keys: 'log timers',
    args: 'kind name due',
    include: 'timers',
    body: `set_timer(kind, name, due)\nreturn { 'ok' }`,
  },
  'bell.clear': {
    keys: 'log timers',
    args: 'kind name',
    include: 'timers',
    body: `clear_timer(kind, name)\nreturn { 'ok' }`,
  },
  // Acts once for each time that it is set: what is counted lies in the same slot, and is written in the same step.
  'bell.ring': {
    keys: 'log head timers',
    args: 'name',
    include: 'clock timers',
    body: `if not take_timer('bell', name) then return { 'unchanged' } end\nredis.call('HINCRBY', head, 'rung', 1)\nreturn { 'ok' }`,
  },
};

for (const topology of topologies) {
  describe(`timers on ${topology}`, () => {
    const world = useWorld(topology);
    const redis = () => world.log.connection.commands;
    let streams: StreamRef[];
    let running: Timers[];
    let workers = 0;
    let fired: { name: string; dueAt: number; at: number }[];
    const warnings: string[] = [];

    beforeEach(async () => {
      streams = PARTITIONS.map((p) => partitionRoom(world, p).stream);
      running = [];
      fired = [];
      warnings.length = 0;
      await addScripts(world.log, bells);
    });
    afterEach(() => Promise.all(running.map((timers) => timers.stop())));

    /** A bell that rings when its timer fires: the name begins with the stream's id. */
    const bell = (log: Log = world.log, more: Partial<Timer> = {}): Timer => ({
      kind: 'bell',
      async fire(name, dueAt) {
        fired.push({ name, dueAt, at: await redisTime() });
        await ring(log, name);
      },
      ...more,
    });
    const ring = (log: Log, name: string) =>
      log.run('bell.ring', { kind: 'conversation', id: name.split('/')[0]! }, { name });
    async function start(kinds: readonly Timer[] = [bell()], more: Partial<TimersOptions> = {}): Promise<Timers> {
      const warn = (message: string, fields?: object) =>
        void warnings.push(`${message} ${JSON.stringify(fields ?? {})}`);
      const own = { log: world.log, warn, worker: `worker-${(workers += 1)}`, leaseMs: 30_000 };
      const timers = new Timers({ ...own, ...more }, kinds);
      running.push(timers);
      await timers.start();
      return timers;
    }
    async function redisTime(): Promise<number> {
      const [seconds, micros] = await world.log.connection.masters()[0]!.time();
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    }
    const nameOf = (stream: StreamRef, n: number) => `${stream.id}/${n}`;
    const set = async (stream: StreamRef, n: number, due: number, kind = 'bell') =>
      world.log.run('bell.set', stream, { kind, name: nameOf(stream, n), due: String(due) });
    const clear = (stream: StreamRef, n: number) =>
      world.log.run('bell.clear', stream, { kind: 'bell', name: nameOf(stream, n) });
    const rung = async (stream: StreamRef) => Number((await world.log.guardField(stream, 'head', 'rung')) ?? 0);
    const allRung = async () => (await Promise.all(streams.map(rung))).reduce((a, b) => a + b);
    const key = (p: number) => world.log.keys.at(p, 'timers');
    const left = async (p: number) => (await redis().zrange(key(p), '0', '-1')).filter((timer) => timer !== '-');
    const parked = async (p: number) =>
      Object.fromEntries(
        Object.entries(await new ConsumerGroup(world.log, 'timers', 'x').parked(p)).map(([name, why]) => [
          name,
          JSON.parse(why) as unknown,
        ]),
      );

    it('fire in every partition, soon after their time and not before', async () => {
      await start();
      const due = (await redisTime()) + 700;
      for (const [p, stream] of streams.entries()) await set(stream, 1, due + p);
      await until('all have fired', () => fired.length === 4);
      for (const { at, dueAt } of fired) expect(at - dueAt).to.be.within(0, 1_500);
      expect(fired.map(({ dueAt }) => dueAt)).to.have.members(PARTITIONS.map((p) => due + p));
      await until('all have rung', async () => (await allRung()) === 4);
      for (const p of PARTITIONS) expect(await left(p)).to.deep.equal([]);
    });

    it('that were due while nobody was there fire in their order, hundreds of them', async () => {
      const now = await redisTime();
      const [stream] = streams as [StreamRef];
      for (let n = 0; n < 300; n += 1) await set(stream, n, now - 300 + n);
      await start();
      await until('all have rung', async () => (await rung(stream)) === 300);
      const order = fired.map(({ name }) => Number(name.split('/')[1]));
      expect(order).to.deep.equal(Array.from({ length: 300 }, (_, n) => n));
    });

    it('that are cleared do not fire, and those that are moved fire at the new time, once', async () => {
      const [stream] = streams as [StreamRef];
      const due = (await redisTime()) + 400;
      for (const n of [1, 2, 3, 4]) await set(stream, n, due);
      await clear(stream, 1);
      await set(stream, 2, due + 600);
      await set(stream, 3, due + 3_600_000);
      await start();
      await until('two have rung', async () => (await rung(stream)) === 2);
      expect(fired.map(({ name }) => name)).to.deep.equal([nameOf(stream, 4), nameOf(stream, 2)]);
      expect(fired[1]!.dueAt).to.equal(due + 600);
      expect(await left(0)).to.deep.equal([`bell ${nameOf(stream, 3)}`]);
    });

    it('may be set again by what they do', async () => {
      const [stream] = streams as [StreamRef];
      const chime = bell(world.log, {
        async fire(name) {
          await ring(world.log, name);
          if ((await rung(stream)) < 3) await set(stream, 1, (await redisTime()) + 50);
        },
      });
      await start([chime]);
      await set(stream, 1, await redisTime());
      await until('it has rung three times', async () => (await rung(stream)) === 3);
      await until('nothing is left', async () => (await left(0)).length === 0);
    });

    it('keep their key in being, before the first and after the last', async () => {
      const [stream] = streams as [StreamRef];
      await set(stream, 1, await redisTime());
      await start();
      await until('it has rung', async () => (await rung(stream)) === 1);
      for (const p of PARTITIONS) {
        await until('the key is there', async () => (await redis().exists(key(p))) === 1);
      }
    });

    for (const when of ['before', 'after'] as const) {
      it(`act once when a worker dies ${when} it has acted`, async () => {
        for (const stream of streams) await set(stream, 1, (await redisTime()) - 5);
        const log = await world.another();
        await addScripts(log, bells);
        let isDead = false;
        const dying = bell(log, {
          async fire(name) {
            if (when === 'after') await ring(log, name);
            log.close();
            isDead = true;
            throw fail('unavailable');
          },
        });
        await start([dying], { log, leaseMs: SHORT_LEASE_MS });
        await until('it died', () => isDead);
        await start([bell()], { leaseMs: SHORT_LEASE_MS });
        await until('all have rung', async () => (await allRung()) >= 4);
        for (const p of PARTITIONS) await until('all are settled', async () => (await left(p)).length === 0);
        for (const stream of streams) expect(await rung(stream)).to.equal(1);
      });
    }

    it('fire once where several workers share the partitions', async () => {
      const due = (await redisTime()) + 200;
      for (const stream of streams) for (let n = 0; n < 20; n += 1) await set(stream, n, due + n * 20);
      for (let n = 0; n < 3; n += 1) await start([bell()], { leaseMs: SHORT_LEASE_MS });
      await until('all have rung', async () => (await allRung()) === 80);
      expect(new Set(fired.map(({ name }) => name)).size).to.equal(80);
      for (const stream of streams) expect(await rung(stream)).to.equal(20);
    });

    describe('that fail', () => {
      let sick: StreamRef;
      let well: StreamRef;
      beforeEach(() => {
        // Of one partition: nothing else would show that it goes on.
        const all = Array.from({ length: 40 }, (_, n) => roomOf(n + 1));
        const partition = world.log.keys.partitionOf(all[0]!.id);
        [sick, well] = all.filter(({ id }) => world.log.keys.partitionOf(id) === partition) as [StreamRef, StreamRef];
      });
      const partition = () => world.log.keys.partitionOf(sick.id);
      const failing = (error: () => Error): Timer =>
        bell(world.log, {
          async fire(name, dueAt) {
            if (!name.startsWith(sick.id)) return bell().fire(name, dueAt);
            fired.push({ name, dueAt, at: performance.now() });
            throw error();
          },
        });
      const tries = () => fired.filter(({ name }) => name.startsWith(sick.id));

      it('are parked with the reason and not tried again before the next start', async () => {
        const due = (await redisTime()) - 10;
        await set(sick, 1, due);
        const timers = await start([failing(() => new Error('cannot'))]);
        const name = `timer bell ${nameOf(sick, 1)}`;
        await until('it is parked', async () => Object.keys(await parked(partition())).length === 1);
        expect(await parked(partition())).to.deep.equal({ [name]: { due_at: due, error: 'cannot' } });
        expect(await left(partition())).to.deep.equal([]);
        for (const n of [1, 2]) {
          await set(well, n, await redisTime());
          await until('the other has rung', async () => (await rung(well)) === n);
        }
        expect(tries()).to.have.length(1);
        expect(warnings.filter((line) => line.includes('is parked'))).to.have.length(1);
        await timers.stop();
        await start();
        await until('it has rung', async () => (await rung(sick)) === 1);
        expect(await parked(partition())).to.deep.equal({});
      });

      it('for want of something that is not there just now are tried again, each time after a longer while', async () => {
        await set(sick, 1, (await redisTime()) - 10);
        await start([failing(() => fail('unavailable'))]);
        await until('it was tried three times', () => tries().length === 3, 10_000);
        const [first, second, third] = tries().map(({ at }) => at) as [number, number, number];
        expect(second - first).to.be.within(950, 2_500);
        expect(third - second).to.be.within(1_950, 3_500);
        await set(well, 1, await redisTime());
        await until('the other has rung', async () => (await rung(well)) === 1);
        expect(warnings).to.deep.equal([]);
      }).timeout(15_000);

      it('of a kind that nobody knows stay until a program comes that does', async () => {
        await set(sick, 1, (await redisTime()) - 10, 'gong');
        await set(well, 1, (await redisTime()) - 5);
        const timers = await start();
        await until('the other has rung', async () => (await rung(well)) === 1);
        expect(await left(partition())).to.deep.equal([`gong ${nameOf(sick, 1)}`]);
        await timers.stop();
        await start([bell(), { kind: 'gong', fire: async (name) => void fired.push({ name, dueAt: 0, at: 0 }) }]);
        await until('it has fired', () => tries().length === 1, 10_000);
        await until('it is gone', async () => (await left(partition())).length === 0);
      }).timeout(15_000);

      it('to come to an end hold up no other', async () => {
        const hanging = bell(world.log, {
          fire: (name, dueAt) => (name.startsWith(sick.id) ? new Promise(() => {}) : bell().fire(name, dueAt)),
        });
        await set(sick, 1, (await redisTime()) - 10);
        await start([hanging]);
        for (let n = 1; n < 4; n += 1) {
          await set(well, n, await redisTime());
          await until('the other has rung', async () => (await rung(well)) === n, 1_500);
        }
      });

      it('to be read stop their own partition, until the key is mended', async () => {
        await redis().set(key(0), 'hello');
        await start([bell()], { leaseMs: SHORT_LEASE_MS });
        for (const stream of streams.slice(1)) await set(stream, 1, await redisTime());
        await until('the others have rung', async () => (await allRung()) === 3);
        expect(warnings.join()).to.include('WRONGTYPE');
        await redis().del(key(0));
        await set(streams[0]!, 1, await redisTime());
        await until('it has rung', async () => (await allRung()) === 4);
      });
    });

    if (topology === 'one Redis') {
      it('cost next to nothing when none is due: one script twice a second for all partitions', async () => {
        const [master] = world.log.connection.masters();
        await start();
        await until('the partitions are taken', async () => (await redis().exists(...PARTITIONS.map(key))) === 4);
        await master!.call('CONFIG', 'RESETSTAT');
        const began = performance.now();
        await until('a while has passed', () => performance.now() - began > 2_000);
        const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await master!.info('commandstats'))?.[1];
        expect(Number(calls)).to.be.within(2, 5);
      });
    }
  });
}
