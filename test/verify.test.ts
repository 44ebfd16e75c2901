/** The proof finds whatever is not as the logs make it, and says where: each key of each view is changed in each way that Redis knows. */
import { expect } from 'chai';
import { checks, guards, projections } from '../src/chat/index.ts';
import { conversationStream, userStream } from '../src/keys.ts';
import { verify } from '../src/projector/verify.ts';
import type { Difference } from '../src/projector/verify.ts';
import { Views } from '../src/views/store.ts';
import { decode, viewKeys } from './support/folds.ts';
import { built, caughtUp, converse, register, useProjectors } from './support/projectors.ts';
import { message, Room, user } from './support/rooms.ts';
import { topologies, useWorld } from './support/world.ts';
import { HISTORY } from './support/views.ts';

for (const topology of topologies) {
  describe(`verify, with proof.fields, on ${topology}`, () => {
    const world = useWorld(topology);
    const projectors = useProjectors(world);
    const redis = () => world.log.connection.commands;
    const differences = async (): Promise<readonly Difference[]> =>
      (await verify({ log: world.log, views: new Views(world.log), projections, guards, checks, decode })).differences;
    let room: Room;
    let index: string;
    let docs: string;
    beforeEach(async () => {
      room = new Room(world);
      await converse(room);
      await register(world.log, 1);
      const projector = await projectors.start();
      await caughtUp(world.log);
      await built(world.log);
      await projector.stop();
      const view = (name: string, part?: string) => world.log.keys.view(name, room.stream, part);
      [index, docs] = [view(HISTORY), view(HISTORY, 'docs')];
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

    it('follows what a user has planned, and finds a plan that no log makes', async () => {
      const ada = userStream(user(1));
      const plan = (script: string, args: Record<string, string>) =>
        world.log.append({ script, stream: ada, actorId: ada.id, args });
      const [at, word] = [String(Date.now() + 3_600_000), 'e30'];
      const about = { conversation: room.stream.id, message_id: message(1), remind_at: at };
      for (const n of [1, 2]) {
        const scheduled_id = message(100 + n);
        await plan('scheduled.create', { scheduled_id, conversation: room.stream.id, send_at: at, message: word });
        await plan('reminder.create', { reminder: message(200 + n), ...about });
      }
      await plan('scheduled.change', { scheduled_id: message(101), send_at: String(Number(at) + 1), message: '=' });
      await plan('scheduled.cancel', { scheduled_id: message(102) });
      await plan('reminder.delete', { reminder: message(202) });
      const projector = await projectors.start();
      await caughtUp(world.log);
      await projector.stop();
      expect(await differences()).to.deep.equal([]);
      for (const name of ['scheduled', 'reminders']) {
        const key = world.log.keys.of(ada, name);
        await redis().hset(key, message(300), 'ghost');
        expect((await only()).key).to.equal(key);
        await redis().hdel(key, message(300));
      }
    });

    it('follows which event set the rules of a conversation, and finds another', async () => {
      const head = world.log.keys.of(room.stream, 'head');
      const isWhole = async () => {
        const projector = await projectors.start();
        await caughtUp(world.log);
        await projector.stop();
        expect(await differences()).to.deep.equal([]);
      };
      const { id } = await room.setRules(1, { words: ['spam'] });
      await isWhole();
      await redis().hset(head, 'rules', '');
      expect(await only()).to.include({ key: head, event_id: id });
      await redis().hset(head, 'rules', id);
      await room.setRules(1, {});
      await isWhole();
    });

    it('finds a wrong order in an index, and names view, key, stream and event', async () => {
      const sent = (await room.log()).find(({ event }) => event.includes('message 1'))!;
      await redis().hset(index, message(1), '999');
      expect(await only()).to.deep.equal({
        what: HISTORY,
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
      const all = await viewKeys(world.log);
      // A view in which nothing is says only how far it is.
      const names = await Promise.all(
        all.map(async (key) => ((await redis().type(key)) === 'hash' ? redis().hlen(key) : 2)),
      );
      const keys = all.filter((_, i) => names[i]! > 1);
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

    it('finds whatever was changed in the guard state and in the directories, and nothing once it is mended', async () => {
      const name = (of: string) => world.log.keys.of(room.stream, of);
      const own = world.log.keys.of(userStream(user(1)), 'head');
      const keys = [name('head'), name('members'), name('messages'), name('reactions'), own];
      for (const key of keys) {
        const copy = (await redis().dumpBuffer(key))!;
        for (const field of await redis().hkeys(key)) {
          await redis().hset(key, field, '7');
          const found = await differences();
          expect(found, `${field} of ${key}`).to.have.length.of.at.least(1);
          for (const { what, key: named } of found) expect([what, named]).to.deep.equal(['guard', key]);
          await redis().restore(key, 0, copy, 'REPLACE');
        }
        for (const [how, spoil] of Object.entries(spoils['hash']!)) {
          await spoil(key);
          const found = await differences();
          expect(found, `${how} in ${key}`).to.have.length.of.at.least(1);
          expect(found[0], how).to.include({ what: 'guard', key });
          await redis().restore(key, 0, copy, 'REPLACE');
        }
      }
      await redis().del(name('head'));
      expect((await differences()).map(({ what, key }) => [what, key])).to.deep.include(['guard', name('head')]);
    });

    it('tells marks that moved without an event from wrong ones, in a room that grows large and shrinks again', async () => {
      const large = new Room(world, 2);
      await large.create({ kind: 'channel', roles: ['owner', ...Array.from({ length: 198 }, () => 'member')] });
      const marks = async (n: number) => {
        await large.send(1, n);
        for (const who of [2, 3]) await large.read(who, n);
        await large.delivered(4, n);
        await large.markUnread(2, n);
      };
      await marks(11);
      for (const who of [301, 302, 303]) await large.join(who);
      await marks(12);
      for (const who of [301, 302]) await large.leave(who);
      await marks(13);
      expect((await large.events()).map(([type]) => type).filter((type) => type.startsWith('receipt.'))).to.have.length(
        6,
      );
      expect(await differences()).to.deep.equal([]);
      const value = (await large.guard('members', user(3)))!;
      await redis().hset(large.key('members'), user(3), value.replace(/^member \d+ 3/, 'member 1 2'));
      expect(await only()).to.include({ what: 'guard', key: large.key('members') });
    });

    it('finds who is told to be online and not listed, and who is listed and was not told', async () => {
      const ada = userStream(user(1));
      const online = world.log.keys.of(ada, 'online');
      const word = { connection: 'C', node: 'N', lease: '0.N', lease_ms: '40000' };
      await world.log.append({
        script: 'presence.arrive',
        stream: ada,
        actorId: ada.id,
        knowsRepeats: true,
        args: word,
      });
      const projector = await projectors.start();
      await caughtUp(world.log);
      await projector.stop();
      expect(await differences()).to.deep.equal([]);
      await redis().zrem(online, ada.id);
      expect(await only()).to.include({ what: 'guard', key: online });
      await redis().zadd(online, '0', ada.id);
      for (const stray of ['nobody', user(99)]) {
        await redis().zadd(online, '0', stray);
        expect((await differences())[0], stray).to.include({ what: 'directory' });
        await redis().zrem(online, stray);
      }
    });

    it('finds an entry of a directory that is missing, one that nobody has, and one of who is gone', async () => {
      const channels = world.log.keys.of(room.stream, 'channels');
      const users = world.log.keys.of(userStream(user(1)), 'users');
      for (const key of [channels, users]) {
        const [entry] = (await redis().zrange(key, '0', '0')) as [string];
        await redis().zrem(key, entry);
        expect(await only()).to.include({ what: 'guard', key });
        await redis().zadd(key, '0', entry);
        for (const stray of [`zzz${entry}`, 'nothing', `old\n${user(99)}`]) {
          await redis().zadd(key, '0', stray);
          expect(await only(), stray).to.include({ what: 'directory', key });
          await redis().zrem(key, stray);
        }
      }
      await room.delete(1);
      expect(await differences()).to.deep.equal([]);
      await redis().zadd(channels, '0', `round 0\n${room.stream.id}`);
      expect(await only()).to.include({ what: 'directory', key: channels });
    });

    it("finds a user's list that is not as the conversations have it, and nothing while it is only behind", async () => {
      const lists = await projectors.react();
      await caughtUp(world.log, 'lists');
      await lists.stop();
      expect(await differences()).to.deep.equal([]);
      const key = world.log.keys.of(userStream(user(7)), 'conversations');
      const copy = (await redis().dumpBuffer(key))!;
      const { id } = room.stream;
      const [mark] = (await redis().hget(key, id))!.split(' ');
      const joined = (await room.log()).findLast(({ type }) => type === 'participant.added')!.id;
      const spoil: Record<string, () => Promise<unknown>> = {
        'another state': () => redis().hset(key, id, `${mark} joined`),
        'an older event': () => redis().hset(key, id, `${joined} joined`),
        'an event that is not about the user': () => redis().hset(key, id, `${mark!.replace(/-.*/, '')}-2 left`),
        'no entry': () => redis().hdel(key, id),
        'an entry of no conversation': () => redis().hset(key, message(9), `${mark} left`),
        'another kind of key': () => redis().set(key, 'hello'),
      };
      for (const [how, work] of Object.entries(spoil)) {
        await work();
        const found = await differences();
        expect(found, how).to.have.length.of.at.least(1);
        for (const difference of found) expect(difference, how).to.include({ what: 'lists', key });
        await redis().restore(key, 0, copy, 'REPLACE');
      }
      await room.join(7);
      await room.join(8);
      expect(await differences()).to.deep.equal([]);
    });

    it('finds an entry of a feed that is not as its log has it, and one of nobody', async () => {
      const feed = room.key('feed');
      const [, second] = await redis().xrange(feed, '-', '+');
      const logged = await room.log();
      const rows = await redis().xrange(feed, '-', '+');
      await redis().del(feed);
      for (const [id, fields] of rows) {
        const isIt = id === second![0];
        await redis().xadd(feed, id, ...(isIt ? fields.map((text) => text.replace('message 1', 'massage 1')) : fields));
      }
      const { what, stream, key, event_id } = await only();
      expect({ what, stream, key, event_id }).to.deep.equal({
        what: 'feed',
        stream: room.stream,
        key: feed,
        event_id: logged.find(({ event }) => event.includes('message 1'))!.id,
      });
      await redis().xadd(feed, `${Number(rows.at(-1)![0].split('-')[0]) + 1}-1`, 'hello', 'world');
      expect((await differences()).map(({ reason }) => reason)).to.deep.include.members([
        `entry ${Number(rows.at(-1)![0].split('-')[0]) + 1}-1 is no event of ours`,
      ]);
    });

    it('finds keys of views that nobody has: other versions, other names, streams that are not there', async () => {
      for (const key of [
        world.log.keys.view('history:v0', room.stream),
        world.log.keys.view('histories:v1', room.stream, 'docs'),
        world.log.keys.view(HISTORY, room.stream, 'more'),
        world.log.keys.view(HISTORY, conversationStream(user(99))),
        `${index.slice(0, index.indexOf('view:'))}view:hello`,
      ]) {
        await redis().hset(key, 'applied', '1-1');
        expect(await only(), key).to.include({ what: 'views', key });
        await redis().del(key);
      }
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
