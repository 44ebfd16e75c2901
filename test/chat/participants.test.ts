/** Participants over REST: who is in, in what order and as what, and who may change that. */
import { expect } from 'chai';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Participant extends Json {
  user_id: string;
  role: string;
  joined_at: string;
}
interface List {
  items: Participant[];
  next_cursor: string | null;
  has_more: boolean;
}

inBothWays('participants', (node, world) => {
  let owner: User;
  let admin: User;
  let member: User;
  let id: string;
  beforeEach(async () => {
    [owner, admin, member] = [await register(node()), await register(node()), await register(node())];
    id = await group(owner, admin, member);
    await give(owner, admin, 'admin');
  });

  const path = (user?: User) => `/conversations/${id}/participants${user ? `/${user.id}` : ''}`;
  const give = async (by: User, to: User, role: string) => (await by.rest.call('PATCH', path(to), { role })).status;
  const remove = async (by: User, who: User) => (await by.rest.call('DELETE', path(who))).status;
  const add = (by: User, users: User[], role?: string) =>
    by.rest.post<List>(path(), { user_ids: users.map((user) => user.id), ...(role === undefined ? {} : { role }) });
  const list = async (search = '', by = owner) => (await by.rest.get<List>(`${path()}?${search}`)).body;
  const roles = async () => Object.fromEntries((await list()).items.map((p) => [p.user_id, p.role]));
  const eventAt = async (index: number) => {
    const event = (await world.log.readAfter(conversationStream(id), '0-0')).at(index)!;
    return JSON.parse(event.json.toString()) as { id: string; at: string; type: string; data: Json };
  };

  it('each has a role, since when, and who it is; in the order of joining', async () => {
    const eve = await register(node(), 'eve');
    await eve.rest.call('PATCH', '/users/me', { display_name: 'Eve E.', avatar_url: 'https://example.com/e.png' });
    const added = await add(owner, [eve]);
    const event = await eventAt(-1);
    const participant = {
      user_id: eve.id,
      role: 'member',
      joined_at: event.at,
      user: { id: eve.id, username: 'eve', display_name: 'Eve E.', avatar_url: 'https://example.com/e.png' },
    };
    expect(added.status).to.equal(201);
    expect(added.headers.get('Chat-Event-Id')).to.equal(event.id);
    expect(added.body.items).to.deep.equal([participant]);
    const { items, next_cursor, has_more } = await list();
    expect(items.map((p) => [p.user_id, p.role])).to.deep.equal([
      [owner.id, 'owner'],
      [admin.id, 'admin'],
      [member.id, 'member'],
      [eve.id, 'member'],
    ]);
    expect([items[3], next_cursor, has_more]).to.deep.equal([participant, null, false]);
    expect(items[0]!.joined_at).to.equal((await eventAt(0)).at);
  });

  it('come page by page, also those who came in one event, and whoever goes meanwhile', async () => {
    const more: User[] = [];
    for (let i = 0; i < 7; i += 1) more.push(await register(node()));
    await add(owner, more);
    const all = (await list()).items.map((p) => p.user_id);
    expect(all).to.have.length(10);
    const first = await list('limit=2');
    const second = await list(`limit=2&cursor=${first.next_cursor}`);
    await remove(owner, more[0]!);
    const rest = await list(`limit=10&cursor=${second.next_cursor}`);
    const seen = [...first.items, ...second.items, ...rest.items].map((p) => p.user_id);
    expect(seen).to.deep.equal(all);
    const again = await list('limit=3');
    const after = await list(`limit=10&cursor=${again.next_cursor}`);
    expect([...again.items, ...after.items].map((p) => p.user_id)).to.deep.equal(
      all.filter((user) => user !== more[0]!.id),
    );
  });

  it('as_of answers who was in then', async () => {
    const before = (await eventAt(-1)).id;
    await remove(owner, member);
    await give(owner, admin, 'member');
    expect((await list()).items).to.have.length(2);
    const then = await list(`as_of=${before}`);
    expect(then.items.map((p) => p.role)).to.deep.equal(['owner', 'admin', 'member']);
  });

  describe('who may', () => {
    let other: User;
    let stranger: User;
    beforeEach(async () => {
      [other, stranger] = [await register(node()), await register(node())];
      await add(owner, [other]);
    });

    it('see who is in: members; others hear nothing else, whatever is wrong with what they ask', async () => {
      for (const search of ['', 'limit=1', 'cursor=none', 'as_of=never']) {
        const { status } = await stranger.rest.get(`/conversations/${id}/participants?${search}`);
        expect([search, status]).to.deep.equal([search, 404]);
      }
    });

    it('add: admins, and members where the policy says so; only the owner adds admins', async () => {
      expect((await add(member, [stranger])).status).to.equal(403);
      expect((await add(stranger, [stranger])).status).to.equal(404);
      expect((await add(admin, [stranger], 'admin')).status).to.equal(403);
      expect((await add(admin, [stranger])).status).to.equal(201);
      await owner.rest.call('PATCH', `/conversations/${id}`, { policy: { add: 'members' } });
      const [one, two] = [await register(node()), await register(node())];
      expect((await add(member, [one])).status).to.equal(201);
      expect((await add(member, [two], 'admin')).status).to.equal(403);
      expect((await add(owner, [two], 'admin')).status).to.equal(201);
      expect(await roles()).to.include({ [stranger.id]: 'member', [one.id]: 'member', [two.id]: 'admin' });
    });

    it('add: also whose own list cannot be written, which is brought up later', async () => {
      const eve = await register(node());
      const redis = world.log.connection.commands;
      const list = world.log.keys.of(userStream(eve.id), 'conversations');
      const kept = await redis.dumpBuffer(list);
      await redis.set(list, 'hello');
      expect((await add(owner, [eve])).status).to.equal(201);
      expect(await roles()).to.include({ [eve.id]: 'member' });
      await redis.restore(list, 0, kept!, 'REPLACE');
    });

    it('who is in stays as they are, and an answer names all that were asked for', async () => {
      const reply = await add(owner, [admin, stranger], 'member');
      expect(reply.body.items.map((p) => [p.user_id, p.role])).to.deep.equal([
        [admin.id, 'admin'],
        [stranger.id, 'member'],
      ]);
      const again = await add(owner, [admin, stranger]);
      expect([again.status, again.headers.get('Chat-Event-Id')]).to.deep.equal([201, null]);
    });

    it('take out: admins the members, the owner everyone, nobody the owner', async () => {
      expect(await remove(member, other)).to.equal(403);
      expect(await remove(stranger, member)).to.equal(404);
      expect(await remove(admin, stranger)).to.equal(404);
      expect(await remove(admin, owner)).to.equal(403);
      await give(owner, other, 'admin');
      expect(await remove(admin, other)).to.equal(403);
      expect(await remove(admin, member)).to.equal(204);
      expect(await remove(owner, other)).to.equal(204);
      expect(await roles()).to.deep.equal({ [owner.id]: 'owner', [admin.id]: 'admin' });
      expect((await member.rest.get(`/conversations/${id}`)).status).to.equal(404);
      expect((await member.rest.get<List>('/conversations')).body.items).to.deep.equal([]);
      const own = (await world.log.readAfter(userStream(member.id), '0-0')).map((event) => event.type);
      expect(own).to.deep.equal(['user.registered', 'conversation.joined', 'conversation.left']);
    });

    it('take oneself out: that is to leave', async () => {
      const reply = await member.rest.call('DELETE', path(member));
      const event = await eventAt(-1);
      expect([reply.status, event.type, event.data]).to.deep.equal([
        204,
        'participant.removed',
        { user_id: member.id, reason: 'left' },
      ]);
      expect(reply.headers.get('Chat-Event-Id')).to.equal(event.id);
    });

    it('give roles: the owner; giving "owner" hands over, and there is one owner only', async () => {
      expect(await give(admin, member, 'admin')).to.equal(403);
      expect(await give(member, member, 'owner')).to.equal(403);
      expect(await give(owner, stranger, 'admin')).to.equal(404);
      expect(await give(owner, owner, 'member')).to.equal(403);
      const changed = await owner.rest.call<Participant>('PATCH', path(member), { role: 'admin' });
      expect([changed.status, changed.body.role, changed.body['user']]).to.deep.include.members([200, 'admin']);
      expect(await give(owner, member, 'admin')).to.equal(200);
      expect(await give(owner, member, 'owner')).to.equal(200);
      const now = { [owner.id]: 'admin', [admin.id]: 'admin', [member.id]: 'owner', [other.id]: 'member' };
      expect(await roles()).to.deep.equal(now);
      expect(await give(owner, other, 'admin')).to.equal(403);
      expect(await give(member, other, 'admin')).to.equal(200);
    });
  });
});
