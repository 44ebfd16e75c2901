/** Reads of what was long ago take neither the processor nor the memory from everyone else. */
import { expect } from 'chai';
import sinon from 'sinon';
import { projections } from '../src/chat/index.ts';
import { cards } from '../src/chat/conversations/card.ts';
import { history } from '../src/chat/messages/history.ts';
import { fail } from '../src/errors.ts';
import type { ChatError } from '../src/errors.ts';
import { LongFolds } from '../src/views/long-folds.ts';
import { Reading } from '../src/views/reading.ts';
import type { ReadLimits } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { decode } from './support/folds.ts';
import { caughtUp, useProjectors } from './support/projectors.ts';
import { codeOf, message, Room } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

describe('the past', () => {
  const world = useWorld();
  const projectors = useProjectors(world);
  const readingWith = (limits: Partial<ReadLimits>) =>
    new Reading({ log: world.log, views: new Views(world.log), decode, projections, limits });

  it('folds few pasts at once, shares equal ones, and refuses what would wait too long', async () => {
    const few = readingWith({ atOnce: 1, waiting: 1 });
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner'] });
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push((await room.send(1, n)).id);
    const range = { direction: 'down', limit: 10 } as const;
    const ask = (id: string) => few.page(history, room.stream, range, id).then((rows) => rows.length);
    const asked = await Promise.allSettled([ids[0]!, ids[0]!, ids[0]!, ids[1]!, ids[2]!, ids[3]!].map(ask));
    const outcomes = asked.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as ChatError).code));
    expect(outcomes).to.deep.equal([2, 2, 2, 3, 'unavailable', 'unavailable']);
    expect(await ask(ids[3]!)).to.equal(5);
  });

  it('is told event by event in its turn, too', async () => {
    const few = readingWith({ atOnce: 1, waiting: 1 });
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner'] });
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) ids.push((await room.send(1, n)).id);
    const told: string[] = [];
    const tell = () =>
      few.eventsThen(room.stream, ids[0]!, ids[2]!, (events) => told.push(...events.map(({ id }) => id)));
    const asked = await Promise.allSettled([tell(), tell(), tell()]);
    expect(asked.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected']);
    expect(told).to.deep.equal([ids[1], ids[2], ids[1], ids[2]]);
  });

  it('holds few documents of many, and answers the same', async () => {
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner', 'member'] });
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) ids.push((await room.send(1 + (n % 2), n)).id);
    for (const n of [0, 5, 11]) await room.edit(1 + (n % 2), n);
    for (const [n, by] of [
      [1, 2],
      [10, 1],
    ] as const)
      await room.pin(by, n);
    for (const n of [2, 10]) await room.takeBack(1, n);
    const last = (await room.send(1, 99)).id;
    const whole = readingWith({});
    const small = readingWith({ held: 2 });
    for (const asOf of [...ids, last.replace(/-.*/, `-${Number(last.split('-')[1]) - 1}`)]) {
      for (const direction of ['up', 'down'] as const) {
        for (const from of [undefined, 4, 9]) {
          const range = { direction, limit: 3, from };
          const texts = async (reading: Reading) =>
            (await reading.page(history, room.stream, range, asOf)).map(
              ({ order, json }) => `${order} ${json.toString()}`,
            );
          expect(await texts(small), `${direction} ${from} at ${asOf}`).to.deep.equal(await texts(whole));
        }
      }
      const pinned = (reading: Reading) => reading.allThen(history, room.stream, asOf, (message) => message.pinned);
      expect(await pinned(small)).to.deep.equal(await pinned(whole));
    }
  });

  it('is folded for nobody who may not read, nor is what the view lacks now', async () => {
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner'] });
    for (let n = 0; n < 40; n += 1) await room.send(1, n);
    const log = sinon.spy(world.log, 'readAfter');
    const refused = Promise.reject(fail('forbidden'));
    refused.catch(() => {});
    for (const asOf of [undefined, '9999-12-31T00:00:00Z']) {
      const asked = readingWith({}).page(history, room.stream, { direction: 'up', limit: 5 }, asOf, refused);
      expect(await codeOf(asked)).to.equal('forbidden');
    }
    expect(log.callCount).to.equal(0);
  });

  it('is what is now, read from the view, where nothing has come since', async () => {
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner'] });
    const { id } = await room.send(1, 1);
    const projector = await projectors.start();
    await caughtUp(world.log);
    await projector.stop();
    const log = sinon.spy(world.log, 'readAfter');
    const range = { direction: 'down', limit: 10 } as const;
    for (const asOf of [id, '9999-12-31T00:00:00Z']) {
      expect(await readingWith({}).page(history, room.stream, range, asOf)).to.have.length(2);
    }
    expect(log.callCount).to.equal(0);
    await room.send(1, 2);
    expect(await readingWith({}).page(history, room.stream, range, id)).to.have.length(2);
    expect(log.callCount).to.be.above(0);
  });
});

describe('a view that cannot be read', () => {
  const world = useWorld();
  const projectors = useProjectors(world);

  it('takes no read away, whatever lies in its keys', async () => {
    const redis = world.log.connection.commands;
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner', 'member'] });
    for (let n = 0; n < 5; n += 1) await room.send(1, n);
    const projector = await projectors.start();
    await caughtUp(world.log);
    await projector.stop();
    await room.send(1, 5);
    const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections });
    const answers = async () => {
      const rows = await reading.page(history, room.stream, { direction: 'down', limit: 3 }, undefined);
      const found = await reading.byKeys(history, room.stream, [message(2), message(5)]);
      const card = await reading.entity(cards, room.stream);
      return [rows.map(({ order, json }) => [order, JSON.parse(json.toString()) as unknown]), [...found], card];
    };
    const whole = await answers();
    const views = new Views(world.log);
    const [index, docs] = views.shape(history, room.stream).keys as [string, string];
    const [card] = views.shape(cards, room.stream).keys as [string];
    const copies = await Promise.all(
      [index, docs, card].map(async (key) => [key, (await redis.dumpBuffer(key))!] as const),
    );
    const spoils: (() => Promise<unknown>)[] = [
      () => redis.set(index, 'hello'),
      () => redis.set(docs, 'hello'),
      () => redis.zadd(docs, 6, '{"id":'),
      () => redis.set(card, 'hello'),
      () => redis.hset(card, 'member_count', 'many'),
    ];
    for (const spoil of spoils) {
      await spoil();
      expect(await answers()).to.deep.equal(whole);
      for (const [key, copy] of copies) await redis.restore(key, 0, copy, 'REPLACE');
    }
  });
});

describe('long folds', () => {
  const limits = { atOnce: 2, waiting: 2, waitMs: 30, workMs: 40 };
  const never = () => new Promise<never>(() => {});

  it('let nobody wait for ever, and work no longer than they may', async () => {
    const folds = new LongFolds(limits);
    void folds.run(undefined, never);
    let ends: () => void = () => {};
    const working = folds.run(undefined, (checkTime) =>
      new Promise<void>((resolve) => (ends = resolve)).then(checkTime),
    );
    const waiting = [1, 2, 3].map((n) => codeOf(folds.run(`${n}`, async () => n)));
    expect(await Promise.all(waiting)).to.deep.equal(['unavailable', 'unavailable', 'unavailable']);
    const signal = AbortSignal.timeout(limits.workMs);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ends();
    expect(await codeOf(working)).to.equal('unavailable');
    expect(await folds.run('free again', async () => 7)).to.equal(7);
  });

  it('go on after one that failed, and forget it', async () => {
    const folds = new LongFolds({ ...limits, atOnce: 1 });
    const failing = () => folds.run('same', () => Promise.reject(new Error('broken')));
    expect(await Promise.all([codeOf(failing()), codeOf(failing())])).to.deep.equal(['Error: broken', 'Error: broken']);
    expect(await folds.run('same', async () => 7)).to.equal(7);
  });
});
