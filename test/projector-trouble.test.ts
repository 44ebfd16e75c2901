/** What goes wrong around a projector stays small: a gap is filled from the logs, a broken view holds up no other, Redis comes back. */
import { expect } from 'chai';
import { projections } from '../src/chat/index.ts';
import { history } from '../src/chat/messages/history.ts';
import { userStream } from '../src/keys.ts';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import type { Projection } from '../src/views/projection.ts';
import { until } from '../src/redis/redis-server.ts';
import { expectViewsEqualFold } from './support/folds.ts';
import { eventText, rawAppend } from './support/poison.ts';
import { built, caughtUp, converse, lags, rooms, useProjectors } from './support/projectors.ts';
import { codeOf, fillFeed, partitionRoom, user } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';
import { HISTORY } from './support/views.ts';

const BATCH = { batchSize: 8 };
const SHORT = { leaseMs: 600 };
const PARTITIONS = [0, 1, 2, 3];

for (const topology of topologies) {
  describe(`trouble around a projector on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const feeds = () => PARTITIONS.map((p) => world.log.keys.at(p, 'feed'));
    const feedIds = async (feed: string) => (await redis().xrange(feed, '-', '+')).map(([id]) => id);
    const isTaken = async (work: Promise<unknown>) => (await codeOf(work)) === 'was not refused';
    const parked = async () => {
      const all = await Promise.all(PARTITIONS.map((p) => new ConsumerGroup(world.log, 'views', 'test').parked(p)));
      return Object.keys(Object.assign({}, ...all) as object).toSorted();
    };
    const told = (text: string) => projectors.warnings.filter((line) => line.includes(text));
    const converseAll = (all: readonly Room[], round = 0) => Promise.all(all.map((room) => converse(room, round)));

    describe('a feed with a gap', () => {
      /** The views, and what lies in other slots: the users' own lists. */
      async function expectFilled(all: readonly Room[]): Promise<void> {
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
        await projectors.react();
        await caughtUp(world.log, 'lists');
        for (const n of [1, 2, 3]) {
          const list = await world.log.guardAll(userStream(user(n)), 'conversations');
          for (const { stream } of all) expect(list[stream.id]).to.match(/ joined$/);
        }
        expect(told('the feed has a gap')).to.have.length.of.at.least(1);
      }

      it('is filled from the logs where entries are missing here and there', async () => {
        const all = rooms(world);
        await converseAll(all);
        for (const feed of feeds()) {
          const ids = await feedIds(feed);
          await redis().xdel(feed, ...ids.filter((_, i) => i % 3 === 0 || i < 5), '1-1');
        }
        await projectors.start(BATCH);
        await expectFilled(all);
      });

      it('is filled although a stranger stands in it', async () => {
        const all = rooms(world);
        await converseAll(all);
        for (const feed of feeds()) {
          const ids = await feedIds(feed);
          const ms = Number((ids.at(-1) ?? '0-0').split('-')[0]);
          await until('a later time', () => Date.now() > ms + 2);
          await redis().xadd(feed, `${ms + 1}-1`, 'hello', 'world');
          await redis().xdel(feed, ...ids, '1-1');
        }
        await converseAll(all, 1);
        await projectors.start(BATCH);
        await expectFilled(all);
        expect((await parked()).every((name) => name.startsWith('feed entry '))).to.equal(true);
        expect(told('restarts')).to.deep.equal([]);
      });

      it('is filled at a start where nothing is left', async () => {
        const all = rooms(world);
        await converseAll(all);
        for (const feed of feeds()) await redis().xtrim(feed, 'MAXLEN', 0);
        await projectors.start(BATCH);
        expect((await lags(world.log)).some((lag) => lag === 0)).to.equal(true);
        await expectFilled(all);
      });

      it('is filled when its end went before anyone saw it, and nothing comes after it', async () => {
        const room = partitionRoom(world, 1);
        await room.create();
        await projectors.start(SHORT);
        await caughtUp(world.log);
        const joined = eventText(room.stream, 'participant.added', `{"user_id":"${user(8)}","role":"member"}`);
        await redis()
          .multi()
          .eval(...rawAppend(world.log, room.stream, 'participant.added', joined))
          .xtrim(room.key('feed'), 'MAXLEN', 0)
          .exec();
        await expectFilled([room]);
      });
    });

    describe('Redis', () => {
      it('may lose the group: it is made again where it was, without haste', async () => {
        const all = rooms(world);
        await projectors.start(BATCH);
        await converseAll(all);
        await caughtUp(world.log);
        for (const feed of feeds()) await redis().xgroup('DESTROY', feed, 'views');
        await converseAll(all, 1);
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
        expect(told('NOGROUP').length + told('UNBLOCKED').length).to.be.within(1, 20);
      });

      it('may be emptied', async () => {
        const all = rooms(world);
        await converseAll(all);
        await projectors.start({ ...BATCH, ...SHORT });
        await caughtUp(world.log);
        await Promise.all(world.log.connection.masters().map((master) => master.flushall()));
        await converseAll(all.slice(1));
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
        expect(projectors.warnings.length).to.be.below(50);
      });

      it('may be killed, and what it had acknowledged is there when it comes back', async () => {
        const all = rooms(world);
        await projectors.start(BATCH);
        await converseAll(all);
        const startAgain = await world.killRedis();
        await startAgain();
        for (const room of all) await until('commands are taken', () => isTaken(room.send(1, 90)));
        await converseAll(all, 1);
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
      });
    });

    describe('a feed', () => {
      const length = (room: Room) => redis().xlen(room.key('feed'));

      it('is trimmed to what every group has finished with', async () => {
        const room = partitionRoom(world, 3);
        await redis().xgroup('CREATE', room.key('feed'), 'theirs', '0', 'MKSTREAM');
        await projectors.start({ keepFeedMs: 40 });
        const ids = await fillFeed(world, 3, 60);
        expect(ids).to.have.length(60);
        await caughtUp(world.log);
        const given = await redis().xreadgroup('GROUP', 'theirs', 'x', 'STREAMS', room.key('feed'), '>');
        expect(((given as [string, unknown[]][])[0]![1] as unknown[]).length).to.equal(60);
        await redis().xack(room.key('feed'), 'theirs', ...ids);
        await until('it is trimmed', async () => (await length(room)) < 20);
        await room.send(1, 900);
        await caughtUp(world.log);
        await expectViewsEqualFold(world.log);
      });
    });

    describe('a view', () => {
      it('with a document that cannot be read holds up nothing else', async () => {
        const all = rooms(world);
        await converseAll(all);
        await projectors.start();
        await caughtUp(world.log);
        const [sick] = all as [Room];
        const docs = world.log.keys.view(HISTORY, sick.stream, 'docs');
        await redis().zremrangebyscore(docs, 2, 2);
        await redis().zadd(docs, 2, '{"id":');
        const stood = (await sick.log()).length;
        for (const room of all) await room.send(1, 900, 'a reply', { replyTo: 1 });
        await caughtUp(world.log);
        const place = `${HISTORY} conversation ${sick.stream.id}`;
        expect(await parked()).to.deep.equal([place]);
        expect(await redis().hget(world.log.keys.view(HISTORY, sick.stream), 'applied')).to.match(
          new RegExp(`-${stood}$`),
        );
        await redis().zremrangebyscore(docs, 2, 2);
        await redis().unlink(docs, world.log.keys.view(HISTORY, sick.stream));
      });

      it('whose keys cannot be read stands still alone, and is named, until it is mended', async () => {
        const all = rooms(world);
        await converseAll(all);
        const [sick] = all as [Room];
        const spoilt = [HISTORY, 'cards:v2', 'participants:v1'];
        const [index, card, docs] = [
          world.log.keys.view(HISTORY, sick.stream),
          world.log.keys.view('cards:v2', sick.stream),
          world.log.keys.view('participants:v1', sick.stream, 'docs'),
        ];
        const first = await projectors.start();
        await caughtUp(world.log);
        for (const key of [index, docs]) await redis().set(key, 'hello');
        await redis().hset(card, 'member_count', 'many');
        await converseAll(all, 1);
        await caughtUp(world.log);
        expect(await parked()).to.deep.equal(spoilt.map((view) => `${view} conversation ${sick.stream.id}`).toSorted());
        await first.stop();
        await redis().del(index, card, docs, ...spoilt.map((view) => world.log.keys.view(view, sick.stream)));
        await projectors.start();
        await caughtUp(world.log);
        expect(await parked()).to.deep.equal([]);
        await expectViewsEqualFold(world.log);
      });
    });
  });
}

describe('a view that is far behind', () => {
  const world = useWorld();
  const projectors = useProjectors(world);

  it('is brought up in slices', async () => {
    const room = partitionRoom(world, 1);
    await room.create();
    await Promise.all(Array.from({ length: 2_300 }, (_, n) => room.send(1, n)));
    const first = await projectors.start({ batchSize: 500 });
    await caughtUp(world.log);
    await first.stop();
    const newer = { ...history, version: history.version + 1 } as unknown as Projection;
    await projectors.start({ projections: [...projections, newer] });
    await room.send(1, 5_000, 'a reply', { replyTo: 3 });
    await caughtUp(world.log);
    await built(world.log, [...projections, newer]);
    await expectViewsEqualFold(world.log, { projections: [...projections, newer] });
  });
});
