/** Invites over REST and WebSocket: making, showing, looking behind, coming in and revoking; and codes that are none. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { InviteCodes } from '../../src/chat/invites/codes.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register, SECRET } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Page {
  items: Json[];
  has_more: boolean;
  next_cursor: string | null;
}

describe('codes of invites', () => {
  const codes = new InviteCodes(SECRET);

  it('say which invite it is, and of which conversation', () => {
    for (const [conversationId, inviteId] of [
      [ulid(), ulid()],
      ['00000000000000000000000000', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'],
    ] as const) {
      const code = codes.codeOf({ conversationId, inviteId });
      expect(code).to.match(/^[\w-]{59}$/);
      expect(codes.read(code)).to.deep.equal({ conversationId, inviteId });
    }
  });

  it('cannot be made up: one that is changed anywhere, or of another secret, is none', () => {
    const invite = { conversationId: ulid(), inviteId: ulid() };
    const code = codes.codeOf(invite);
    for (let i = 0; i < code.length; i += 1) {
      for (const other of ['A', 'B', '_']) {
        const changed = code.slice(0, i) + other + code.slice(i + 1);
        if (changed !== code) expect(codes.read(changed), changed).to.equal(undefined);
      }
    }
    expect(new InviteCodes('another secret').read(code)).to.equal(undefined);
    for (const none of ['', 'x', `${code}A`, code.slice(1), `${code.slice(0, -1)}=`])
      expect(codes.read(none)).to.equal(undefined);
  });
});

inBothWays('invites', (node, world) => {
  let ada: User;
  let bob: User;
  let cy: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob, cy] = [await register(node()), await register(node()), await register(node())];
    id = await group(ada, bob);
  });

  const make = (body: Json = {}, headers = {}) => ada.rest.post(`/conversations/${id}/invites`, body, headers);
  const accept = (by: User, code: unknown, headers = {}) =>
    by.rest.post(`/invites/${String(code)}/accept`, {}, headers);
  const list = async (search = '') => (await ada.rest.get<Page>(`/conversations/${id}/invites${search}`)).body;

  it('a code shows what is behind it, lets its holder in and is used up', async () => {
    const { status, body } = await make({ expires_in: 3_600, max_uses: 1 });
    expect(status).to.equal(201);
    expect(body).to.include({ conversation_id: id, created_by: ada.id, max_uses: 1, uses: 0 });
    const { code } = body;
    expect(Date.parse(String(body['expires_at'])) - Date.parse(String(body['created_at']))).to.equal(3_600_000);
    expect((await list()).items).to.deep.equal([body]);

    const shown = await cy.rest.get(`/invites/${String(code)}`);
    expect(shown.body).to.deep.include({ code, expires_at: body['expires_at'] });
    expect(shown.body['conversation']).to.deep.equal({
      id,
      type: 'group',
      name: 'a group',
      description: null,
      avatar_url: null,
      member_count: 2,
    });
    expect((shown.body['invited_by'] as Json)['id']).to.equal(ada.id);
    expect((await cy.rest.get(`/conversations/${id}`)).status).to.equal(404);

    const socket = await ada.socket();
    const came = await accept(cy, code);
    expect([came.status, came.body['id'], came.body['role']]).to.deep.equal([200, id, 'member']);
    const told = await socket.frame((f) => f.type === 'participant.added');
    expect(told.data).to.deep.equal({ user_id: cy.id, role: 'member', invite_id: body['invite_id'] });
    expect((await cy.rest.get<Page>('/conversations')).body.items.map((item) => item['id'])).to.deep.equal([id]);

    const dee = await register(node());
    const late = await writesNothing(world, 'used up', () => accept(dee, code));
    expect(late.status).to.equal(404);
    expect((await cy.rest.get(`/invites/${String(code)}`)).status).to.equal(404);
    expect(await list()).to.deep.equal({ items: [], next_cursor: null, has_more: false });
  });

  it('no answer to others and no event holds a code', async () => {
    const { body } = await make();
    const code = String(body['code']);
    const log = await ada.rest.get<Page>(`/conversations/${id}/events`);
    expect(JSON.stringify(log.body)).to.include(body['invite_id']).and.not.include(code);
    expect((await bob.rest.get(`/conversations/${id}/invites`)).status).to.equal(403);
  });

  it('a repeated request answers the same code and is one event', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const first = await make({ expires_in: 60 }, key);
    const again = await writesNothing(world, 'repeat', () => make({ expires_in: 60 }, key));
    expect([again.status, again.body]).to.deep.equal([201, first.body]);
    const once = { 'Idempotency-Key': ulid() };
    await accept(cy, first.body['code'], once);
    const twice = await writesNothing(world, 'repeat', () => accept(cy, first.body['code'], once));
    expect(twice.status).to.equal(200);
    const in_ = await writesNothing(world, 'who is in', () => accept(bob, first.body['code']));
    expect(in_.status).to.equal(200);
    expect((await list()).items[0]!['uses']).to.equal(1);
  });

  it('a revoked code lets nobody in', async () => {
    const { body } = await make();
    const revoke = () => ada.rest.call('DELETE', `/conversations/${id}/invites/${String(body['code'])}`);
    expect((await revoke()).status).to.equal(204);
    expect((await writesNothing(world, 'again', revoke)).status).to.equal(204);
    expect((await writesNothing(world, 'revoked', () => accept(cy, body['code']))).status).to.equal(404);
  });

  it('who is banned is told so and stays out', async () => {
    const { body } = await make();
    await ada.rest.call('PUT', `/conversations/${id}/bans/${cy.id}`, {});
    const refused = await writesNothing(world, 'banned', () => accept(cy, body['code']));
    const seen = await cy.rest.get(`/invites/${String(body['code'])}`);
    for (const { status, body: told } of [refused, seen]) expect([status, told['code']]).to.deep.equal([403, 'banned']);
  });

  it('by command over a socket', async () => {
    const [own, other] = [await ada.socket(), await cy.socket()];
    const made = (await own.ask('invite.create', { conversation_id: id })).data['invite'] as Json;
    const came = await other.ask('invite.accept', { code: made['code'] });
    expect((came.data['conversation'] as Json)['id']).to.equal(id);
    const gone = await own.ask('invite.revoke', { conversation_id: id, code: made['code'] });
    expect(gone.data).to.have.property('event_id');
  });

  it('bad input gets a clear error and changes nothing', async () => {
    const bodies: Json[] = [{ expires_in: 0 }, { expires_in: 1.5 }, { max_uses: 0 }, { max_uses: '1' }, { uses: 1 }];
    for (const body of bodies) {
      const reply = await writesNothing(world, JSON.stringify(body), () => make(body));
      expect(reply.status, JSON.stringify(body)).to.equal(400);
    }
    const foreign = String((await make()).body['code']);
    const other = await group(ada, bob);
    const wrong = await ada.rest.call('DELETE', `/conversations/${other}/invites/${foreign}`);
    expect(wrong.status).to.equal(404);
    for (const none of ['nothing', foreign.slice(0, -1), `${foreign.slice(0, -2)}AA`]) {
      expect((await cy.rest.get(`/invites/${none}`)).status).to.equal(404);
      expect((await accept(cy, none)).status).to.equal(404);
    }
  });

  it('the list goes page by page, the newest first', async () => {
    const made: unknown[] = [];
    for (let n = 0; n < 3; n += 1) made.push((await make()).body['invite_id']);
    const first = await list('?limit=2');
    const rest = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map((item) => item['invite_id'])).to.deep.equal(made.toReversed());
    expect([first.has_more, rest.has_more]).to.deep.equal([true, false]);
  });
});
