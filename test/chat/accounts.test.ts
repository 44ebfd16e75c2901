/** Accounts as their commands and queries show them: registering, profiles, the directory, the end, and what stays secret. */
import type { Context } from '../../src/envelope.ts';
import { expect } from 'chai';
import sinon from 'sinon';
import { ulid } from 'ulid';
import { loginName } from '../../src/chat/accounts/names.ts';
import { profiles } from '../../src/chat/accounts/view.ts';

import { ChatError } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { projector } from '../../src/projector/projector.ts';
import { Views } from '../../src/views/store.ts';
import { AccountsNode, codeOf, PASSWORD, refusal } from '../support/accounts.ts';
import type { Json, LoggedIn } from '../support/accounts.ts';
import { useWorld } from '../support/world.ts';

describe('accounts', () => {
  const world = useWorld();
  let node: AccountsNode;
  beforeEach(() => {
    node = new AccountsNode(world.log);
  });
  afterEach(() => sinon.restore());

  const redis = () => world.log.connection.commands;
  const keyOf = (userId: string, name: string) => world.log.keys.of(userStream(userId), name);
  const claimKey = (name: string) => world.log.keys.of(loginName(name).owner, 'self');

  describe('registering', () => {
    it('answers the user and tokens, and logs what is not secret', async () => {
      const { body, eventId } = await node.run('user.register', {
        username: 'Ann.B',
        password: PASSWORD,
        email: 'Ann@Example.org',
      });
      const { user, ...tokens } = body as LoggedIn;
      expect(Object.keys(user)).to.deep.equal(['id', 'username', 'display_name', 'avatar_url', 'created_at', 'email']);
      expect(user).to.include({ username: 'Ann.B', display_name: 'Ann.B', avatar_url: null, email: 'Ann@Example.org' });
      expect(tokens).to.include({ token_type: 'bearer', expires_in: 1800 });
      expect(eventId).to.match(/^\d+-1$/);
      const data = { username: 'Ann.B', display_name: 'Ann.B', avatar_url: null };
      expect(await node.eventsOf(user.id)).to.deep.equal([['user.registered', data]]);
      expect(await node.ask('users.me', {}, await node.asCaller(tokens))).to.deep.equal(user);
    });

    it('takes a username once, in whatever case: of twenty at the same time one wins', async () => {
      const names = Array.from({ length: 20 }, (_, i) => (i % 2 ? 'Same_Name' : 'same_NAME'));
      const codes = await Promise.all(names.map((name) => codeOf(node.register(name))));
      expect(codes.filter((code) => code === 'ok')).to.have.length(1);
      expect(codes.filter((code) => code === 'conflict')).to.have.length(19);
      const { items } = (await node.ask('users.list', {})) as { items: Json[] };
      expect(items).to.have.length(1);
    });

    it('passes over blanks around a name and an e-mail, there and at the log-in', async () => {
      const { user } = await node.register(' ann\t', { email: '\u00a0ann@example.org ' });
      expect(user).to.include({ username: 'ann', email: 'ann@example.org' });
      for (const name of ['ann ', ' ANN', 'ann@example.org\n']) {
        expect((await node.logIn(name)).user.id, name).to.equal(user.id);
      }
      expect(await codeOf(node.register('ANN '))).to.equal('conflict');
    });

    it('says which field is taken, and gives the username back when it is the e-mail', async () => {
      await node.register('ann', { email: 'ann@example.org' });
      const byName = await refusal(node.register('ANN', { email: 'other@example.org' }));
      expect([byName.code, byName.errors]).to.deep.equal(['conflict', [{ pointer: '/username', message: 'is taken' }]]);
      const byEmail = await refusal(node.register('ben', { email: 'ANN@example.org' }));
      expect([byEmail.code, byEmail.errors]).to.deep.equal(['conflict', [{ pointer: '/email', message: 'is taken' }]]);
      await node.register('ben', { email: 'other@example.org' });
    });

    it('takes over a claim whose user never came to be, once it is a minute old', async () => {
      const ghost = ulid();
      await world.log.run('login.claim', loginName('ann').owner, { user: ghost, instead: '' });
      expect(await codeOf(node.register('Ann'))).to.equal('conflict');
      await redis().hset(claimKey('ann'), 'since', String(Date.now() - 61_000));
      const codes = await Promise.all([1, 2, 3].map(() => codeOf(node.register('Ann'))));
      expect(codes.toSorted()).to.deep.equal(['conflict', 'conflict', 'ok']);
    });

    it('never takes over the claim of a user who is there, or whose username is only retired', async () => {
      const ann = await node.register('ann', { email: 'ann@example.org' });
      const old = String(Date.now() - 3_600_000);
      for (const name of ['ann', 'ann@example.org']) await redis().hset(claimKey(name), 'since', old);
      expect(await codeOf(node.register('ann'))).to.equal('conflict');
      expect(await codeOf(node.register('ben', { email: 'ann@example.org' }))).to.equal('conflict');
      await node.run('user.delete', { password: PASSWORD }, await node.asCaller(ann));
      expect(await codeOf(node.register('ann'))).to.equal('conflict');
    });

    it('takes over the e-mail of a deleted user, where giving it back was lost', async () => {
      const ann = await node.register('ann', { email: 'ann@example.org' });
      await node.run('user.delete', { password: PASSWORD }, await node.asCaller(ann));
      const since = String(Date.now() - 61_000);
      await redis().hset(claimKey('ann@example.org'), { user: ann.user.id, since });
      await node.register('ben', { email: 'ann@example.org' });
    });

    it('gives the claims back when it is sure that there is no user', async () => {
      sinon.stub(world.log, 'append').rejects(new ChatError('unavailable'));
      expect(await codeOf(node.register('ann', { email: 'ann@example.org' }))).to.equal('unavailable');
      sinon.restore();
      await node.register('ann', { email: 'ann@example.org' });
    });

    it('keeps the claims when it is not sure', async () => {
      sinon.stub(world.log, 'append').rejects(new ChatError('unknown_outcome'));
      expect(await codeOf(node.register('ann'))).to.equal('unknown_outcome');
      sinon.restore();
      expect(await codeOf(node.register('ann'))).to.equal('conflict');
    });

    it('refuses what is not a name, an e-mail or a password', async () => {
      const bad: Json[] = [
        { username: 'ab' },
        { username: 'a'.repeat(33) },
        { username: 'with blank' },
        { username: 'ann', email: 'no at' },
        { username: 'ann', email: 'a@b' },
        { username: 'ann', email: `${'a'.repeat(251)}@b.c` },
        { username: 'ann', display_name: ' \u200b ' },
        { username: 'ann', display_name: 'two\nlines' },
        { username: 'ann', display_name: 'n'.repeat(65) },
        { username: 'ann', password: 'short' },
        { username: 'ann', other: 1 },
      ];
      for (const body of bad) {
        expect(await codeOf(node.register('ann', body)), JSON.stringify(body)).to.equal('validation_failed');
      }
      await node.register('ann');
    });

    it('checks an e-mail in one pass, whatever it is', async () => {
      const started = process.cpuUsage().user;
      for (const email of [`${'a.'.repeat(100)}@`, `a@${'a.'.repeat(120)}`, 'a@'.repeat(120)]) {
        expect(await codeOf(node.register('ann', { email }))).to.equal('validation_failed');
      }
      expect(process.cpuUsage().user - started).to.be.below(500_000);
    });

    it('keeps a display name composed, trimmed and without direction marks', async () => {
      const { user } = await node.register('ann', { display_name: '  Ame\u0301lie \u202eevil\u202c ' });
      expect(user).to.include({ display_name: 'Am\u00e9lie evil' });
      expect(await codeOf(node.register('ben', { display_name: '\u{1f600}'.repeat(64) }))).to.equal('ok');
    });
  });

  describe('deleting the account', () => {
    it('ends sessions and gives the e-mail free; the username stays taken, the profile is empty', async () => {
      const left: string[] = [];
      sinon.stub(node.chat.memberships, 'leaveAll').callsFake(async (userId) => void left.push(userId));
      const ann = await node.register('ann', { email: 'ann@example.org', display_name: 'Ann Example' });
      const id = ann.user.id;
      const remove = async (password: string) => node.run('user.delete', { password }, await node.asCaller(ann));
      expect(await codeOf(remove('wrong horse'))).to.equal('wrong_credentials');
      expect(left).to.deep.equal([]);
      await remove(PASSWORD);
      expect(left).to.deep.equal([id]);
      expect((await node.eventsOf(id)).map(([type]) => type)).to.deep.equal([
        'user.registered',
        'session.ended',
        'user.deleted',
      ]);
      expect(await node.isIn(ann)).to.equal('unauthenticated');
      expect(await codeOf(node.refresh(ann.refresh_token))).to.equal('unauthenticated');
      expect(await codeOf(node.logIn('ann'))).to.equal('wrong_credentials');
      expect(await redis().exists(keyOf(id, 'account'), keyOf(id, 'sessions'))).to.equal(0);
      expect(await codeOf(node.ask('users.one', { user_id: id }))).to.equal('not_found');
      expect((await node.ask('users.list', {}))['items']).to.deep.equal([]);
      expect(await codeOf(node.register('ann'))).to.equal('conflict');
      expect(await codeOf(node.register('ben', { email: 'ann@example.org' }))).to.equal('ok');
    });

    it('does not happen when what must come before fails', async () => {
      sinon.stub(node.chat.memberships, 'leaveAll').rejects(new ChatError('unavailable'));
      const ann = await node.register('ann');
      const removing = node.run('user.delete', { password: PASSWORD }, await node.asCaller(ann));
      expect(await codeOf(removing)).to.equal('unavailable');
      expect(await node.isIn(ann)).to.equal('ok');
    });
  });

  describe('profiles', () => {
    let ann: LoggedIn;
    let caller: Pick<Context, 'caller'>;
    beforeEach(async () => {
      ann = await node.register('ann', { email: 'ann@example.org' });
      caller = await node.asCaller(ann);
    });
    const update = async (data: Json, more: Partial<Context> = {}) =>
      node.run('user.update', data, { ...caller, ...more });

    it('change, and the event has only what changed', async () => {
      const { body } = await update({ display_name: 'Annie', avatar_url: 'https://example.org/a.png' });
      expect(body).to.include({ display_name: 'Annie', avatar_url: 'https://example.org/a.png', username: 'ann' });
      await update({ display_name: 'Annie', avatar_url: null });
      expect((await node.eventsOf(ann.user.id)).slice(1)).to.deep.equal([
        ['user.updated', { display_name: 'Annie', avatar_url: 'https://example.org/a.png' }],
        ['user.updated', { avatar_url: null }],
      ]);
      expect((await update({})).eventId).to.equal('');
      expect(await node.eventsOf(ann.user.id)).to.have.length(3);
      for (const bad of [
        { avatar_url: 'javascript:alert(1)' },
        { display_name: '' },
        { username: 'x' },
        { email: 'x' },
      ]) {
        expect(await codeOf(update(bad))).to.equal('validation_failed');
      }
    });

    it('change once under one id', async () => {
      const requestId = ulid();
      const first = await update({ display_name: 'A' }, { requestId });
      await update({ display_name: 'B' });
      expect((await update({ display_name: 'A' }, { requestId })).eventId).to.equal(first.eventId);
      expect(await codeOf(update({ display_name: 'C' }, { requestId }))).to.equal('conflict');
      expect(await node.ask('users.me', {}, caller)).to.include({ display_name: 'B' });
    });

    it('show the e-mail to nobody else', async () => {
      const user = await node.ask('users.one', { user_id: ann.user.id }, caller);
      const fields = ['id', 'username', 'display_name', 'avatar_url', 'created_at', 'presence'];
      expect(Object.keys(user)).to.deep.equal(fields);
      expect(await codeOf(node.ask('users.one', { user_id: ulid() }, caller))).to.equal('not_found');
    });

    it('come by the dozen, one for every id, and tell who lives', async () => {
      const [ben, gone, nobody] = [await node.register('ben'), await node.register('gone'), ulid()];
      await node.run('user.delete', { password: PASSWORD }, await node.asCaller(gone));
      const inboxOnly = ulid();
      const args = { conversation: ulid(), event: '1-1', state: 'joined' };
      await world.log.append({ script: 'inbox.update', stream: userStream(inboxOnly), actorId: ulid(), args });
      const ids = [ann.user.id, ben.user.id, gone.user.id, nobody, inboxOnly, ann.user.id];
      const people = await node.chat.people.people(ids);
      expect(people.get(ann.user.id)).to.deep.equal({
        id: ann.user.id,
        username: 'ann',
        display_name: 'ann',
        avatar_url: null,
      });
      for (const id of [gone.user.id, nobody, inboxOnly]) {
        expect(people.get(id)).to.deep.equal({ id, username: '', display_name: 'Deleted user', avatar_url: null });
      }
      expect(await node.chat.people.exists(ids)).to.deep.equal([ann.user.id, ben.user.id, ann.user.id]);
      expect(await node.chat.people.exists([])).to.deep.equal([]);
    });

    it('are the same from the read model as from the log', async () => {
      await update({ display_name: 'Annie' });
      const gone = await node.register('gone', { display_name: 'Gone Girl' });
      await node.run('user.delete', { password: PASSWORD }, await node.asCaller(gone));
      const me = await node.ask('users.me', {}, caller);
      const worker = projector({
        log: world.log,
        views: new Views(world.log),
        decode: node.chat.decode,
        projections: [profiles] as never,
        groupName: 'views',
        worker: 'test',
        batchSize: 100,
        leaseMs: 10_000,
        gatherMs: 20,
        keepFeedMs: 60_000,
        warn: (message) => world.warnings.push(message),
      });
      await worker.start();
      await worker.stop();
      const { applied, head, doc } = await new Views(world.log).entity(profiles, userStream(ann.user.id));
      expect(applied).to.equal(head);
      expect(doc).to.deep.include({ display_name: 'Annie', avatar_url: '', deleted_at: '' });
      expect(await node.ask('users.me', {}, caller)).to.deep.equal(me);
      expect(await codeOf(node.ask('users.one', { user_id: gone.user.id }))).to.equal('not_found');
      const stored = await redis().hgetall(world.log.keys.view('profiles:v2', userStream(gone.user.id)));
      expect(stored).to.include({ username: '', display_name: '' });
      expect(world.warnings).to.deep.equal([]);
    });
  });

  describe('the directory', () => {
    const list = async (data: Json): Promise<{ items: Json[]; next_cursor: string | null; has_more: boolean }> =>
      (await node.ask('users.list', { limit: 50, ...data })) as never;
    const namesOf = (items: Json[]) => items.map((user) => String(user['username']));

    it('finds by the beginning of either name, in any case, and shows each user once', async () => {
      await node.register('ann_a', { display_name: 'Ann Archer' });
      await node.register('bob', { display_name: 'ANNIE' });
      await node.register('cleo', { display_name: 'Élodie' });
      expect(namesOf((await list({ query: 'aNN' })).items)).to.deep.equal(['ann_a', 'bob']);
      expect(namesOf((await list({ query: 'ÉL' })).items)).to.deep.equal(['cleo']);
      expect(namesOf((await list({ query: 'e\u0301l' })).items)).to.deep.equal(['cleo']);
      expect(namesOf((await list({ query: 'archer' })).items)).to.deep.equal([]);
      expect(namesOf((await list({})).items)).to.deep.equal(['ann_a', 'bob', 'cleo']);
    });

    it('follows a change of name', async () => {
      const ann = await node.register('ann', { display_name: 'Xenia' });
      await node.run('user.update', { display_name: 'Yolanda' }, await node.asCaller(ann));
      expect((await list({ query: 'xen' })).items).to.deep.equal([]);
      expect(namesOf((await list({ query: 'yol' })).items)).to.deep.equal(['ann']);
    });

    it('comes in pages without gap or repetition, whatever the limit', async () => {
      const names = Array.from({ length: 12 }, (_, i) => `user${i}`);
      for (const [i, name] of names.entries())
        await node.register(name, { display_name: i % 3 ? `User ${20 - i}` : `Z${i}` });
      const whole = namesOf((await list({ query: 'user' })).items);
      expect(whole.toSorted()).to.deep.equal(names.toSorted());
      for (const limit of [1, 5, 11, 12]) {
        const seen: unknown[] = [];
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof list>> = await list({
            query: 'user',
            limit,
            ...(cursor ? { cursor } : {}),
          });
          expect(page.items.length).to.be.within(1, limit);
          expect(page.has_more).to.equal(page.next_cursor !== null);
          seen.push(...namesOf(page.items));
          cursor = page.next_cursor;
        } while (cursor);
        expect(seen).to.deep.equal(whole);
      }
      expect(await codeOf(list({ cursor: 'nonsense' }))).to.equal('validation_failed');
    });
  });

  it('leaves no secret in a stream, and of password, tokens and tickets nothing anywhere', async () => {
    const email = 'ann.secret@example.org';
    const ann = await node.register('ann', { email });
    const next = await node.refresh(ann.refresh_token);
    const caller = await node.asCaller(ann);
    const again = await node.logIn(email);
    const { ticket } = (await node.run('ticket.issue', {}, caller)).body as { ticket: string };
    const NEW = 'a new secret password';
    const change = { current_password: PASSWORD, new_password: NEW };
    await node.run('user.change_password', change, { ...caller, requestId: ulid() });
    const [hash] = await world.log.guardFields(userStream(ann.user.id), 'account', ['password']);
    await node.run('user.update', { display_name: 'Annie' }, { ...caller, requestId: ulid() });
    const contents = await everything(world.log);
    await node.run('user.delete', { password: NEW }, { ...caller, requestId: ulid() });
    const after = await everything(world.log);

    const nowhere = [PASSWORD, NEW, ticket, ...[ann, next, again].flatMap((t) => [t.access_token, t.refresh_token])];
    const macs = [ann, next, again].map((t) => t.refresh_token.split('.')[3]!);
    for (const secret of [...nowhere, ...macs]) expect(contents.all + after.all).not.to.include(secret);
    for (const secret of [hash!, '$2b$', email]) {
      expect(contents.all).to.include(secret);
      expect(contents.streams + after.streams).not.to.include(secret);
      expect(after.all).not.to.include(secret);
    }
    expect(after.streams).to.include('user.deleted');
  });
});

/** All that Redis holds, as text: every key with its content, and the streams by themselves. */
async function everything(log: Log): Promise<{ all: string; streams: string }> {
  const texts = { all: '', streams: '' };
  for (const master of log.connection.masters()) {
    for (const key of await master.keys('*')) {
      const type = await master.type(key);
      const content: Record<string, () => Promise<unknown>> = {
        stream: () => master.xrange(key, '-', '+'),
        hash: () => master.hgetall(key),
        zset: () => master.zrange(key, '0', '-1'),
        list: () => master.lrange(key, 0, -1),
        string: () => master.get(key),
      };
      if (!content[type]) throw new Error(`${key} is a ${type}`);
      const text = `${key} ${JSON.stringify(await content[type]())}\n`;
      texts.all += text;
      if (type === 'stream') texts.streams += text;
    }
  }
  return texts;
}
