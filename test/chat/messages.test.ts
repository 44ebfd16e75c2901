/** Messages over REST: what one is, how history is paged, and what else stands in it. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { compareEventIds, eventId } from '../../src/envelope.ts';
import type { Json, Reply } from '../support/client.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { write } from '../support/writing.ts';

interface Message extends Json {
  id: string;
  event_id: string;
  seq: number;
  content: string;
}
interface Page {
  items: Message[];
  next_cursor: string | null;
  prev_cursor?: string | null;
  has_more: boolean;
}

inBothWays('messages', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
  });

  const send = async (by: User, body: object) =>
    (await by.rest.post<Message>(`/conversations/${id}/messages`, body)).body;
  const page = async (search = '', by = ada): Promise<Page> => {
    const reply: Reply<Page> = await by.rest.get<Page>(`/conversations/${id}/messages?${search}`);
    expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
    return reply.body;
  };
  const seqs = ({ items }: Page) => items.map((message) => message.seq);
  const count = (from: number, to: number) =>
    Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => (from < to ? from + i : from - i));

  it('one reads alike in the answer, alone and in the list; only its sender sees how far it got', async () => {
    const metadata = { colour: 'red', deep: [{ a: null }] };
    const chosen = ulid();
    const { status, headers, body } = await ada.rest.post<Message>(`/conversations/${id}/messages`, {
      id: chosen,
      content: ' hello 🎉 ',
      message_type: 'text',
      metadata,
    });
    expect(status).to.equal(201);
    expect(headers.get('Chat-Event-Id')).to.equal(body.event_id);
    expect(headers.get('Chat-Durability')).to.equal('disk');
    const { event_id } = body;
    const message = {
      id: chosen,
      conversation_id: id,
      event_id,
      seq: 2,
      sender_id: ada.id,
      content: ' hello 🎉 ',
      message_type: 'text',
      created_at: new Date(eventId(event_id).ms).toISOString(),
      edited: false,
      edited_at: null,
      is_deleted: false,
      deleted_at: null,
      reply_to: null,
      thread_id: null,
      reply_count: 0,
      last_reply_at: null,
      repliers: [],
      attachments: [],
      mentions: [],
      mentions_all: false,
      reactions: [],
      pinned: false,
      pinned_by: null,
      pinned_at: null,
      forwarded_from: null,
      revision: 1,
      metadata,
    };
    expect(body).to.deep.equal({ ...message, read_status: 'sent' });
    expect((await ada.rest.get(`/conversations/${id}/messages/${chosen}`)).body).to.deep.equal(body);
    expect((await page('limit=1')).items).to.deep.equal([body]);
    expect((await bob.rest.get(`/conversations/${id}/messages/${chosen}`)).body).to.deep.equal(message);
    expect((await page('limit=1', bob)).items).to.deep.equal([message]);
  });

  it('a name in the text does not make it somebody else’s', async () => {
    await send(bob, { content: `"sender_id":"${ada.id}"`, metadata: { sender_id: ada.id } });
    expect((await page('', ada)).items[0]).to.not.have.property('read_status');
    expect((await page('', bob)).items[0]).to.have.property('read_status', 'sent');
  });

  it('history is paged backwards and forwards; what comes meanwhile moves nothing', async () => {
    await write(world, ada, id, 24);
    const first = await page('limit=10');
    expect([seqs(first), first.has_more]).to.deep.equal([count(25, 16), true]);
    await write(world, bob, id, 3);
    const second = await page(`limit=10&cursor=${first.next_cursor}`);
    const third = await page(`limit=10&cursor=${second.next_cursor}`);
    expect([...seqs(second), ...seqs(third)]).to.deep.equal(count(15, 1));
    expect([third.next_cursor, third.has_more]).to.deep.equal([null, false]);
    const up = await page('limit=20&order=asc');
    expect(seqs(up)).to.deep.equal(count(1, 20));
    expect(seqs(await page(`limit=20&cursor=${up.next_cursor}`))).to.deep.equal(count(21, 28));
    expect((await page()).items).to.have.length(28);
    const exact = await page('limit=28');
    expect([exact.items.length, exact.next_cursor, exact.has_more]).to.deep.equal([28, null, false]);
  });

  it('who is not in hears nothing else than that, whatever is wrong with what they ask', async () => {
    await write(world, ada, id, 3);
    const stranger = await register(node());
    const message = (await page('limit=1')).items[0]!;
    for (const search of [
      '',
      'limit=1',
      'cursor=none',
      'as_of=never',
      `as_of=${message.event_id}`,
      `around=${message.id}`,
    ]) {
      const { status, body } = await stranger.rest.get<Json>(`/conversations/${id}/messages?${search}`);
      expect([search, status, body['code']]).to.deep.equal([search, 404, 'not_found']);
    }
  });

  it('around a message come as many before as after, oldest first, with cursors both ways', async () => {
    await write(world, ada, id, 20);
    const { items } = await page('limit=100&order=asc');
    const around = (message: Message, limit: number) => page(`around=${message.id}&limit=${limit}`);
    const middle = items[10]!;
    const found = await around(middle, 5);
    expect(seqs(found)).to.deep.equal(count(9, 13));
    expect(seqs(await page(`cursor=${found.prev_cursor}&limit=3`))).to.deep.equal(count(8, 6));
    expect(seqs(await page(`cursor=${found.next_cursor}&limit=3`))).to.deep.equal(count(14, 16));
    for (const limit of [1, 2, 3, 4]) {
      const some = await around(middle, limit);
      expect(some.items, `limit ${limit}`).to.have.length(limit);
      expect(seqs(some)).to.include(11);
      const [older, newer] = [await page(`cursor=${some.prev_cursor}`), await page(`cursor=${some.next_cursor}`)];
      expect([...seqs(older).toReversed(), ...seqs(some), ...seqs(newer)], `limit ${limit}`).to.deep.equal(
        count(1, 21),
      );
    }
    const oldest = await around(items[0]!, 1);
    expect([seqs(oldest), oldest.prev_cursor, oldest.has_more]).to.deep.equal([[1], null, true]);
    const newest = await around(items.at(-1)!, 4);
    expect([seqs(newest), newest.next_cursor, newest.has_more]).to.deep.equal([[20, 21], null, false]);
  });

  it('who came and went and what changed stands in history as system messages, in ids and names that a client can word', async () => {
    const eve = await register(node());
    const participant = (by: User, method: string, user: User, body?: object) =>
      by.rest.call(method, `/conversations/${id}/participants/${user.id}`, body);
    const change = (body: object) => ada.rest.call('PATCH', `/conversations/${id}`, body);
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    await participant(ada, 'PATCH', eve, { role: 'admin' });
    await change({ name: 'renamed' });
    await change({ description: 'what it is', avatar_url: 'https://example.org/a.png' });
    await change({ name: 'again', description: null, policy: { pin: 'admins' } });
    await change({ policy: { pin: 'members' } });
    await eve.rest.post(`/conversations/${id}/leave`);
    await participant(ada, 'DELETE', bob);
    const { items } = await page('order=asc');
    const lines: [User, string, Json][] = [
      [ada, 'created the group', { event: 'conversation.created', name: 'a group', user_ids: [bob.id] }],
      [ada, 'added someone', { event: 'participant.added', user_id: eve.id }],
      [ada, 'made someone an admin', { event: 'participant.role_changed', user_id: eve.id, role: 'admin' }],
      [ada, 'renamed the conversation to renamed', { event: 'conversation.updated', name: 'renamed' }],
      [
        ada,
        'changed the description, changed the picture',
        { event: 'conversation.updated', description: 'what it is', avatar_url: 'https://example.org/a.png' },
      ],
      [
        ada,
        'renamed the conversation to again, removed the description',
        { event: 'conversation.updated', name: 'again', description: null },
      ],
      [eve, 'left', { event: 'participant.removed', user_id: eve.id, reason: 'left' }],
      [ada, 'removed someone', { event: 'participant.removed', user_id: bob.id, reason: 'removed' }],
    ];
    const told = items.map((message) => [message['sender_id'], message.content, message['metadata']]);
    expect(told).to.deep.equal(lines.map(([by, ...line]) => [by.id, ...line]));
    for (const line of items) {
      expect(line).to.include({ message_type: 'system' });
      expect(line.id).to.match(/^7/);
      expect((await ada.rest.get(`/conversations/${id}/messages/${line.id}`)).body).to.deep.equal(line);
    }
  });

  it('a conversation in which nothing was said has no last message, and a direct one no line at all', async () => {
    expect((await ada.rest.get(`/conversations/${id}`)).body['last_message']).to.equal(null);
    const direct = await ada.rest.post<{ id: string }>('/conversations/direct', { user_id: bob.id });
    expect((await ada.rest.get<Page>(`/conversations/${direct.body.id}/messages`)).body.items).to.deep.equal([]);
  });

  it('the server’s own messages may be answered where history shows them, and nobody else gives ids like theirs', async () => {
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
    const [system] = (await page()).items;
    expect(system!.id).to.match(/^7/);
    const post = (body: object, where = id, by = ada) => by.rest.post(`/conversations/${where}/messages`, body);
    const reply = await post({ content: 'nice name', reply_to: system!.id });
    expect(reply.body).to.include({ reply_to: system!.id, thread_id: system!.id });
    expect((await page('order=asc')).items.map((message) => message['reply_count'])).to.deep.equal([0, 1, 0]);
    expect((await post({ content: 'x', reply_to: `7${ulid().slice(1)}` })).status).to.equal(404);
    expect((await post({ content: 'x', reply_to: system!.id }, await group(ada))).status).to.equal(404);
    const eve = await register(node());
    expect((await post({ content: 'x', reply_to: system!.id }, id, eve)).status).to.equal(404);
    const taken = await post({ id: `7${ulid().slice(1)}`, content: 'x' });
    expect([taken.status, taken.body['code'], taken.body['detail']]).to.deep.equal([
      400,
      'validation_failed',
      '/id: must not begin with 7: such ids are given by the server alone',
    ]);
  });

  it('replies are counted on what began the thread', async () => {
    const question = await send(ada, { content: 'who?' });
    const answer = await send(bob, { content: 'me', reply_to: question.id });
    await send(ada, { content: 'me too', reply_to: question.id });
    const third = await send(ada, { content: 'you?', reply_to: answer.id });
    expect(answer).to.include({ reply_to: question.id, thread_id: question.id });
    expect(third).to.include({ reply_to: answer.id, thread_id: question.id });
    expect((await page('limit=1')).items).to.deep.equal([third]);
    const counts = (await page('order=asc')).items.map((message) => message['reply_count']);
    expect(counts).to.deep.equal([0, 3, 0, 0, 0]);
    const elsewhere = await group(ada);
    const { status } = await ada.rest.post(`/conversations/${elsewhere}/messages`, {
      content: 'x',
      reply_to: question.id,
    });
    expect(status).to.equal(404);
  });

  it('as_of answers what it would have answered then, by event and by time', async () => {
    const first = await send(ada, { content: 'one' });
    const question = await send(ada, { content: 'two' });
    const moment = question['created_at'] as string;
    // The next one must stand in a later millisecond to be told apart by time.
    let later = await send(bob, { content: 'three', reply_to: question.id });
    while (later['created_at'] === moment) later = await send(bob, { content: 'three', reply_to: question.id });
    expect((await page(`as_of=${first.event_id}`)).items.map((m) => m.content)).to.deep.equal([
      'one',
      'created the group',
    ]);
    for (const asOf of [question.event_id, encodeURIComponent(moment)]) {
      const then = await page(`as_of=${asOf}`);
      if (asOf === question.event_id)
        expect(then.items.slice(0, 2).map((m) => m.content)).to.deep.equal(['two', 'one']);
      expect(then.items.every((m) => compareEventIds(eventId(m.event_id), eventId(later.event_id)) < 0)).to.equal(true);
    }
    const path = `/conversations/${id}/messages/${question.id}`;
    expect((await ada.rest.get(`${path}?as_of=${question.event_id}`)).body).to.include({ reply_count: 0 });
    expect((await ada.rest.get(path)).body['reply_count']).to.be.at.least(1);
    expect((await ada.rest.get(`${path}?as_of=${first.event_id}`)).status).to.equal(404);
    const paged = await page(`as_of=${question.event_id}&limit=1`);
    expect(seqs(await page(`as_of=${question.event_id}&cursor=${paged.next_cursor}`))).to.deep.equal([2, 1]);
  });

  it('a picture needs a file; a file that is not there is not found', async () => {
    const post = (body: object) => ada.rest.post(`/conversations/${id}/messages`, body);
    expect((await post({ content: '', message_type: 'image' })).body['code']).to.equal('validation_failed');
    expect((await post({ content: 'x', attachments: [ulid()] })).body['code']).to.equal('not_found');
  });
});
