/** Signals: heard by every node at once, with whom they concern, kept nowhere, and heard again after a connection was lost. */
import { expect } from 'chai';
import keySlot from 'cluster-key-slot';
import { userStream } from '../src/keys.ts';
import { Signals } from '../src/log/signals.ts';
import type { Signal } from '../src/log/signals.ts';
import { moveSlot } from '../scripts/redis-cluster.ts';
import { until } from '../src/redis/redis-server.ts';
import { codeOf, dump, partitionRoom, user } from './support/rooms.ts';
import type { Room } from './support/rooms.ts';
import { addScripts } from './support/scripts.ts';
import { topologies, useWorld } from './support/world.ts';

const PARTITIONS = [0, 1, 2, 3];

for (const topology of topologies) {
  describe(`signals on ${topology}`, () => {
    const world = useWorld(topology);
    let rooms: Room[];
    let running: Signals[];
    beforeEach(() => {
      rooms = PARTITIONS.map((p) => partitionRoom(world, p));
      running = [];
    });
    afterEach(() => Promise.all(running.map((signals) => signals.stop())));

    const plain = ({ stream, actorId, json }: Signal) => [stream.kind, stream.id, actorId, json.toString()];
    /** A node that listens, and what it has heard. */
    async function listen(log = world.log, onSignal?: () => void): Promise<{ signals: Signals; heard: string[][] }> {
      const heard: string[][] = [];
      const signals = new Signals(log);
      running.push(signals);
      const hear = (signal: Signal) => {
        heard.push(plain(signal));
        onSignal?.();
      };
      await signals.start(hear, (message) => void world.warnings.push(message));
      return { signals, heard };
    }
    /** Publishes to every partition until each is heard: what is published while nobody listens is lost, and may be. */
    async function untilHeard({ signals, heard }: { signals: Signals; heard: string[][] }): Promise<void> {
      for (const { stream } of rooms) {
        const isHeard = async () => {
          await signals.publish(stream, user(1), '"again"').catch(() => {});
          return heard.some(([, id, , json]) => id === stream.id && json === '"again"');
        };
        await until('it is heard again', isHeard, 15_000);
      }
    }

    it('reach every node, of every partition, and leave nothing behind', async () => {
      const [first, second] = [await listen(), await listen(await world.another())];
      const before = await dump(world.log);
      const json = '{"type":"typing.started","data":{"text":"a b \\u00e9 é 💬"}}';
      for (const { stream } of rooms) await first.signals.publish(stream, user(1), json);
      await second.signals.publish(userStream(user(2)), user(3), '{}');
      const expected = [
        ...rooms.map(({ stream }) => ['conversation', stream.id, user(1), json]),
        ['user', user(2), user(3), '{}'],
      ];
      for (const { heard } of [first, second]) {
        await until('all are heard', () => heard.length === expected.length);
        expect(heard).to.have.deep.members(expected);
      }
      expect(await dump(world.log)).to.deep.equal(before);
    });

    it('of one stream come in the order in which they were published', async () => {
      const { signals, heard } = await listen();
      const [{ stream }] = rooms as [Room];
      await Promise.all(Array.from({ length: 200 }, (_, n) => signals.publish(stream, user(1), String(n))));
      await until('all are heard', () => heard.length === 200);
      expect(heard.map(([, , , json]) => Number(json))).to.deep.equal(Array.from({ length: 200 }, (_, n) => n));
    });

    it('can be published by a script in the same step as it writes', async () => {
      const { heard } = await listen();
      await addScripts(world.log, {
        wave: {
          keys: 'log head',
          args: 'signals actor',
          include: 'signal',
          body: `redis.call('HSET', head, 'waved', '1')\nsignal(actor, '{"wave":1}')\nreturn { 'ok' }`,
        },
      });
      for (const { stream } of rooms) await world.log.run('wave', stream, { actor: user(1) });
      await until('all are heard', () => heard.length === rooms.length);
      expect(heard).to.have.deep.members(rooms.map(({ stream }) => ['conversation', stream.id, user(1), '{"wave":1}']));
    });

    it('are heard by the others when one reader breaks or a stranger speaks on the channel', async () => {
      const broken = await listen(world.log, () => {
        throw new Error('the reader broke');
      });
      const well = await listen(await world.another());
      const { commands, isCluster } = world.log.connection;
      const channel = world.log.keys.signals(0);
      await (isCluster ? commands.spublish(channel, 'hello world') : commands.publish(channel, 'hello world'));
      for (const heard of [1, 2]) {
        await broken.signals.publish(rooms[0]!.stream, user(1), '1');
        await until('both have heard', () => well.heard.length === heard && broken.heard.length === heard);
      }
      expect(world.warnings).to.include('signals: the reader broke');
      expect(world.warnings).to.include('a message on the channel of signals is not one');
    });

    it('are heard again after connections were cut and after Redis came back', async () => {
      const node = await listen();
      for (const master of world.log.connection.masters()) await master.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await untilHeard(node);

      const startAgain = await world.killRedis();
      await until(
        'the loss is noticed',
        async () => (await codeOf(node.signals.publish(rooms[0]!.stream, user(1), '1'))) === 'unavailable',
      );
      await startAgain();
      node.heard.length = 0;
      await until('Redis answers', () => world.log.answers());
      await untilHeard(node);
    }).timeout(60_000);

    if (topology === 'a Cluster of three') {
      it('follow a slot that moves to another master', async () => {
        const node = await listen();
        const [{ stream }] = rooms as [Room];
        await moveSlot(world.log.connection.masters(), keySlot(world.log.keys.of(stream, 'log')));
        await untilHeard(node);
      }).timeout(30_000);
    }
  });
}
