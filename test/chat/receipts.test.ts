/** Read marks over REST and WebSocket: unread is arithmetic, and a mark only ever moves forward. */
import { expect } from 'chai';
import { conversationStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { user } from '../support/rooms.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Message {
  id: string;
  event_id: string;
}

inBothWays('receipts', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  const sent: Message[] = [];
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
    sent.length = 0;
    for (let i = 0; i < 5; i += 1) sent.push(await say(ada));
  });

  const say = async (by: User) =>
    (await by.rest.post<Message & Json>(`/conversations/${id}/messages`, { content: 'x' })).body;
  const read = (by: User, body: object = {}) => by.rest.post(`/conversations/${id}/read`, body);
  const unread = async (by: User) => {
    const alone = (await by.rest.get(`/conversations/${id}`)).body;
    const { items, total_unread: total } = (await by.rest.get<Json & { items: Json[] }>('/conversations')).body;
    const [listed] = items;
    expect([listed!['unread_count'], listed!['read_up_to'], total]).to.deep.equal([
      alone['unread_count'],
      alone['read_up_to'],
      alone['unread_count'],
    ]);
    return alone['unread_count'];
  };
  const mark = async (by: User) => (await by.rest.get(`/conversations/${id}`)).body['read_up_to'];
  const lastEvent = async () => {
    const event = (await world.log.readAfter(conversationStream(id), '0-0')).at(-1)!;
    return JSON.parse(event.json.toString()) as { id: string; type: string; actor_id: string; data: Json };
  };

  it('what others wrote is unread, the own moves the mark', async () => {
    expect([await unread(ada), await unread(bob)]).to.deep.equal([0, 5]);
    const own = await say(bob);
    expect([await unread(ada), await unread(bob)]).to.deep.equal([1, 0]);
    expect(await mark(bob)).to.equal(own.event_id);
    const socket = await bob.socket();
    const [brief] = socket.frames[0]!.data['conversations'] as Json[];
    expect(brief).to.include({ unread_count: 0, read_up_to: own.event_id });
  });

  it('is counted over all conversations, whichever are listed', async () => {
    const second = await group(ada, bob);
    for (let i = 0; i < 2; i += 1) await ada.rest.post(`/conversations/${second}/messages`, { content: 'x' });
    const gone = await group(ada, bob);
    await ada.rest.post(`/conversations/${gone}/messages`, { content: 'x' });
    await ada.rest.call('DELETE', `/conversations/${gone}`);
    for (const query of ['', '?limit=1', '?type=channel', '?query=none']) {
      expect((await bob.rest.get(`/conversations${query}`)).body['total_unread'], query).to.equal(7);
    }
    const socket = await bob.socket();
    expect(socket.frames[0]!.data['total_unread']).to.equal(7);
  });

  it('to a message, to an event, to the newest: one event each, that says up to where', async () => {
    const [, second, , fourth, fifth] = sent;
    const steps: [object, Message, number][] = [
      [{ up_to: second!.id }, second!, 3],
      [{ up_to: fourth!.event_id }, fourth!, 1],
      [{}, fifth!, 0],
    ];
    for (const [body, message, left] of steps) {
      const reply = await read(bob, body);
      const event = await lastEvent();
      expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([204, event.id]);
      expect(reply.headers.get('Chat-Durability')).to.equal('disk');
      const data = { up_to: message.event_id, message_id: message.id };
      expect(event).to.deep.include({ type: 'receipt.read', actor_id: bob.id, data });
      expect([await unread(bob), await mark(bob)]).to.deep.equal([left, message.event_id]);
    }
  });

  it('never back: what is behind the mark changes nothing and appends nothing', async () => {
    await read(bob, { up_to: sent[3]!.id });
    for (const body of [{ up_to: sent[3]!.id }, { up_to: sent[0]!.id }, { up_to: sent[1]!.event_id }]) {
      const reply = await writesNothing(world, JSON.stringify(body), () => read(bob, body));
      expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([204, null]);
    }
    expect(await unread(bob)).to.equal(1);
  });

  it('by the message itself, and by command', async () => {
    const { status } = await bob.rest.post(`/conversations/${id}/messages/${sent[1]!.id}/read`);
    expect([status, await unread(bob)]).to.deep.equal([204, 3]);
    const socket = await bob.socket();
    const ack = await socket.command('receipt.read', { conversation_id: id, up_to: sent[2]!.id });
    const event = await socket.frame((frame) => frame.type === 'receipt.read');
    expect(ack).to.deep.equal({ event_id: (await lastEvent()).id, seq: event.seq, durability: 'disk' });
    expect(await unread(bob)).to.equal(2);
  });

  it('tells the own devices what no event tells, and nobody else', async () => {
    await read(bob);
    const [phone, laptop, other] = [await bob.socket(), await bob.socket(), await ada.socket()];
    await other.command('presence.watch', { user_ids: [bob.id] });
    const marked = (frame: { type: string }) => frame.type === 'receipt.marked';
    await phone.command('receipt.mark_unread', { conversation_id: id, from: sent[2]!.id });
    const data = { conversation_id: id, read_up_to: sent[1]!.event_id, unread_count: 3 };
    for (const socket of [phone, laptop]) {
      const frame = await socket.frame(marked);
      expect(frame).to.deep.equal({ type: 'receipt.marked', user_id: bob.id, actor_id: bob.id, data });
    }
    await laptop.command('receipt.read', { conversation_id: id });
    const again = { conversation_id: id, read_up_to: sent[4]!.event_id, unread_count: 0 };
    await phone.until(() => phone.frames.filter(marked).length === 2, 'the second signal');
    expect(phone.frames.filter(marked)[1]!.data).to.deep.equal(again);
    await say(bob);
    await other.frame((frame) => frame.type === 'message.sent');
    expect(other.frames.filter(marked)).to.deep.equal([]);
  });

  it('where more than 200 are in a mark is told to the own devices alone', async () => {
    const stream = conversationStream(id);
    const users = Array.from({ length: 199 }, (_, i) => user(i + 10));
    await world.log.append({ script: 'participant.add', stream, actorId: ada.id, args: { role: 'member', users } });
    const [own, other] = [await bob.socket(), await ada.socket()];
    const reply = await writesNothing(world, 'a mark', () => read(bob, { up_to: sent[3]!.id }));
    expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([204, null]);
    const frame = await own.frame(({ type }) => type === 'receipt.marked');
    expect(frame.data).to.deep.equal({ conversation_id: id, read_up_to: sent[3]!.event_id, unread_count: 1 });
    expect(await unread(bob)).to.equal(1);
    await say(bob);
    await other.frame(({ type }) => type === 'message.sent');
    expect(other.frames.filter(({ type }) => type.startsWith('receipt.'))).to.deep.equal([]);
  });

  it('system messages are none to be read: a mark at one stands at what came before it', async () => {
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
    expect(await unread(bob)).to.equal(5);
    const { body } = await bob.rest.get<{ items: Message[] }>(`/conversations/${id}/messages?limit=1`);
    const [system] = body.items;
    expect((await read(bob, { up_to: system!.id })).status).to.equal(204);
    expect([await unread(bob), await mark(bob)]).to.deep.equal([0, sent[4]!.event_id]);
    const last = await say(ada);
    for (let i = 0; i < 25; i += 1) await ada.rest.call('PATCH', `/conversations/${id}`, { name: `renamed ${i}` });
    expect((await read(bob, { up_to: (await lastEvent()).id })).status).to.equal(204);
    expect([await unread(bob), await mark(bob)]).to.deep.equal([0, last.event_id]);
  });

  it('at an event between two messages stands at the one before it', async () => {
    const { body } = await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
    const between = String(body['last_event_id']);
    await say(ada);
    expect((await read(bob, { up_to: between })).status).to.equal(204);
    expect([await unread(bob), await mark(bob)]).to.deep.equal([1, sent[4]!.event_id]);
    const created = (await world.log.readAfter(conversationStream(id), '0-0', 1))[0]!.id;
    const eve = await register(node());
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    const reply = await writesNothing(world, 'before all', () => read(eve, { up_to: created }));
    expect(reply.status).to.equal(204);
  });

  it('delivered is a mark of its own, behind which reading never stands', async () => {
    const socket = await bob.socket();
    await socket.command('receipt.delivered', { conversation_id: id, up_to: sent[1]!.id });
    const event = await socket.frame((frame) => frame.type === 'receipt.delivered');
    expect(event.data).to.deep.equal({ up_to: sent[1]!.event_id, message_id: sent[1]!.id });
    expect(await unread(bob)).to.equal(5);
    await read(bob, { up_to: sent[2]!.id });
    const path = `/conversations/${id}/delivered`;
    const reply = await writesNothing(world, 'behind', () => bob.rest.post(path, { up_to: sent[2]!.event_id }));
    expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([204, null]);
    expect((await bob.rest.post(path, {})).headers.get('Chat-Event-Id')).to.equal((await lastEvent()).id);
  });

  it('marked unread again from a message, until the next mark; nobody else is told', async () => {
    await read(bob);
    const path = `/conversations/${id}/unread`;
    const reply = await writesNothing(world, 'unread', () => bob.rest.post(path, { from: sent[2]!.id }));
    expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([204, null]);
    expect([await unread(bob), await mark(bob)]).to.deep.equal([3, sent[1]!.event_id]);
    const socket = await bob.socket();
    expect(await socket.command('receipt.mark_unread', { conversation_id: id, from: sent[1]!.id })).to.deep.equal({});
    expect(await unread(bob)).to.equal(4);
    await writesNothing(world, 'read again', () => read(bob));
    expect([await unread(bob), await mark(bob)]).to.deep.equal([0, sent[4]!.event_id]);
    expect((await bob.rest.post(path, { from: '0'.repeat(26) })).status).to.equal(404);
    expect((await bob.rest.post(path, {})).status).to.equal(400);
  });

  it('whoever comes in later begins with nothing unread', async () => {
    const eve = await register(node());
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    expect(await unread(eve)).to.equal(0);
    await say(bob);
    expect(await unread(eve)).to.equal(1);
  });

  it('with nothing to read nothing happens; what is not there is not found', async () => {
    const empty = await group(ada, bob);
    const reply = await writesNothing(world, 'empty', () => bob.rest.post(`/conversations/${empty}/read`, {}));
    expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([204, null]);
    expect((await read(bob, { up_to: '0'.repeat(26) })).status).to.equal(404);
    const eve = await register(node());
    expect((await eve.rest.post(`/conversations/${empty}/read`, {})).status).to.equal(404);
    for (const body of [{}, { up_to: sent[0]!.id }, { up_to: sent[0]!.event_id }]) {
      expect((await read(eve, body)).status).to.equal(404);
      expect((await eve.rest.post(`/conversations/${id}/delivered`, body)).status).to.equal(404);
    }
    expect((await eve.rest.post(`/conversations/${id}/unread`, { from: sent[0]!.id })).status).to.equal(404);
  });
});
