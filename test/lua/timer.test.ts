/** The scripts of timers against their headers: what is due, and what becomes of a timer that was fired. */
import { expect } from 'chai';
import { dump } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const HOUR = 3_600_000;

describe('scripts of timers', () => {
  const world = useWorld();
  const redis = () => world.log.connection.commands;
  const key = (partition = 0) => world.log.keys.at(partition, 'timers');
  const set = (timer: string, due: number, partition = 0) => redis().zadd(key(partition), due, timer);
  const timers = () => redis().zrange(key(), '0', '-1', 'WITHSCORES');
  const parked = () => redis().hgetall(world.log.keys.at(0, 'parked'));

  describe('timer.due', () => {
    const due = async (partitions: readonly number[], most = 10) => {
      const keys = partitions.map(key);
      return (await world.log.runAt('timer.due', partitions[0]!, { most: String(most) }, keys)).slice(1);
    };

    it('names what is due in each partition, the longest due first, and nothing of the future', async () => {
      const now = Date.now();
      await set('bell b', now - 5);
      await set('bell a', now - 9);
      await set('bell later', now + HOUR);
      await set('bell c', now - 7, 2);
      await redis().zadd(key(), '+inf', '-');
      const expected = [
        [0, 'bell a', String(now - 9)],
        [0, 'bell b', String(now - 5)],
        [2, 'bell c', String(now - 7)],
      ];
      expect(await due([0, 1, 2])).to.deep.equal(expected.flat());
      expect(await due([1])).to.deep.equal([]);
    });

    it('names no more of each than is asked for', async () => {
      for (const partition of [0, 1]) for (const n of [1, 2, 3]) await set(`bell ${n}`, n, partition);
      const found = await due([0, 1], 2);
      expect(found.filter((_, i) => i % 3 === 1)).to.deep.equal(['bell 1', 'bell 2', 'bell 1', 'bell 2']);
    });

    it('says where the timers of a partition cannot be read, and names the others', async () => {
      await redis().set(key(1), 'hello');
      await set('bell a', 5, 2);
      const [at, none, why, ...others] = await due([1, 2]);
      expect([at, none]).to.deep.equal([0, '']);
      expect(why).to.match(/^WRONGTYPE/);
      expect(others).to.deep.equal([1, 'bell a', '5']);
    });
  });

  describe('timer.settle', () => {
    const settle = async (due: number, more: { why?: string; again?: string } = {}) =>
      (await world.log.runAt('timer.settle', 0, { timer: 'bell a', due: String(due), why: '', again: '', ...more }))[0];

    it('takes the timer away', async () => {
      await set('bell a', 5);
      await set('bell b', 5);
      expect(await settle(5)).to.equal('ok');
      expect(await timers()).to.deep.equal(['bell b', '5']);
      expect(await parked()).to.deep.equal({});
    });

    it('parks it with a reason', async () => {
      await set('bell a', 5);
      expect(await settle(5, { why: '{"error":"no"}' })).to.equal('ok');
      expect(await timers()).to.deep.equal([]);
      expect(await parked()).to.deep.equal({ 'timer bell a': '{"error":"no"}' });
    });

    it('makes it due again after a while', async () => {
      await set('bell a', 5);
      const before = Date.now();
      expect(await settle(5, { again: '60000' })).to.equal('ok');
      expect(Number((await timers())[1])).to.be.within(before + 59_000, Date.now() + 61_000);
    });

    it('leaves one alone that is not due any more, since the clock was set back', async () => {
      const due = Date.now() + HOUR;
      await set('bell a', due);
      expect(await settle(due)).to.equal('unchanged');
      expect(await timers()).to.deep.equal(['bell a', String(due)]);
      expect(await settle(due, { why: '{"error":"no"}' })).to.equal('ok');
    });

    it('leaves one alone that was moved, cleared or settled before', async () => {
      await set('bell a', 7);
      const before = await dump(world.log);
      for (const more of [{}, { why: 'no' }, { again: '1' }]) expect(await settle(5, more)).to.equal('unchanged');
      expect(await dump(world.log)).to.deep.equal(before);
      await redis().del(key());
      expect(await settle(5, { again: '1' })).to.equal('unchanged');
      expect(await timers()).to.deep.equal([]);
    });
  });

  describe('timer.release', () => {
    const release = (again: readonly string[] = []) => world.log.runAt('timer.release', 0, { timers_and_dues: again });

    it('makes the key, so that it exists', async () => {
      await release();
      expect(await timers()).to.deep.equal(['-', 'inf']);
    });

    it('makes those due again that are still parked, and moves none that was set since', async () => {
      await redis().hset(world.log.keys.at(0, 'parked'), 'timer bell a', 'no', 'timer bell b', 'no', 'other', 'no');
      await set('bell b', 9);
      await release(['bell a', '5', 'bell b', '6', 'bell gone', '7']);
      expect(await timers()).to.deep.equal(['bell a', '5', 'bell b', '9', '-', 'inf']);
      expect(await parked()).to.deep.equal({ other: 'no' });
    });
  });
});
