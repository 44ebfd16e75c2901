/** Messages after they were sent: another text, and their end for everyone, over REST and WebSocket. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { conversationStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { setClock } from '../support/rooms.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Message extends Json {
  id: string;
  event_id: string;
  created_at: string;
}
interface Revision extends Json {
  content: string;
  revision: number;
}

inBothWays('changed messages', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  let id: string;
  let first: Message;
  beforeEach(async () => {
    [ada, bob, eve] = [await register(node()), await register(node()), await register(node())];
    id = await group(ada, bob);
    first = await send(bob, { content: 'frist', metadata: { colour: 'red' } });
  });

  const send = async (by: User, body: object) =>
    (await by.rest.post<Message>(`/conversations/${id}/messages`, body)).body;
  const pathOf = (message: Message) => `/conversations/${id}/messages/${message.id}`;
  const edit = (by: User, message: Message, content: string, headers = {}) =>
    by.rest.call<Message>('PATCH', pathOf(message), { content }, headers);
  const remove = (by: User, message: Message, headers = {}) =>
    by.rest.call('DELETE', pathOf(message), undefined, headers);
  const one = async (by: User, message: Message) => (await by.rest.get<Message>(pathOf(message))).body;
  const revisions = (by: User, message: Message, search = '') =>
    by.rest.get<{ items: Revision[]; next_cursor: string | null }>(`${pathOf(message)}/revisions${search}`);
  const code = (reply: { status: number; body: Json }) => [reply.status, reply.body['code']];
  const pass = (seconds: number) =>
    setClock(world, conversationStream(id), Date.parse(first.created_at) + seconds * 1000 + 1);

  describe('edited', () => {
    it('reads alike in the answer, alone, in the list and as the last message; everyone is told', async () => {
      const reply = await send(ada, { content: 'what?', reply_to: first.id });
      const socket = await ada.socket();
      const { status, headers, body } = await edit(bob, first, 'first');
      expect(status).to.equal(200);
      const event = await socket.frame((f) => f.type === 'message.edited');
      expect(event).to.include({ id: headers.get('Chat-Event-Id'), actor_id: bob.id, conversation_id: id });
      expect(event.data).to.deep.equal({
        message_id: first.id,
        content: 'first',
        mentions: [],
        mentions_all: false,
        revision: 2,
      });
      expect(body).to.deep.equal({
        ...first,
        content: 'first',
        edited: true,
        edited_at: (event as unknown as { at: string }).at,
        revision: 2,
        reply_count: 1,
        last_reply_at: reply.created_at,
        repliers: [ada.id],
        // Who answers has read.
        read_status: 'read',
      });
      expect(await one(bob, first)).to.deep.equal(body);
      const { items } = (await bob.rest.get<{ items: Message[] }>(`/conversations/${id}/messages`)).body;
      expect(items.find((message) => message.id === first.id)).to.deep.equal(body);
      expect((await edit(ada, reply, 'what is it?')).body).to.include({ revision: 2, content: 'what is it?' });
      expect((await bob.rest.get(`/conversations/${id}`)).body['last_message']).to.deep.equal(await one(bob, reply));
    });

    it('keeps every text with its time, in pages', async () => {
      for (const text of ['second', 'third']) await edit(bob, first, text);
      const { items, next_cursor } = (await revisions(ada, first)).body;
      expect(items.map(({ revision, content }) => [revision, content])).to.deep.equal([
        [1, 'frist'],
        [2, 'second'],
        [3, 'third'],
      ]);
      expect(next_cursor).to.equal(null);
      expect(items[0]).to.include({ event_id: first.event_id, created_at: first.created_at });
      expect(items[2]!['created_at']).to.equal((await one(ada, first))['edited_at']);
      const page = (await revisions(ada, first, '?limit=2')).body;
      expect(page.items).to.deep.equal(items.slice(0, 2));
      const rest = (await revisions(ada, first, `?limit=2&cursor=${page.next_cursor}`)).body;
      expect([rest.items, rest.next_cursor]).to.deep.equal([items.slice(2), null]);
      expect((await revisions(ada, await send(ada, { content: 'x' }))).body.items).to.have.length(1);
      for (const [who, message] of [
        [eve, first],
        [ada, { ...first, id: ulid() }],
      ] as const)
        expect(code(await revisions(who, message))).to.deep.equal([404, 'not_found']);
      for (const parts of [[-1], [0.5], ['x']]) {
        const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url');
        expect(code(await revisions(ada, first, `?cursor=${cursor}`))).to.deep.equal([400, 'validation_failed']);
      }
    });

    it('by its sender alone, with something to say', async () => {
      const attempts: [User, string, string][] = [
        [ada, 'x', 'forbidden'],
        [eve, 'x', 'not_found'],
        [bob, ' \u200b ', 'validation_failed'],
        [bob, 'x'.repeat(4001), 'validation_failed'],
      ];
      const socket = { ada: await ada.socket(), bob: await bob.socket(), eve: await eve.socket() };
      for (const [who, content, refusal] of attempts) {
        const reply = await writesNothing(world, refusal, () => edit(who, first, content));
        expect(reply.body['code']).to.equal(refusal);
        const on = who === ada ? socket.ada : who === bob ? socket.bob : socket.eve;
        const data = { conversation_id: id, message_id: first.id, content };
        expect((await on.ask('message.edit', data)).error?.code).to.equal(refusal);
      }
      const missing = await edit(bob, { ...first, id: ulid() }, 'x');
      expect(code(missing)).to.deep.equal([404, 'not_found']);
      expect(await one(bob, first)).to.deep.equal(first);
    });

    it('to the same text is nothing, and once under one request', async () => {
      const same = await writesNothing(world, 'the same', () => edit(bob, first, 'frist'));
      expect([same.status, same.headers.get('Chat-Event-Id'), same.body]).to.deep.equal([200, null, first]);
      const key = { 'Idempotency-Key': ulid() };
      const { body, headers } = await edit(bob, first, 'first', key);
      const again = await writesNothing(world, 'again', () => edit(bob, first, 'first', key));
      expect([again.body, again.headers.get('Chat-Event-Id')]).to.deep.equal([body, headers.get('Chat-Event-Id')]);
      expect(code(await edit(bob, first, 'other', key))).to.deep.equal([409, 'conflict']);
    });

    it('over a WebSocket with the message in the ack', async () => {
      const socket = await bob.socket();
      const data = { conversation_id: id, message_id: first.id, content: 'first' };
      const request_id = ulid();
      const ack = await socket.command('message.edit', data, { request_id });
      expect(ack).to.include({ seq: 3, durability: 'disk' });
      expect(ack['message']).to.deep.equal(await one(bob, first));
      expect(await socket.command('message.edit', data, { request_id })).to.deep.equal(ack);
      const { event_id: _, seq: __, durability: ___, ...unchanged } = ack;
      expect(await socket.command('message.edit', data)).to.deep.equal(unchanged);
    });

    it('within its window only', async () => {
      await pass(299);
      expect((await edit(bob, first, 'first')).status).to.equal(200);
      await pass(300);
      expect(code(await edit(bob, first, 'late'))).to.deep.equal([403, 'edit_window_closed']);
    });

    it('never where the server itself speaks', async () => {
      await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
      const [line] = (await ada.rest.get<{ items: Message[] }>(`/conversations/${id}/messages`)).body.items;
      for (const attempt of [() => edit(ada, line!, 'x'), () => remove(ada, line!)])
        expect(code(await writesNothing(world, 'system', attempt))).to.deep.equal([403, 'forbidden']);
      expect(code(await edit(eve, line!, 'x'))).to.deep.equal([404, 'not_found']);
    });
  });

  describe('deleted', () => {
    it('leaves its place with nothing in it, in every answer; everyone is told', async () => {
      await edit(bob, first, 'a secret');
      const reply = await send(ada, { content: 'which?', reply_to: first.id });
      const unread = async () => (await bob.rest.get(`/conversations/${id}`)).body['unread_count'];
      expect(await unread()).to.equal(1);
      const socket = await ada.socket();
      const { status, headers } = await remove(bob, first);
      expect(status).to.equal(204);
      const event = await socket.frame((f) => f.type === 'message.deleted');
      expect(event).to.include({ id: headers.get('Chat-Event-Id'), actor_id: bob.id });
      expect(event.data).to.deep.equal({ message_id: first.id });
      const { read_status: _, ...gone } = await one(bob, first);
      expect(gone).to.deep.include({
        id: first.id,
        event_id: first.event_id,
        seq: 2,
        sender_id: bob.id,
        content: '',
        is_deleted: true,
        deleted_at: (event as unknown as { at: string }).at,
        reply_count: 1,
        metadata: {},
        attachments: [],
        mentions: [],
        reactions: [],
      });
      const { items } = (await ada.rest.get<{ items: Message[] }>(`/conversations/${id}/messages?order=asc`)).body;
      expect(items.slice(-2)).to.deep.equal([gone, await one(ada, reply)]);
      expect(code(await revisions(bob, first))).to.deep.equal([404, 'not_found']);
      expect(await unread()).to.equal(1);
      await remove(ada, reply);
      const { last_message } = (await ada.rest.get(`/conversations/${id}`)).body as { last_message: Json };
      expect(last_message).to.include({ id: reply.id, content: '', is_deleted: true });
      expect(await unread()).to.equal(1);
      const ready = (await bob.socket()).frames[0]!;
      expect(JSON.stringify(ready)).to.not.include('which?');
    });

    it('is not edited, not answered, not sent again; a repeat of its sending shows that it is gone', async () => {
      const sent = { id: ulid(), content: 'once' };
      const message = await send(ada, sent);
      await remove(ada, message);
      expect(code(await edit(ada, message, 'x'))).to.deep.equal([404, 'not_found']);
      const reply = { content: 'x', reply_to: message.id };
      expect(code(await bob.rest.post(`/conversations/${id}/messages`, reply))).to.deep.equal([404, 'not_found']);
      const again = await writesNothing(world, 'again', () =>
        ada.rest.post<Message>(`/conversations/${id}/messages`, sent),
      );
      expect(again.status).to.equal(201);
      expect(again.body).to.deep.equal(await one(ada, message));
      expect(again.body).to.include({ content: '', is_deleted: true });
    });

    it('by its sender, by owner and admins, by nobody else; twice is calm', async () => {
      await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
      expect(code(await writesNothing(world, 'eve', () => remove(eve, first)))).to.deep.equal([403, 'forbidden']);
      const stranger = await register(node());
      expect(code(await remove(stranger, first))).to.deep.equal([404, 'not_found']);
      expect(code(await remove(ada, { ...first, id: ulid() }))).to.deep.equal([404, 'not_found']);
      expect((await remove(ada, first)).status).to.equal(204);
      const calm = await writesNothing(world, 'twice', () => remove(bob, first));
      expect([calm.status, calm.headers.get('Chat-Event-Id')]).to.deep.equal([204, null]);
      const key = { 'Idempotency-Key': ulid() };
      const second = await send(bob, { content: 'x' });
      const [one_, two] = [await remove(bob, second, key), await remove(bob, second, key)];
      expect(two.headers.get('Chat-Event-Id')).to.equal(one_.headers.get('Chat-Event-Id')).and.not.equal(null);
    });

    it('over a WebSocket with what is left in the ack', async () => {
      const socket = await bob.socket();
      const data = { conversation_id: id, message_id: first.id };
      const ack = await socket.command('message.delete', data);
      expect(ack).to.include({ seq: 3, durability: 'disk' });
      expect(ack['message']).to.deep.equal(await one(bob, first));
      expect(await socket.command('message.delete', data)).to.deep.equal({ message: ack['message'] });
    });

    it('within its window, which admins do not have', async () => {
      const own = await send(ada, { content: 'x' });
      await pass(3_600);
      expect(code(await remove(bob, first))).to.deep.equal([403, 'delete_window_closed']);
      expect((await remove(ada, own)).status).to.equal(204);
      expect((await remove(ada, first)).status).to.equal(204);
    });

    it('in a direct conversation each only their own', async () => {
      const { body } = await ada.rest.post('/conversations/direct', { user_id: bob.id });
      id = String(body['id']);
      const message = await send(bob, { content: 'x' });
      expect(code(await remove(ada, message))).to.deep.equal([403, 'forbidden']);
      expect((await remove(bob, message)).status).to.equal(204);
    });

    it('back in time it is still there, as it was then', async () => {
      const later = await send(ada, { content: 'later' });
      await edit(bob, first, 'first');
      await remove(bob, first);
      const then = await ada.rest.get(`${pathOf(first)}?as_of=${later.event_id}`);
      expect(then.body).to.include({ content: 'frist', revision: 1, is_deleted: false });
    });
  });
});
