/** A program of somebody else's that reads every event: all of them, at least once, in order, wherever they are by now. */
import { expect } from 'chai';
import { createConsumer } from '../src/consumer.ts';
import type { ChatEvent, Consumer, ConsumerOptions } from '../src/consumer.ts';
import { until } from '../src/redis/redis-server.ts';
import { group, register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { topologies, useWorld } from './support/world.ts';
import { seqsFrom, write } from './support/writing.ts';

for (const topology of topologies) {
  describe(`a consumer on ${topology}`, () => {
    const world = useWorld(topology);
    const startNode = useNodes(world);
    const running: Consumer[] = [];
    let node: Node;
    let ada: User;
    let id: string;
    beforeEach(async () => {
      node = await startNode({ ROLES: 'api' });
      ada = await register(node);
      id = await group(ada);
    });
    afterEach(async () => {
      for (const consumer of running.splice(0)) await consumer.stop();
    });

    /** What it is given is kept; `meanwhile` may object. */
    async function consume(
      options: Partial<ConsumerOptions> = {},
      meanwhile: (events: readonly ChatEvent[]) => void = () => {},
    ) {
      const given: ChatEvent[] = [];
      const warnings: string[] = [];
      const consumer = await createConsumer({
        name: 'test',
        settings: world.environment,
        onEvents(events) {
          meanwhile(events);
          given.push(...events);
        },
        onWarning: (message) => warnings.push(message),
        ...options,
      });
      running.push(consumer);
      const seqs = () => given.filter((event) => event.conversation_id === id).map(({ seq }) => seq);
      return { consumer, given, warnings, seqs };
    }
    const end = async (consumer: Consumer) => {
      running.splice(running.indexOf(consumer), 1);
      await consumer.stop();
    };
    const forgetFeeds = async () => {
      const { connection, keys } = world.log;
      for (let p = 0; p < keys.partitions; p += 1) await connection.commands.xtrim(keys.at(p, 'feed'), 'MAXLEN', 0);
    };

    it('is given what there was, from the logs where the feeds have it no more, and then what comes', async () => {
      await write(world, ada, id, 20);
      await forgetFeeds();
      const { consumer, given, seqs } = await consume();
      await until('it has what there was', () => seqs().length >= 21);
      expect(seqs()).to.deep.equal(seqsFrom(1, 21));
      const types = () => new Set(given.map(({ type }) => type));
      await until(
        'it has what is of users, too',
        () => types().has('user.registered') && types().has('conversation.joined'),
      );
      await write(world, ada, id, 5);
      await until('it has what came', () => seqs().length >= 26);
      expect(seqs()).to.deep.equal(seqsFrom(1, 26));
      expect(await consumer.lag()).to.equal(0);
    });

    it('goes on where it stopped, also after a long time; what failed comes again', async () => {
      const first = await consume({ types: ['message.sent'] });
      await write(world, ada, id, 3);
      await until('it has them', () => first.seqs().length === 3);
      await end(first.consumer);
      await write(world, ada, id, 300);
      await forgetFeeds();
      let failures = 0;
      const second = await consume({ types: ['message.sent'] }, () => {
        if ((failures += 1) === 1) throw new Error('the database was away');
      });
      await until('it has the rest', () => second.seqs().includes(304), 15_000);
      // What is read from the logs begins with the millisecond of the checkpoint: some of that it had.
      expect([...new Set(second.seqs().filter((seq) => seq > 4))]).to.deep.equal(seqsFrom(5, 304));
      expect(second.warnings.join()).to.include('the database was away');
      expect(second.given.every(({ type }) => type === 'message.sent')).to.equal(true);
    });

    it('shares its work with others of its name, and begins from now on where that was asked for', async () => {
      await write(world, ada, id, 2);
      const [one, two] = [await consume({ from: 'now' }), await consume({ from: 'now' })];
      await until('both have a share', async () => (await one.consumer.lag()) === 0, 15_000);
      const rooms = [id, ...(await Promise.all(Array.from({ length: 7 }, () => group(ada))))];
      for (const room of rooms) await write(world, ada, room, 2);
      const sent = () => [...one.given, ...two.given].filter(({ type }) => type === 'message.sent');
      await until('all has come', () => sent().length >= 16);
      expect(sent().length).to.equal(16);
    });
  });
}

describe('a consumer', () => {
  it('says what is wrong with its name, and that there is no server yet', async () => {
    const failure = (name: string) =>
      createConsumer({ name, settings: { DATA_DIR: '/nowhere/at/all' }, onEvents() {} }).catch(String);
    expect(await failure('a b')).to.include('A consumer is named by');
    expect(await failure('ab')).to.include('No server has used /nowhere/at/all yet');
  });
});
