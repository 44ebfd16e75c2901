/** Forwarded messages: what comes along, what a reader may know of where it came from, and what is not there to forward. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Message extends Json {
  id: string;
  created_at: string;
}

inBothWays('forwarded messages', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  let from: string;
  let to: string;
  let source: Message;
  beforeEach(async () => {
    [ada, bob, eve] = [await register(node()), await register(node()), await register(node())];
    from = await group(ada, bob);
    to = await group(bob, eve);
    source = (await post(ada, from, { content: 'news, @all!', metadata: { colour: 'red' } })).body;
  });

  const post = (by: User, where: string, body: object, headers = {}) =>
    by.rest.post<Message>(`/conversations/${where}/messages`, body, headers);
  const forward = (message: { id: string } = source, conversation_id = from) => ({
    forward: { conversation_id, message_id: message.id },
  });
  const code = (reply: { status: number; body: Json }) => [reply.status, reply.body['code']];

  it('say what was said, and of a private place only by whom and when', async () => {
    const socket = await eve.socket();
    const { status, body } = await post(bob, to, forward());
    expect(status).to.equal(201);
    const forwarded_from = {
      conversation_id: null,
      message_id: null,
      sender_id: ada.id,
      created_at: source.created_at,
    };
    const copied = { content: 'news, @all!', message_type: 'text', attachments: [], metadata: {}, mentions: [] };
    expect(body).to.deep.include({ sender_id: bob.id, mentions_all: false, forwarded_from, ...copied });
    const { data } = await socket.frame((f) => f.type === 'message.sent');
    expect(data).to.deep.equal({ message_id: body.id, reply_to: null, mentions_all: false, forwarded_from, ...copied });
    const { read_status: _, ...seen } = body;
    expect((await eve.rest.get(`/conversations/${to}/messages/${body.id}`)).body).to.deep.equal(seen);
  });

  it('say of a public channel where they stand', async () => {
    const channel = String((await ada.rest.post('/conversations', { type: 'channel', name: 'open' })).body['id']);
    await bob.rest.post(`/conversations/${channel}/join`);
    const { body: said } = await post(ada, channel, { content: 'open news' });
    const socket = await bob.socket();
    const reply = (await post(eve, to, { content: 'what is new?' })).body;
    const data = { conversation_id: to, ...forward(said, channel), reply_to: reply.id, metadata: { why: 'asked' } };
    const message = (await socket.command('message.send', data))['message'] as Json;
    expect(message).to.deep.include({
      content: 'open news',
      reply_to: reply.id,
      metadata: { why: 'asked' },
      forwarded_from: {
        conversation_id: channel,
        message_id: said.id,
        sender_id: ada.id,
        created_at: said.created_at,
      },
    });
    expect(code(await post(eve, to, forward(said, channel)))).to.deep.equal([404, 'not_found']);
  });

  it('need a message that the caller sees, and a place where the caller may post', async () => {
    await ada.rest.call('PATCH', `/conversations/${from}`, { name: 'renamed' });
    const { items } = (await bob.rest.get<{ items: Message[] }>(`/conversations/${from}/messages`)).body;
    const line = items.find((message) => message['message_type'] === 'system')!;
    const gone = (await post(ada, from, { content: 'gone' })).body;
    await ada.rest.call('DELETE', `/conversations/${from}/messages/${gone.id}`);
    const attempts: [User, string, object][] = [
      [eve, to, forward()],
      [ada, to, forward()],
      [bob, to, forward(gone)],
      [bob, to, forward(line)],
      [bob, to, forward({ id: ulid() })],
      [bob, to, forward(source, to)],
      [bob, to, forward(source, ulid())],
    ];
    const sockets = new Map<User, Awaited<ReturnType<User['socket']>>>();
    for (const [by, where, body] of attempts) {
      const reply = await writesNothing(world, 'forward', () => post(by, where, body));
      expect(code(reply)).to.deep.equal([404, 'not_found']);
      const socket = sockets.get(by) ?? (await by.socket());
      sockets.set(by, socket);
      const answer = await socket.ask('message.send', { conversation_id: where, ...body });
      expect(answer.error?.code).to.equal('not_found');
    }
    await bob.rest.call('PATCH', `/conversations/${to}`, { policy: { post: 'admins' } });
    expect((await post(bob, to, forward())).status).to.equal(201);
    const own = (await post(bob, to, { content: 'x' })).body;
    expect(code(await post(eve, to, forward(own, to)))).to.deep.equal([403, 'forbidden']);
    await ada.rest.call('DELETE', `/conversations/${from}`);
    expect(code(await post(bob, to, forward()))).to.deep.equal([404, 'not_found']);
  });

  it('bring their own words', async () => {
    for (const [more, pointer] of [
      [{ content: 'x' }, '/content'],
      [{ message_type: 'text' }, '/message_type'],
      [{ attachments: [] }, '/attachments'],
    ] as const) {
      const reply = await post(bob, to, { ...forward(), ...more });
      expect(code(reply)).to.deep.equal([400, 'validation_failed']);
      expect(reply.body['errors']).to.deep.equal([{ pointer, message: 'comes with the message that is forwarded' }]);
    }
    for (const wrong of [{ forward: {} }, { forward: null }, { forward: { ...forward().forward, more: 1 } }])
      expect(code(await post(bob, to, wrong))).to.deep.equal([400, 'validation_failed']);
  });

  it('are sent once under one id, whatever has become of the source', async () => {
    const body = { id: ulid(), ...forward() };
    const key = { 'Idempotency-Key': ulid() };
    const [first, keyed] = [await post(bob, to, body), await post(bob, to, forward(), key)];
    const again = async () => {
      for (const [repeat, of] of [
        [() => post(bob, to, body), first],
        [() => post(bob, to, forward(), key), keyed],
      ] as const) {
        const reply = await writesNothing(world, 'again', repeat);
        expect([reply.status, reply.body]).to.deep.equal([201, of.body]);
      }
    };
    await again();
    await ada.rest.call('PATCH', `/conversations/${from}/messages/${source.id}`, { content: 'other news' });
    await again();
    await ada.rest.call('DELETE', `/conversations/${from}/messages/${source.id}`);
    await again();
    expect(code(await post(bob, to, { id: body.id, content: 'news, @all!' }))).to.deep.equal([409, 'conflict']);
    const other = (await post(bob, from, { content: 'news, @all!' })).body;
    expect(code(await post(bob, to, { ...body, ...forward(other) }))).to.deep.equal([409, 'conflict']);
  });

  it('are taken back like any other, and never edited', async () => {
    const message = (await post(bob, to, forward())).body;
    const path = `/conversations/${to}/messages/${message.id}`;
    expect(code(await bob.rest.call('PATCH', path, { content: 'what she never said' }))).to.deep.equal([
      403,
      'forbidden',
    ]);
    expect((await bob.rest.call('DELETE', path)).status).to.equal(204);
    expect((await eve.rest.get(path)).body).to.include({ content: '', forwarded_from: null });
  });
});
