/** The script that counts: what it grants, what it says is left, how long to wait, and that the key goes again. */
import { expect } from 'chai';
import type { Owner } from '../../src/keys.ts';
import { topologies, useWorld } from '../support/world.ts';

const MINUTE = 60_000;
const ann: Owner = { kind: 'limit', id: '01K00000000000000000000ANN' };

for (const topology of topologies) {
  describe(`limit.take on ${topology}`, () => {
    const world = useWorld(topology);
    const redis = () => world.log.connection.commands;
    const key = () => world.log.keys.of(ann, 'self');
    const take = async (...asked: (string | number)[]) =>
      (await world.log.run('limit.take', ann, { asked: asked.map(String) })).slice(1).map(Number);
    /** As if so many ms had passed. */
    const later = async (name: string, ms: number) =>
      redis().hset(key(), name, String(Number(await redis().hget(key(), name)) - ms));

    it('grants what is allowed at once, then one for each share of the period', async () => {
      expect(await take('x', 3, MINUTE, 0, 1)).to.deep.equal([1, 2, 0]);
      expect(await take('x', 3, MINUTE, 0, 5)).to.satisfy(
        ([granted, left, wait]: number[]) => granted === 2 && left === 0 && wait! > 19_000 && wait! <= 20_000,
      );
      expect((await take('x', 3, MINUTE, 0, 1)).slice(0, 2)).to.deep.equal([0, 0]);
      await later('x', 20_000);
      expect((await take('x', 3, MINUTE, 0, 2)).slice(0, 2)).to.deep.equal([1, 0]);
      await later('x', 10 * MINUTE);
      expect((await take('x', 3, MINUTE, 0, 9)).slice(0, 2)).to.deep.equal([3, 0]);
    });

    it('charges what was done already also where there is no room, and that is paid back', async () => {
      expect((await take('x', 3, MINUTE, 5, 1)).slice(0, 2)).to.deep.equal([0, -2]);
      await later('x', 40_000);
      expect((await take('x', 3, MINUTE, 0, 1)).slice(0, 2)).to.deep.equal([0, 0]);
      await later('x', 20_000);
      expect((await take('x', 3, MINUTE, 0, 1)).slice(0, 2)).to.deep.equal([1, 0]);
    });

    it('counts several allowances of one subject in one call, each for itself', async () => {
      expect(await take('x', 3, MINUTE, 0, 2, 'y', 10, 60 * MINUTE, 1, 0)).to.deep.equal([2, 1, 0, 0, 9, 0]);
      expect((await take('y', 10, 60 * MINUTE, 0, 20, 'x', 3, MINUTE, 0, 1)).slice(0, 2)).to.deep.equal([9, 0]);
      expect((await take('x', 3, MINUTE, 0, 1))[0]).to.equal(0);
    });

    it('keeps one key as long as anything is taken, and writes nothing where it grants nothing', async () => {
      await take('y', 60, 60 * MINUTE, 0, 1);
      expect(await redis().pttl(key())).to.be.within(MINUTE - 1_000, MINUTE);
      await take('x', 60, MINUTE, 0, 1);
      expect(await redis().pttl(key())).to.be.above(MINUTE - 1_000);
      await take('x', 2, MINUTE, 0, 9);
      const before = await redis().hgetall(key());
      expect((await take('x', 2, MINUTE, 0, 1))[0]).to.equal(0);
      expect(await redis().hgetall(key())).to.deep.equal(before);
    });

    it('makes nobody wait for longer than the period twice, whatever the clock did', async () => {
      await take('x', 3, MINUTE, 0, 3);
      await later('x', -60 * MINUTE);
      expect((await take('x', 3, MINUTE, 0, 1))[2]).to.be.within(MINUTE, MINUTE + 20_000);
    });
  });
}
