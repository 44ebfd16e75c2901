/** The scripts of the directories: what they move, and what they leave alone. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import { topologies, useWorld } from '../support/world.ts';

for (const topology of topologies) {
  describe(`scripts of directories on ${topology}`, () => {
    const world = useWorld(topology);
    const redis = () => world.log.connection.commands;
    const owner = userStream('01K0000000000000000000000A');
    const partition = () => world.log.keys.partitionOf(owner.id);

    describe('directory.folding', () => {
      it('tells the version that was noted last', async () => {
        const version = (noted: string) => world.log.runAt('directory.folding', partition(), { version: noted });
        expect(await version('')).to.deep.equal(['ok', '']);
        expect(await version('2')).to.deep.equal(['ok', '2']);
        expect(await version('')).to.deep.equal(['ok', '2']);
      });
    });

    describe('directory.refold', () => {
      it('moves entries there and at their owners; what has changed meanwhile stays', async () => {
        const [users, account] = [world.log.keys.of(owner, 'users'), world.log.keys.of(owner, 'account')];
        await redis().zadd(users, '0', 'a\nx', '0', 'b\nx');
        await redis().hset(account, 'username_entry', 'a\nx', 'name_entry', 'other\nx');
        const pairs = ['a\nx', 'A\nx', 'gone\nx', 'back\nx'];
        const run = () =>
          world.log.runAt('directory.refold', partition(), { old_and_new: pairs }, [users, account, account]);
        for (const _ of [1, 2]) {
          expect(await run()).to.deep.equal(['ok']);
          expect(await redis().zrange(users, '0', '-1')).to.deep.equal(['A\nx', 'b\nx']);
          expect(await redis().hgetall(account)).to.deep.equal({ username_entry: 'A\nx', name_entry: 'other\nx' });
        }
      });
    });
  });
}
