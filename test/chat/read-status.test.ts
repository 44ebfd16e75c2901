/** `read_status` of own messages: by the marks of all others, in every read that shows a message. */
import { expect } from 'chai';
import { conversationStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { inBothWays } from '../support/projecting.ts';
import { user } from '../support/rooms.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

inBothWays('read_status', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob, eve] = [await register(node()), await register(node()), await register(node())];
    id = await group(ada, bob, eve);
  });

  const say = async (by: User, more: object = {}) =>
    String((await by.rest.post(`/conversations/${id}/messages`, { content: 'x', ...more })).body['id']);
  const read = (by: User, up_to?: string) => by.rest.post(`/conversations/${id}/read`, { up_to });
  const delivered = (by: User, up_to?: string) => by.rest.post(`/conversations/${id}/delivered`, { up_to });
  const one = async (by: User, message: string, query = '') =>
    (await by.rest.get(`/conversations/${id}/messages/${message}${query}`)).body['read_status'];
  const page = async (by: User, query = '', path = 'messages') =>
    (await by.rest.get<{ items: Json[] }>(`/conversations/${id}/${path}${query}`)).body.items.map(
      (item) => item['read_status'],
    );

  it('is what holds for all others', async () => {
    const message = await say(ada);
    const steps: [() => Promise<unknown>, string][] = [
      [() => Promise.resolve(), 'sent'],
      [() => read(bob), 'sent'],
      [() => delivered(eve), 'delivered'],
      [() => read(eve), 'read'],
    ];
    for (const [step, status] of steps) {
      await step();
      expect(await one(ada, message)).to.equal(status);
      expect([await one(bob, message), await one(eve, message)]).to.deep.equal([undefined, undefined]);
    }
    await say(ada);
    expect(await page(ada, '?limit=2')).to.deep.equal(['sent', 'read']);
  });

  it('counts whoever posts as having read what came before, and leaves out who left and who came later', async () => {
    const message = await say(ada);
    await say(bob);
    expect(await one(ada, message)).to.equal('sent');
    await eve.rest.post(`/conversations/${id}/leave`);
    expect(await one(ada, message)).to.equal('read');
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    expect(await one(ada, message)).to.equal('read');
    await bob.rest.post(`/conversations/${id}/unread`, { from: message });
    expect(await one(ada, message)).to.equal('read');
  });

  it('stands in every read, and on nothing that the server says', async () => {
    const first = await say(ada);
    await say(ada, { reply_to: first });
    await ada.rest.call('PUT', `/conversations/${id}/messages/${first}/pin`);
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
    for (const by of [bob, eve]) await read(by, first);
    const last = await say(ada);
    expect(await page(ada)).to.deep.equal(['sent', undefined, undefined, 'sent', 'read', undefined]);
    expect(await page(ada, `?around=${first}`)).to.deep.equal([
      undefined,
      'read',
      'sent',
      undefined,
      undefined,
      'sent',
    ]);
    expect(await page(ada, '?order=asc&limit=2')).to.deep.equal([undefined, 'read']);
    expect(await page(ada, '', `messages/${first}/replies`)).to.deep.equal(['sent']);
    expect(await page(ada, '', 'pins')).to.deep.equal(['read']);
    expect(await page(bob, '', 'pins')).to.deep.equal([undefined]);
    for (const by of [bob, eve]) await delivered(by, last);
    const alone = (await ada.rest.get(`/conversations/${id}`)).body['last_message'] as Json;
    const [listed] = (await ada.rest.get<{ items: Json[] }>('/conversations')).body.items;
    const socket = await ada.socket();
    const [brief] = socket.frames[0]!.data['conversations'] as Json[];
    for (const message of [alone, listed!['last_message'] as Json, brief!['last_message'] as Json])
      expect(message).to.include({ id: last, read_status: 'delivered' });
    expect(((await bob.rest.get(`/conversations/${id}`)).body['last_message'] as Json)['read_status']).to.equal(
      undefined,
    );
    const ack = await socket.command('reaction.add', { conversation_id: id, message_id: first, emoji: '👍' });
    expect(ack['message']).to.include({ read_status: 'read' });
    const edited = await ada.rest.call('PATCH', `/conversations/${id}/messages/${last}`, { content: 'y' });
    expect(edited.body).to.include({ content: 'y', read_status: 'delivered' });
    const sent = await socket.command('message.send', { conversation_id: id, content: 'z' });
    expect(sent['message']).to.include({ read_status: 'sent' });
  });

  it('is not said of the past', async () => {
    const message = await say(ada);
    for (const by of [bob, eve]) await read(by);
    const now = String((await ada.rest.get(`/conversations/${id}`)).body['last_event_id']);
    expect(await one(ada, message, `?as_of=${now}`)).to.equal(undefined);
    expect(await page(ada, `?as_of=${now}`)).to.deep.equal([undefined, undefined]);
  });

  it('is never more than sent to nobody, and to more than 200', async () => {
    const first = await say(ada);
    for (const by of [bob, eve]) await read(by);
    const names = Array.from({ length: 198 }, (_, i) => user(i + 10));
    const stream = conversationStream(id);
    await world.log.append({
      script: 'participant.add',
      stream,
      actorId: ada.id,
      args: { role: 'member', users: names },
    });
    expect(await one(ada, first)).to.equal('sent');
    id = await group(ada, bob);
    const message = await say(ada);
    await bob.rest.post(`/conversations/${id}/leave`);
    expect(await one(ada, message)).to.equal('sent');
  });

  it('tells nothing between two of whom one blocked the other, and neither do receipts', async () => {
    const message = await say(ada);
    await delivered(bob);
    await bob.rest.call('PUT', `/users/me/blocks/${ada.id}`);
    await read(eve);
    expect(await one(ada, message)).to.equal('read');
    const receipts = () => ada.rest.get<{ items: Json[] }>(`/conversations/${id}/messages/${message}/receipts`);
    expect((await receipts()).body.items.map((item) => item['user_id'])).to.deep.equal([eve.id]);
    await eve.rest.post(`/conversations/${id}/leave`);
    expect(await one(ada, message)).to.equal('sent');
    expect((await receipts()).body.items).to.deep.equal([]);
  });
});
