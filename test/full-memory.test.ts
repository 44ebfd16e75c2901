/** A Redis that has reached its limit of memory: nothing new is taken, and whatever ends, frees, makes room or reads goes on. */
import { expect } from 'chai';
import { history } from '../src/chat/messages/history.ts';
import { START } from '../src/envelope.ts';
import { userStream } from '../src/keys.ts';
import { Views } from '../src/views/store.ts';
import { until } from '../src/redis/redis-server.ts';
import { Rest } from './support/client.ts';
import { caughtUp, converse, register as registerAs, rooms, useProjectors } from './support/projectors.ts';
import { codeOf, partitionRoom, user } from './support/rooms.ts';
import { register, useNodes } from './support/server.ts';
import { topologies, useWorld } from './support/world.ts';

for (const topology of topologies) {
  describe(`without memory, on ${topology}`, () => {
    // First: the world closes its log after each test.
    afterEach(() => limit('0'));
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const masters = () => world.log.connection.masters();
    const limit = (bytes: string) => Promise.all(masters().map((master) => master.config('SET', 'maxmemory', bytes)));
    const listed = async (n: number, id: string) =>
      (await world.log.guardField(userStream(user(n)), 'conversations', id))?.split(' ')[1];

    it('a node opens its log', async () => {
      await limit('1');
      const log = await world.another();
      expect(await log.answers()).to.equal(true);
    });

    it('views and lists are brought up and the feeds are trimmed, which makes room', async () => {
      const all = rooms(world, 4);
      await Promise.all(all.map((room) => converse(room)));
      await limit('1');
      await projectors.start({ keepFeedMs: 40 });
      await projectors.react();
      await caughtUp(world.log);
      await caughtUp(world.log, 'lists');
      for (const { stream } of all)
        expect([await listed(1, stream.id), await listed(7, stream.id)]).to.deep.equal(['joined', 'left']);
      const page = await new Views(world.log).page(history, all[0]!.stream, { direction: 'up', limit: 100 });
      expect(page.docs).to.have.length.above(4);
      const feed = all[0]!.key('feed');
      await until('it is trimmed', async () => (await world.log.connection.commands.xlen(feed)) < 60);
    });

    it('people leave, are taken out, delete and log out, and nothing new is taken', async () => {
      const room = partitionRoom(world, 1);
      await room.create({ kind: 'channel', roles: ['owner', 'member', 'member'] });
      await room.send(1, 1);
      await registerAs(world.log, 1);
      await limit('1');
      expect(await codeOf(room.send(1, 2))).to.equal('unavailable');
      expect(await codeOf(room.join(9))).to.equal('unavailable');
      await room.leave(2);
      await room.remove(1, 3);
      await room.delete(1);
      expect((await room.log()).map(({ type }) => type).slice(-3)).to.deep.equal([
        'participant.removed',
        'participant.removed',
        'conversation.deleted',
      ]);
      const own = userStream(user(1));
      await world.log.append({ script: 'session.end', stream: own, actorId: user(1), args: { session: user(1) } });
      await world.log.append({
        script: 'user.delete',
        stream: own,
        actorId: user(1),
        args: { proved: 'hash', erase: '' },
      });
      expect((await world.log.readAfter(own, START)).at(-1)?.type).to.equal('user.deleted');
      await limit('0');
      await room.holds();
    });
  });
}

describe('a node without memory', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('starts, and shows what there is', async () => {
    const [master] = world.log.connection.masters();
    const first = await startNode();
    const ann = await register(first);
    const { body: made } = await ann.rest.post('/conversations', { type: 'group', name: 'full' });
    await ann.rest.post(`/conversations/${String(made['id'])}/messages`, { content: 'before' });
    await first.stop();
    await master!.config('SET', 'maxmemory', '1');
    try {
      const node = await startNode();
      const rest = new Rest(node.base, ann.token);
      const { body } = await rest.get(`/conversations/${String(made['id'])}/messages`);
      expect((body['items'] as { content: string }[]).map(({ content }) => content)).to.include('before');
      const refused = await rest.post(`/conversations/${String(made['id'])}/messages`, { content: 'after' });
      expect([refused.status, refused.body['code']]).to.deep.equal([503, 'unavailable']);
      const socket = await ann.socket('', node);
      await socket.frame(({ type }) => type === 'session.ready');
      expect((await rest.post('/auth/logout', { refresh_token: ann.refreshToken })).status).to.equal(204);
    } finally {
      await master!.config('SET', 'maxmemory', '0');
    }
  });
});
