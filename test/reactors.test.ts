/** Reactors: each event once for all that Redis allows, a stream's in order, and what cannot be reacted to holds up its own stream alone. */
import { expect } from 'chai';
import type { ChatEvent } from '../src/envelope.ts';
import { fail } from '../src/errors.ts';
import { userStream } from '../src/keys.ts';
import type { StreamRef } from '../src/keys.ts';
import { ConsumerGroup } from '../src/log/consumer-group.ts';
import type { Reactor } from '../src/log/effects.ts';
import { seqOf } from '../src/log/log.ts';
import { until } from '../src/redis/redis-server.ts';
import { appendRaw, eventText } from './support/poison.ts';
import { caughtUp, converse, lags, rooms, useProjectors } from './support/projectors.ts';
import { partitionRoom, user } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { group, register, useNodes } from './support/server.ts';
import { topologies, useWorld } from './support/world.ts';

const PARTITIONS = [0, 1, 2, 3];
const SHORT = { leaseMs: 600 };

for (const topology of topologies) {
  describe(`a reactor on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const parked = async () => {
      const all = await Promise.all(PARTITIONS.map((p) => new ConsumerGroup(world.log, 'echo', 'x').parked(p)));
      return Object.assign({}, ...all) as Record<string, string>;
    };
    let heard: { id: string; type: string; stream: string }[];
    /** Called before an event counts as heard. */
    let before: (event: ChatEvent, stream: StreamRef) => Promise<void>;
    const echo = (more: Partial<Reactor> = {}): Reactor => ({
      name: 'echo',
      since: 'beginning',
      types: ['message.sent', 'participant.added'],
      async react(event, stream) {
        await before(event, stream);
        heard.push({ id: event.id, type: event.type, stream: stream.id });
      },
      ...more,
    });
    beforeEach(() => {
      heard = [];
      before = async () => {};
    });
    const hears = (room: Room) => heard.filter(({ stream }) => stream === room.stream.id).map(({ id }) => id);
    const wanted = async (room: Room) =>
      (await room.log()).filter(({ type }) => echo().types.includes(type)).map(({ id }) => id);
    const react = (more = {}) => projectors.react(more, echo());
    const expectAll = async (all: readonly Room[]) => {
      for (const room of all) expect(hears(room), room.stream.id).to.deep.equal(await wanted(room));
    };

    it('is told every event of its types, of each stream in order, once', async () => {
      const all = rooms(world, 4);
      await Promise.all(all.map((room) => converse(room)));
      await react({ batchSize: 7 });
      await Promise.all(all.map((room) => converse(room, 1)));
      await caughtUp(world.log, 'echo');
      await expectAll(all);
      expect(projectors.warnings).to.deep.equal([]);
    });

    it('is told nothing that it leaves out, and everything where it cannot say what', async () => {
      const all = rooms(world, 4);
      let asked = 0;
      const even = ({ id }: { id: string }) => seqOf(id) % 2 === 0;
      const sift: Reactor['sift'] = async (events) => {
        asked += 1;
        if (asked > 1) throw fail('unavailable');
        return events.filter(even);
      };
      const room = all[0]!;
      await converse(room);
      await projectors.react({ batchSize: 1_000 }, echo({ sift }));
      await caughtUp(world.log, 'echo');
      const some = (await room.log()).filter((event) => echo().types.includes(event.type) && even(event));
      expect(hears(room)).to.deep.equal(some.map(({ id }) => id));
      heard = [];
      const before = await wanted(room);
      await converse(room, 1);
      await caughtUp(world.log, 'echo');
      expect(hears(room)).to.deep.equal((await wanted(room)).slice(before.length));
      expect(projectors.warnings).to.deep.equal([]);
    });

    it('goes on where it was, whatever became of the one before', async () => {
      const all = rooms(world, 4);
      await Promise.all(all.map((room) => converse(room)));
      const first = await react({ ...SHORT, worker: 'first' });
      await caughtUp(world.log, 'echo');
      await first.stop();
      await Promise.all(all.map((room) => converse(room, 1)));
      await react({ ...SHORT, worker: 'second' });
      await caughtUp(world.log, 'echo');
      await expectAll(all);
    });

    it('is told again what a worker died over', async () => {
      const room = partitionRoom(world, 1);
      await room.create();
      const log = await world.another();
      let isDead = false;
      before = async () => {
        if (isDead) return;
        isDead = true;
        log.close();
      };
      await react({ ...SHORT, log, worker: 'dies' });
      await room.send(1, 1);
      await until('it died in the middle', () => isDead);
      await react({ ...SHORT, worker: 'lives' });
      await caughtUp(world.log, 'echo');
      const [id] = await wanted(room);
      expect(hears(room)).to.deep.equal([id, id]);
    });

    it('that is new may begin with what happens from now on', async () => {
      const all = PARTITIONS.map((p) => partitionRoom(world, p));
      await Promise.all(all.map((room) => room.create({ kind: 'channel' })));
      await Promise.all(all.map((room) => room.send(1, 1)));
      const worker = await projectors.react({}, echo({ since: 'now' }));
      await caughtUp(world.log, 'echo');
      expect(heard).to.deep.equal([]);
      await Promise.all(all.map((room) => room.send(1, 2)));
      await caughtUp(world.log, 'echo');
      await worker.stop();
      await Promise.all(all.map((room) => room.send(1, 3)));
      await projectors.react({}, echo({ since: 'now' }));
      await caughtUp(world.log, 'echo');
      for (const room of all) expect(hears(room)).to.deep.equal((await wanted(room)).slice(1));
    });

    it('hears from the logs what the feed has lost, and nothing that is older', async () => {
      const all = rooms(world, 4);
      await Promise.all(all.map((room) => converse(room)));
      const first = await react();
      await caughtUp(world.log, 'echo');
      await first.stop();
      await until('a later time', async () => {
        const ids = await Promise.all(all.map(async (room) => Number((await room.log()).at(-1)!.id.split('-')[0])));
        return Date.now() > Math.max(...ids) + 2;
      });
      await Promise.all(all.map((room) => converse(room, 1)));
      for (const p of PARTITIONS) await redis().xtrim(world.log.keys.at(p, 'feed'), 'MAXLEN', 0);
      await react();
      await caughtUp(world.log, 'echo');
      // The time tells, so what came in the same millisecond as the last one is heard again.
      const twice = heard.length - new Set(heard.map(({ id, stream }) => id + stream)).size;
      expect(twice).to.be.below(12);
      for (const room of all) expect([...new Set(hears(room))]).to.deep.equal(await wanted(room));
    });

    describe('that fails', () => {
      let sick: Room;
      let well: Room;
      beforeEach(async () => {
        // Of one partition: nothing else would show that it goes on.
        [sick, well] = (await sharingPartition()) as [Room, Room];
        for (const room of [sick, well]) await room.create({ kind: 'channel' });
      });
      /** Two rooms of one partition. */
      async function sharingPartition(): Promise<Room[]> {
        const all = rooms(world, 40);
        const partition = world.log.keys.partitionOf(all[0]!.stream.id);
        return all.filter(({ stream }) => world.log.keys.partitionOf(stream.id) === partition).slice(0, 2);
      }
      const name = () => `echo conversation ${sick.stream.id}`;
      const sickFails = (error: () => Error) => {
        before = async (_, { id }) => {
          if (id === sick.stream.id) throw error();
        };
      };

      it('parks the stream with the reason, the others go on, and the next start tries once more', async () => {
        sickFails(() => new Error('cannot'));
        const worker = await react();
        for (const room of [sick, well]) await room.send(1, 1);
        await caughtUp(world.log, 'echo');
        for (const room of [sick, well]) await room.send(1, 2);
        await caughtUp(world.log, 'echo');
        expect(hears(well)).to.deep.equal(await wanted(well));
        expect(hears(sick)).to.deep.equal([]);
        const [id] = await wanted(sick);
        expect(JSON.parse((await parked())[name()]!)).to.deep.equal({
          event_id: id,
          type: 'message.sent',
          error: 'cannot',
          waits: false,
        });
        expect(projectors.warnings.filter((line) => line.includes('is parked'))).to.have.length(1);
        await worker.stop();

        before = async () => {};
        await react();
        await until('it is released', async () => Object.keys(await parked()).length === 0);
        await expectAll([sick, well]);
      });

      it('parks what cannot be read, in its types alone', async () => {
        const worker = await react();
        const odd = (type: string) => appendRaw(world.log, sick.stream, type, eventText(sick.stream, type, '{"a":1}'));
        await odd('something.new');
        await sick.send(1, 1);
        await caughtUp(world.log, 'echo');
        expect(await parked()).to.deep.equal({});
        await worker.stop();
        await projectors.react({}, echo({ types: ['message.sent', 'receipt.read'] }));
        await odd('receipt.read');
        await sick.send(1, 2);
        await caughtUp(world.log, 'echo');
        expect(Object.keys(await parked())).to.deep.equal([name()]);
      });

      it('waits where something is not there just now: later events of the stream too, the others go on', async () => {
        let isAway = true;
        before = async (_, { id }) => {
          if (isAway && id === sick.stream.id) throw fail('unavailable', 'away');
        };
        await react();
        for (const room of [sick, well]) await room.send(1, 1);
        await caughtUp(world.log, 'echo');
        for (const room of [sick, well]) for (let n = 2; n < 150; n += 1) await room.send(1, n);
        await caughtUp(world.log, 'echo');
        expect(hears(well)).to.deep.equal(await wanted(well));
        expect(hears(sick)).to.deep.equal([]);
        expect(JSON.parse((await parked())[name()]!)).to.include({ error: 'away', waits: true });
        isAway = false;
        await sick.send(1, 900);
        await until('it is released', async () => Object.keys(await parked()).length === 0, 10_000);
        await sick.send(1, 901);
        await caughtUp(world.log, 'echo');
        await expectAll([sick, well]);
      });

      it('waits over a start, and takes no more place than one field however long it lasts', async () => {
        sickFails(() => fail('unknown_outcome'));
        const worker = await react();
        await sick.send(1, 1);
        await caughtUp(world.log, 'echo');
        await worker.stop();
        for (let n = 2; n < 40; n += 1) await sick.send(1, n);
        const again = await react();
        await caughtUp(world.log, 'echo');
        expect(Object.keys(await parked())).to.deep.equal([name()]);
        await again.stop();
        before = async () => {};
        await react();
        await until('it is released', async () => Object.keys(await parked()).length === 0, 10_000);
        await expectAll([sick]);
      });

      if (topology === 'one Redis') {
        it('is not waited for longer than a while', async () => {
          before = (_, { id }) => (id === sick.stream.id ? new Promise(() => {}) : Promise.resolve());
          await react();
          for (const room of [sick, well]) await room.send(1, 1);
          await caughtUp(world.log, 'echo', 12_000);
          expect(hears(well)).to.deep.equal(await wanted(well));
          expect(JSON.parse((await parked())[name()]!)).to.include({ waits: true });
        }).timeout(20_000);
      }
    });
  });

  describe(`the users' lists on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const state = async (n: number, room: Room) =>
      (await world.log.guardField(userStream(user(n)), 'conversations', room.stream.id))?.split(' ')[1];

    it('are brought up from the beginning, in every partition', async () => {
      const all = rooms(world);
      await Promise.all(all.map((room) => converse(room)));
      await projectors.react();
      await caughtUp(world.log, 'lists');

      expect(projectors.warnings).to.deep.equal([]);
      for (const n of [1, 2, 3, 7]) {
        for (const room of all) expect(await state(n, room)).to.equal(n === 7 ? 'left' : 'joined');
      }
    });

    it('are right after a failover that lost what they had heard of', async () => {
      const room = partitionRoom(world, 1);
      await room.create({ kind: 'channel' });
      const ahead = { conversation: room.stream.id, event: '7-900', state: 'left' };
      const own = { stream: userStream(user(2)), actorId: user(1), args: ahead };
      await world.log.append({ script: 'inbox.update', ...own });
      await projectors.react();
      await caughtUp(world.log, 'lists');
      expect(await state(2, room)).to.equal('joined');
    });

    it('of one user who cannot be written hold up no view, no other user and no other conversation', async () => {
      const [sick, well] = [partitionRoom(world, 0), partitionRoom(world, 1)];
      const broken = world.log.keys.of(userStream(user(2)), 'conversations');
      await redis().set(broken, 'hello');
      await projectors.start();
      await projectors.react();
      await sick.create({ kind: 'channel', roles: ['owner', 'member', 'member'] });
      await well.create({ kind: 'channel', roles: ['owner'] });
      await sick.send(1, 1);
      await caughtUp(world.log, 'views');
      await caughtUp(world.log, 'lists');
      expect(await lags(world.log)).to.deep.equal([0, 0, 0, 0]);
      expect([await state(1, sick), await state(3, sick), await state(1, well)]).to.deep.equal(Array(3).fill('joined'));
      expect(projectors.warnings.join()).to.include('lists: a stream is parked').and.include('WRONGTYPE');
      await redis().del(broken);
      await projectors.react({ worker: 'next' });
    });
  });
}

describe('the groups of a running node', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('all come to the end of every feed: one that did not would keep the feed from being trimmed', async () => {
    const node = await startNode();
    await group(await register(node), await register(node));
    const partitions = Array.from({ length: world.log.keys.partitions }, (_, partition) => partition);
    await until('every group has come to the end', async () => {
      const found = await Promise.all(partitions.map((partition) => world.log.progress(partition)));
      return found.every(({ head, checkpoints }) => Object.values(checkpoints).every((place) => place === head));
    });
    const { checkpoints } = await world.log.progress(0);
    expect(checkpoints).to.have.all.keys('views', 'reactions', 'lists+blocks+attachments');
  });
});
