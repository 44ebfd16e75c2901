/** Who may open a socket, and how a refusal looks. */
import { connect } from 'node:net';
import { expect } from 'chai';
import { Socket } from '../support/client.ts';
import { bearer, handshake, tokenOf } from '../support/handshake.ts';
import type { Handshake } from '../support/handshake.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import type { World } from '../support/world.ts';

export function handshakeSuite(world: World): void {
  describe('handshake', () => {
    const startNode = useNodes(world);
    let node: Node;
    let ada: User;
    beforeEach(async () => {
      node = await startNode({ CORS_ORIGINS: 'https://app.example,https://b.example' });
      ada = await register(node, 'ada');
    });

    const tryTo = (attempt: Parameters<typeof handshake>[1]) => handshake(node.base, attempt);
    const expectRefusal = (refused: Handshake, status: number, code: string) => {
      expect({ status: refused.status, code: refused.body['code'] }).to.deep.equal({ status, code });
      expect(refused.headers['content-type']).to.equal('application/problem+json');
      expect(refused.body).to.have.all.keys('type', 'title', 'status', 'detail', 'code');
      expect(refused.body['status']).to.equal(status);
    };

    it('by header, by sub-protocol and by query', async () => {
      expect((await tryTo({ headers: bearer(ada.token) })).status).to.equal(101);
      const inProtocol = await tryTo({ protocols: ['chat.v1', `bearer.${ada.token}`] });
      expect([inProtocol.status, inProtocol.protocol]).to.deep.equal([101, 'chat.v1']);
      expect((await tryTo({ path: `/api/v1/ws?token=${ada.token}` })).status).to.equal(101);
    });

    it('by a ticket, once', async () => {
      const { body } = await ada.rest.post<{ ticket: string; expires_in: number }>('/auth/ws-ticket');
      expect(body.expires_in).to.equal(30);
      const path = `/api/v1/ws?ticket=${body.ticket}`;
      expect((await tryTo({ path })).status).to.equal(101);
      expectRefusal(await tryTo({ path }), 401, 'unauthenticated');
      expectRefusal(await tryTo({ path: '/api/v1/ws?ticket=nonsense' }), 401, 'unauthenticated');
    });

    it('not without a token that holds', async () => {
      const nothing = await tryTo({});
      expectRefusal(nothing, 401, 'unauthenticated');
      expect(nothing.headers['www-authenticate']).to.equal('Bearer');
      expectRefusal(await tryTo({ headers: bearer('garbage') }), 401, 'unauthenticated');
      expectRefusal(await tryTo({ headers: bearer(tokenOf(ada, 60, 'x'.repeat(40))) }), 401, 'unauthenticated');
      expectRefusal(await tryTo({ headers: bearer(tokenOf(ada, -1)) }), 401, 'token_expired');
      expectRefusal(await tryTo({ protocols: ['chat.v1'] }), 401, 'unauthenticated');
      await ada.rest.post('/auth/logout', { refresh_token: ada.refreshToken });
      expectRefusal(await tryTo({ headers: bearer(ada.token) }), 401, 'unauthenticated');
    });

    it('and no token or ticket stands in any log', async () => {
      const secret = `${ada.token}canary`;
      await tryTo({ path: `/api/v1/ws?token=${secret}` });
      await tryTo({ path: `/api/v1/ws?ticket=${secret}` });
      await tryTo({ path: `//[?token=${secret}` });
      await tryTo({ headers: bearer(secret) });
      expect(node.warnings.join()).to.not.include('canary');
    });

    it('with a slash at the end, and with resume said in either way but in no other', async () => {
      const at = (path: string) => tryTo({ path, headers: bearer(ada.token) });
      for (const path of ['/api/v1/ws/', '/api/v1/ws/?resume=true', '/api/v1/ws?resume=1'])
        expect((await at(path)).status, path).to.equal(101);
      for (const path of ['/api/v1/ws?resume=yes', '/api/v1/ws?resume='])
        expect((await at(path)).status, path).to.equal(400);
    });

    it('from its own origin in whatever letters', async () => {
      const { host } = new URL(node.base);
      const headers = { ...bearer(ada.token), Host: host.toUpperCase(), Origin: `http://${host}` };
      expect((await tryTo({ headers })).status).to.equal(101);
    });

    it('from its own origin, the listed ones and from what is no browser, not from elsewhere', async () => {
      const from = (Origin: string) => tryTo({ headers: { ...bearer(ada.token), Origin } });
      expect((await from(node.base)).status).to.equal(101);
      expect((await from('https://b.example')).status).to.equal(101);
      for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://127.0.0.1:1', 'null']) {
        expectRefusal(await from(origin), 403, 'forbidden');
      }
    });

    it('at the two addresses only', async () => {
      for (const path of ['/', '/api/v1/wss', '/api/v1/ws//', '/api/v1/ws/conversations/abc', '/api/v2/ws', '//[']) {
        expectRefusal(await tryTo({ path, headers: bearer(ada.token) }), 404, 'not_found');
      }
    });

    it('with a sub-protocol that is ours, or none', async () => {
      expectRefusal(await tryTo({ protocols: ['graphql-ws', `bearer.${ada.token}`] }), 400, 'validation_failed');
    });

    it('to one conversation for who is in it', async () => {
      const bob = await register(node, 'bob');
      const id = await group(ada);
      const path = `/api/v1/ws/conversations/${id}`;
      expect((await tryTo({ path, headers: bearer(ada.token) })).status).to.equal(101);
      expectRefusal(await tryTo({ path, headers: bearer(bob.token) }), 404, 'not_found');
      expectRefusal(
        await tryTo({ path: path.replace(id, '0'.repeat(26)), headers: bearer(ada.token) }),
        404,
        'not_found',
      );
    });

    it('in plain HTTP an address of sockets says that it is one', async () => {
      const addresses = ['/api/v1/ws', '/api/v1/ws/', `/api/v1/ws/conversations/${'0'.repeat(26)}`];
      for (const path of addresses) {
        const plain = await fetch(`${node.base}${path}`);
        const { code } = (await plain.json()) as { code: string };
        expect([plain.status, code, plain.headers.get('upgrade')], path).to.deep.equal([
          426,
          'upgrade_required',
          'websocket',
        ]);
        expect(plain.headers.get('connection')).to.equal('Upgrade');
        expect(plain.headers.get('content-type')).to.include('application/problem+json');
        const posted = await fetch(`${node.base}${path}`, { method: 'POST' });
        expect([posted.status, posted.headers.get('allow')], path).to.deep.equal([405, 'GET']);
      }
      expect((await fetch(`${node.base}/api/v1/ws/conversations/abc`)).status).to.equal(404);
    });

    it('what is no handshake is told so, and the node lives on', async () => {
      const { hostname, port } = new URL(node.base);
      const socket = connect(Number(port), hostname);
      socket.write(
        `GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Authorization: Bearer ${ada.token}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n`,
      );
      const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
      expect(answer).to.match(/^HTTP\/1.1 400 /);
      const opened = await Socket.open(node.base, ada.token);
      await opened.close();
    });
  });
}
