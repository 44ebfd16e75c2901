/** The scripts of feeds against their headers. Trimming: nothing goes that a group, ours or a stranger's, has not finished with. */
import { expect } from 'chai';
import { fillFeed, partitionRoom, setClock } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const PARTITION = 0;
const MINUTE = 60_000;
const DAY = 86_400_000;

describe('scripts of feeds', () => {
  const world = useWorld();
  const redis = () => world.log.connection.commands;
  const keyAt = (name: string) => world.log.keys.at(PARTITION, name);
  const feedIds = async () => (await redis().xrange(keyAt('feed'), '-', '+')).map(([id]) => id);
  const fill = (count: number) => fillFeed(world, PARTITION, count);

  describe('feed.heads', () => {
    it('names the last entry of each feed, and nothing where there is none', async () => {
      const ids = await fill(3);
      expect(await world.log.feedHeads([1, PARTITION])).to.deep.equal(['', ids[2]]);
      expect(await world.log.feedHeads([PARTITION])).to.deep.equal([ids[2]]);
    });
  });

  describe('feed.trim', () => {
    const trim = async (keep = 0, slice = 1_000) => {
      const args = { keep: String(keep), patience: String(MINUTE), idle: String(7 * DAY), slice: String(slice) };
      return (await world.log.runAt('feed.trim', PARTITION, args))[1] as number;
    };
    const checkpoint = (id: string, name = 'views') => redis().hset(keyAt('checkpoints'), name, id);

    it('cuts what every group has finished with, and keeps the entry where the slowest stands', async () => {
      const ids = await fill(60);
      await checkpoint(ids[59]!);
      await checkpoint(ids[30]!, 'slow');
      const cut = await trim();
      expect(cut).to.be.within(20, 30);
      expect(await feedIds()).to.deep.equal(ids.slice(cut));
    });

    it('waits for a consumer outside of the server, but not for ever', async () => {
      const ids = await fill(60);
      await checkpoint(ids[59]!);
      await checkpoint(ids[30]!, 'consumer:weekly');
      expect(await trim()).to.be.within(20, 30);
      await checkpoint(`${Date.now() - 2 * MINUTE}-1`, 'consumer:weekly');
      expect(await trim()).to.be.greaterThan(20);
    });

    it('waits for a group of ours while somebody has worked for it within a week, however far it is behind', async () => {
      const ids = await fill(60);
      await checkpoint(ids[59]!);
      await checkpoint(`${Date.now() - 8 * DAY}-1`, 'older');
      const worked = (agoMs: number) => redis().hset(keyAt('leases'), 'older', `w 3 ${Date.now() - agoMs}`);
      await worked(6 * DAY);
      expect(await trim()).to.equal(0);
      await worked(8 * DAY);
      expect(await trim(0, 10)).to.be.greaterThan(0);
      await redis().hdel(keyAt('leases'), 'older');
      expect(await trim(0, 10)).to.be.greaterThan(0);
      await checkpoint(`${Date.now() - 6 * DAY}-1`, 'older');
      expect(await trim(), 'nobody has come to it yet').to.equal(0);
    });

    it('cuts a slice at a time', async () => {
      const ids = await fill(60);
      await checkpoint(ids[59]!);
      const cut = await trim(0, 10);
      expect(cut).to.be.within(1, 10);
      expect(await trim(0, 10)).to.be.within(1, 10);
    });

    it('keeps what is young', async () => {
      const ids = await fill(60);
      await checkpoint(ids[59]!);
      expect(await trim(MINUTE)).to.equal(0);
    });

    it('keeps everything while no group has a checkpoint, or there is no feed', async () => {
      expect(await trim()).to.equal(0);
      await fill(60);
      expect(await trim()).to.equal(0);
      await redis().del(keyAt('feed'));
      await checkpoint('9-9');
      expect(await trim()).to.equal(0);
    });

    it("keeps what a stranger's group was not given, and what it has not acknowledged", async () => {
      const ids = await fill(60);
      await checkpoint(ids[59]!);
      await redis().xgroup('CREATE', keyAt('feed'), 'theirs', '0');
      expect(await trim()).to.equal(0);
      await redis().xreadgroup('GROUP', 'theirs', 'x', 'COUNT', 40, 'STREAMS', keyAt('feed'), '>');
      expect(await trim()).to.equal(0);
      await redis().xack(keyAt('feed'), 'theirs', ...ids.slice(0, 20));
      const cut = await trim();
      expect(cut).to.be.within(10, 20);
      await redis().xack(keyAt('feed'), 'theirs', ...ids.slice(0, 40));
      expect(cut + (await trim())).to.be.within(30, 39);
    });

    it('compares ids as numbers', async () => {
      const future = Date.now() + DAY;
      await setClock(world, partitionRoom(world, PARTITION).stream, future);
      const ids = await fill(60);
      await checkpoint(`${future}-9`);
      await checkpoint(`${future}-60`, 'fast');
      const cut = await trim(-2 * DAY);
      expect(cut).to.be.within(1, 8);
      expect(await feedIds()).to.deep.equal(ids.slice(cut));
    });
  });
});
