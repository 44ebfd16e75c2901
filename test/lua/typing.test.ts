/** The scripts of typing against their headers. Time passes by moving what they wrote. */
import { expect } from 'chai';
import { Signals } from '../../src/log/signals.ts';
import { until } from '../../src/redis/redis-server.ts';
import { request, Room, user } from '../support/rooms.ts';
import { topologies, useWorld } from '../support/world.ts';

const OUTSIDER = 9;

for (const topology of topologies) {
  describe(`typing.* on ${topology}`, () => {
    const world = useWorld(topology);
    let room: Room;
    let signals: Signals;
    let heard: [string, Record<string, unknown>][];
    beforeEach(async () => {
      await world.log.prepare();
      room = new Room(world);
      await room.create({ roles: ['owner', 'admin', 'member'] });
      heard = [];
      signals = new Signals(world.log);
      await signals.start(
        ({ actorId, json }) => void heard.push([actorId, JSON.parse(json.toString()) as object as never]),
        (message) => void world.warnings.push(message),
      );
      // Listening begins a moment after it was asked for.
      await until('signals are heard', async () => {
        await signals.publish(room.stream, user(1), '{"type":"test"}');
        return heard.length > 0;
      });
    });
    afterEach(() => signals.stop());

    const type = (actor: number, more = {}) => room.run('typing.start', actor, {}, { knowsRepeats: true, ...more });
    const stop = (actor: number, more = {}) => room.run('typing.stop', actor, {}, { knowsRepeats: true, ...more });
    const list = async () => {
      const [, ...found] = await world.log.run('typing.list', room.stream, {});
      return found.filter((_, i) => i % 2 === 0);
    };
    /** Moves what is known of a user into the past. */
    async function pass(actor: number, ms: number): Promise<void> {
      const { commands } = world.log.connection;
      const member = `${room.stream.id} ${user(actor)}`;
      const score = Number(await commands.zscore(room.key('typing'), member));
      await commands.zadd(room.key('typing'), score < 0 ? score + ms : score - ms, member);
    }
    /** Types of the signals so far. What is published here last comes after all of them. */
    async function told(): Promise<string[]> {
      await signals.publish(room.stream, user(1), '{"type":"end"}');
      await until('all signals are heard', () => heard.at(-1)![1]['type'] === 'end');
      const types = heard.map(([, frame]) => String(frame['type'])).filter((name) => name.startsWith('typing.'));
      heard.splice(0);
      return types;
    }

    it('tells the others with the time of the end, and appends nothing', async () => {
      const before = await room.log();
      const since = Date.now();
      expect(await type(3)).to.deep.equal({ status: 'ok', id: '' });
      expect(await list()).to.deep.equal([user(3)]);
      expect((await stop(3)).status).to.equal('ok');
      expect(await list()).to.deep.equal([]);
      await until(
        'both are heard',
        () => heard.filter(([, { type: name }]) => String(name).startsWith('typing.')).length === 2,
      );
      const [[actor, started], [, stopped]] = heard.filter(([, frame]) => 'data' in frame) as [
        (typeof heard)[0],
        (typeof heard)[0],
      ];
      const ends = (frame: Record<string, unknown>) => Date.parse((frame['data'] as { expires_at: string }).expires_at);
      expect(actor).to.equal(user(3));
      expect(Object.keys(started)).to.deep.equal(['type', 'conversation_id', 'actor_id', 'data']);
      expect(started).to.include({ type: 'typing.started', conversation_id: room.stream.id, actor_id: user(3) });
      expect(ends(started) - since).to.be.within(9_000, 12_000);
      expect(stopped).to.include({ type: 'typing.stopped', conversation_id: room.stream.id, actor_id: user(3) });
      expect(ends(stopped) - since).to.be.within(-1_000, 2_000);
      expect(await room.log()).to.deep.equal(before);
    });

    it('tells it once in three seconds, also of one who goes on and off', async () => {
      for (let i = 0; i < 5; i += 1) await type(3);
      expect(await told()).to.deep.equal(['typing.started']);
      for (let i = 0; i < 5; i += 1) {
        await stop(3);
        await type(3);
      }
      expect(await told()).to.deep.equal(['typing.stopped']);
      await pass(3, 3_000);
      await type(3);
      expect(await told()).to.deep.equal(['typing.started']);
      await pass(3, 2_000);
      await room.changesNothing(() => type(3));
      await pass(3, 1_000);
      await type(3);
      await type(2);
      expect(await told()).to.deep.equal(['typing.started', 'typing.started']);
      expect(await list()).to.have.members([user(2), user(3)]);
    });

    it("ends by itself, by stopping once, and by a message of one's own", async () => {
      await type(3);
      await pass(3, 10_000);
      expect(await list()).to.deep.equal([]);
      expect((await room.changesNothing(() => stop(3))).status).to.equal('unchanged');
      await type(3);
      await room.send(2, 1);
      expect(await list()).to.deep.equal([user(3)]);
      await room.send(3, 2);
      expect(await list()).to.deep.equal([]);
      expect((await room.changesNothing(() => stop(3))).status).to.equal('unchanged');
      expect(await told()).to.deep.equal(['typing.started', 'typing.started']);
    });

    it('keeps nothing of what is over', async () => {
      for (const n of [1, 2, 3]) await type(n);
      await stop(2);
      for (const n of [1, 2, 3]) await pass(n, 10_000);
      const other = new Room(world, 2);
      await other.create();
      await other.run('typing.start', 1, {}, { knowsRepeats: true });
      await type(1);
      const kept = await world.log.connection.commands.zrange(room.key('typing'), '0', '-1');
      const isHere = room.key('typing') === other.key('typing');
      expect(kept).to.have.members([
        '-',
        `${room.stream.id} ${user(1)}`,
        ...(isHere ? [`${other.stream.id} ${user(1)}`] : []),
      ]);
    });

    it('does not hang where the clock was set back', async () => {
      await type(3);
      await pass(3, -3_600_000);
      expect(await list()).to.deep.equal([]);
      expect((await type(3)).status).to.equal('ok');
      expect(await list()).to.deep.equal([user(3)]);
    });

    it('is for members who may post, and who goes is typing no longer', async () => {
      for (const work of [type, stop]) {
        expect(await room.refusal(() => work(OUTSIDER))).to.equal('not_found');
      }
      await type(3);
      await type(2);
      await room.remove(1, 3);
      expect(await list()).to.deep.equal([user(2)]);
      expect(await room.refusal(() => stop(3))).to.equal('not_found');
      await room.add(1, [3]);
      await room.update(1, {}, { policy: '= admins = =' });
      for (const work of [type, stop]) expect(await room.refusal(() => work(3))).to.equal('forbidden');
      await room.delete(1);
      for (const work of [type, stop]) expect(await room.refusal(() => work(2))).to.equal('not_found');
    });

    it('is done once under one request id, and refuses it for another request', async () => {
      const more = { requestId: request(1), body: room.stream.id };
      await type(3, more);
      await pass(3, 5_000);
      expect((await room.changesNothing(() => type(3, more))).status).to.equal('unchanged');
      expect(await room.refusal(() => stop(3, more))).to.equal('conflict');
      expect(await told()).to.deep.equal(['typing.started']);
    });
  });
}
