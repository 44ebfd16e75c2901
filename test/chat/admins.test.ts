/** Admins that the command line makes: at once, on every node, until it takes that back or the account ends. */
import { expect } from 'chai';
import { setAdmin } from '../../src/chat/accounts/admins.ts';
import type { ChatError } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import { chatOn } from '../support/command-line.ts';
import { register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('admin.set: admins of the whole server', function () {
  this.timeout(60_000);
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  beforeEach(async () => {
    node = await startNode({ ROLES: 'api' });
    ada = await register(node, 'Ada');
  });

  const statusOf = async ({ token }: User) => {
    const headers = { 'X-Forwarded-For': '203.0.113.8', Authorization: `Bearer ${token}` };
    return (await fetch(`${node.base}/stats`, { headers })).status;
  };

  it('are granted and revoked while servers run, by a name in any case', async () => {
    expect(await statusOf(ada)).to.equal(403);
    expect(await setAdmin(world.log, 'aDA', 'granted')).to.equal(true);
    expect(await statusOf(ada)).to.equal(200);
    expect(await setAdmin(world.log, 'ada', 'granted')).to.equal(false);
    expect(await statusOf(await register(node, 'bob'))).to.equal(403);
    expect(await setAdmin(world.log, 'ada', 'revoked')).to.equal(true);
    expect(await statusOf(ada)).to.equal(403);
    expect(await setAdmin(world.log, 'ada', 'revoked')).to.equal(false);
  });

  it('are none that nobody is, and none who has gone; that writes nothing', async () => {
    await setAdmin(world.log, 'ada', 'granted');
    await ada.rest.call('DELETE', '/users/me', { password: 'correct horse' });
    for (const name of ['ada', 'nobody', 'nobody@example.com', '']) {
      const refused: unknown = await setAdmin(world.log, name, 'granted').catch((error: unknown) => error);
      expect((refused as ChatError).code, name).to.equal('not_found');
    }
    expect(await world.log.guardAll(userStream(ada.id), 'account')).to.deep.equal({});
  });

  it('on the command line', async () => {
    const chat = chatOn(() => ({ ...world.environment, ADMIN_USERNAMES: 'root,ada' }));
    expect(await chat('admin', 'grant', 'ada')).to.deep.equal({ code: 0, output: 'ada is an admin now\n', errors: '' });
    const revoked = await chat('admin', 'revoke', 'ada');
    expect(revoked.output).to.equal('ada is named in ADMIN_USERNAMES, and so stays an admin\n');
    const nobody = await chat('admin', 'grant', 'nobody', '--json');
    expect([nobody.code, nobody.output]).to.deep.equal([1, '']);
    expect(nobody.errors).to.equal('{"error":{"code":"not_found","detail":"There is no user called nobody"}}\n');
  });
});
