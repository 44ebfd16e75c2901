/** What every appending script owes to lib/append.lua: the clock, seqs, ids of requests, the chain, all or nothing. */
import { expect } from 'chai';
import fc from 'fast-check';
import { userStream } from '../../src/keys.ts';
import { register } from '../support/projectors.ts';
import { message, request, Room, setClock, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const DAY = 86_400_000;
const NEW_YEAR_2100 = 4_102_444_800_000;
const LAST_MS = 253_402_300_799_999; // the end of the year 9999

describe('appending', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create();
  });
  const redis = () => world.log.connection.commands;
  const times = async () => (await room.log()).map(({ id }) => Number(id.split('-')[0]));

  describe('the clock', () => {
    it('is the time of Redis', async () => {
      const before = Date.now();
      const { id } = await room.send(1, 1);
      expect(Number(id.split('-')[0])).to.be.within(before - 5, Date.now() + 5);
    });

    it('never runs back: after an event of the future the next ones keep its time, and seq goes on', async () => {
      const future = Date.now() + DAY;
      await setClock(world, room.stream, future);
      expect((await room.send(1, 1)).id).to.equal(`${future}-2`);
      expect((await room.send(1, 2)).id).to.equal(`${future}-3`);
      await room.holds();
    });

    it('is one for a whole partition', async () => {
      const future = Date.now() + DAY;
      await setClock(world, room.stream, future);
      const samePartition = (r: Room) =>
        world.log.keys.partitionOf(r.stream.id) === world.log.keys.partitionOf(room.stream.id);
      const neighbour = Array.from({ length: 50 }, (_, n) => new Room(world, n + 2)).find(samePartition)!;
      expect((await neighbour.create()).id).to.equal(`${future}-1`);
    });

    it('gives ids and times that say the same, for any time', async () => {
      let n = 0;
      const ms = fc.integer({ min: NEW_YEAR_2100, max: LAST_MS });
      const edges = [
        Date.UTC(2100, 1, 28, 23, 59, 59, 999),
        Date.UTC(2100, 2, 1),
        Date.UTC(2104, 1, 29, 12),
        Date.UTC(2400, 1, 29),
        Date.UTC(2400, 11, 31, 23, 59, 59, 999),
        LAST_MS,
      ];
      const check = async (at: number) => {
        const fresh = new Room(world, (n += 1) + 100);
        await setClock(world, fresh.stream, at);
        const { id } = await fresh.create();
        const [stored] = await fresh.log();
        expect(id).to.equal(`${at}-1`);
        expect((JSON.parse(stored!.event) as { at: string }).at).to.equal(new Date(at).toISOString());
        // The feed of the next one begins anew: entries may not run back.
        await redis().del(fresh.key('feed'), fresh.key('feed_head'));
      };
      for (const at of edges) await check(at);
      await fc.assert(fc.asyncProperty(ms, check), { numRuns: 300 });
    });
  });

  describe('many at once', () => {
    it('get dense seqs in one order in log and feed', async () => {
      const work = Array.from({ length: 200 }, (_, n) => () => room.send((n % 3) + 1, n));
      await room.appends(async () => (await Promise.all(work.map((send) => send())))[0]!, expectedOf(work.length));
      expect(await times()).to.deep.equal((await times()).toSorted((a, b) => a - b));
    });

    function expectedOf(count: number): [string, unknown][] {
      // One connection keeps the order in which it was asked.
      const data = (n: number) => ({
        message_id: message(n),
        content: `message ${n}`,
        message_type: 'text',
        reply_to: null,
        attachments: [],
        mentions: [],
        mentions_all: false,
        metadata: {},
      });
      return Array.from({ length: count }, (_, n) => ['message.sent', data(n)]);
    }
  });

  describe('request ids', () => {
    const send = (n: number, id: number) => room.send(1, n, 'a', { requestId: request(id), body: 'a' });
    // Days from the beginning of an even one, so that both parities are tried.
    const dayOf = (n: number) => (Math.floor(NEW_YEAR_2100 / (2 * DAY)) * 2 + n) * DAY;

    for (const first of [0, 1]) {
      it(`count on the day of the request and on the next, begun on day ${first}`, async () => {
        await setClock(world, room.stream, dayOf(first));
        const { id } = await send(1, 1);
        await setClock(world, room.stream, dayOf(first + 1) - 1);
        expect(await send(2, 1)).to.deep.equal({ status: 'duplicate', id });
        await setClock(world, room.stream, dayOf(first + 2) - 1);
        await send(3, 2);
        expect(await send(4, 1)).to.deep.equal({ status: 'duplicate', id });
      });

      it(`are forgotten after that, whole days at a time, begun on day ${first}`, async () => {
        await setClock(world, room.stream, dayOf(first));
        await send(1, 1);
        await setClock(world, room.stream, dayOf(first + 1));
        await send(2, 2);
        await setClock(world, room.stream, dayOf(first + 2));
        await send(3, 3);
        expect((await send(4, 1)).status).to.equal('ok');
        expect((await send(5, 2)).status).to.equal('duplicate');
        const kept = await Promise.all(['requests_0', 'requests_1'].map((name) => redis().hgetall(room.key(name))));
        const days = kept.map((hash) => Number(hash['day']));
        expect(days.toSorted((a, b) => a - b)).to.deep.equal([dayOf(first + 1) / DAY, dayOf(first + 2) / DAY]);
      });
    }

    it('are of one user, and their bodies are not kept', async () => {
      await send(1, 1);
      expect((await room.send(2, 2, 'b', { requestId: request(1), body: 'b' })).status).to.equal('ok');
      const kept = await redis().hgetall(
        room.key((await redis().exists(room.key('requests_0'))) ? 'requests_0' : 'requests_1'),
      );
      expect(kept[`${user(1)}:${request(1)}`]).to.match(/^[\w-]{16} \d+-2$/);
    });

    it('of a command that was refused can be used again', async () => {
      expect(await room.refusal(() => room.send(9, 1, 'a', { requestId: request(1), body: 'a' }))).to.equal(
        'not_found',
      );
      await room.add(1, [9]);
      expect((await room.send(9, 1, 'a', { requestId: request(1), body: 'a' })).status).to.equal('ok');
    });
  });

  describe('all or nothing', () => {
    const events = async () => (await redis().xlen(room.key('feed'))) + (await redis().xlen(room.key('log')));

    it('an entry of a stranger at the end of the log refuses the event before anything is written', async () => {
      await redis().xadd(room.key('log'), `${LAST_MS}-1`, 'hello', 'world');
      const before = await events();
      const error: unknown = await room.send(1, 1).catch((e: unknown) => e);
      expect((error as Error).message).to.include('equal or smaller');
      expect(await events()).to.equal(before);
      expect(await room.guard('messages', message(1))).to.equal(null);
      expect(await room.guard('head', 'messages')).to.equal('0');
    });

    it('an entry of a stranger at the end of the feed leaves no event in the log', async () => {
      await redis().xadd(room.key('feed'), `${LAST_MS}-1`, 'hello', 'world');
      const before = await events();
      const error: unknown = await room.send(1, 1).catch((e: unknown) => e);
      expect((error as Error).message).to.include('the feed refused the event');
      expect(await events()).to.equal(before);
      expect(await room.guard('messages', message(1))).to.equal(null);
      await redis().xtrim(room.key('feed'), 'MAXLEN', 0);
    });

    it('where a key holds what another program put there, no script leaves an event that the heads do not know of', async () => {
      for (let n = 1; n < 5; n += 1) await room.send(1, n);
      const own = userStream(user(1));
      const args = {
        conversation: room.stream.id,
        source: '7-7',
        notification: message(50),
        data: '{"kind":"mention"}',
      };
      await register(world.log, 1);
      const acts: Record<string, () => Promise<unknown>> = {
        'message.send': () => room.send(1, 9),
        'message.edit': () => room.edit(1, 1),
        'message.pin': () => room.pin(1, 2),
        'message.delete': () => room.takeBack(1, 3),
        'reaction.add': () => room.react(1, 4, '👍'),
        'participant.add': () => room.add(1, [7]),
        'conversation.create': () => new Room(world, 77).create({ kind: 'channel' }),
        'notification.add': () =>
          world.log.append({ script: 'notification.add', stream: own, actorId: user(2), knowsRepeats: true, args }),
      };
      const ends = async () => {
        const { keys } = world.log;
        const streams = [own, room.stream, new Room(world, 77).stream].flatMap((stream) =>
          ['log', 'feed'].map((name) => redis().xrange(keys.of(stream, name), '-', '+')),
        );
        return JSON.stringify(await Promise.all([...streams, world.log.heads([own, room.stream], ['chain'])]));
      };
      const broke: string[] = [];
      for (const [name, act] of Object.entries(acts)) {
        const owner =
          name === 'notification.add' ? own : name === 'conversation.create' ? new Room(world, 77).stream : room.stream;
        for (const key of world.log.scripts.get(name)!.fixedKeys) {
          if (/^(log|head|feed|feed_head)$/.test(key)) continue;
          const at = world.log.keys.of(owner, key);
          const was = await redis().dumpBuffer(at);
          await redis().set(at, 'of another program');
          const before = await ends();
          const isDone = await act().then(
            () => true,
            () => false,
          );
          if (!isDone) {
            broke.push(`${name} ${key}`);
            expect(await ends(), `${name}, ${key}`).to.equal(before);
          }
          await redis().del(at);
          if (was) await redis().restore(at, 0, was);
        }
        await act();
      }
      expect(broke).to.include.members([
        'message.send messages',
        'conversation.create channels',
        'notification.add unread',
      ]);
      await room.holds();
    });

    it('a script cache that is emptied at any time costs nobody an error', async () => {
      for (let n = 0; n < 20; n += 1) {
        await Promise.all([room.send(1, 2 * n), redis().script('FLUSH'), room.send(2, 2 * n + 1)]);
      }
      expect((await room.events()).filter(([type]) => type === 'message.sent')).to.have.length(40);
      await room.holds();
    });
  });

  it('salts every proof anew', async () => {
    await room.send(1, 1, 'same');
    await room.send(1, 2, 'same');
    const salts = (await room.log()).map(({ proof }) => proof.split(' ')[0]!);
    expect(new Set(salts).size).to.equal(3);
    for (const salt of salts) expect(salt).to.have.length.of.at.least(16);
  });
});
