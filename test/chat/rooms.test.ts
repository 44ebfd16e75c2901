/** Rooms over REST and WebSocket: slow mode, announcements, archiving, the directory, and handing a room over. */
import { expect } from 'chai';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Page {
  items: Json[];
}

inBothWays('rooms', (node, world) => {
  let ada: User;
  let bob: User;
  let cy: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob, cy] = [await register(node()), await register(node()), await register(node())];
    const channel = { type: 'channel', name: 'the square', participant_ids: [bob.id] };
    id = String((await ada.rest.post('/conversations', channel)).body['id']);
  });
  const change = (by: User, body: Json) => by.rest.call('PATCH', `/conversations/${id}`, body);
  const say = (by: User, content = 'hello') => by.rest.post(`/conversations/${id}/messages`, { content });
  const conversation = async (by: User) => (await by.rest.get(`/conversations/${id}`)).body;
  const codeOf = ({ status, body }: { status: number; body: Json }) => [status, body['code']];

  it('slow mode is told to everyone and holds on both ways, with the time to wait', async () => {
    const socket = await bob.socket();
    expect((await change(ada, { slow_mode_seconds: 60 })).body).to.include({ slow_mode_seconds: 60 });
    const told = await socket.frame((f) => f.type === 'conversation.updated');
    expect(told.data).to.deep.equal({ slow_mode_seconds: 60 });
    expect((await say(bob)).status).to.equal(201);
    const refused = await writesNothing(world, 'too soon', () => say(bob));
    expect(codeOf(refused)).to.deep.equal([429, 'rate_limited']);
    expect(Number(refused.headers.get('Retry-After'))).to.be.within(58, 60);
    const { error } = await socket.ask('message.send', { conversation_id: id, content: 'hello' });
    expect(error).to.include({ code: 'rate_limited' });
    expect(error!.retry_after).to.be.within(58, 60);
    for (let n = 0; n < 2; n += 1) expect((await say(ada)).status).to.equal(201);
    const same = await writesNothing(world, 'the same', () => change(ada, { slow_mode_seconds: 60 }));
    expect(same.status).to.equal(200);
    expect((await change(ada, { slow_mode_seconds: 0 })).body).to.include({ slow_mode_seconds: 0 });
    expect((await say(bob)).status).to.equal(201);
    for (const wrong of [-1, 0.5, '10', 21_601])
      expect((await change(ada, { slow_mode_seconds: wrong })).status).to.equal(400);
  });

  it('an announcement channel is read by all and written by admins', async () => {
    await change(ada, { policy: { post: 'admins' } });
    expect(codeOf(await say(bob))).to.deep.equal([403, 'forbidden']);
    expect((await say(ada, 'news')).status).to.equal(201);
    const { items } = (await bob.rest.get<Page>(`/conversations/${id}/messages`)).body;
    expect(items[0]).to.include({ content: 'news' });
  });

  it('an archived conversation can be read, takes nothing new, is not in the directory, and comes back', async () => {
    await say(bob, 'once');
    expect((await change(ada, { is_archived: true })).body).to.include({ is_archived: true, archived: false });
    expect(codeOf(await say(bob))).to.deep.equal([403, 'forbidden']);
    expect(codeOf(await cy.rest.post(`/conversations/${id}/join`))).to.deep.equal([403, 'forbidden']);
    expect((await cy.rest.get<Page>('/channels')).body.items).to.deep.equal([]);
    const { items } = (await bob.rest.get<Page>(`/conversations/${id}/messages`)).body;
    expect(items.map((m) => m['content'])).to.deep.equal(['archived the conversation', 'once', 'created the channel']);
    expect(await conversation(bob)).to.include({ is_archived: true, unread_count: 0 });
    const same = await writesNothing(world, 'the same', () => change(ada, { is_archived: true }));
    expect(same.status).to.equal(200);
    expect((await change(ada, { is_archived: false })).body).not.to.have.property('is_archived');
    expect((await say(bob)).status).to.equal(201);
    expect((await cy.rest.get<Page>('/channels')).body.items).to.have.length(1);
  });

  it('the directory shows how many are in and when something was last said', async () => {
    const look = async () => (await cy.rest.get<Page>('/channels?query=THE')).body.items[0]!;
    const before = await look();
    expect(before).to.include({ id, name: 'the square', member_count: 2, role: null });
    const { created_at } = (await say(bob)).body;
    await cy.rest.post(`/conversations/${id}/join`);
    expect(await look()).to.include({ member_count: 3, last_activity: created_at, role: 'member' });
    await bob.rest.post(`/conversations/${id}/leave`);
    expect(await look()).to.include({ member_count: 2 });
  });

  it('an owner hands the room over and is an admin then', async () => {
    await ada.rest.call('PATCH', `/conversations/${id}/participants/${bob.id}`, { role: 'owner' });
    expect([(await conversation(bob))['role'], (await conversation(ada))['role']]).to.deep.equal(['owner', 'admin']);
    expect((await ada.rest.call('DELETE', `/conversations/${id}`)).status).to.equal(403);
  });
});
