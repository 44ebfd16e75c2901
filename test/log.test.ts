/** The log: reading by id, and what a server must promise before it is used. */
import type { Socket } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import sinon from 'sinon';
import { START } from '../src/envelope.ts';
import type { RawEvent } from '../src/envelope.ts';
import { Log } from '../src/log/log.ts';
import { startRedis, until } from '../src/redis/redis-server.ts';
import type { RedisProcess } from '../src/redis/redis-server.ts';
import { codeOf, room as roomOf, Room, setClock, user } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

const ids = (events: readonly RawEvent[] | undefined) => events?.map(({ id }) => id);

for (const topology of topologies) {
  describe(`the log on ${topology}`, () => {
    const world = useWorld(topology);
    let room: Room;
    beforeEach(() => {
      room = new Room(world);
    });
    const redis = () => world.log.connection.commands;

    async function fill(count: number): Promise<string[]> {
      await room.create();
      await Promise.all(Array.from({ length: count - 1 }, (_, n) => room.send(1, n)));
      return (await room.log()).map(({ id }) => id);
    }

    describe('reading', () => {
      it('gives what lies after an id, before an id, at an id', async () => {
        const all = await fill(12);
        const { log } = world;
        const { stream } = room;
        expect(ids(await log.readAfter(stream, START))).to.deep.equal(all);
        expect(ids(await log.readAfter(stream, all[3]!))).to.deep.equal(all.slice(4));
        expect(ids(await log.readAfter(stream, all[3]!, 2))).to.deep.equal(all.slice(4, 6));
        expect(ids(await log.readAfter(stream, all[11]!))).to.deep.equal([]);
        expect(ids(await log.readBefore(stream, '+'))).to.deep.equal(all.toReversed());
        expect(ids(await log.readBefore(stream, '+', 1))).to.deep.equal([all[11]]);
        expect(ids(await log.readBefore(stream, all[3]!, 2))).to.deep.equal([all[2], all[1]]);
        expect(ids(await log.readBefore(stream, all[0]!))).to.deep.equal([]);
        expect((await log.readOne(stream, all[5]!))?.seq).to.equal(6);
        expect(await log.readOne(stream, `${all[5]!}0`)).to.equal(undefined);
        const [first] = await log.readAfter(stream, START, 1);
        expect(first).to.include({ seq: 1, type: 'conversation.created' });
        expect(first?.stream).to.deep.equal(stream);
      });

      it('goes on from a cursor only where the log knows it', async () => {
        const all = await fill(6);
        const { log } = world;
        const [ms, seq] = all[2]!.split('-').map(Number);
        const from = async (cursor: string, count?: number) =>
          ids(await log.readFromCursor(room.stream, cursor, count));
        expect(await from(all[2]!)).to.deep.equal(all.slice(3));
        expect(await from(all[2]!, 1)).to.deep.equal(all.slice(3, 4));
        expect(await from(all[5]!)).to.deep.equal([]);
        expect(await from(START)).to.deep.equal(all);
        for (const unknown of [`${ms! - 1}-${seq}`, `${ms! + 1}-${seq}`, `${ms}-99`, `0-${seq}`, '999999999999999-1']) {
          expect(await from(unknown), unknown).to.equal(undefined);
        }
        expect(ids(await log.readFromCursor(roomOf(77), START))).to.deep.equal([]);
        expect(await log.readFromCursor(roomOf(77), all[0]!)).to.equal(undefined);
      });

      it('finds the id at a seq', async () => {
        const all = await fill(8);
        for (const [i, id] of all.entries()) expect(await world.log.idAtSeq(room.stream, i + 1)).to.equal(id);
        for (const none of [0, 9]) expect(await world.log.idAtSeq(room.stream, none)).to.equal(START);
        expect(await world.log.idAtSeq(roomOf(77), 1)).to.equal(START);
      });

      it('finds it anywhere in a long log, also where time stood still or leapt, in a few reads', async () => {
        const [start] = await fill(1);
        let ms = Number(start!.split('-')[0]) + 60_000;
        const send = async (from: number, count: number) => {
          await Promise.all(Array.from({ length: count }, (_, i) => room.send(1, from + i)));
        };
        for (const [i, leap] of [1_000, 86_400_000 * 400, 3_600_000].entries()) {
          await setClock(world, room.stream, (ms += leap));
          await send(1_000 * (i + 1), 700);
        }
        const all: string[] = [];
        for await (const page of world.log.readAll(room.stream, START)) all.push(...ids(page)!);
        expect(all).to.have.length(2_101);
        const reads = sinon.spy(world.log, 'readAfter');
        for (let seq = 1; seq <= all.length; seq += 61) {
          reads.resetHistory();
          expect(await world.log.idAtSeq(room.stream, seq), `seq ${seq}`).to.equal(all[seq - 1]);
          expect(reads.callCount, `reads for ${seq}`).to.be.at.most(80);
        }
        reads.restore();
        const gone = all[299]!;
        await redis().xdel(room.key('log'), gone);
        expect(await world.log.idAtSeq(room.stream, 300)).to.equal(START);
        expect(await world.log.idAtSeq(room.stream, 301)).to.equal(all[300]);
      });

      it('passes over what a stranger put into a log, and does not take it for the end', async () => {
        const all = await fill(3);
        const [ms] = all[2]!.split('-').map(Number);
        for (let n = 4; n < 12; n += 1) await redis().xadd(room.key('log'), `${ms}-${n}`, 'hello', 'world');
        await until('a later millisecond', () => Date.now() > ms! + 1);
        await room.send(1, 50);
        const mine = [...all, (await world.log.readBefore(room.stream, '+', 1))[0]!.id];
        const pages: string[] = [];
        for await (const page of world.log.readAll(room.stream, START, 2)) pages.push(...ids(page)!);
        expect(pages).to.deep.equal(mine);
        expect(ids(await world.log.readAfter(room.stream, all[1]!, 2))).to.deep.equal(mine.slice(2));
        expect(ids(await world.log.readBefore(room.stream, '+', 2))).to.deep.equal([mine[3], mine[2]]);
        expect(ids(await world.log.readFromCursor(room.stream, all[2]!, 1))).to.deep.equal(mine.slice(3));
        expect(await world.log.idAtSeq(room.stream, 1)).to.equal(mine[0]);
      });

      it('pages through everything, whatever the size of a page', async () => {
        const all = await fill(23);
        const sizes = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 23 }));
        const check = fc.asyncProperty(sizes, async ([count, from]) => {
          const found: string[] = [];
          for await (const page of world.log.readAll(room.stream, from === 0 ? START : all[from - 1]!, count)) {
            expect(page.length).to.be.within(1, count);
            found.push(...ids(page)!);
          }
          expect(found).to.deep.equal(all.slice(from));
        });
        await fc.assert(check, { numRuns: 25 });
      });

      it('gives the heads of many streams, and none for those that are not there', async () => {
        const all = await fill(3);
        const other = new Room(world, 2);
        const { id } = await other.create({ kind: 'channel' });
        const heads = await world.log.heads([room.stream, roomOf(77), other.stream], ['kind', 'messages', 'deleted']);
        expect(heads).to.deep.equal([
          { id: all[2], kind: 'group', messages: '2', deleted: '' },
          undefined,
          { id, kind: 'channel', messages: '0', deleted: '' },
        ]);
        expect(await world.log.heads([], ['kind'])).to.deep.equal([]);
      });

      it('reads guard state by field', async () => {
        await fill(2);
        const { log } = world;
        expect(await log.guardField(room.stream, 'members', user(9))).to.equal(null);
        expect(await log.guardFields(room.stream, 'members', [])).to.deep.equal([]);
        const [first, none] = await log.guardFields(room.stream, 'members', [user(1), user(9)]);
        expect(first).to.match(/^owner 1 1 /);
        expect(none).to.equal(null);
        expect(Object.keys(await log.guardAll(room.stream, 'members'))).to.have.length(3);
      });

      it('lists every stream once, of one partition or of all', async () => {
        const rooms = Array.from({ length: 20 }, (_, n) => new Room(world, n));
        await Promise.all(rooms.map((r) => r.create()));
        const found = async (partition?: number) => {
          const list: string[] = [];
          for await (const { kind, id } of world.log.streams(partition)) list.push(`${kind} ${id}`);
          return list.toSorted();
        };
        const expected = rooms.map(({ stream }) => `${stream.kind} ${stream.id}`).toSorted();
        expect(await found()).to.deep.equal(expected);
        const parts = await Promise.all([0, 1, 2, 3].map(found));
        expect(parts.flat().toSorted()).to.deep.equal(expected);
        expect(parts.filter((part) => part.length > 0)).to.have.length.above(1);
      });

      it('pages through a directory in the order of its bytes, over all partitions', async () => {
        const names = ['b', 'ba', 'Ä', 'ä', 'a', 'a b', 'zz', '\u{1f600}', '\uffee', 'bab', 'b\u0001'];
        const rooms = names.map((name, n) => ({ room: new Room(world, n), name }));
        await Promise.all(rooms.map(({ room: r, name }) => r.create({ kind: 'channel', name })));
        const entries = rooms
          .map(({ room: r, name }) => Buffer.from(`${name}\n${r.stream.id}`))
          .toSorted((a, b) => Buffer.compare(a, b))
          .map(String);
        for (const prefix of ['', 'b', 'ba', 'ä', '\u{1f600}', 'q']) {
          const expected = entries.filter((entry) => entry.startsWith(prefix));
          for (const limit of [1, 3, 50]) {
            const found: string[] = [];
            for (let after = '', more = true; more; after = found.at(-1) ?? '') {
              const page = await world.log.directoryPage('channels', prefix, after, limit);
              found.push(...page.entries);
              more = page.more;
            }
            expect(found, `${prefix} by ${limit}`).to.deep.equal(expected);
          }
        }
        // A cursor of another list must not lead out of this one.
        for (const [prefix, after] of [
          ['b', 'a'],
          ['\u{1f600}', '\uffee'],
        ] as const) {
          const page = await world.log.directoryPage('channels', prefix, after, 50);
          expect(page.entries).to.deep.equal(entries.filter((entry) => entry.startsWith(prefix)));
        }
      });

      it('what one turn asks for leaves in one write for each server', async () => {
        const sockets = world.log.connection.masters().map((master) => master.stream as Socket);
        const asked = Promise.all([room.create(), redis().get('a'), redis().get('b')]);
        expect(sockets.some(({ writableCorked }) => writableCorked === 1)).to.equal(true);
        await new Promise((resolve) => setImmediate(resolve));
        expect(sockets.map(({ writableCorked }) => writableCorked)).to.deep.equal(sockets.map(() => 0));
        expect((await asked).slice(1)).to.deep.equal([null, null]);
      });

      it('tells where a feed ends and where each group stands', async () => {
        await fill(3);
        const partition = world.log.keys.partitionOf(room.stream.id);
        await redis().hset(room.key('checkpoints'), 'views', '5-1');
        const { head, checkpoints } = await world.log.progress(partition);
        expect(head).to.match(/^\d+-3$/);
        expect(checkpoints).to.deep.equal({ views: '5-1' });
        const empty = [0, 1, 2, 3].find((p) => p !== partition)!;
        expect(await world.log.progress(empty)).to.deep.equal({ head: START, checkpoints: {} });
      });
    });

    describe('a script', () => {
      it('that is not there, or lacks an argument, is a defect', async () => {
        expect(await codeOf(world.log.run('thing.do', room.stream, {}))).to.include('there is no script thing.do');
        expect(await codeOf(room.run('message.send', 1, {}))).to.include('message.send needs the argument message_id');
      });

      it('may not be given an id that reaches another key', async () => {
        const work = async () => world.log.run('conversation.join', roomOf(1), {});
        expect(await codeOf(work())).to.include('needs the argument');
        const { stream } = room;
        const reached = { ...stream, id: 'a}:b' };
        expect(await codeOf((async () => world.log.readAfter(reached, START))())).to.include('not an id');
      });
    });

    describe('a server that breaks the promise', () => {
      const setting = async (name: string, value: string, work: () => Promise<void>) => {
        // The last master alone: each is asked.
        const master = world.log.connection.masters().at(-1)!;
        const [, before] = (await master.config('GET', name)) as string[];
        await master.config('SET', name, value);
        try {
          await work();
        } finally {
          await master.config('SET', name, before!);
        }
      };
      const reason = (work: Promise<Log>) =>
        work.then(
          () => 'was taken',
          (error: Error) => error.message,
        );

      it('is taken for "disk" only with an append-only file that is flushed always', async () => {
        expect(world.log.durability).to.equal('disk');
        await setting('appendfsync', 'everysec', async () => {
          expect((await world.another()).durability).to.equal('memory');
          expect(world.warnings.join()).to.include('appendfsync is everysec');
        });
      });

      it('is refused without an append-only file', async () => {
        await setting('appendonly', 'no', async () => {
          expect(await reason(world.another())).to.include('no append-only file');
        });
        await until('its first append-only file is written', async () => {
          const info = await world.log.connection.masters().at(-1)!.info('persistence');
          return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info);
        });
      });

      it('is refused when it may evict', async () => {
        await setting('maxmemory-policy', 'allkeys-lru', async () => {
          expect(await reason(world.another())).to.include('allkeys-lru');
        });
      });

      it('is refused with another number of partitions than it began with', async () => {
        expect(await reason(world.another({ partitions: 8 }))).to.include('PARTITIONS=4');
        await world.another();
      });
    });
  });
}

describe('the log of a Redis that listens at a socket file', () => {
  let redis: RedisProcess;
  before(async () => {
    redis = await startRedis({ password: 'of its own', settings: { unixsocket: 'here.sock', unixsocketperm: '700' } });
  });
  after(() => redis.stop());

  for (const scheme of ['unix:', 'unix://']) {
    it(`is reached by ${scheme}, also by the connections that block`, async () => {
      const url = `${scheme}${redis.dir}/here.sock?password=of%20its%20own`;
      const options = { partitions: 4, replicationAcks: 0, newSalt: () => '00', warn: () => {} };
      const log = await Log.open({ ...options, redis: { url } });
      const blocking = await log.connection.forBlocking('');
      expect(await log.answers()).to.equal(true);
      expect(await blocking.call('CLIENT', 'INFO')).to.include('here.sock');
      blocking.disconnect();
      log.close();
    });
  }
});
