/** Scheduled messages: sent once at their time, whatever dies in between, by who may post then; else their sender hears why not. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { parseScheduled } from '../../src/chat/scheduled/stored.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { setClock } from '../support/rooms.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { topologies, useWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;

for (const topology of topologies) {
  describe(`scheduled messages on ${topology}`, () => {
    const world = useWorld(topology);
    const startNode = useNodes(world);
    let node: Node;
    let ada: User;
    let bob: User;
    let id: string;
    /** Nothing fires before a test starts a node that does. */
    beforeEach(async () => {
      node = await startNode({ ROLES: 'api,gateway' });
      [ada, bob] = [await register(node), await register(node)];
      id = await group(ada, bob);
    });

    const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
    const plan = async (by: User, ms: number, more: Json = {}, key?: string) =>
      by.rest.post(
        `/conversations/${id}/scheduled`,
        { send_at: inMs(ms), content: 'later', ...more },
        key === undefined ? {} : { 'Idempotency-Key': key },
      );
    const planned = async (by: User, ms: number, more: Json = {}): Promise<string> => {
      const { status, body } = await plan(by, ms, more);
      expect(status, JSON.stringify(body)).to.equal(201);
      return String(body['id']);
    };
    const list = async (by: User, search = '') =>
      (await by.rest.get<{ items: Json[] }>(`/scheduled${search}`)).body.items;
    const said = async () =>
      (await ada.rest.get<{ items: Json[] }>(`/conversations/${id}/messages?order=asc`)).body.items
        .filter(({ message_type }) => message_type !== 'system')
        .map((message) => [message['id'], message['sender_id'], message['content']]);
    const ends = async (of: User) =>
      (await world.log.readAfter(userStream(of.id), '0-0'))
        .filter(({ type }) => type === 'scheduled.ended')
        .map(({ json }) => (JSON.parse(json.toString()) as { data: Json }).data);
    const begin = (of: User, scheduled_id: string) =>
      world.log.run('scheduled.begin', userStream(of.id), { scheduled_id, due: String(Date.now() + HOUR_MS) });
    /** As if the time had come: no test waits for an hour. */
    const makeDue = (of: User, plans: readonly string[]) =>
      Promise.all(
        plans.map((one) =>
          world.log.connection.commands.zadd(
            world.log.keys.of(userStream(of.id), 'timers'),
            Date.now() + 2 * HOUR_MS,
            `scheduled ${of.id}.${one}`,
          ),
        ),
      ).then(() =>
        Promise.all(
          plans.map(async (one) => {
            const { log } = world;
            const stream = userStream(of.id);
            const value = (await log.guardField(stream, 'scheduled', one))!.split(' ');
            const at = Date.now() - 10;
            await log.connection.commands.hset(
              log.keys.of(stream, 'scheduled'),
              one,
              [value[0], value[1], at, value[3]].join(' '),
            );
            await log.connection.commands.zadd(log.keys.of(stream, 'timers'), at, `scheduled ${of.id}.${one}`);
          }),
        ),
      );

    it('are sent at their time, as what was written, under the id that was told', async () => {
      await startNode({ ROLES: 'projector' });
      const socket = await bob.socket();
      const wish = { content: 'good morning', metadata: { mood: 'early' } };
      const { body } = await plan(ada, 600, wish);
      expect(body).to.include({ conversation_id: id, content: 'good morning', message_type: 'text', reply_to: null });
      expect(await list(ada)).to.deep.equal([body]);
      const event = await socket.frame(({ type }) => type === 'message.sent', 'the message');
      expect(event.data).to.include({ message_id: body['id'], content: 'good morning' });
      expect(event.data['metadata']).to.deep.equal({ mood: 'early' });
      expect(Date.parse(String((event as unknown as Json)['at']))).to.be.at.least(Date.parse(String(body['send_at'])));
      await until('it is over', async () => (await ends(ada)).length === 1);
      expect(await ends(ada)).to.deep.equal([{ scheduled_id: body['id'], conversation_id: id, reason: 'sent' }]);
      expect(await list(ada)).to.deep.equal([]);
      expect(await said()).to.deep.equal([[body['id'], ada.id, 'good morning']]);
    });

    it('may be changed and taken back by who wrote them, and by nobody else', async () => {
      const [one, two] = [await planned(ada, HOUR_MS), await planned(ada, 2 * HOUR_MS, { content: 'second' })];
      const change = (by: User, which: string, body: Json) => by.rest.call('PATCH', `/scheduled/${which}`, body);
      const later = inMs(3 * HOUR_MS);
      expect((await change(ada, one, { content: 'other words', send_at: later })).body).to.include({
        content: 'other words',
        send_at: later,
      });
      expect((await list(ada)).map(({ content }) => content)).to.deep.equal(['second', 'other words']);
      expect((await list(ada, `?conversation_id=${ulid()}`)).length).to.equal(0);
      expect((await ada.rest.get(`/scheduled/${one}`)).body).to.include({ content: 'other words' });
      await writesNothing(world, 'refusals', async () => {
        for (const which of [one, ulid()]) {
          expect((await change(bob, which, { content: 'mine' })).status).to.equal(404);
          expect((await bob.rest.call('DELETE', `/scheduled/${which}`)).status).to.equal(404);
          expect((await bob.rest.get(`/scheduled/${which}`)).status).to.equal(404);
        }
        expect((await change(ada, one, { content: 'other words' })).headers.get('Chat-Event-Id')).to.equal(null);
        expect((await change(ada, one, {})).status).to.equal(400);
      });
      const socket = await ada.socket();
      await socket.command('scheduled.cancel', { scheduled_id: two });
      expect((await ada.rest.call('DELETE', `/scheduled/${two}`)).status).to.equal(404);
      expect(await ends(ada)).to.deep.equal([{ scheduled_id: two, conversation_id: id, reason: 'cancelled' }]);
    });

    it('under one id, of a request or of the message, are one', async () => {
      const key = ulid();
      const wish = { send_at: inMs(HOUR_MS), content: 'once' };
      const post = (body: Json, headers = {}) => ada.rest.post(`/conversations/${id}/scheduled`, body, headers);
      const [a, b] = [await post(wish, { 'Idempotency-Key': key }), await post(wish, { 'Idempotency-Key': key })];
      expect(b.body).to.deep.equal(a.body);
      expect(b.headers.get('Chat-Event-Id')).to.equal(a.headers.get('Chat-Event-Id'));
      const own = { ...wish, id: ulid() };
      expect((await post(own)).body).to.deep.equal((await post(own)).body);
      expect((await post({ ...own, content: 'twice' })).status).to.equal(409);
      expect(await list(ada)).to.have.length(2);
    });

    it('that cannot be are refused at once and leave nothing behind', async () => {
      const eve = await register(node);
      await writesNothing(world, 'refusals', async () => {
        expect((await plan(eve, HOUR_MS)).status).to.equal(404);
        const wrong: Json[] = [
          { send_at: inMs(-1_000) },
          { send_at: inMs(400 * 24 * HOUR_MS) },
          { send_at: 'tomorrow' },
          { content: ' ' },
          { content: 'x'.repeat(4_001) },
          { id: `7${ulid().slice(1)}` },
          { message_type: 'image' },
          { forward: { conversation_id: id, message_id: id } },
        ];
        for (const more of wrong) expect((await plan(ada, HOUR_MS, more)).status, JSON.stringify(more)).to.equal(400);
      });
      const key = world.log.keys.of(userStream(ada.id), 'scheduled');
      await world.log.connection.commands.hset(
        key,
        ...Array.from({ length: 100 }, () => [ulid(), `- ${id} 1 e30`]).flat(),
      );
      expect((await plan(ada, HOUR_MS)).status).to.equal(409);
    });

    it('of who may not post any more are refused then, and a notification says why', async () => {
      const lost = await planned(bob, HOUR_MS);
      const kept = await planned(ada, HOUR_MS);
      await ada.rest.call('PATCH', `/conversations/${id}`, { policy: { post: 'admins' } });
      await Promise.all([makeDue(ada, [kept]), makeDue(bob, [lost])]);
      await startNode({ ROLES: 'projector' });
      await until('both are over', async () => (await ends(bob)).length + (await ends(ada)).length === 2);
      expect(await ends(bob)).to.deep.equal([
        { scheduled_id: lost, conversation_id: id, reason: 'refused', code: 'forbidden' },
      ]);
      const { items } = (await bob.rest.get<{ items: Json[] }>('/notifications')).body;
      expect(
        items.map(({ kind, reason, conversation_id, message_id }) => [kind, reason, conversation_id, message_id]),
      ).to.deep.equal([['not_sent', 'forbidden', id, lost]]);
      expect(await said()).to.deep.equal([[kept, ada.id, 'later']]);
    });

    it('are sent once though whoever sends them dies before or after the message is out', async () => {
      const [before, after] = [await planned(ada, HOUR_MS), await planned(ada, HOUR_MS)];
      await makeDue(ada, [before, after]);
      for (const one of [before, after]) expect((await begin(ada, one))[0]).to.equal('ok');
      // The second one's message is out, and nobody has noted it.
      await ada.rest.post(`/conversations/${id}/messages`, { id: after, content: 'later' });
      expect((await ada.rest.call('DELETE', `/scheduled/${after}`)).status, 'being sent').to.equal(409);
      expect((await ada.rest.call('PATCH', `/scheduled/${after}`, { content: 'x' })).status).to.equal(409);
      await Promise.all([startNode({ ROLES: 'projector' }), startNode({ ROLES: 'projector' })]);
      await until('both are over', async () => (await ends(ada)).length === 2);
      expect((await ends(ada)).map(({ reason }) => reason)).to.deep.equal(['sent', 'sent']);
      expect((await said()).map(([message]) => message)).to.have.members([before, after]);
    });

    it('keep their time where a partition’s clock is ahead, and where a timer fires too early', async () => {
      await setClock(world, userStream(ada.id), Date.now() + HOUR_MS);
      await setClock(world, conversationStream(id), Date.now() + HOUR_MS);
      const far = await planned(ada, 2 * HOUR_MS);
      await startNode({ ROLES: 'projector' });
      const near = await planned(ada, 500);
      await until('the near one is out', async () => (await ends(ada)).length === 1);
      const [status] = await world.log.run('scheduled.begin', userStream(ada.id), {
        scheduled_id: far,
        due: String(Date.now() + HOUR_MS),
      });
      expect(status).to.equal('unchanged');
      expect((await said()).map(([message]) => message)).to.deep.equal([near]);
      const value = await world.log.guardField(userStream(ada.id), 'scheduled', far);
      expect(parseScheduled(far, value!)).to.deep.include({ id: far, conversation_id: id, content: 'later' });
    });
  });
}
