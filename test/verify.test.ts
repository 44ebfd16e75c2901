/** The proof finds whatever is not as the logs make it, and says where: each key of each view is changed in each way that Redis knows. */
import { expect } from 'chai';
import { projections } from '../src/chat/index.ts';
import { verify } from '../src/projector/verify.ts';
import type { Difference } from '../src/projector/verify.ts';
import { Views } from '../src/views/store.ts';
import { decode, viewKeys } from './support/folds.ts';
import { caughtUp, converse, register, useProjectors } from './support/projectors.ts';
import { message, Room, user } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';

for (const topology of topologies) {
  describe(`verify, with proof.fields, on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const differences = async (): Promise<readonly Difference[]> =>
      (await verify({ log: world.log, views: new Views(world.log), projections, decode })).differences;
    let room: Room;
    let index: string;
    let docs: string;
    beforeEach(async () => {
      room = new Room(world);
      await converse(room);
      await register(world.log, 1);
      const projector = await projectors.start();
      await caughtUp(world.log);
      await projector.stop();
      const view = (name: string, part?: string) => world.log.keys.view(name, room.stream, part);
      [index, docs] = [view('history:v1'), view('history:v1', 'docs')];
    });

    /** The one difference there is. */
    async function only(): Promise<Difference> {
      const found = await differences();
      expect(found).to.have.length(1);
      return found[0]!;
    }

    it('finds nothing where nothing is wrong', async () => {
      expect(await differences()).to.deep.equal([]);
    });

    it('finds a wrong order in an index, and names view, key, stream and event', async () => {
      const sent = (await room.log()).find(({ event }) => event.includes('message 1'))!;
      await redis().hset(index, message(1), '999');
      expect(await only()).to.deep.equal({
        what: 'history:v1',
        stream: room.stream,
        key: index,
        // The last event that changed this message: a reply of its thread.
        event_id: (await room.log()).findLast(({ event }) =>
          new RegExp(`"(reply_to|thread_id)":"${message(1)}"`).test(event),
        )!.id,
        reason: `${message(1)}: the log makes ${sent.id.split('-')[1]}, the key has 999`,
      });
    });

    /** Ways to spoil a key of each kind. */
    const spoils: Record<string, Record<string, (key: string) => Promise<unknown>>> = {
      hash: {
        'a changed value': async (key) => redis().hset(key, (await redis().hkeys(key))[0]!, '7'),
        'a field too many': (key) => redis().hset(key, 'ghost', '7'),
        'a field too few': async (key) =>
          redis().hdel(
            key,
            (await redis().hkeys(key)).find((f) => f !== 'applied')!,
          ),
        'a field that is no text': (key) => redis().hset(key, Buffer.from([0xff, 0xfe]), Buffer.from('7')),
        'a value that is no text': async (key) =>
          redis().hset(key, (await redis().hkeys(key))[0]!, Buffer.from([0xff, 0xfe])),
        'another kind of key': (key) => redis().set(key, 'hello'),
      },
      zset: {
        'a changed score': async (key) => redis().zadd(key, '0.5', (await redis().zrange(key, '0', '0'))[0]!),
        'a changed byte': async (key) => {
          const [member] = await redis().zrange(key, '0', '0');
          await redis().zrem(key, member!);
          await redis().zadd(key, '1', member!.replace(':', ': '));
        },
        'a document too many': (key) => redis().zadd(key, '0.5', '{"id":"ghost"}'),
        'a document too few': (key) => redis().zremrangebyrank(key, 0, 0),
        'no document': (key) => redis().del(key),
        'another kind of key': (key) => redis().set(key, 'hello'),
      },
    };

    it('finds whatever was changed in any key of any view, and nothing once it is mended', async () => {
      // The other users only have a list, which no view is about.
      const keys = (await viewKeys(world.log)).filter((key) => !key.includes(':profiles:') || key.includes(user(1)));
      expect(keys).to.include.members([index, docs]);
      for (const key of keys) {
        const copy = (await redis().dumpBuffer(key))!;
        for (const [how, spoil] of Object.entries(spoils[await redis().type(key)]!)) {
          await spoil(key);
          const found = await differences();
          expect(found, `${how} in ${key}`).to.have.length.of.at.least(1);
          for (const { what, key: named } of found) {
            expect(named, how).to.equal(key);
            expect(key).to.include(`:view:${what}:`);
          }
          await redis().restore(key, 0, copy, 'REPLACE');
        }
      }
      expect(await differences()).to.deep.equal([]);
    });

    it('says of a view that stands where the log does not, which event it is', async () => {
      const lost = `9${(await redis().hget(index, 'applied'))!}`;
      await redis().hset(index, 'applied', lost);
      const { key, event_id, reason } = await only();
      expect({ key, event_id }).to.deep.equal({ key: index, event_id: lost });
      expect(reason).to.include('which the log does not have');
    });

    it('tells a few of many and counts the rest', async () => {
      await redis().del(docs);
      const found = await differences();
      expect(found).to.have.length(6);
      expect(found.at(-1)!.reason).to.match(/^and \d+ more of this key$/);
    });
  });
}
