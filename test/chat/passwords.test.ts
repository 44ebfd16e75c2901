/** Passwords: which are taken, that every byte counts, what hashing them may cost, and changing one. */
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import sinon from 'sinon';
import { ulid } from 'ulid';
import { Passwords } from '../../src/chat/accounts/passwords.ts';
import { AccountsNode, codeOf, PASSWORD, refusal } from '../support/accounts.ts';
import type { LoggedIn } from '../support/accounts.ts';
import { useWorld } from '../support/world.ts';

describe('passwords', () => {
  const world = useWorld();
  let node: AccountsNode;
  beforeEach(() => {
    node = new AccountsNode(world.log);
  });
  afterEach(() => sinon.restore());

  it('have at most 72 bytes, not characters', async () => {
    await node.register('ann', { password: 'é'.repeat(36) });
    await node.register('ben', { password: 'x'.repeat(72) });
    expect(await codeOf(node.register('cleo', { password: 'é'.repeat(37) }))).to.equal('validation_failed');
    expect(await codeOf(node.register('cleo', { password: 'x'.repeat(73) }))).to.equal('validation_failed');
  });

  it('do not let anybody in who knows the first 72 bytes', async () => {
    await node.register('ann', { password: 'x'.repeat(72) });
    expect(await codeOf(node.logIn('ann', 'x'.repeat(73)))).to.equal('wrong_credentials');
    expect(await codeOf(node.logIn('ann', 'x'.repeat(72)))).to.equal('ok');
  });

  it('count every byte, a NUL too, and are the same however they are composed', async () => {
    await node.register('ann', { password: 'caf\u00e9\0tail-1' });
    expect(await codeOf(node.logIn('ann', 'caf\u00e9\0tail-2'))).to.equal('wrong_credentials');
    expect(await codeOf(node.logIn('ann', 'cafe\u0301\0tail-1'))).to.equal('ok');
  });

  it('are hashed four at a time, a hundred wait, and who comes then is told to come again', async () => {
    const passwords = new Passwords(4);
    const answers: (() => void)[] = [];
    const compare = sinon
      .stub(bcrypt, 'compare')
      .callsFake((() => new Promise((resolve) => answers.push(() => resolve(true)))) as never);
    const all = Array.from({ length: 104 }, () => passwords.verify('p', '$2b$'));
    expect((await refusal(passwords.verify('p', '$2b$'))).code).to.equal('unavailable');
    expect(compare.callCount).to.equal(4);
    while (answers.length > 0) {
      for (const answer of answers.splice(0)) answer();
      await new Promise((resolve) => setImmediate(resolve));
      expect(answers.length).to.be.at.most(4);
    }
    expect(await Promise.all(all)).to.deep.equal(Array.from({ length: 104 }, () => true));
    compare.restore();
    expect(await passwords.verify('p', undefined)).to.equal(false);
  });

  it('compares with a hash that is as slow as a real one', async () => {
    const passwords = new Passwords(10);
    const real = await passwords.hash(PASSWORD);
    const took = async (hash: string | undefined) => {
      const before = process.hrtime.bigint();
      await passwords.verify('wrong horse', hash);
      return Number(process.hrtime.bigint() - before);
    };
    const times = async (hash: string | undefined) => {
      const all = [];
      for (let i = 0; i < 5; i += 1) all.push(await took(hash));
      return Math.min(...all);
    };
    expect((await times(undefined)) / (await times(real))).to.be.within(0.5, 2);
  });

  describe('changing the password', () => {
    const NEW = 'another password';
    let ann: LoggedIn;
    beforeEach(async () => {
      ann = await node.register('ann');
    });
    const change = async (current: string, next: string, requestId?: string) =>
      node.run(
        'user.change_password',
        { current_password: current, new_password: next },
        { ...(await node.asCaller(ann)), requestId },
      );

    it('ends the other sessions', async () => {
      const other = await node.logIn('ann');
      const { eventId } = await change(PASSWORD, NEW);
      expect(eventId).to.match(/-2$/);
      expect([await node.isIn(ann), await node.isIn(other)]).to.deep.equal(['ok', 'unauthenticated']);
      expect(await codeOf(node.refresh(other.refresh_token))).to.equal('unauthenticated');
      expect(await codeOf(node.refresh(ann.refresh_token))).to.equal('ok');
      expect(await codeOf(node.logIn('ann'))).to.equal('wrong_credentials');
      expect(await codeOf(node.logIn('ann', NEW))).to.equal('ok');
    });

    it('wants the current one, and a new one that can be taken', async () => {
      expect(await codeOf(change('wrong horse', NEW))).to.equal('wrong_credentials');
      expect(await codeOf(change(PASSWORD, 'short'))).to.equal('validation_failed');
      expect(await codeOf(node.logIn('ann'))).to.equal('ok');
    });

    it('is done once under one id', async () => {
      const id = ulid();
      await change(PASSWORD, NEW, id);
      await change(PASSWORD, NEW, id);
      expect(await codeOf(change(PASSWORD, 'a third password', id))).to.equal('conflict');
    });

    it('shuts out a log-in that proved the old one at the same time', async () => {
      const real = world.log.append.bind(world.log);
      const append = sinon.stub(world.log, 'append').callsFake(async (command) => {
        append.restore();
        await change(PASSWORD, NEW);
        return real(command);
      });
      expect(await codeOf(node.logIn('ann'))).to.equal('wrong_credentials');
    });
  });
});
