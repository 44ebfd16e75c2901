/** Sessions as a client meets them: logging in, access and refresh tokens, tickets, and all the ways in which a session ends. */
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import sinon from 'sinon';
import { ulid } from 'ulid';
import { events } from '../../src/chat/index.ts';
import { userStream } from '../../src/keys.ts';
import { AccountsNode, codeOf, PASSWORD, refusal, SECRET_KEY } from '../support/accounts.ts';
import type { Json, LoggedIn } from '../support/accounts.ts';
import { useWorld } from '../support/world.ts';

const MINUTE = 60_000;

describe('sessions', () => {
  const world = useWorld();
  let node: AccountsNode;
  beforeEach(() => {
    node = new AccountsNode(world.log);
  });
  afterEach(() => sinon.restore());

  const redis = () => world.log.connection.commands;
  const keyOf = (userId: string, name: string) => world.log.keys.of(userStream(userId), name);

  describe('logging in', () => {
    it('takes username or e-mail in any case', async () => {
      const { user } = await node.register('Ann', { email: 'Ann@Example.org' });
      for (const name of ['ann', 'ANN', 'ann@example.ORG']) {
        expect((await node.logIn(name)).user).to.deep.equal(user);
      }
      expect(await node.eventsOf(user.id)).to.have.length(1);
    });

    it('tells an unknown user from a wrong password by nothing: not the answer, nor the work', async () => {
      const ann = await node.register('ann');
      await node.register('gone');
      await node.run('user.delete', { password: PASSWORD }, await node.asCaller(await node.logIn('gone')));
      const compare = sinon.spy(bcrypt, 'compare');
      const append = sinon.spy(world.log, 'append');
      const seen = [];
      for (const name of ['ann', 'nobody', 'nobody@example.org', 'gone', 'no username at all']) {
        compare.resetHistory();
        const { code, message, errors, headers } = await refusal(node.logIn(name, 'wrong horse'));
        const hash = compare.firstCall.args[1] as string;
        seen.push({ code, message, errors, headers, compared: compare.callCount, cost: hash.slice(0, 7) });
      }
      expect(seen[0]).to.include({ code: 'wrong_credentials', compared: 1, cost: '$2b$04$' });
      for (const one of seen) expect(one).to.deep.equal(seen[0]);
      expect(append.callCount).to.equal(0);
      expect(ann.user.id).to.be.a('string');
    });

    it('limits attempts on an account from an address, on all nodes together', async () => {
      const limits = { RATE_LIMIT_LOGINS_PER_MINUTE: '3' };
      const nodes = [new AccountsNode(world.log, limits), new AccountsNode(await world.another(), limits)];
      await node.register('ann', { email: 'ann@example.org' });
      for (let n = 0; n < 3; n += 1) {
        expect(await codeOf(nodes[n % 2]!.logIn(n === 1 ? 'ann@example.org' : 'ann', 'wrong'))).to.equal(
          'wrong_credentials',
        );
      }
      const refused = await refusal(nodes[1]!.logIn('ANN'));
      expect(refused.code).to.equal('rate_limited');
      expect(refused.retryAfter).to.be.within(15, 20);
      expect(refused.headers).to.have.property('RateLimit');
      expect(await codeOf(nodes[0]!.logIn('ann', PASSWORD, { ip: '192.0.2.2' }))).to.equal('ok');
    });

    it('limits attempts on a name that nobody has in the same way, and on changing a password', async () => {
      const limited = new AccountsNode(world.log, { RATE_LIMIT_LOGINS_PER_MINUTE: '2' });
      const codes = [];
      for (let n = 0; n < 3; n += 1) codes.push(await codeOf(limited.logIn('nobody', 'wrong')));
      expect(codes).to.deep.equal(['wrong_credentials', 'wrong_credentials', 'rate_limited']);
      const caller = await limited.asCaller(await limited.register('ann'));
      const body = { current_password: 'wrong', new_password: 'another password' };
      const changes = [];
      for (let n = 0; n < 3; n += 1) changes.push(await codeOf(limited.run('user.change_password', body, caller)));
      expect(changes).to.deep.equal(['wrong_credentials', 'wrong_credentials', 'rate_limited']);
    });
  });

  describe('refresh tokens', () => {
    let ann: LoggedIn;
    beforeEach(async () => {
      ann = await node.register('ann');
    });
    const rotatedAgo = async (ms: number): Promise<void> => {
      const { caller } = await node.asCaller(ann);
      const fields = (await redis().hget(keyOf(caller.userId, 'sessions'), caller.sessionId))!.split(' ');
      fields[3] = String(Date.now() - ms);
      await redis().hset(keyOf(caller.userId, 'sessions'), caller.sessionId, fields.join(' '));
    };

    it('rotate, and the new access token is the same session', async () => {
      const next = await node.refresh(ann.refresh_token);
      expect(next.refresh_token).not.to.equal(ann.refresh_token);
      expect(await node.asCaller(next)).to.deep.equal(await node.asCaller(ann));
      expect(await codeOf(node.refresh(next.refresh_token))).to.equal('ok');
    });

    it('have one successor, for two tabs on two nodes at once', async () => {
      const other = new AccountsNode(await world.another());
      const pairs = await Promise.all([node, other, node, other].map((n) => n.refresh(ann.refresh_token)));
      expect(new Set(pairs.map((p) => p.refresh_token)).size).to.equal(1);
      expect(await codeOf(node.refresh(pairs[0]!.refresh_token))).to.equal('ok');
    });

    it('end the session when one is used again later', async () => {
      const next = await node.refresh(ann.refresh_token);
      await rotatedAgo(9_000);
      expect((await node.refresh(ann.refresh_token)).refresh_token).to.equal(next.refresh_token);
      expect(await node.isIn(next)).to.equal('ok');
      await rotatedAgo(10_001);
      expect(await codeOf(node.refresh(ann.refresh_token))).to.equal('unauthenticated');
      expect(await codeOf(node.refresh(next.refresh_token))).to.equal('unauthenticated');
      expect(await node.isIn(next)).to.equal('unauthenticated');
      expect((await node.eventsOf(ann.user.id)).at(-1)![1]).to.include({ reason: 'reuse' });
    });

    it('are refused when forged, of another secret, or an access token', async () => {
      const [user, session, generation, mac] = ann.refresh_token.split('.');
      const elsewhere = new AccountsNode(world.log, { SECRET_KEY: 'another secret of 32 characters !!!' });
      const forged = [
        `${user}.${session}.2.${mac}`,
        `${ulid()}.${session}.${generation}.${mac}`,
        `${user}.${session}.${generation}.${mac!.slice(1)}A`,
        `${user}.${session}.${generation}.`,
        `${ann.refresh_token}A`,
        ann.access_token,
        '\u0000',
      ];
      for (const token of forged) {
        expect(await codeOf(node.refresh(token)), token).to.equal('unauthenticated');
        expect(await codeOf(node.run('session.end', { refresh_token: token }))).to.equal('unauthenticated');
      }
      expect(await codeOf(elsewhere.refresh(ann.refresh_token))).to.equal('unauthenticated');
      expect(await node.isIn(ann)).to.equal('ok');
    });
  });

  describe('access tokens', () => {
    let ann: LoggedIn;
    beforeEach(async () => {
      ann = await node.register('ann');
    });

    it('expire', async () => {
      const now = Date.now();
      const { expiresAt } = await node.chat.identity.authenticate(ann.access_token, now);
      expect(expiresAt).to.be.within(now + 29 * MINUTE, now + 30 * MINUTE);
      expect(await node.isIn(ann, expiresAt - 1)).to.equal('ok');
      expect(await node.isIn(ann, expiresAt)).to.equal('token_expired');
      expect(await node.isIn(ann, expiresAt + MINUTE)).to.equal('token_expired');
    });

    it('are refused with another algorithm, issuer, audience, secret or form', async () => {
      const { sub, sid, exp } = jwt.decode(ann.access_token) as Json;
      const claims = { sub, sid, exp, iss: 'rill', aud: 'rill' };
      const head = (alg: string) => Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
      const [, payload, signature] = ann.access_token.split('.');
      const bad = [
        jwt.sign(claims, SECRET_KEY, { algorithm: 'HS384' }),
        jwt.sign(claims, 'another secret of 32 characters !!!'),
        jwt.sign({ ...claims, iss: 'other' }, SECRET_KEY),
        jwt.sign({ ...claims, aud: 'other' }, SECRET_KEY),
        jwt.sign({ sub, exp, iss: 'rill', aud: 'rill' }, SECRET_KEY),
        `${head('none')}.${payload}.`,
        `${head('none')}.${payload}.${signature}`,
        `${ann.access_token}x`,
        ann.refresh_token,
        '',
        'x'.repeat(100_000),
      ];
      for (const token of bad) {
        expect(await codeOf(node.chat.identity.authenticate(token, Date.now())), token.slice(0, 80)).to.equal(
          'unauthenticated',
        );
      }
      const expiredElsewhere = jwt.sign({ ...claims, exp: 1 }, 'another secret of 32 characters !!!');
      expect(await codeOf(node.chat.identity.authenticate(expiredElsewhere, Date.now()))).to.equal('unauthenticated');
    });

    it('cost Redis one look in five seconds', async () => {
      const look = sinon.spy(world.log, 'guardField');
      const now = Date.now();
      for (const later of [0, 1, 4_999]) await node.isIn(ann, now + later);
      expect(look.callCount).to.equal(1);
      await node.isIn(ann, now + 5_000);
      expect(look.callCount).to.equal(2);
      await node.isIn(ann, now - 60_000);
      expect(look.callCount).to.equal(3);
    });

    it('stop at once where the session ended, and elsewhere within five seconds, or as soon as the event is heard', async () => {
      const [near, far, hearing] = [
        node,
        new AccountsNode(await world.another()),
        new AccountsNode(await world.another()),
      ];
      const now = Date.now();
      for (const each of [near, far, hearing]) expect(await each.isIn(ann, now)).to.equal('ok');
      await near.logOut(ann);
      expect(await near.isIn(ann, now)).to.equal('unauthenticated');
      expect(await far.isIn(ann, now + 4_999)).to.equal('ok');
      expect(await far.isIn(ann, now + 5_000)).to.equal('unauthenticated');
      hearing.chat.identity.forget(ann.user.id);
      expect(await hearing.isIn(ann, now)).to.equal('unauthenticated');
    });

    it('are not believed because of a look that was under way while the session ended', async () => {
      const real = world.log.guardField.bind(world.log);
      const look = sinon.stub(world.log, 'guardField').callsFake(async (...args) => {
        const found = await real(...args);
        look.restore();
        await node.logOut(ann);
        return found;
      });
      const now = Date.now();
      expect(await node.isIn(ann, now)).to.equal('ok');
      expect(await node.isIn(ann, now)).to.equal('unauthenticated');
    });
  });

  describe('a list of sessions', () => {
    let ann: LoggedIn;
    beforeEach(async () => {
      ann = await node.register('ann');
    });

    it('are listed with where they come from', async () => {
      const details = { ip: '2001:db8::1', userAgent: `Mozilla/5.0 "ü" ${'x'.repeat(1_000)}` };
      const second = await node.logIn('ann', PASSWORD, details);
      const caller = await node.asCaller(second);
      const list = await node.ask('sessions.list', {}, caller);
      expect(list).to.include({ next_cursor: null, has_more: false });
      const items = list['items'] as Json[];
      expect(items).to.have.length(2);
      const mine = items.find((s) => s['current'])!;
      expect(mine).to.include({
        id: caller.caller.sessionId,
        ip: details.ip,
        user_agent: details.userAgent.slice(0, 256),
      });
      expect(mine['created_at']).to.equal(mine['last_used_at']);
      expect(mine['created_at']).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Object.keys(mine)).to.have.members(['id', 'created_at', 'last_used_at', 'user_agent', 'ip', 'current']);
    });

    it('come page by page, the most recently used first', async () => {
      for (let i = 0; i < 4; i += 1) await node.logIn('ann');
      const caller = await node.asCaller(ann);
      const page = async (query: Json) => node.ask('sessions.list', query, caller);
      const all = (await page({}))['items'] as Json[];
      const times = all.map((session) => String(session['last_used_at']));
      expect(times).to.deep.equal(times.toSorted().toReversed());
      const paged: Json[] = [];
      for (let cursor: unknown; cursor !== null;) {
        const { items, next_cursor } = await page({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        paged.push(...(items as Json[]));
        cursor = next_cursor;
      }
      expect(all).to.have.length(5);
      expect(paged).to.deep.equal(all);
    });

    it('are read alone as in the list, by nobody else', async () => {
      const caller = await node.asCaller(ann);
      const [listed] = (await node.ask('sessions.list', {}, caller))['items'] as Json[];
      const id = String(listed!['id']);
      expect(await node.ask('sessions.one', { id }, caller)).to.deep.equal(listed);
      const bob = await node.asCaller(await node.register('bob'));
      expect(await codeOf(node.ask('sessions.one', { id }, bob))).to.equal('not_found');
      await node.logOut(ann);
      expect(await codeOf(node.ask('sessions.one', { id }, caller))).to.equal('not_found');
    });

    it('are not shown once they expired', async () => {
      const caller = await node.asCaller(ann);
      const later = { ...caller, now: Date.now() + 8 * 86_400_000 };
      expect((await node.ask('sessions.list', {}, later))['items']).to.deep.equal([]);
      const { sessionId: id } = caller.caller;
      expect(await codeOf(node.ask('sessions.one', { id }, later))).to.equal('not_found');
    });

    it('end by logging out: twice is fine, a spent token too', async () => {
      const next = await node.refresh(ann.refresh_token);
      expect(await node.isIn(ann)).to.equal('ok');
      const { body, eventId } = await node.logOut(ann);
      expect(body).to.equal(undefined);
      expect(eventId).to.match(/-2$/);
      for (const pair of [ann, next]) expect(await node.isIn(pair)).to.equal('unauthenticated');
      expect(await codeOf(node.logOut(ann))).to.equal('ok');
      expect(await codeOf(node.refresh(next.refresh_token))).to.equal('unauthenticated');
      expect(await node.eventsOf(ann.user.id)).to.have.length(2);
    });

    it('end one by one, or all others', async () => {
      const [second, third] = [await node.logIn('ann'), await node.logIn('ann')];
      const caller = await node.asCaller(ann);
      const { sessionId } = (await node.asCaller(second)).caller;
      await node.run('session.revoke', { id: sessionId }, caller);
      expect(await node.isIn(second)).to.equal('unauthenticated');
      expect(await codeOf(node.run('session.revoke', { id: sessionId }, caller))).to.equal('not_found');
      await node.run('session.revoke_others', {}, caller);
      expect([await node.isIn(ann), await node.isIn(third)]).to.deep.equal(['ok', 'unauthenticated']);
      const ended = (await node.eventsOf(ann.user.id)).filter(([type]) => type === 'session.ended');
      expect(ended.map(([, data]) => data['reason'])).to.deep.equal(['revoked', 'revoked']);
    });

    it('of somebody else cannot be ended', async () => {
      const ben = await node.register('ben');
      const { sessionId } = (await node.asCaller(ben)).caller;
      expect(await codeOf(node.run('session.revoke', { id: sessionId }, await node.asCaller(ann)))).to.equal(
        'not_found',
      );
      expect(await node.isIn(ben)).to.equal('ok');
    });

    it('name the session that an event ends, for the gateways', () => {
      const ending = events.find((e) => e.type === 'session.ended');
      expect(ending?.endsSession?.({ session_id: 'S', reason: 'logout' } as never)).to.equal('S');
    });
  });

  describe('tickets', () => {
    let ann: LoggedIn;
    const issue = async (): Promise<string> => {
      const { body } = await node.run('ticket.issue', {}, await node.asCaller(ann));
      expect(body).to.include({ expires_in: 30 });
      return (body as { ticket: string }).ticket;
    };
    beforeEach(async () => {
      ann = await node.register('ann');
    });

    it('stand for the caller, once, on any node', async () => {
      const ticket = await issue();
      const now = Date.now();
      const redeemed = await new AccountsNode(await world.another()).chat.identity.redeemTicket(ticket, now);
      expect(redeemed.caller).to.deep.equal((await node.asCaller(ann)).caller);
      expect(redeemed.expiresAt).to.be.within(now + 29 * MINUTE, now + 30 * MINUTE);
      expect(await codeOf(node.chat.identity.redeemTicket(ticket, now))).to.equal('unauthenticated');
    });

    it('open one door, however many knock at once', async () => {
      const ticket = await issue();
      const codes = await Promise.all(
        [1, 2, 3, 4].map(() => codeOf(node.chat.identity.redeemTicket(ticket, Date.now()))),
      );
      expect(codes.filter((code) => code === 'ok')).to.have.length(1);
    });

    it('are worth nothing when invented or when the session has ended', async () => {
      const ticket = await issue();
      expect(ticket).not.to.equal(await issue());
      for (const invented of ['', 'x', 'A'.repeat(43), '{}:*'.repeat(11)]) {
        expect(await codeOf(node.chat.identity.redeemTicket(invented, Date.now()))).to.equal('unauthenticated');
      }
      await node.logOut(ann);
      expect(await codeOf(node.chat.identity.redeemTicket(ticket, Date.now()))).to.equal('unauthenticated');
    });
  });
});
