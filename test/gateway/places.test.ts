/** How many sockets one user and one address may have, how often one may try, and that whoever ends in whatever way makes room. */
import { connect } from 'node:net';
import { expect } from 'chai';
import { bearer, handshake } from '../support/handshake.ts';
import type { Handshake } from '../support/handshake.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('places of sockets', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  const tryTo = (node: Node, user: User, seen?: string, path = '/api/v1/ws') =>
    handshake(node.base, { path, headers: { ...bearer(user.token), ...(seen ? { 'X-Forwarded-For': seen } : {}) } });

  function expectLimited({ status, headers, body }: Handshake): void {
    expect([status, body['code']]).to.deep.equal([429, 'rate_limited']);
    expect(headers['content-type']).to.equal('application/problem+json');
    expect(Number(headers['retry-after'])).to.be.within(1, 60);
  }

  /** A place is free a moment after its socket is gone. */
  async function hasRoomSoon(attempt: () => Promise<Handshake>): Promise<void> {
    const ends = Date.now() + 5_000;
    while ((await attempt()).status !== 101) expect(Date.now(), 'no place was given back').to.be.below(ends);
  }

  const eventually = async (user: User) => {
    const ends = Date.now() + 5_000;
    for (;;) {
      try {
        return await user.socket();
      } catch (error) {
        if (Date.now() > ends) throw error;
      }
    }
  };

  it('one user has so many, and a closed, a torn and a refused one make room', async () => {
    const node = await startNode({ WS_MAX_CONNECTIONS_PER_USER: '2' });
    const [ada, bob] = [await register(node), await register(node)];
    const [first, second] = [await ada.socket(), await ada.socket()];
    expectLimited(await tryTo(node, ada));
    expect((await tryTo(node, bob)).status).to.equal(101);
    await first.close();
    await hasRoomSoon(() => tryTo(node, ada));
    second.ws.terminate();
    const [third, fourth] = [await eventually(ada), await eventually(ada)];
    expectLimited(await tryTo(node, ada));
    await Promise.all([third.close(), fourth.close()]);
    // Refused after the place was looked for, and before: neither keeps one.
    for (let i = 0; i < 5; i += 1) {
      expect((await tryTo(node, ada, undefined, '/api/v1/ws?resume=no')).status).to.equal(400);
      await noHandshake(node, ada);
    }
    await hasRoomSoon(() => tryTo(node, ada));
  });

  /** An upgrade with a key that is none: refused at the very last. */
  function noHandshake(node: Node, user: User): Promise<void> {
    const { hostname, port } = new URL(node.base);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Authorization: Bearer ${user.token}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n`,
    );
    socket.resume();
    return new Promise((resolve) => socket.once('close', () => resolve()));
  }

  it('one address has so many, as the trusted proxy saw it, an IPv6 network as one', async () => {
    const node = await startNode({ WS_MAX_CONNECTIONS_PER_ADDRESS: '1', TRUSTED_PROXIES: '1' });
    const [ada, bob] = [await register(node), await register(node)];
    const open = (user: User, seen: string) => RawSocket.open(node.base, user.token, { 'X-Forwarded-For': seen });
    const held = [await open(ada, '192.0.2.1:4321'), await open(ada, '2001:db8::1')];
    expectLimited(await tryTo(node, bob, '192.0.2.1:1234'));
    expectLimited(await tryTo(node, bob, '[2001:db8::ffff]:80'));
    expectLimited(await tryTo(node, bob, '203.0.113.9, ::ffff:192.0.2.1'));
    expect((await tryTo(node, bob, '192.0.2.2')).status).to.equal(101);
    expect((await tryTo(node, bob, '2001:db8:0:1::1')).status).to.equal(101);
    for (const socket of held) socket.socket.destroy();
    await hasRoomSoon(() => tryTo(node, bob, '192.0.2.1'));
    await hasRoomSoon(() => tryTo(node, bob, '2001:db8::2'));
  });

  it('one that says nothing any more makes room when it is given up', async () => {
    const node = await startNode({ WS_MAX_CONNECTIONS_PER_USER: '1', WS_HEARTBEAT_INTERVAL: '1' });
    const ada = await register(node);
    const silent = await RawSocket.open(node.base, ada.token);
    expectLimited(await tryTo(node, ada));
    expect((await silent.closed).code).to.equal(4408);
    await hasRoomSoon(() => tryTo(node, ada));
  });

  it('attempts a minute count over all nodes for each address, whether or not they come in', async () => {
    const limits = { RATE_LIMIT_HANDSHAKES_PER_MINUTE: '4', TRUSTED_PROXIES: '1' };
    const nodes = [await startNode(limits), await startNode(limits)] as const;
    const ada = await register(nodes[0]);
    const stranger = { ...ada, token: 'garbage' };
    const at = [tryTo(nodes[0], ada, '192.0.2.1'), tryTo(nodes[1], stranger, '192.0.2.1')];
    expect((await Promise.all(at)).map(({ status }) => status)).to.deep.equal([101, 401]);
    expect((await tryTo(nodes[1], ada, '192.0.2.1:99')).status).to.equal(101);
    expect((await tryTo(nodes[0], ada, '192.0.2.1', '/elsewhere')).status).to.equal(404);
    for (const node of nodes) {
      const refused = await tryTo(node, ada, '192.0.2.1');
      expectLimited(refused);
      expect(refused.headers['ratelimit-policy']).to.equal('"handshakes";q=4;w=60');
    }
    expect((await tryTo(nodes[0], ada, '192.0.2.2')).status).to.equal(101);
  });

  it('who was refused and keeps the connection half open is cut off', async () => {
    const node = await startNode();
    const { hostname, port } = new URL(node.base);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.write(
      'GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await new Promise<void>((resolve) => socket.resume().once('end', () => resolve()));
    const gone = new Promise<void>((resolve) => socket.on('error', () => {}).once('close', () => resolve()));
    // The other end is told of its reset only when it writes.
    const writing = setInterval(() => socket.write('x'), 50);
    await gone;
    clearInterval(writing);
  });
});
