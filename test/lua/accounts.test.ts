/** The scripts of accounts against their headers: given what is there, when one runs, then these events and no others, or a refusal. */
import { expect } from 'chai';
import { ChatError } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import type { Append } from '../../src/log/log.ts';
import { topologies, useWorld } from '../support/world.ts';

const ANN = '01K00000000000000000000ANN';
const BEN = '01K00000000000000000000BEN';
const session = (n: number): string => `01K000000000000000000S${String(n).padStart(4, '0')}`;
const REQUEST = '01K0000000000000000000000R';
const DAY = 86_400_000;
const LIFETIME = String(7 * DAY);

for (const topology of topologies) {
  describe(`scripts of accounts on ${topology}`, () => {
    const world = useWorld(topology);
    const redis = () => world.log.connection.commands;
    const keyOf = (name: string, user = ANN) => world.log.keys.of(userStream(user), name);

    const run = (script: string, args: Append['args'], more: Partial<Append> = {}) =>
      world.log.append({ script, stream: userStream(ANN), actorId: ANN, args, ...more });

    const register = (args: Append['args'] = {}, user = ANN) =>
      run(
        'user.register',
        {
          claimed: String(Date.now()),
          username: 'Ann',
          email: 'ann@example.org',
          password: 'hash-1',
          session: session(1),
          details: 'e30',
          welcome: '',
          data: '{"username":"Ann","display_name":"Annie","avatar_url":null}',
          entries: [`ann\n${user}`, `annie\n${user}`],
          ...args,
        },
        { stream: userStream(user), actorId: user },
      );

    const start = (n: number, args: Append['args'] = {}) =>
      run('session.start', { proved: 'hash-1', session: session(n), lifetime: LIFETIME, details: 'e30', ...args });

    const refresh = (generation: number, args: Append['args'] = {}) =>
      run('session.refresh', {
        session: session(1),
        generation: String(generation),
        lifetime: LIFETIME,
        details: 'bmV3',
        ...args,
      });

    async function events(user = ANN): Promise<[string, unknown][]> {
      const rows = await redis().xrange(keyOf('log', user), '-', '+');
      return rows.map(([, fields]) => [fields[1]!, (JSON.parse(fields[3]!) as { data: unknown }).data]);
    }

    const ended = (n: number, reason: string) => ['session.ended', { session_id: session(n), reason }];
    const sessions = async (): Promise<string[]> =>
      (await redis().hkeys(keyOf('sessions'))).filter((id) => id !== '-').toSorted();
    const directory = () => redis().zrange(keyOf('users'), '0', '-1');

    async function changeSession(n: number, change: (fields: string[]) => void): Promise<void> {
      const fields = (await redis().hget(keyOf('sessions'), session(n)))!.split(' ');
      change(fields);
      await redis().hset(keyOf('sessions'), session(n), fields.join(' '));
    }

    async function dump(): Promise<Record<string, string>> {
      const all: Record<string, string> = {};
      for (const master of world.log.connection.masters()) {
        for (const key of await master.keys('*')) all[key] = (await master.dumpBuffer(key))!.toString('latin1');
      }
      return all;
    }

    /** The refusal's code, once it is sure that nothing was written. */
    async function refusal(work: () => Promise<unknown>): Promise<string> {
      const before = await dump();
      const error: unknown = await work().then(
        () => undefined,
        (e: unknown) => e,
      );
      if (!(error instanceof ChatError)) throw error ?? new Error('was not refused');
      expect(await dump()).to.deep.equal(before);
      return error.code;
    }

    describe('user.register', () => {
      it('writes event, secrets, directory and first session at once', async () => {
        const { status, id } = await register();
        expect(status).to.equal('ok');
        expect(id).to.match(/^\d+-1$/);
        expect(await events()).to.deep.equal([
          ['user.registered', { username: 'Ann', display_name: 'Annie', avatar_url: null }],
        ]);
        expect(await redis().hgetall(keyOf('account'))).to.deep.equal({
          username: 'Ann',
          email: 'ann@example.org',
          password: 'hash-1',
          username_entry: `ann\n${ANN}`,
          name_entry: `annie\n${ANN}`,
        });
        expect(await directory()).to.deep.equal([`ann\n${ANN}`, `annie\n${ANN}`]);
        expect(await redis().hget(keyOf('sessions'), session(1))).to.match(/^1 (\d+) \1 0 e30$/);
        expect(await redis().hget(keyOf('head'), 'registered')).to.equal(id);
      });

      it('answers a second run of the same with the first event', async () => {
        const { id } = await register();
        expect(await register()).to.deep.equal({ status: 'duplicate', id });
        expect(await events()).to.have.length(1);
      });

      it('is too late once its claim may go to someone else', async () => {
        const claimed = String(Date.now() - 32_000);
        expect(await refusal(() => register({ claimed }))).to.equal('unavailable');
      });

      it('also takes a user into whose stream something came before', async () => {
        await run('inbox.update', { conversation: '01K00000000000000000000C01', event: '1-1', state: 'joined' });
        expect((await register()).status).to.equal('ok');
      });
    });

    describe('user.update', () => {
      beforeEach(() => register());
      const update = (name: string, more: Partial<Append> = {}) =>
        run(
          'user.update',
          { entry: `${name.toLowerCase()}\n${ANN}`, data: JSON.stringify({ display_name: name }) },
          { requestId: REQUEST, body: name, ...more },
        );

      it('appends what changed and moves the directory entry', async () => {
        await update('Bea');
        expect((await events()).at(-1)).to.deep.equal(['user.updated', { display_name: 'Bea' }]);
        expect(await directory()).to.deep.equal([`ann\n${ANN}`, `bea\n${ANN}`]);
      });

      it('keeps the username in the directory when the display name was the same', async () => {
        await update('ANN');
        expect(await directory()).to.deep.equal([`ann\n${ANN}`]);
        await update('Bea', { requestId: undefined });
        expect(await directory()).to.deep.equal([`ann\n${ANN}`, `bea\n${ANN}`]);
      });

      it('does the same request once, and refuses its id for another', async () => {
        const first = await update('Bea');
        expect(await update('Bea')).to.deep.equal({ status: 'duplicate', id: first.id });
        expect(await refusal(() => update('Cleo'))).to.equal('conflict');
        expect(await events()).to.have.length(2);
      });

      it('appends nothing where nothing changes', async () => {
        expect((await run('user.update', { entry: '', data: '' })).status).to.equal('unchanged');
        const once = { requestId: '01K0000000000000000000000Q', body: 'as it is' };
        expect((await run('user.update', { entry: '', data: '' }, once)).status).to.equal('unchanged');
        // The node works the change out from what is there: a repeat may meet another name.
        expect((await run('user.update', { entry: '', data: '{"bio":"old"}' }, once)).status).to.equal('unchanged');
        expect(await events()).to.have.length(1);
      });

      it('refuses who is not there, or not any more', async () => {
        const noBen = () => update('Bea', { stream: userStream(BEN), actorId: BEN });
        expect(await refusal(noBen)).to.equal('not_found');
        await run('user.delete', { proved: 'hash-1', erase: '' });
        expect(await refusal(() => update('Bea'))).to.equal('not_found');
      });
    });

    describe('user.change_password', () => {
      beforeEach(async () => {
        await register();
        await start(2);
        await start(3);
      });
      const change = (args: Append['args'] = {}, more: Partial<Append> = {}) =>
        run('user.change_password', { proved: 'hash-1', password: 'hash-2', kept: session(2), ...args }, more);

      it('ends every session but the one kept', async () => {
        await change();
        expect((await events()).slice(1)).to.deep.equal([ended(1, 'password_changed'), ended(3, 'password_changed')]);
        expect(await sessions()).to.deep.equal([session(2)]);
        expect(await redis().hget(keyOf('account'), 'password')).to.equal('hash-2');
      });

      it('refuses a password that was not proved, or was changed meanwhile', async () => {
        expect(await refusal(() => change({ proved: '' }))).to.equal('wrong_credentials');
        expect(await refusal(() => change({ proved: 'hash-0' }))).to.equal('wrong_credentials');
      });

      it('knows a repeat by its request id, with and without an event, and by its hash', async () => {
        const again = { requestId: REQUEST, body: 'blinded' };
        const first = await change({}, again);
        expect(await change({ proved: '', password: '' }, again)).to.deep.equal({ status: 'duplicate', id: first.id });
        const quiet = { requestId: '01K0000000000000000000000Q', body: 'blinded' };
        expect((await change({ proved: 'hash-2', password: 'hash-3' }, quiet)).status).to.equal('unchanged');
        expect((await change({ proved: '', password: '' }, quiet)).status).to.equal('unchanged');
        expect((await change({ proved: 'hash-2', password: 'hash-3' })).status).to.equal('unchanged');
        expect(await refusal(() => change({}, { ...quiet, body: 'other' }))).to.equal('conflict');
      });
    });

    describe('user.delete, erasing.advance', () => {
      beforeEach(() => register());

      it('ends sessions, secrets and directory entries; the log stays', async () => {
        await start(2);
        const { id } = await run('user.delete', { proved: 'hash-1', erase: '' });
        expect((await events()).slice(1)).to.deep.equal([
          ended(1, 'account_deleted'),
          ended(2, 'account_deleted'),
          ['user.deleted', {}],
        ]);
        expect(await redis().exists(keyOf('account'), keyOf('sessions'))).to.equal(0);
        expect(await directory()).to.deep.equal([]);
        expect(await run('user.delete', { proved: 'hash-1', erase: '' })).to.deep.equal({ status: 'duplicate', id });
        expect(await redis().hget(keyOf('head'), 'id')).to.equal(id);
        expect(await redis().zrange(keyOf('timers'), '0', '-1')).to.deep.equal([]);
      });

      it('sets a timer for what is to be erased, in the same step', async () => {
        const { id } = await run('user.delete', { proved: 'hash-1', erase: '1' });
        expect(await redis().zscore(keyOf('timers'), `erasing ${ANN}`)).to.equal(id.split('-')[0]);
      });

      it('erasing.advance: one step gives way to the next, once, and never before it is due', async () => {
        await run('user.delete', { proved: 'hash-1', erase: '1' });
        const advance = (done: string, next: string, delay = '0') =>
          world.log.run('erasing.advance', userStream(ANN), { done, next, delay });
        expect(await advance(ANN, `${ANN} 1 x`)).to.deep.equal(['ok']);
        expect(await advance(ANN, `${ANN} 1 y`)).to.deep.equal(['unchanged']);
        expect(await advance(`${ANN} 1 x`, `${ANN} 2`, '60000')).to.deep.equal(['ok']);
        expect(await advance(`${ANN} 2`, '')).to.deep.equal(['unchanged']);
        expect(await redis().zrange(keyOf('timers'), '0', '-1')).to.deep.equal([`erasing ${ANN} 2`, '-']);
      });

      it('refuses a password that was not proved', async () => {
        expect(await refusal(() => run('user.delete', { proved: '', erase: '' }))).to.equal('wrong_credentials');
      });

      it('knows a repeat by its request id, and refuses the id for another', async () => {
        const again = { requestId: REQUEST, body: 'blinded' };
        const { id } = await run('user.delete', { proved: 'hash-1', erase: '' }, again);
        expect(await run('user.delete', { proved: '', erase: '' }, again)).to.deep.equal({ status: 'duplicate', id });
        const other = { ...again, body: 'other' };
        expect(await refusal(() => run('user.delete', { proved: '', erase: '' }, other))).to.equal('conflict');
      });
    });

    describe('session.start', () => {
      beforeEach(() => register());

      it('adds a session and puts nothing into the log', async () => {
        expect((await start(2)).status).to.equal('unchanged');
        expect((await start(2)).status).to.equal('unchanged');
        expect(await sessions()).to.deep.equal([session(1), session(2)]);
        expect(await events()).to.have.length(1);
      });

      it('refuses a password that is not the current one any more', async () => {
        expect(await refusal(() => start(2, { proved: 'hash-0' }))).to.equal('wrong_credentials');
      });

      it('drops expired sessions', async () => {
        await changeSession(1, (fields) => (fields[2] = String(Date.now() - 8 * DAY)));
        await start(2);
        expect(await sessions()).to.deep.equal([session(2)]);
      });

      it('keeps a hundred: the longest unused goes', async () => {
        for (let n = 2; n <= 100; n += 1) await start(n);
        await changeSession(7, (fields) => (fields[2] = String(Date.now() - DAY)));
        expect(await events()).to.have.length(1);
        expect((await start(101)).status).to.equal('ok');
        expect((await events()).slice(1)).to.deep.equal([ended(7, 'revoked')]);
        expect(await sessions()).to.have.length(100);
      });
    });

    describe('session.refresh', () => {
      beforeEach(() => register());
      const record = () => redis().hget(keyOf('sessions'), session(1));
      const ago = (ms: number) => changeSession(1, (fields) => (fields[3] = String(Date.now() - ms)));

      it('rotates', async () => {
        expect(await refresh(1)).to.deep.equal({ status: 'unchanged', id: '' });
        expect(await record()).to.match(/^2 \d+ (\d+) \1 bmV3$/);
        await refresh(2);
        expect(await record()).to.match(/^3 /);
        expect(await events()).to.have.length(1);
      });

      it('takes the token before the current one for ten seconds', async () => {
        await refresh(1);
        const before = await record();
        expect((await refresh(1)).status).to.equal('unchanged');
        expect(await record()).to.equal(before);
        await ago(9_000);
        expect((await refresh(1)).status).to.equal('unchanged');
      });

      it('ends the session when it comes later', async () => {
        await refresh(1);
        await ago(10_001);
        expect((await refresh(1)).status).to.equal('ok');
        expect((await events()).slice(1)).to.deep.equal([ended(1, 'reuse')]);
        expect(await sessions()).to.deep.equal([]);
        expect(await refusal(() => refresh(2))).to.equal('unauthenticated');
      });

      it('ends the session at once for an older one', async () => {
        await refresh(1);
        await refresh(2);
        await refresh(1);
        expect((await events()).slice(1)).to.deep.equal([ended(1, 'reuse')]);
      });

      it('takes one ahead of the record, which a failover set back', async () => {
        await refresh(3);
        expect(await record()).to.match(/^4 /);
      });

      it('refuses an unknown session and one unused for too long', async () => {
        expect(await refusal(() => refresh(1, { session: session(9) }))).to.equal('unauthenticated');
        await changeSession(1, (fields) => (fields[2] = String(Date.now() - 7 * DAY - 1_000)));
        expect(await refusal(() => refresh(1))).to.equal('unauthenticated');
      });
    });

    describe('session.end, session.revoke and session.revoke_others', () => {
      beforeEach(async () => {
        await register();
        await start(2);
        await start(3);
      });

      it('log out once', async () => {
        expect((await run('session.end', { session: session(1) })).status).to.equal('ok');
        expect((await run('session.end', { session: session(1) })).status).to.equal('unchanged');
        expect((await events()).slice(1)).to.deep.equal([ended(1, 'logout')]);
      });

      it('revoke one, once per request', async () => {
        const again = { requestId: REQUEST, body: 2 };
        const first = await run('session.revoke', { session: session(2) }, again);
        expect((await run('session.revoke', { session: session(2) }, again)).id).to.equal(first.id);
        expect(await refusal(() => run('session.revoke', { session: session(2) }))).to.equal('not_found');
        expect(await refusal(() => run('session.revoke', { session: session(3) }, { ...again, body: 3 }))).to.equal(
          'conflict',
        );
        expect((await events()).slice(1)).to.deep.equal([ended(2, 'revoked')]);
      });

      it('revoke the others, once per request', async () => {
        const again = { requestId: REQUEST };
        const first = await run('session.revoke_others', { kept: session(2) }, again);
        expect((await events()).slice(1)).to.deep.equal([ended(1, 'revoked'), ended(3, 'revoked')]);
        expect((await run('session.revoke_others', { kept: session(2) }, again)).id).to.equal(first.id);
        const quiet = { requestId: '01K0000000000000000000000Q' };
        expect((await run('session.revoke_others', { kept: session(2) }, quiet)).status).to.equal('unchanged');
        await start(3);
        expect((await run('session.revoke_others', { kept: session(2) }, quiet)).status).to.equal('unchanged');
        expect(await sessions()).to.deep.equal([session(2), session(3)]);
        const other = { ...again, body: 'other' };
        expect(await refusal(() => run('session.revoke_others', { kept: session(2) }, other))).to.equal('conflict');
      });

      it('keep the chain of the log', async () => {
        await run('session.revoke_others', { kept: session(2) });
        const last = (await redis().xrevrange(keyOf('log'), '+', '-', 'COUNT', 1))[0]!;
        const [id, chain] = await redis().hmget(keyOf('head'), 'id', 'chain');
        expect([id, chain]).to.deep.equal([last[0], last[1][5]!.split(' ')[2]]);
      });
    });
  });
}
