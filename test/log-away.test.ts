/** What a caller is told when Redis is away, slow or killed, and that nothing acknowledged is lost or done twice by it. */
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { projections } from '../src/chat/index.ts';
import { cards } from '../src/chat/conversations/card.ts';
import { history } from '../src/chat/messages/history.ts';
import { START } from '../src/envelope.ts';
import { Reading } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { until } from '../src/redis/redis-server.ts';
import { decode } from './support/folds.ts';
import { codeOf, message, request, Room } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

for (const topology of topologies) {
  describe(`without Redis, on ${topology}`, () => {
    const world = useWorld(topology);
    let room: Room;
    beforeEach(() => {
      room = new Room(world);
    });

    it('says whether something may have been done, and works again by itself once Redis is back', async () => {
      await room.create();
      const { id } = await room.send(1, 1);
      // A command that has left has an unknown outcome, whatever the client makes of the loss.
      const infos = await Promise.all(world.log.connection.masters().map((master) => master.info('server')));
      for (const info of infos) process.kill(Number(/process_id:(\d+)/.exec(info)![1]), 'SIGSTOP');
      const outcome = codeOf(room.send(1, 2));
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      const startAgain = await world.killRedis();
      expect(await outcome).to.equal('unknown_outcome');

      // One that has not left was not done.
      await until('the loss is noticed', async () => (await codeOf(room.send(1, 3))) === 'unavailable');
      expect(await codeOf(world.log.readAfter(room.stream, START))).to.equal('unavailable');
      expect(await codeOf(world.log.heads([room.stream], []))).to.equal('unavailable');
      expect(await codeOf(world.log.progress(0))).to.equal('unavailable');
      // Whatever is asked, also by who takes the client itself.
      expect(await codeOf(world.log.connection.commands.time())).to.equal('unavailable');
      const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections });
      const page = reading.page(history, room.stream, { direction: 'up', limit: 1 }, undefined);
      expect(await codeOf(page)).to.equal('unavailable');
      expect(await codeOf(reading.byKeys(history, room.stream, [message(1)]))).to.equal('unavailable');
      expect(await codeOf(reading.entity(cards, room.stream))).to.equal('unavailable');
      expect(await world.log.answers()).to.equal(false);

      await startAgain();
      await until('it answers', () => world.log.answers());
      await until('commands are taken', async () => (await codeOf(room.send(1, 4))) === 'was not refused');
      expect((await world.log.readOne(room.stream, id))?.seq).to.equal(2);
      await room.holds();
    });

    it('never loses or doubles what it acknowledged, whenever Redis is killed', async () => {
      await room.create();
      const acknowledged = new Set<number>();
      const doubtful = new Set<number>();
      let isOver = false;
      const writing = [1, 2, 3].map(async (writer) => {
        for (let n = writer * 10_000; !isOver; n += 1) {
          const code = await codeOf(
            room.send(writer, n, 'x', { requestId: request(n), body: n }).then(() => acknowledged.add(n)),
          );
          if (!code.includes('not refused')) doubtful.add(n);
          expect(code).to.be.oneOf(['was not refused', 'unavailable', 'unknown_outcome']);
          if (doubtful.has(n)) await until('Redis answers', async () => world.log.answers());
        }
      });
      await until('some are written', () => acknowledged.size > 50);
      const startAgain = await world.killRedis();
      await until('doubt', () => doubtful.size > 0);
      await startAgain();
      const before = acknowledged.size;
      await until('more are written', () => acknowledged.size > before + 20);
      isOver = true;
      await Promise.all(writing);
      for (const n of doubtful) await room.send(Math.floor(n / 10_000), n, 'x', { requestId: request(n), body: n });
      const sent = (await room.log()).flatMap(({ data }) => (data as { message_id?: string }).message_id ?? []);
      expect(new Set(sent).size).to.equal(sent.length);
      const expected = new Set([...acknowledged, ...doubtful].map(message));
      expect(new Set(sent)).to.deep.equal(expected);
      await room.holds();
    });
  });
}

describe('a Redis that answers too late', () => {
  const world = useWorld();

  it('leaves the outcome unknown, and a repeat with the same id is done once', async () => {
    const room = new Room(world);
    await room.create();
    const { options } = world.log.connection.commands as Redis;
    expect(options.commandTimeout).to.equal(5_000);
    options.commandTimeout = 300;
    await world.log.connection.commands.call('CLIENT', 'PAUSE', '600', 'WRITE');
    expect(await codeOf(room.send(1, 1))).to.equal('unknown_outcome');
    await until('it answers again', async () => (await codeOf(room.send(1, 1))) === 'was not refused');
    expect((await room.events()).filter(([type]) => type === 'message.sent')).to.have.length(1);
  });
});
