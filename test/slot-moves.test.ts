/**
 * Every key that a script names exists: while a slot of a Cluster moves, Redis refuses whoever names one that does not, for as long as the
 * whole slot takes. First looked at key by key, then tried on a slot that is marked as moving.
 */
import { expect } from 'chai';
import keySlot from 'cluster-key-slot';
import { history } from '../src/chat/messages/history.ts';
import { checks, guards, projections } from '../src/chat/index.ts';
import { START } from '../src/envelope.ts';
import { userStream } from '../src/keys.ts';
import type { StreamRef } from '../src/keys.ts';
import { verify } from '../src/projector/verify.ts';
import { Views } from '../src/views/store.ts';
import { moveSlot, openSlot } from '../scripts/redis-cluster.ts';
import { decode, expectViewsEqualFold } from './support/folds.ts';
import { caughtUp, register, useProjectors } from './support/projectors.ts';
import { partitionRoom, request, user } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

/** Made anew for one use each, and named alone: such a script goes where the key will be. */
const ALONE = new Set(['attempts', 'self', 'folding', 'workers']);

describe('every key that a script names', () => {
  const world = useWorld();
  const projectors = useProjectors(world);
  const redis = () => world.log.connection.commands;

  /** Those of the keys that are not there, by name. */
  async function missing(owner: StreamRef, names: Iterable<string>): Promise<string[]> {
    const all = [...new Set(names)];
    const found = await Promise.all(all.map((name) => redis().exists(world.log.keys.of(owner, name))));
    return all.filter((_, i) => found[i] === 0);
  }
  const scripts = () => [...world.log.scripts.values()];
  const isOfPartition = (name: string) => {
    try {
      return world.log.keys.at(0, name) !== '';
    } catch {
      return false;
    }
  };
  /** Names of the keys in all scripts that also name `mark`, the partition's among them. */
  const namedWith = (...marks: string[]) =>
    scripts().flatMap(({ fixedKeys }) => (marks.some((mark) => fixedKeys.includes(mark)) ? fixedKeys : []));

  it('of a partition is there once a node has started', async () => {
    await world.log.prepare();
    await world.log.prepare();
    const names = scripts()
      .flatMap(({ fixedKeys }) => fixedKeys)
      .filter((name) => isOfPartition(name) && !ALONE.has(name));
    expect(await missing(userStream(user(1)), names)).to.deep.equal([]);
    expect(await world.log.directoryPage('users', '', '', 10)).to.deep.equal({ entries: [], more: false });
    expect(await world.log.directoryPage('channels', '', '', 10)).to.deep.equal({ entries: [], more: false });
    expect((await world.log.progress(0)).checkpoints).to.deep.equal({});
    expect(world.warnings).to.deep.equal([]);
  });

  it('of a conversation is there from its beginning, also when everyone has left', async () => {
    const room = partitionRoom(world, 0);
    await world.log.prepare();
    await room.create({ kind: 'channel', roles: ['owner'] });
    const names = namedWith('members', 'messages');
    expect(await missing(room.stream, names)).to.deep.equal([]);
    await room.leave(1);
    expect(await missing(room.stream, names)).to.deep.equal([]);
    await room.join(2);
    expect(await room.member(2)).to.equal('owner');
    expect(await redis().hkeys(room.key('members'))).to.deep.equal([user(2)]);
  });

  it('of a user is there from their registration', async () => {
    await world.log.prepare();
    await register(world.log, 1);
    const ofOthers = new Set(['members', 'messages', 'reactions', 'channels']);
    const names = namedWith(
      'conversations',
      'uploads',
      'attached',
      'sessions',
      'account',
      'settings',
      'blocks',
      'notified',
      'presence',
    );
    const own = names.filter((name) => !ofOthers.has(name));
    expect(await missing(userStream(user(1)), own)).to.deep.equal([]);
    // What keeps a key in being is in no answer.
    expect(await world.log.guardAll(userStream(user(1)), 'conversations')).to.deep.equal({});
  });

  it('of a view is there from its first event', async () => {
    const room = partitionRoom(world, 0);
    await room.create({ kind: 'channel', roles: ['owner'] });
    await register(world.log, 1);
    await projectors.start();
    await caughtUp(world.log);
    await room.leave(1);
    await caughtUp(world.log);
    for (const projection of projections) {
      const stream = projection.source === 'user' ? userStream(user(1)) : room.stream;
      const { keys } = new Views(world.log).shape(projection, stream);
      for (const key of keys) expect(await redis().exists(key), key).to.equal(1);
    }
  });

  it('is known to the proof, and is no difference', async () => {
    const room = partitionRoom(world, 0);
    await world.log.prepare();
    await room.create({ kind: 'channel', roles: ['owner', 'member'] });
    await register(world.log, 1);
    await projectors.start();
    await projectors.react();
    for (const n of [2, 1]) await room.leave(n);
    const proof = async () => {
      await caughtUp(world.log);
      await caughtUp(world.log, 'lists');
      const { differences } = await verify({
        log: world.log,
        views: new Views(world.log),
        projections,
        decode,
        guards,
        checks,
      });
      return differences.filter(({ reason }) => !reason.includes('directory'));
    };
    expect(await proof()).to.deep.equal([]);
    await room.join(2);
    expect(await proof()).to.deep.equal([]);
  });
});

describe('a slot that moves', () => {
  // First: the world closes its log after each test.
  afterEach(async () => {
    for (const master of world.log.connection.masters()) await master.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
  });
  const world = useWorld('a Cluster of three');
  const projectors = useProjectors(world);
  let room: Room;
  let slot: number;
  beforeEach(async () => {
    await world.log.prepare();
    room = partitionRoom(world, 1);
    await room.create({ kind: 'channel', roles: ['owner', 'member'] });
    await projectors.start();
    await projectors.react();
    await caughtUp(world.log);
    await caughtUp(world.log, 'lists');
    slot = keySlot(room.key('log'));
    await openSlot(world.log.connection.masters(), slot);
  });

  it('keeps nothing waiting: commands, reads, views and lists go on', async () => {
    const began = performance.now();
    await room.send(1, 1);
    await room.leave(2);
    await room.leave(1);
    await room.join(3);
    await room.send(3, 2);
    await room.read(3, 2);
    await caughtUp(world.log);
    await caughtUp(world.log, 'lists');
    const page = await new Views(world.log).page(history, room.stream, { direction: 'down', limit: 100 });
    expect(page.docs).to.have.length.above(4);
    expect(await world.log.readAfter(room.stream, START)).to.have.length.above(5);
    // At the turn of the day what is remembered of requests begins anew.
    const generation = Math.floor(Date.now() / 86_400_000) % 2 === 0 ? 'requests_0' : 'requests_1';
    await world.log.connection.commands.hset(room.key(generation), 'day', '7');
    const repeated = { requestId: request(1), body: 1 };
    const first = await room.send(3, 3, 'x', repeated);
    expect(await room.send(3, 3, 'x', repeated)).to.deep.equal({ ...first, status: 'duplicate' });
    await room.delete(3);
    await room.holds();
    // A refusal is repeated for seconds before it is told.
    expect(performance.now() - began).to.be.below(3_000);
  });

  it('takes every command once, whichever keys have gone ahead', async () => {
    const moving = moveSlot(world.log.connection.masters(), slot);
    let isMoved = false;
    void moving.finally(() => (isMoved = true));
    let sent = 0;
    while (!isMoved || sent < 30) {
      sent += 1;
      await room.send(1, sent);
      await room.read(2, sent);
    }
    await moving;
    await room.holds();
    const all = (await room.log()).filter(({ type }) => type === 'message.sent');
    expect(all).to.have.length(sent);
    await caughtUp(world.log);
    await expectViewsEqualFold(world.log);
  });
});
