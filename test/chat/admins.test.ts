/** Admins that the command line makes: at once, on every node, until it takes that back or the account ends. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { setAdmin } from '../../src/chat/accounts/admins.ts';
import type { ChatError } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import { register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

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

  it('on the command line', () => {
    const chat = (...args: string[]) => {
      const environment = { PATH: process.env['PATH'], PARTITIONS: '4', ...world.environment };
      const env = { ...environment, ADMIN_USERNAMES: 'root,ada' };
      const ended = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/chat.ts', 'admin', ...args], {
        cwd: root,
        env,
      });
      return [ended.status, ended.stdout.toString(), ended.stderr.toString()];
    };
    expect(chat('grant', 'ada')).to.deep.equal([0, 'ada is an admin now\n', '']);
    expect(chat('revoke', 'ada')).to.deep.equal([0, 'ada is named in ADMIN_USERNAMES, and so stays an admin\n', '']);
    expect(chat('grant', 'nobody')).to.deep.equal([1, '', 'There is no user called nobody\n']);
  });
});
