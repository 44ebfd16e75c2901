/** Bans over REST and WebSocket: who goes, who stays out, for how long, and what is told of it. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Page {
  items: Json[];
  has_more: boolean;
  next_cursor: string | null;
}
const LATER = '2999-01-01T00:00:00.000Z';

inBothWays('bans', (node, world) => {
  let ada: User;
  let bob: User;
  let cy: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob, cy] = [await register(node()), await register(node()), await register(node())];
    const channel = { type: 'channel', name: 'the square', participant_ids: [bob.id] };
    id = String((await ada.rest.post('/conversations', channel)).body['id']);
  });

  const ban = (whom: string, body: Json = {}, headers = {}) =>
    ada.rest.call('PUT', `/conversations/${id}/bans/${whom}`, body, headers);
  const lift = (whom: string) => ada.rest.call('DELETE', `/conversations/${id}/bans/${whom}`);
  const list = async (search = '') => (await ada.rest.get<Page>(`/conversations/${id}/bans${search}`)).body;
  const join = async (by: User) => (await by.rest.post(`/conversations/${id}/join`)).status;

  it('a banned member goes, hears why, and finds the conversation in no list', async () => {
    const socket = await bob.socket();
    const { status, body, headers } = await ban(bob.id, { until: LATER, reason: 'too loud' });
    expect(status).to.equal(200);
    expect(body).to.deep.include({ user_id: bob.id, banned_by: ada.id, until: LATER, reason: 'too loud' });
    expect((body['user'] as Json)['id']).to.equal(bob.id);
    const heard = await socket.frame((f) => f.type === 'ban.added');
    expect(heard).to.deep.include({
      id: headers.get('Chat-Event-Id'),
      data: { user_id: bob.id, until: LATER, reason: 'too loud' },
    });
    const gone = await socket.frame((f) => f.type === 'participant.removed');
    expect(gone.data).to.deep.equal({ user_id: bob.id, reason: 'banned' });
    expect((await bob.rest.get<Page>('/conversations')).body.items).to.deep.equal([]);
    expect((await bob.rest.get(`/conversations/${id}/messages`)).status).to.equal(403);
    const history = (await ada.rest.get<Page>(`/conversations/${id}/messages`)).body.items[0];
    expect(history).to.deep.include({
      content: 'banned someone',
      metadata: { event: 'participant.removed', user_id: bob.id, reason: 'banned' },
    });
    expect((await list()).items).to.deep.equal([body]);
  });

  it('a ban holds against joining and being brought in, until it is lifted', async () => {
    await ban(cy.id);
    const refused = await cy.rest.post(`/conversations/${id}/join`);
    expect([refused.status, refused.body['code']]).to.deep.equal([403, 'banned']);
    const brought = await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [cy.id] });
    expect([brought.status, brought.body['code']]).to.deep.equal([403, 'banned']);
    expect((await lift(cy.id)).status).to.equal(204);
    expect((await list()).items).to.deep.equal([]);
    expect(await join(cy)).to.equal(200);
  });

  it('twice is one event, and so is a repeated request', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const first = await ban(bob.id, { reason: 'x' }, key);
    const again = await writesNothing(world, 'repeat', () => ban(bob.id, { reason: 'x' }, key));
    expect([again.status, again.headers.get('Chat-Event-Id'), again.body]).to.deep.equal([
      200,
      first.headers.get('Chat-Event-Id'),
      first.body,
    ]);
    const same = await writesNothing(world, 'the same', () => ban(bob.id, { reason: 'x' }));
    expect([same.status, same.headers.get('Chat-Event-Id')]).to.deep.equal([200, null]);
    expect((await ban(bob.id, { reason: 'y' })).body).to.include({ reason: 'y' });
    await lift(bob.id);
    expect((await writesNothing(world, 'no ban', () => lift(bob.id))).status).to.equal(204);
  });

  it('by command over a socket', async () => {
    const socket = await ada.socket();
    const data = { conversation_id: id, user_id: bob.id };
    const ack = await socket.ask('ban.add', { ...data, reason: 'r' });
    expect((ack.data['ban'] as Json)['reason']).to.equal('r');
    expect((await socket.ask('ban.remove', data)).data).to.have.property('event_id');
  });

  it('bad input gets a clear error and changes nothing', async () => {
    const tries: [string, Json, number][] = [
      [bob.id, { until: '2001-01-01T00:00:00Z' }, 400],
      [bob.id, { until: 'tomorrow' }, 400],
      [bob.id, { reason: 'x'.repeat(501) }, 400],
      [bob.id, { unknown: 1 }, 400],
      [ulid(), {}, 404],
      ['nobody', {}, 400],
    ];
    for (const [whom, body, status] of tries) {
      const reply = await writesNothing(world, JSON.stringify(body), () => ban(whom, body));
      expect(reply.status, JSON.stringify(body)).to.equal(status);
    }
  });

  it('the list goes page by page, oldest first', async () => {
    const all = [bob.id, cy.id, (await register(node())).id];
    for (const whom of all) await ban(whom);
    const first = await list('?limit=2');
    expect(first.has_more).to.equal(true);
    const rest = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map((item) => item['user_id'])).to.deep.equal(all);
    expect(rest).to.include({ has_more: false, next_cursor: null });
  });
});
