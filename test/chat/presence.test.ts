/** Presence over REST and WebSocket: who looks online to whom, on any node, and who is told. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { userStream } from '../../src/keys.ts';
import type { Frame, Json, Socket } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

inBothWays('presence', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob, eve] = [await register(node()), await register(node()), await register(node())];
    id = await group(ada, bob);
  });

  const put = (by: User, body: object, key?: string) =>
    by.rest.call('PUT', '/users/me/status', body, key === undefined ? {} : { 'Idempotency-Key': key });
  const seen = async (by: User, whom: User) =>
    (await by.rest.get<{ presence: Json }>(`/users/${whom.id}`)).body.presence;
  const isOf = (user: User) => (frame: Frame) => frame.type === 'presence.changed' && frame.user_id === user.id;
  /** What this socket was told of a user. */
  const told = (socket: Socket, user: User) =>
    socket.frames.filter(isOf(user)).map(({ data }) => [data['status'], data['status_text']]);
  /** A socket whose user looks online from now on. */
  async function here(user: User): Promise<Socket> {
    const socket = await user.socket();
    await socket.frame(isOf(user), `${user.id} is online`);
    return socket;
  }
  const watch = async (socket: Socket, ...users: User[]) =>
    (await socket.command('presence.watch', { user_ids: users.map((user) => user.id) }))['states'] as Json[];

  const onlineIn = async (by: User, path: string) =>
    (await by.rest.get<{ items: Json[] }>(path)).body.items.map(({ user_id }) => user_id);

  it('is a socket that is open: seen by who shares a conversation, and by nobody else', async () => {
    expect(await seen(ada, bob)).to.deep.equal({ status: 'offline', last_seen: null });
    await here(bob);
    const { status, last_seen } = await seen(ada, bob);
    expect(status).to.equal('online');
    expect(last_seen).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/);
    expect(await seen(bob, bob)).to.deep.equal({ status, last_seen });
    expect(await seen(eve, bob)).to.deep.equal({ status: 'offline', last_seen: null });
    await ada.rest.call('DELETE', `/conversations/${id}`);
    expect(await seen(ada, bob)).to.deep.equal({ status: 'offline', last_seen: null });
  });

  it('a status and its text by REST and by command, once under one id', async () => {
    const socket = await here(bob);
    const until = new Date(Date.now() + 60_000).toISOString();
    const first = await put(bob, { status: 'busy', status_text: ' Lunch ', status_until: until });
    expect(first.status).to.equal(200);
    expect(first.body).to.deep.equal({ status: 'busy', status_text: 'Lunch', status_until: until });
    expect(await seen(ada, bob)).to.include({ status: 'busy' });
    const ack = await socket.command('presence.set', { status: 'away' });
    expect(ack['presence']).to.deep.equal({ status: 'away', status_text: 'Lunch', status_until: until });
    const { seq } = await socket.frame((frame) => isOf(bob)(frame) && frame.data['status'] === 'away');
    expect(ack).to.include({ seq, durability: 'disk' });
    const key = ulid();
    const keyed = await put(bob, { status: 'online', status_text: null }, key);
    await put(bob, { status: 'busy' });
    const again = await writesNothing(world, 'a repeat', () => put(bob, { status: 'online', status_text: null }, key));
    expect(again.headers.get('Chat-Event-Id')).to.equal(keyed.headers.get('Chat-Event-Id'));
    expect((await put(bob, { status: 'away' }, key)).body['code']).to.equal('conflict');
    expect((await bob.rest.get('/users/me/status')).body).to.deep.equal({
      status: 'busy',
      status_text: null,
      status_until: null,
    });
    await writesNothing(world, 'what is so', () => put(bob, { status: 'busy', status_text: '' }));
  });

  it('refuses what is no status, no text and no time, and changes nothing', async () => {
    const bodies: [object, string][] = [
      [{}, '/status'],
      [{ status: 'offline' }, '/status'],
      [{ status: 'busy', status_text: 'x'.repeat(101) }, '/status_text'],
      [{ status: 'busy', status_text: 'a\nb' }, '/status_text'],
      [{ status: 'busy', status_text: 'a', status_until: 'tomorrow' }, '/status_until'],
      [{ status: 'busy', status_text: 'a', status_until: '2020-01-01T00:00:00Z' }, '/status_until'],
      [{ status: 'busy', status_text: 'a', status_until: '2999-01-01T00:00:00Z' }, '/status_until'],
      [{ status: 'busy', status_until: new Date(Date.now() + 60_000).toISOString() }, '/status_until'],
    ];
    for (const [body, pointer] of bodies) {
      const reply = await writesNothing(world, pointer, () => put(bob, body));
      expect([reply.status, (reply.body['errors'] as Json[])[0]!['pointer']]).to.deep.equal([400, pointer]);
    }
    expect((await bob.rest.get('/users/me/status')).body).to.include({ status: 'online', status_text: null });
  });

  it('invisible looks offline to everybody, in every answer, and to oneself is what it is', async () => {
    const [socket, adas] = [await here(bob), await here(ada)];
    await watch(adas, bob);
    await socket.command('presence.set', { status: 'invisible' });
    await adas.frame((frame) => isOf(bob)(frame) && frame.data['status'] === 'offline');
    expect(await seen(ada, bob)).to.include({ status: 'offline' });
    expect((await watch(adas, bob))[0]).to.include({ status: 'offline' });
    for (const path of ['/users/online', `/conversations/${id}/online-users`])
      expect(await onlineIn(ada, path)).to.not.include(bob.id);
    expect((await bob.rest.get('/users/me/status')).body).to.include({ status: 'invisible' });
    await put(bob, { status: 'online' });
    await adas.until(() => told(adas, bob).length === 2, 'bob is back');
    expect(told(adas, bob)).to.deep.equal([
      ['offline', null],
      ['online', null],
    ]);
  });

  it('who watches is told how it is and what changes, of those they share a conversation with', async () => {
    const adas = await here(ada);
    const eves = await here(eve);
    const states = await watch(adas, bob, eve, bob);
    expect(states).to.deep.equal([
      { user_id: bob.id, status: 'offline', status_text: null, last_seen: null },
      { user_id: eve.id, status: 'offline', status_text: null, last_seen: null },
    ]);
    await watch(eves, bob, ada);
    const bobs = await here(bob);
    const event = await adas.frame(isOf(bob));
    expect(event).to.deep.equal(bobs.frames.find(isOf(bob)));
    await put(eve, { status: 'busy' });
    await put(bob, { status: 'away', status_text: 'walk' });
    await adas.until(() => told(adas, bob).length === 2, 'both are told');
    expect(told(adas, bob)).to.deep.equal([
      ['online', null],
      ['away', 'walk'],
    ]);
    expect([told(adas, eve), told(eves, bob), told(eves, ada)]).to.deep.equal([[], [], []]);
    // Of a user's own stream nothing else is public.
    await bob.rest.call('PATCH', '/users/me', { display_name: 'Bobby' });
    await watch(adas);
    await put(bob, { status: 'online' });
    const { message } = await bobs.command('message.send', { conversation_id: id, content: 'x' });
    await adas.frame((frame) => frame.data?.['message_id'] === (message as Json)['id']);
    expect(adas.frames.filter((frame) => frame.user_id === bob.id && frame.type !== 'presence.changed')).to.deep.equal(
      [],
    );
    expect(told(adas, bob)).to.have.length(2);
  });

  it('is kept between two of whom one blocked the other, both ways', async () => {
    const [adas, bobs] = [await here(ada), await here(bob)];
    expect((await watch(adas, bob))[0]).to.include({ status: 'online' });
    await watch(bobs, ada);
    await bob.rest.call('PUT', `/users/me/blocks/${ada.id}`);
    for (const [by, whom] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      expect(await seen(by, whom)).to.deep.equal({ status: 'offline', last_seen: null });
      expect(await onlineIn(by, '/users/online')).to.deep.equal([]);
      expect(await onlineIn(by, `/conversations/${id}/online-users`)).to.deep.equal([by.id]);
      expect((await put(whom, { status: 'busy' })).status).to.equal(200);
    }
    expect((await watch(adas, bob))[0]).to.include({ status: 'offline', last_seen: null });
    const { message } = await bobs.command('message.send', { conversation_id: id, content: 'x' });
    for (const socket of [adas, bobs])
      await socket.frame((frame) => frame.data?.['message_id'] === (message as Json)['id']);
    expect([told(adas, bob), told(bobs, ada)]).to.deep.equal([[], []]);
  });

  it('takes 500 to watch, and nothing that is no id', async () => {
    const socket = await here(ada);
    const many = Array.from({ length: 500 }, () => ulid());
    expect(
      (await socket.command('presence.watch', { user_ids: [...many.slice(1), bob.id] }))['states'] as Json[],
    ).to.have.length(500);
    for (const user_ids of [[...many, bob.id], ['bob'], 'bob', undefined]) {
      expect((await socket.ask('presence.watch', { user_ids })).error?.code).to.equal('validation_failed');
    }
    await here(bob);
    await socket.frame(isOf(bob));
  });

  it('lists who is online, of a conversation and overall, page by page', async () => {
    const more = [await register(node()), await register(node())];
    const other = await group(ada, ...more, eve);
    for (const user of [ada, bob, ...more]) await here(user);
    await put(bob, { status: 'busy', status_text: 'deep in work' });
    const pages = async (by: User, path: string) => {
      const found: Json[] = [];
      for (let cursor = ''; ;) {
        const { body } = await by.rest.get<{ items: Json[]; next_cursor: string | null; has_more: boolean }>(
          `${path}?limit=1${cursor}`,
        );
        found.push(...body.items);
        expect(body.has_more).to.equal(body.next_cursor !== null);
        if (body.next_cursor === null) return found;
        cursor = `&cursor=${body.next_cursor}`;
      }
    };
    const ids = (items: Json[]) => items.map(({ user_id }) => user_id);
    const sorted = (...users: User[]) => users.map((user) => user.id).toSorted();
    expect(ids(await pages(ada, '/users/online'))).to.deep.equal(sorted(bob, ...more));
    expect(ids(await pages(bob, '/users/online'))).to.deep.equal(sorted(ada));
    expect(ids(await pages(eve, `/conversations/${other}/online-users`))).to.deep.equal(sorted(ada, ...more));
    const items = await pages(ada, `/conversations/${id}/online-users`);
    expect(ids(items)).to.deep.equal(sorted(ada, bob));
    const { last_seen, user, ...rest } = items.find(({ user_id }) => user_id === bob.id)!;
    expect(rest).to.deep.equal({ user_id: bob.id, status: 'busy', status_text: 'deep in work' });
    expect([(user as Json)['id'], typeof last_seen]).to.deep.equal([bob.id, 'string']);
    expect((await eve.rest.get(`/conversations/${id}/online-users`)).status).to.equal(404);
    expect((await ada.rest.get('/users/online?cursor=x')).body['code']).to.equal('validation_failed');
  });

  it('stands on the own stream as one event for all devices', async () => {
    const sockets = [await here(bob), await bob.socket(), await bob.socket()];
    for (const socket of sockets) await socket.command('ping');
    const events = (await world.log.readAfter(userStream(bob.id), '0-0')).filter(
      ({ type }) => type === 'presence.changed',
    );
    expect(events).to.have.length(1);
  });
});
