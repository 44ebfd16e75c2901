/** Pinned messages over REST and WebSocket: what they say of themselves, the list of them, and that list back in time. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Message extends Json {
  id: string;
  event_id: string;
  content: string;
  pinned: boolean;
}
interface Page {
  items: Message[];
  next_cursor: string | null;
  has_more: boolean;
}

inBothWays('pins', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  let sent: Message[];
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
    sent = [];
    for (const content of ['one', 'two', 'three'])
      sent.push((await ada.rest.post<Message>(`/conversations/${id}/messages`, { content })).body);
  });

  const path = (n: number) => `/conversations/${id}/messages/${sent[n]!.id}`;
  const pin = (by: User, n: number, headers = {}) => by.rest.call<Message>('PUT', `${path(n)}/pin`, undefined, headers);
  const unpin = (by: User, n: number) => by.rest.call<Message>('DELETE', `${path(n)}/pin`);
  const list = async (by: User, search = ''): Promise<Page> =>
    (await by.rest.get<Page>(`/conversations/${id}/pins?${search}`)).body;
  const contents = ({ items }: Page) => items.map(({ content }) => content);

  it('a pinned message says who pinned it and when, alike everywhere; everyone is told, also in history', async () => {
    const socket = await ada.socket();
    const { status, headers, body } = await pin(bob, 1);
    expect(status).to.equal(200);
    const event = await socket.frame((f) => f.type === 'message.pinned');
    expect(event).to.deep.include({
      id: headers.get('Chat-Event-Id'),
      actor_id: bob.id,
      data: { message_id: sent[1]!.id },
    });
    const at = (event as unknown as { at: string }).at;
    expect(body).to.include({ content: 'two', pinned: true, pinned_by: bob.id, pinned_at: at });
    expect((await bob.rest.get(path(1))).body).to.deep.equal(body);
    expect((await list(bob)).items).to.deep.equal([body]);
    const history = await bob.rest.get<Page>(`/conversations/${id}/messages`);
    expect(history.body.items.find((message) => message.id === body.id)).to.deep.equal(body);
    expect(history.body.items[0]).to.deep.include({
      message_type: 'system',
      sender_id: bob.id,
      content: 'pinned a message',
      metadata: { event: 'message.pinned', message_id: body.id },
    });
    const off = await unpin(ada, 1);
    expect(off.body).to.include({
      content: 'two',
      pinned: false,
      pinned_by: null,
      pinned_at: null,
      read_status: 'sent',
    });
    await socket.frame((f) => f.type === 'message.unpinned');
    expect(await list(bob)).to.deep.equal({ items: [], next_cursor: null, has_more: false });
  });

  it('twice is one event, and so is a repeated request', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const first = await pin(bob, 0, key);
    const again = await writesNothing(world, 'repeat', () => pin(bob, 0, key));
    expect([again.status, again.headers.get('Chat-Event-Id')]).to.deep.equal([200, first.headers.get('Chat-Event-Id')]);
    const twice = await writesNothing(world, 'twice', () => pin(ada, 0));
    expect([twice.status, twice.headers.get('Chat-Event-Id')]).to.deep.equal([200, null]);
    expect(twice.body).to.include({ pinned: true, pinned_by: bob.id });
    const none = await writesNothing(world, 'no pin', () => unpin(ada, 1));
    expect([none.status, none.body.pinned]).to.deep.equal([200, false]);
  });

  it('by command, acknowledged with the message', async () => {
    const socket = await bob.socket();
    const data = { conversation_id: id, message_id: sent[2]!.id };
    const ack = await socket.command('message.pin', data);
    const event = await socket.frame((f) => f.type === 'message.pinned');
    expect(ack).to.include({ event_id: event.id, seq: event.seq, durability: 'disk' });
    expect(ack['message']).to.deep.equal((await bob.rest.get(path(2))).body);
    expect((ack['message'] as Json)['pinned']).to.equal(true);
    expect(((await socket.command('message.unpin', data))['message'] as Json)['pinned']).to.equal(false);
  });

  it('the list has the newest pin first, in pages; one pinned anew comes first', async () => {
    for (const n of [1, 0, 2]) await pinned(n);
    expect(contents(await list(bob))).to.deep.equal(['three', 'one', 'two']);
    const first = await list(bob, 'limit=2');
    expect([contents(first), first.has_more]).to.deep.equal([['three', 'one'], true]);
    await unpin(bob, 0);
    await pinned(0);
    expect(contents(await list(bob, `limit=2&cursor=${first.next_cursor}`))).to.deep.equal(['two']);
    expect(contents(await list(bob))).to.deep.equal(['one', 'three', 'two']);
    expect((await bob.rest.get(`/conversations/${id}/pins?cursor=abc`)).status).to.equal(400);
  });

  /** Pins in a millisecond of its own, so that the order is by time alone. */
  async function pinned(n: number): Promise<void> {
    const at = Number((await pin(bob, n)).headers.get('Chat-Event-Id')!.split('-')[0]);
    while (Date.now() <= at) await new Promise((resolve) => setImmediate(resolve));
  }

  it('as_of answers the list of then', async () => {
    const moments: [string, string[]][] = [[sent[2]!.event_id, []]];
    const after = (reply: { headers: Headers }, expected: string[]) =>
      moments.push([reply.headers.get('Chat-Event-Id')!, expected]);
    await pinned(0);
    const second = await pin(bob, 2);
    after(second, ['three', 'one']);
    after(await unpin(ada, 0), ['three']);
    after(await ada.rest.call('DELETE', path(2)), []);
    for (const [asOf, expected] of moments)
      expect(contents(await list(bob, `as_of=${asOf}`)), asOf).to.deep.equal(expected);
    const [asOf] = moments[1]!;
    const page = await list(bob, `as_of=${asOf}&limit=1`);
    expect(contents(await list(bob, `as_of=${asOf}&limit=1&cursor=${page.next_cursor}`))).to.deep.equal(['one']);
    expect((await list(bob)).items).to.deep.equal([]);
  });

  it('a deleted message loses its pin and cannot have one', async () => {
    await pin(bob, 0);
    await ada.rest.call('DELETE', path(0));
    expect((await list(bob)).items).to.deep.equal([]);
    expect((await ada.rest.get(path(0))).body).to.include({ is_deleted: true, pinned: false, pinned_by: null });
    expect((await pin(bob, 0)).status).to.equal(404);
  });

  it('what is not there, or not for the caller, is not found', async () => {
    const eve = await register(node());
    for (const reply of [await pin(eve, 0), await unpin(eve, 0), await eve.rest.get(`/conversations/${id}/pins`)])
      expect(reply.status).to.equal(404);
    expect((await ada.rest.call('PUT', `/conversations/${id}/messages/${ulid()}/pin`)).status).to.equal(404);
    await ada.rest.call('PATCH', `/conversations/${id}`, { policy: { pin: 'admins' } });
    const refused = await writesNothing(world, 'policy', () => pin(bob, 0));
    expect([refused.status, (refused.body as Json)['code']]).to.deep.equal([403, 'forbidden']);
    expect((await pin(ada, 0)).status).to.equal(200);
  });
});
