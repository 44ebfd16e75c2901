/** Conversations over REST: what one is, the three kinds, who may change what, the directory and each user's own list. */
import { expect } from 'chai';
import { conversationStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Conversation extends Json {
  id: string;
  name: string | null;
  role: string | null;
}
interface List {
  items: Conversation[];
  next_cursor: string | null;
  has_more: boolean;
}
const POLICY = { add: 'admins', post: 'everyone', edit_info: 'admins', pin: 'members' };

inBothWays('conversations', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  beforeEach(async () => {
    [ada, bob, eve] = [await register(node()), await register(node()), await register(node())];
  });

  const make = async (by: User, body: object) => {
    const reply = await by.rest.post<Conversation>('/conversations', body);
    expect(reply.status, JSON.stringify(reply.body)).to.equal(201);
    return reply;
  };
  const show = async (by: User, id: string, search = '') =>
    (await by.rest.get<Conversation>(`/conversations/${id}${search}`)).body;
  const list = async (by: User, search = '') => (await by.rest.get<List>(`/conversations?${search}`)).body;
  const say = (by: User, id: string, content = 'x') => by.rest.post(`/conversations/${id}/messages`, { content });
  const status = async (by: User, method: string, path: string, body?: object) =>
    (await by.rest.call(method, path, body)).status;
  const eventOf = async (id: string) => (await world.log.readAfter(conversationStream(id), '0-0'))[0]!;

  it('one reads alike in the answer, alone and in the list', async () => {
    const info = { name: 'Grüße', description: 'all of us', avatar_url: 'https://example.com/a.png' };
    const made = await make(ada, {
      type: 'group',
      ...info,
      participant_ids: [bob.id, ada.id, bob.id],
      policy: { post: 'admins' },
    });
    const created = await eventOf(made.body.id);
    expect(made.headers.get('Chat-Event-Id')).to.equal(created.id);
    const at = (JSON.parse(created.json.toString()) as { at: string }).at;
    const conversation = {
      id: made.body.id,
      type: 'group',
      ...info,
      policy: { ...POLICY, post: 'admins' },
      slow_mode_seconds: 0,
      created_by: ada.id,
      created_at: at,
      last_activity: at,
      last_event_id: created.id,
      last_message: null,
      member_count: 2,
      role: 'owner',
      unread_count: 0,
      read_up_to: created.id,
      muted_until: null,
      archived: false,
      pinned: false,
    };
    expect(made.body).to.deep.equal(conversation);
    expect(await show(ada, made.body.id)).to.deep.equal(conversation);
    expect(await list(ada)).to.deep.equal({
      items: [conversation],
      total_unread: 0,
      next_cursor: null,
      has_more: false,
    });
    expect(await show(bob, made.body.id)).to.deep.equal({ ...conversation, role: 'member' });
    const message = (await say(ada, made.body.id)).body;
    expect(await show(ada, made.body.id)).to.deep.equal({
      ...conversation,
      last_message: message,
      last_activity: message['created_at'],
      last_event_id: message['event_id'],
      read_up_to: message['event_id'],
    });
  });

  it('a direct one is the same from both sides, whoever asks first and however', async () => {
    const direct = (by: User, to: User) => by.rest.post<Conversation>('/conversations/direct', { user_id: to.id });
    const replies = await Promise.all([direct(ada, bob), direct(bob, ada), direct(ada, bob)]);
    expect(replies.map((reply) => reply.status)).to.deep.equal([200, 200, 200]);
    const [id] = new Set(replies.map((reply) => reply.body.id));
    const again = await make(bob, { type: 'direct', participant_ids: [ada.id] });
    expect(replies.every((reply) => reply.body.id === id) && again.body.id === id).to.equal(true);
    const { created_at: joined_at } = again.body;
    const both = await Promise.all(
      [ada, bob].map(async (user) => {
        const { created_at, presence: _, ...shown } = (await eve.rest.get<Json>(`/users/${user.id}`)).body;
        expect(created_at).to.be.a('string');
        return { user_id: user.id, role: 'member', joined_at, user: shown };
      }),
    );
    expect((await list(ada)).items[0]!['participants']).to.have.deep.members(both);
    expect(again.body).to.deep.include({ type: 'direct', name: null, role: 'member', member_count: 2 });
    expect(again.body['participants']).to.have.deep.members(both);
    expect((await list(ada)).items).to.have.length(1);
    expect((await world.log.readAfter(conversationStream(id!), '0-0')).map((event) => event.type)).to.deep.equal([
      'conversation.created',
    ]);
    expect((await direct(ada, eve)).body.id).to.not.equal(id);
    const path = `/conversations/${id}`;
    expect(await status(ada, 'POST', `${path}/leave`)).to.equal(403);
    expect(await status(ada, 'POST', `${path}/participants`, { user_ids: [eve.id] })).to.equal(403);
    expect(await status(ada, 'PATCH', `${path}/participants/${bob.id}`, { role: 'admin' })).to.equal(403);
    expect(await status(ada, 'DELETE', `${path}/participants/${bob.id}`)).to.equal(403);
    expect(await status(ada, 'PATCH', path, { name: 'us' })).to.equal(403);
    expect(await status(ada, 'DELETE', path)).to.equal(403);
    expect(await status(eve, 'GET', path)).to.equal(404);
  });

  it('a direct one has neither name nor rules, and outlives the account at its other end', async () => {
    for (const field of [{ name: 'us' }, { description: null }, { avatar_url: null }, { policy: {} }]) {
      const refused = await ada.rest.post('/conversations', { type: 'direct', participant_ids: [bob.id], ...field });
      const message = 'is nothing that a direct conversation has';
      expect([refused.status, refused.body['errors']]).to.deep.equal([
        400,
        [{ pointer: `/${Object.keys(field)[0]}`, message }],
      ]);
    }
    const ask = () => ada.rest.post<Conversation>('/conversations/direct', { user_id: bob.id });
    const { id } = (await ask()).body;
    await bob.rest.call('DELETE', '/users/me', { password: 'correct horse' });
    const there = await ask();
    expect([there.status, there.body.id]).to.deep.equal([200, id]);
    expect(await status(eve, 'POST', '/conversations/direct', { user_id: bob.id })).to.equal(404);
  });

  it('what is so already is no change: no event, no line in history, and leave is needed all the same', async () => {
    const id = await group(ada, bob);
    const path = `/conversations/${id}`;
    const name = 'Grüße'.normalize('NFD');
    const wanted = { name, description: 'd', avatar_url: null, policy: { pin: 'admins', post: 'everyone' } };
    await ada.rest.call('PATCH', path, wanted);
    const types = async () => (await world.log.readAfter(conversationStream(id), '0-0')).map((event) => event.type);
    const before = await types();
    for (const change of [wanted, { policy: {} }, { description: 'd' }, { name: 'Grüße' }]) {
      const reply = await ada.rest.call('PATCH', path, change);
      expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([200, null]);
      expect(await status(bob, 'PATCH', path, change)).to.equal(403);
    }
    expect(await types()).to.deep.equal(before);
    const changed = await ada.rest.call('PATCH', path, { ...wanted, description: null, policy: { post: 'admins' } });
    const [last] = (await world.log.readAfter(conversationStream(id), '0-0')).slice(-1);
    expect(changed.headers.get('Chat-Event-Id')).to.equal(last!.id);
    const { data } = JSON.parse(last!.json.toString()) as { data: object };
    expect(data).to.deep.equal({ description: null, policy: { post: 'admins' } });
    expect(changed.body).to.deep.include({ name: 'Grüße', description: null });
  });

  it('what may be changed follows role and policy', async () => {
    const id = await group(ada, bob, eve);
    const path = `/conversations/${id}`;
    await ada.rest.call('PATCH', `${path}/participants/${bob.id}`, { role: 'admin' });
    const may = async (by: User, body: object) => status(by, 'PATCH', path, body);
    const change = { name: 'renamed' };
    const rows = [
      [ada, 200, 200],
      [bob, 200, 200],
      [eve, 403, 403],
    ] as const;
    for (const [by, info, policy] of rows) {
      expect(await may(by, change)).to.equal(info);
      expect(await may(by, { policy: { pin: 'admins' } })).to.equal(policy);
    }
    expect(await may(ada, { policy: { edit_info: 'members' } })).to.equal(200);
    expect(await may(eve, { description: 'by a member' })).to.equal(200);
    expect(await may(eve, { policy: { post: 'admins' } })).to.equal(403);
    expect(await may(eve, { name: 'x', policy: { post: 'admins' } })).to.equal(403);
    expect(await status(bob, 'PUT', path, { description: null, avatar_url: 'https://example.com/b' })).to.equal(200);
    const shown = await show(eve, id);
    expect(shown).to.include({ name: 'renamed', description: null, avatar_url: 'https://example.com/b' });
    expect(shown['policy']).to.deep.equal({ ...POLICY, pin: 'admins', edit_info: 'members' });
    expect(await may(ada, { policy: { post: 'admins' } })).to.equal(200);
    expect([(await say(ada, id)).status, (await say(bob, id)).status, (await say(eve, id)).status]).to.deep.equal([
      201, 201, 403,
    ]);
  });

  it('only the owner ends one, and then it is gone for everyone, from the directory too', async () => {
    const { id } = (await make(ada, { type: 'channel', name: 'open', participant_ids: [bob.id] })).body;
    expect(await status(bob, 'DELETE', `/conversations/${id}`)).to.equal(403);
    const reply = await ada.rest.call('DELETE', `/conversations/${id}`);
    expect([reply.status, reply.headers.get('Chat-Event-Id')]).to.deep.equal([
      204,
      (await world.log.heads([conversationStream(id)], []))[0]!.id,
    ]);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/messages'],
      ['POST', '/join'],
      ['DELETE', ''],
    ] as const) {
      for (const user of [ada, bob, eve])
        expect(await status(user, method, `/conversations/${id}${path}`), path).to.equal(404);
    }
    expect((await list(ada)).items).to.deep.equal([]);
    expect((await ada.rest.get<List>('/channels')).body.items).to.deep.equal([]);
    expect((await say(ada, id)).status).to.equal(404);
  });

  it('channels stand in the directory by name, in any case, page by page, and move with a new name', async () => {
    const ids = new Map<string, string>();
    for (const name of ['alpha', 'Beta', 'ALPINE', 'alps', 'Älteste', 'zeta', 'al']) {
      ids.set(name, (await make(ada, { type: 'channel', name })).body.id);
    }
    await make(ada, { type: 'group', name: 'alone' });
    const find = async (search: string) => (await eve.rest.get<List>(`/channels?${search}`)).body;
    const names = (page: List) => page.items.map((item) => item.name);
    expect(names(await find('query=AL'))).to.deep.equal(['al', 'alpha', 'ALPINE', 'alps']);
    expect(names(await find(''))).to.deep.equal(['al', 'alpha', 'ALPINE', 'alps', 'Beta', 'zeta', 'Älteste']);
    for (const form of ['NFC', 'NFD'])
      expect(names(await find(`query=${encodeURIComponent('ä'.normalize(form))}`))).to.deep.equal(['Älteste']);
    const paged: (string | null)[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: List = await find(`query=al&limit=2${cursor && `&cursor=${cursor}`}`);
      paged.push(...names(page));
      cursor = page.next_cursor;
    }
    expect(paged).to.deep.equal(['al', 'alpha', 'ALPINE', 'alps']);
    expect((await find('query=beta')).items[0]).to.deep.include({
      id: ids.get('Beta'),
      role: null,
      unread_count: 0,
      member_count: 1,
      last_message: null,
    });
    await ada.rest.call('PATCH', `/conversations/${ids.get('alpha')}`, { name: 'omega' });
    expect(names(await find('query=al'))).to.deep.equal(['al', 'ALPINE', 'alps']);
    expect(names(await find('query=om'))).to.deep.equal(['omega']);
  });

  it('a channel is open to everyone to look at and to join, its messages to who is in it', async () => {
    const { id } = (await make(ada, { type: 'channel', name: 'open' })).body;
    await say(ada, id);
    expect(await show(eve, id)).to.deep.include({ role: null, last_message: null, unread_count: 0, read_up_to: null });
    expect(await status(eve, 'GET', `/conversations/${id}/messages`)).to.equal(403);
    const joined = await eve.rest.post<Conversation>(`/conversations/${id}/join`);
    expect(joined.status).to.equal(200);
    expect(joined.body).to.deep.include({
      role: 'member',
      member_count: 2,
      unread_count: 0,
      read_up_to: joined.headers.get('Chat-Event-Id'),
    });
    const again = await eve.rest.post(`/conversations/${id}/join`);
    expect([again.status, again.headers.get('Chat-Event-Id')]).to.deep.equal([200, null]);
    expect((await list(eve)).items.map((item) => item.id)).to.deep.equal([id]);
    expect(await status(eve, 'POST', `/conversations/${id}/leave`)).to.equal(204);
    expect((await list(eve)).items).to.deep.equal([]);
    expect((await show(ada, id))['member_count']).to.equal(1);
    expect(await status(bob, 'POST', `/conversations/${await group(ada)}/join`)).to.equal(404);
  });

  it('an owner who leaves hands over: to the first admin, else to the first member', async () => {
    const id = await group(ada, bob, eve);
    const zoe = await register(node());
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [zoe.id] });
    await ada.rest.call('PATCH', `/conversations/${id}/participants/${zoe.id}`, { role: 'admin' });
    const leave = (user: User) => status(user, 'POST', `/conversations/${id}/leave`);
    expect(await leave(ada)).to.equal(204);
    expect((await show(zoe, id)).role).to.equal('owner');
    expect(await leave(zoe)).to.equal(204);
    const heirs = await Promise.all([bob, eve].map(async (user) => (await show(user, id)).role));
    expect(heirs).to.have.members(['member', 'owner']);
    expect([await leave(bob), await leave(eve), await leave(eve)]).to.deep.equal([204, 204, 404]);
  });

  it('the own list goes by last activity, with filters and pages', async () => {
    const rooms: string[] = [];
    for (let i = 0; i < 5; i += 1) rooms.push((await make(ada, { type: 'group', name: `Room ${i}` })).body.id);
    const direct = (await ada.rest.post<Conversation>('/conversations/direct', { user_id: bob.id })).body.id;
    const channel = (await make(ada, { type: 'channel', name: 'room service' })).body.id;
    for (const id of [rooms[3]!, direct, rooms[0]!]) await say(ada, id);
    const ids = (page: List) => page.items.map((item) => item.id);
    const { items } = await list(ada);
    const newestFirst = (a: Conversation, b: Conversation) =>
      String(b['last_activity']).localeCompare(String(a['last_activity'])) || (a.id < b.id ? 1 : -1);
    const order = items.toSorted(newestFirst).map((item) => item.id);
    expect(items.map((item) => item.id)).to.deep.equal(order);
    expect(order).to.have.members([...rooms, direct, channel]);
    expect(order.slice(0, 3)).to.have.members([rooms[0], direct, rooms[3]]);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: List = await list(ada, `limit=3${cursor && `&cursor=${cursor}`}`);
      expect(page.items).to.have.length(page.has_more ? 3 : 1);
      paged.push(...ids(page));
      cursor = page.next_cursor;
    }
    expect(paged).to.deep.equal(order);
    expect(ids(await list(ada, 'type=direct'))).to.deep.equal([direct]);
    expect(ids(await list(ada, 'type=channel'))).to.deep.equal([channel]);
    expect(ids(await list(ada, 'query=ROOM'))).to.deep.equal(order.filter((id) => id !== direct));
    expect(ids(await list(ada, 'query=m%202'))).to.deep.equal([rooms[2]!]);
    expect(ids(await list(bob))).to.deep.equal([direct]);
  });
});
