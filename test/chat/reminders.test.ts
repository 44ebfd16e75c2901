/** Reminders: a notification at their time, once, of a message that may still be seen then. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { parseReminder } from '../../src/chat/reminders/commands.ts';
import { userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;

describe('reminder.*', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  let message: string;
  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    id = await group(ada, bob);
    message = await say('remember me');
  });

  const say = async (content: string) =>
    String((await ada.rest.post(`/conversations/${id}/messages`, { content })).body['id']);
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
  const remind = (by: User, ms: number, of = message, key?: string) =>
    by.rest.post(
      '/reminders',
      { conversation_id: id, message_id: of, remind_at: inMs(ms) },
      key === undefined ? {} : { 'Idempotency-Key': key },
    );
  const list = async (by: User) => (await by.rest.get<{ items: Json[] }>('/reminders')).body.items;
  const notifications = async (of: User) => (await of.rest.get<{ items: Json[] }>('/notifications')).body.items;
  const ends = async (of: User) =>
    (await world.log.readAfter(userStream(of.id), '0-0'))
      .filter(({ type }) => type === 'reminder.ended')
      .map(({ json }) => (JSON.parse(json.toString()) as { data: Json }).data['reason']);

  it('are a notification at their time, also on a socket, and then over', async () => {
    const socket = await bob.socket();
    const { status, body } = await remind(bob, 500);
    expect(status).to.equal(201);
    expect(await list(bob)).to.deep.equal([body]);
    expect((await bob.rest.get(`/reminders/${String(body['id'])}`)).body).to.deep.equal(body);
    const { data } = await socket.frame(({ type }) => type === 'notification.created', 'the reminder');
    expect(data).to.include({ kind: 'reminder', conversation_id: id, message_id: message, actor_id: bob.id });
    expect(await list(bob)).to.deep.equal([]);
    expect((await notifications(bob)).map(({ kind }) => kind)).to.deep.equal(['reminder']);
    expect(await ends(bob)).to.deep.equal(['rung']);
    const again = { reminder: String(body['id']), notification: ulid(), data: '{}' };
    const stream = userStream(bob.id);
    const { status: second } = await world.log.append({
      script: 'reminder.ring',
      stream,
      actorId: bob.id,
      args: again,
    });
    expect(second).to.equal('unchanged');
  });

  it('of what may not be seen any more end unheard', async () => {
    const gone = await say('gone soon');
    await remind(bob, 600, gone);
    await ada.rest.call('DELETE', `/conversations/${id}/messages/${gone}`);
    await until('it is over', async () => (await ends(bob)).length === 1);
    expect(await ends(bob)).to.deep.equal(['gone']);
    expect(await notifications(bob)).to.deep.equal([]);
  });

  it('are taken away by who made them, made once under one id, and only of what one sees', async () => {
    const key = ulid();
    const body = { conversation_id: id, message_id: message, remind_at: inMs(HOUR_MS) };
    const make = () => ada.rest.post('/reminders', body, { 'Idempotency-Key': key });
    const [one, two] = [await make(), await make()];
    expect(two.body).to.deep.equal(one.body);
    const reminder = String(one.body['id']);
    const stored = await world.log.guardField(userStream(ada.id), 'reminders', reminder);
    expect(parseReminder(reminder, stored!)).to.deep.equal(one.body);
    const eve = await register(node);
    await writesNothing(world, 'refusals', async () => {
      expect((await remind(eve, HOUR_MS)).status).to.equal(404);
      expect((await remind(ada, HOUR_MS, ulid())).status).to.equal(404);
      expect((await remind(ada, -1)).status).to.equal(400);
      for (const method of ['GET', 'DELETE'])
        expect((await bob.rest.call(method, `/reminders/${reminder}`)).status).to.equal(404);
    });
    expect((await ada.rest.call('DELETE', `/reminders/${reminder}`)).status).to.equal(204);
    expect((await ada.rest.call('DELETE', `/reminders/${reminder}`)).status).to.equal(404);
    expect(await list(ada)).to.deep.equal([]);
  });
});
