/** What features hang on a gateway, over real sockets: who is connected, what a command knows of its socket, signals, watching. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Context } from '../../src/envelope.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import type { FrameDoor, Product } from '../../src/gateway/product.ts';
import { userStream } from '../../src/keys.ts';
import { Socket } from '../support/client.ts';
import { bearer, handshake } from '../support/handshake.ts';
import { Gate } from '../support/node-in-memory.ts';
import { message, room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const created_at = new Date(0).toISOString();
const someone = { id: user(1), username: 'al', display_name: 'Al', avatar_url: null, created_at, email: null };
const nobodysProduct: Product = {
  effectsOf: () => [],
  checkMember: async () => {},
  conversationIds: async () => [],
  opening: async () => ({
    ready: `"user":${JSON.stringify(someone)},"conversations":[],"total_unread":0`,
    heads: new Map(),
    userEventId: '0-0',
  }),
  beforeJoining: async () => undefined,
};

describe("a gateway's hooks", () => {
  const world = useWorld();
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** A gateway whose tokens are the users' ids and who nobody is in any conversation. */
  async function startGateway(
    more: Partial<GatewayOptions>,
    product: Partial<Product> = {},
  ): Promise<{ gateway: Gateway; base: string }> {
    const http = createServer((_, response) => response.writeHead(404).end());
    let ids = 0;
    const gateway = new Gateway({
      log: world.log,
      product: { ...nobodysProduct, ...product },
      identity: {
        authenticate: async (token) => ({ caller: { userId: token, sessionId: message(1) }, expiresAt: Infinity }),
        redeemTicket: () => Promise.reject(new Error('there are no tickets here')),
        hasEnded: async () => false,
      },
      door: { frame: async () => ({}) },
      limits: { spend: async () => {} },
      origins: [],
      trustedProxies: 0,
      heartbeatSeconds: 30,
      maxConnections: 0,
      maxPerUser: 0,
      maxPerAddress: 0,
      maxBufferedBytes: 1_000_000,
      maxFramesPerSecond: 0,
      now: () => Date.now(),
      newId: () => `c${(ids += 1)}`,
      warn: (message) => void world.warnings.push(message),
      ...more,
    });
    await gateway.start(http);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    stops.push(async () => {
      await gateway.stop();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    });
    return { gateway, base: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
  }

  it('tells who is connected, each socket by itself, with the device that it names', async () => {
    const told: unknown[] = [];
    const ended = new Gate();
    const { base } = await startGateway({
      sessions: {
        opened: async (session) => void told.push(['opened', session]),
        renewed: async () => {},
        closed: async (session) => {
          told.push(['closed', session]);
          if (told.length === 4) ended.open();
        },
      },
    });
    const sockets = [await Socket.open(base, user(1)), await Socket.open(base, user(1), '?device_id=my-phone_2')];
    for (const socket of sockets) await socket.close();
    await ended.opened;
    const caller = { userId: user(1), sessionId: message(1) };
    const [one, two] = [
      { caller, connectionId: 'c1', deviceId: undefined },
      { caller, connectionId: 'c2', deviceId: 'my-phone_2' },
    ];
    expect(told).to.deep.equal([
      ['opened', one],
      ['opened', two],
      ['closed', one],
      ['closed', two],
    ]);
    expect(world.warnings).to.deep.equal([]);
  });

  it('takes a device id of a certain form only', async () => {
    const { base } = await startGateway({});
    for (const id of ['', 'a b', 'x'.repeat(65), 'é', '{0}']) {
      const path = `/api/v1/ws?device_id=${encodeURIComponent(id)}`;
      const { status, body } = await handshake(base, { path, headers: bearer(user(1)) });
      expect([status, body['code']], id).to.deep.equal([400, 'validation_failed']);
    }
  });

  it('a command may let its socket watch other users, whose signals and public events then come', async () => {
    let from: Context['socket'];
    const frame: FrameDoor['frame'] = async (_, { socket }) => {
      from = socket;
      socket!.watch([user(2)]);
      return {};
    };
    const isPublic = (type: string) => type === 'conversation.joined';
    const { gateway, base } = await startGateway({ door: { frame } }, { isPublic });
    const socket = await Socket.open(base, user(1), '?device_id=d');
    await socket.command('look');
    expect(from).to.include({ connectionId: 'c1', deviceId: 'd' });
    const data = { expires_at: new Date().toISOString() };
    const json = Buffer.from(JSON.stringify({ type: 'typing.started', user_id: user(2), actor_id: user(2), data }));
    gateway.signal({ stream: userStream(user(2)), actorId: user(2), json });
    await socket.frame((frame) => frame.type === 'typing.started');
    await world.log.append({
      script: 'inbox.update',
      stream: userStream(user(2)),
      actorId: user(2),
      args: { conversation: room(1).id, event: '1-1', state: 'joined' },
    });
    await socket.frame((frame) => frame.type === 'conversation.joined' && frame.user_id === user(2));
  });
});
