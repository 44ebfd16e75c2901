/** Passwords: which are taken, that every byte counts, and what hashing them may cost. */
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import sinon from 'sinon';
import { Passwords } from '../../src/chat/accounts/passwords.ts';
import { AccountsNode, codeOf, PASSWORD, refusal } from '../support/accounts.ts';
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
    expect(await codeOf(node.logIn('ann', 'x'.repeat(73)))).to.equal('unauthenticated');
    expect(await codeOf(node.logIn('ann', 'x'.repeat(72)))).to.equal('ok');
  });

  it('count every byte, a NUL too, and are the same however they are composed', async () => {
    await node.register('ann', { password: 'caf\u00e9\0tail-1' });
    expect(await codeOf(node.logIn('ann', 'caf\u00e9\0tail-2'))).to.equal('unauthenticated');
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
});
