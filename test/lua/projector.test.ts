/** The scripts of projectors against their headers: who may work on a partition, and what a batch may write. */
import { expect } from 'chai';
import { ConsumerGroup } from '../../src/log/consumer-group.ts';
import type { Batch, Write } from '../../src/log/consumer-group.ts';
import { dump, fillFeed } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const PARTITION = 0;
const LONG = 30_000;
const HOUR = 3_600_000;

describe('scripts of projectors', () => {
  const world = useWorld();
  const redis = () => world.log.connection.commands;
  const keyAt = (name: string) => world.log.keys.at(PARTITION, name);
  const group = (worker: string, name = 'views') => new ConsumerGroup(world.log, name, worker);
  const fill = (count: number) => fillFeed(world, PARTITION, count);

  async function unchanged(work: () => Promise<unknown>): Promise<void> {
    const before = await dump(world.log);
    await work();
    expect(await dump(world.log)).to.deep.equal(before);
  }

  describe('projector.enlist', () => {
    const enlist = async (worker: string, ttl = LONG, name = 'views') =>
      (await world.log.runAt('projector.enlist', PARTITION, { group: name, worker, ttl: String(ttl) })).slice(1);

    it('counts the living of one group and gives each a place', async () => {
      expect(await enlist('b')).to.deep.equal([1, 0]);
      expect(await enlist('a')).to.deep.equal([2, 0]);
      expect(await enlist('b')).to.deep.equal([2, 1]);
      expect(await enlist('z', LONG, 'others')).to.deep.equal([1, 0]);
      expect(await enlist('c')).to.deep.equal([3, 2]);
    });

    it('forgets who takes leave and who is silent for too long', async () => {
      for (const worker of ['a', 'b', 'c']) await enlist(worker);
      expect((await enlist('c', 0))[0]).to.equal(2);
      await redis().zadd(keyAt('workers'), Date.now() - 1, 'views a');
      expect(await enlist('b')).to.deep.equal([1, 0]);
    });

    it('forgets who enlisted by a clock that was set back since', async () => {
      await redis().zadd(keyAt('workers'), Date.now() + HOUR, 'views a');
      expect(await enlist('b')).to.deep.equal([1, 0]);
    });
  });

  describe('projector.lease', () => {
    const silence = async () => {
      const [worker, fence] = (await redis().hget(keyAt('leases'), 'views'))!.split(' ');
      await redis().hset(keyAt('leases'), 'views', `${worker} ${fence} ${Date.now() - 1}`);
    };

    it('goes to one at a time, and with each change of hands the fence rises', async () => {
      expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal('1');
      await unchanged(async () => expect((await group('b').lease(PARTITION, LONG))?.fence).to.equal(undefined));
      expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal('1');
      await silence();
      expect((await group('b').lease(PARTITION, LONG))?.fence).to.equal('2');
      expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal(undefined);
      expect((await group('b').lease(PARTITION, 0))?.fence).to.equal('2');
      expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal('3');
    });

    it('is written anew when half of its time is over, or ends later than it should', async () => {
      const ends = async () => Number((await redis().hget(keyAt('leases'), 'views'))!.split(' ')[2]);
      await group('a').lease(PARTITION, LONG);
      await unchanged(async () => expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal('1'));
      for (const left of [LONG / 2 - 1, LONG * 2]) {
        await redis().hset(keyAt('leases'), 'views', `a 1 ${Date.now() + left}`);
        expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal('1');
        expect((await ends()) - Date.now()).to.be.within(LONG - 5_000, LONG);
      }
    });

    it('can be renewed late as long as nobody took it', async () => {
      await group('a').lease(PARTITION, LONG);
      await silence();
      expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal('1');
    });

    it('is free when a clock that was set back since gave it for longer than any lasts', async () => {
      await redis().hset(keyAt('leases'), 'views', `a 7 ${Date.now() + HOUR}`);
      expect((await group('b').lease(PARTITION, LONG))?.fence).to.equal('8');
    });

    it('is taken of many partitions at once, from nobody who holds one', async () => {
      const [first] = await fill(1);
      await group('a').lease(1, LONG);
      const taken = await group('b').leases([0, 1, 2], LONG);
      expect(taken).to.deep.equal([{ fence: '1', head: first }, undefined, { fence: '1', head: '0-0' }]);
      expect(await group('b').leases([], LONG)).to.deep.equal([]);
    });

    it('is taken of the others where one cannot be, and that is told', async () => {
      await redis().set(world.log.keys.at(1, 'leases'), 'hello');
      const refused = await group('b')
        .leases([0, 1, 2], LONG)
        .catch((error: Error) => error.message);
      expect(refused).to.match(/^WRONGTYPE/);
      expect([await group('a').lease(0, LONG), await group('a').lease(2, LONG)]).to.deep.equal([undefined, undefined]);
    });

    it('is of one group and one partition', async () => {
      await group('a').lease(PARTITION, LONG);
      expect((await group('b', 'others').lease(PARTITION, LONG))?.fence).to.equal('1');
      expect((await group('b').lease(PARTITION + 1, LONG))?.fence).to.equal('1');
    });
  });

  describe('projector.seize', () => {
    it('takes the lease from who holds it', async () => {
      await group('a').lease(PARTITION, LONG);
      expect(await group('b').seize(PARTITION, LONG)).to.equal('2');
      expect((await group('a').lease(PARTITION, LONG))?.fence).to.equal(undefined);
      expect(await group('b').seize(PARTITION, LONG)).to.equal('3');
    });
  });

  describe('projector.retire', () => {
    const retire = (group_: string, parked: readonly string[] = []) =>
      world.log.runAt('projector.retire', PARTITION, { group: group_, parked_names: parked });

    it('forgets all that one group had, and nothing of another', async () => {
      await fill(3);
      for (const name of ['views', 'others']) {
        await group('a', name).lease(PARTITION, LONG);
        await group('a', name).open(PARTITION);
        await redis().hset(keyAt('parked'), `${name} user x`, 'why');
      }
      await retire('others', ['others user x']);
      for (const name of ['checkpoints', 'leases']) expect(await redis().hkeys(keyAt(name))).to.deep.equal(['views']);
      expect(await redis().hkeys(keyAt('parked'))).to.deep.equal(['views user x']);
      expect(await redis().xinfo('GROUPS', keyAt('feed'))).to.have.length(1);
    });

    it('does nothing where there is no such group and no feed', async () => {
      await unchanged(() => retire('others', ['others user x']));
    });
  });

  describe('projector.open', () => {
    const groups = () => redis().xinfo('GROUPS', keyAt('feed')) as Promise<unknown[][]>;

    it('makes the group at the start of a new feed, once', async () => {
      expect(await group('a').open(PARTITION)).to.deep.equal({ checkpoint: '0-0', head: '0-0' });
      await unchanged(() => group('a').open(PARTITION));
      expect(await groups()).to.have.length(1);
    });

    it('makes it again at its checkpoint, not at the start and not at the end', async () => {
      const ids = await fill(5);
      await redis().hset(keyAt('checkpoints'), 'views', ids[2]!);
      expect(await group('a').open(PARTITION)).to.deep.equal({ checkpoint: ids[2], head: ids[4] });
      const client = await world.log.connection.forBlocking(keyAt('feed'));
      const entries = await group('a').read(client, [PARTITION], 10);
      client.disconnect();
      expect(entries.get(PARTITION)?.map(({ id }) => id)).to.deep.equal(ids.slice(3));
    });

    it('forgets the consumers of other workers, and what an older program was given by name', async () => {
      await fill(2);
      await group('a').open(PARTITION);
      for (const worker of ['idle', 'busy', 'a']) {
        await redis().xgroup('CREATECONSUMER', keyAt('feed'), 'views', worker);
      }
      await redis().xreadgroup('GROUP', 'views', 'busy', 'COUNT', 1, 'STREAMS', keyAt('feed'), '>');
      await group('a').open(PARTITION);
      const consumers = (await redis().xinfo('CONSUMERS', keyAt('feed'), 'views')) as string[][];
      expect(consumers.map((fields) => fields[1])).to.deep.equal(['a']);
      expect(((await redis().xpending(keyAt('feed'), 'views')) as unknown[])[0]).to.equal(0);
    });
  });

  describe('projector.build', () => {
    const viewKey = (name: string) => `${keyAt('feed').replace(/feed$/, '')}view:test:${name}`;
    let writes: Write[];
    beforeEach(async () => {
      writes = [{ command: 'HSET', key: viewKey('a'), args: ['applied', '5-5'] }];
      await group('a').lease(PARTITION, LONG);
    });

    it('writes under the lease, and moves no checkpoint', async () => {
      await redis().hset(viewKey('a'), 'applied', '4-4');
      const expects = [{ key: viewKey('a'), field: 'applied', value: '4-4' }];
      expect(await group('a').build({ partition: PARTITION, fence: '1', expects, writes })).to.equal('ok');
      expect(await redis().hgetall(viewKey('a'))).to.deep.equal({ applied: '5-5' });
      expect(await redis().exists(keyAt('checkpoints'))).to.equal(0);
    });

    it('writes nothing under an old fence, without the lease, or where a view is not what is continued', async () => {
      const expects = [{ key: viewKey('a'), field: 'applied', value: '4-4' }];
      await unchanged(async () => {
        expect(await group('a').build({ partition: PARTITION, fence: '0', writes })).to.equal('fenced');
        expect(await group('b').build({ partition: PARTITION, fence: '1', writes })).to.equal('fenced');
        expect(await group('a').build({ partition: PARTITION, fence: '1', expects, writes })).to.equal('elsewhere');
      });
    });
  });

  describe('projector.apply', () => {
    let ids: string[];
    const viewKey = (name: string) => `${keyAt('feed').replace(/feed$/, '')}view:test:${name}`;
    const batch = (more: Partial<Batch> = {}): Batch => ({
      partition: PARTITION,
      fence: '1',
      after: '0-0',
      upTo: ids[1]!,
      expects: [],
      writes: [{ command: 'HSET', key: viewKey('a'), args: ['applied', ids[1]!] }],
      ...more,
    });
    beforeEach(async () => {
      ids = await fill(4);
      await group('a').lease(PARTITION, LONG);
      await group('a').open(PARTITION);
    });

    it('writes and moves the checkpoint in one step', async () => {
      const writes = [
        { command: 'HSET', key: viewKey('a'), args: ['applied', ids[1]!, 'x', '1'] },
        { command: 'ZADD', key: viewKey('b'), args: ['1.5', 'doc', '2', 'other'] },
        { command: 'ZREMRANGEBYSCORE', key: viewKey('b'), args: ['2', '2'] },
        { command: 'HDEL', key: viewKey('a'), args: ['x'] },
        { command: 'HSET', key: keyAt('parked'), args: ['place', 'why'] },
        { command: 'UNLINK', key: viewKey('c'), args: [] },
      ];
      await redis().set(viewKey('c'), '1');
      expect(await group('a').apply(batch({ writes }))).to.equal('ok');
      expect(await redis().hgetall(viewKey('a'))).to.deep.equal({ applied: ids[1] });
      expect(await redis().zrange(viewKey('b'), '0', '-1')).to.deep.equal(['doc']);
      expect(await redis().exists(viewKey('c'))).to.equal(0);
      expect(await group('a').parked(PARTITION)).to.deep.equal({ place: 'why' });
      expect(await redis().hget(keyAt('checkpoints'), 'views')).to.equal(ids[1]);
    });

    it('takes thousands of values', async () => {
      const chunk = Array.from({ length: 1_000 }, (_, n) => String(n));
      const writes = Array.from({ length: 12 }, () => ({ command: 'HSET', key: viewKey('a'), args: chunk }));
      expect(await group('a').apply(batch({ writes }))).to.equal('ok');
      expect(await redis().hlen(viewKey('a'))).to.equal(500);
    });

    const refused: [string, string, () => Promise<unknown>, (good: Batch) => Batch][] = [
      ['an old fence', 'fenced', async () => {}, (good) => ({ ...good, fence: '0' })],
      ['a lease that another seized', 'fenced', () => group('b').seize(PARTITION, LONG), (good) => good],
      ['no lease at all', 'fenced', () => redis().del(keyAt('leases')), (good) => good],
      ['a batch that begins later', 'elsewhere', async () => {}, (good) => ({ ...good, after: ids[0]! })],
      ['a batch that was applied already', 'elsewhere', () => group('a').apply(batch()), (good) => good],
      [
        'a view that stands elsewhere',
        'elsewhere',
        () => redis().hset(viewKey('a'), 'applied', '9-9'),
        (good) => ({ ...good, expects: [{ key: viewKey('a'), field: 'applied', value: '8-8' }] }),
      ],
      [
        'a view that is not there any more',
        'elsewhere',
        async () => {},
        (good) => ({ ...good, expects: [{ key: viewKey('a'), field: 'applied', value: '8-8' }] }),
      ],
      [
        'a view that is there already',
        'elsewhere',
        () => redis().hset(viewKey('a'), 'applied', '9-9'),
        (good) => ({ ...good, expects: [{ key: viewKey('a'), field: 'applied', value: '' }] }),
      ],
    ];
    for (const [what, word, given, change] of refused) {
      it(`writes nothing for ${what}`, async () => {
        await given();
        await unchanged(async () => expect(await group('a').apply(change(batch()))).to.equal(word));
      });
    }

    it('goes on from where the view is as expected', async () => {
      await redis().hset(viewKey('a'), 'applied', '8-8');
      const expects = [
        { key: viewKey('a'), field: 'applied', value: '8-8' },
        { key: viewKey('b'), field: 'applied', value: '' },
      ];
      expect(await group('a').apply(batch({ expects }))).to.equal('ok');
    });

    it('moves on what stands where it is expected to, each to its own, and nothing where one stands elsewhere', async () => {
      const names = ['a', 'b', 'c', 'd'];
      for (const name of names) await redis().hset(viewKey(name), 'applied', name === 'd' ? '7-7' : '8-8');
      const stands = (name: string, value: string, becomes?: string) => ({
        key: viewKey(name),
        field: 'applied',
        value,
        becomes,
      });
      const expects = [stands('a', '8-8', '9-9'), stands('b', '8-8'), stands('c', '8-8', '9-9')];
      await unchanged(() => group('a').apply(batch({ expects: [...expects, stands('d', '8-8', '9-9')], writes: [] })));
      expects.push(stands('d', '7-7', '9-9'));
      expect(await group('a').apply(batch({ expects, writes: [] }))).to.equal('ok');
      const now = await Promise.all(names.map((name) => redis().hget(viewKey(name), 'applied')));
      expect(now).to.deep.equal(['9-9', '8-8', '9-9', '9-9']);
    });
  });
});
