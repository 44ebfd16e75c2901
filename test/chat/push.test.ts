/** Web Push against a service of the test's own that decrypts: what is told, to which devices, once for a burst, and when nothing is. */
import { createECDH, createPublicKey, verify } from 'node:crypto';
import { expect } from 'chai';
import { isQuiet, parseDevice, settingsOf } from '../../src/chat/push/stored.ts';
import { PUSH_KEYS_KEY, userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import type { Json } from '../support/client.ts';
import { Device, PushService } from '../support/push-service.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const SETTINGS = { WEBHOOK_ALLOW_PRIVATE: 'true', PUSH_CONTACT: 'mailto:operator@example.com' };

describe('push.*', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let service: PushService;
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  let name: string;
  let count = 0;
  beforeEach(async () => {
    service = await new PushService().open();
    node = await startNode(SETTINGS);
    name = `pushed${(count += 1)}`;
    [ada, bob] = [await register(node), await register(node, name)];
    id = await group(ada, bob);
  });
  afterEach(() => service.close());

  const subscribe = async (of: User, device = service.device()): Promise<Device> => {
    const { status, body } = await of.rest.post('/push-subscriptions', device.subscription);
    expect(status, JSON.stringify(body)).to.equal(201);
    return device;
  };
  const list = async (of: User) =>
    (await of.rest.get<{ items: Json[]; public_key: string }>('/push-subscriptions')).body;
  const say = async (content: string) => {
    const { status, body } = await ada.rest.post(`/conversations/${id}/messages`, { content });
    expect(status).to.equal(201);
    return String(body['id']);
  };
  const mention = (text: string) => say(`@${name} ${text}`);
  const notified = (many: number) =>
    until(`${many} notifications`, async () => {
      const { items } = (await bob.rest.get<{ items: Json[] }>('/notifications')).body;
      return items.length === many;
    });
  /** Nothing is on its way to a user any more. */
  const settled = (of: User) =>
    until('no push waits', async () => {
      const { keys, connection } = world.log;
      const stream = userStream(of.id);
      const [timer, newest] = await Promise.all([
        connection.commands.zscore(keys.of(stream, 'timers'), `push ${of.id}`),
        world.log.guardField(stream, 'push', 'newest'),
      ]);
      return timer === null && newest === null;
    });

  it('tell every device of a burst once, encrypted for it and signed by the server', async () => {
    const devices = [await subscribe(bob), await subscribe(bob)];
    for (const text of ['one', 'two', 'three']) await mention(text);
    await notified(3);
    await until('both are told', () => devices.every(({ pushes }) => pushes.length > 0));
    await settled(bob);
    const [push, ...more] = devices[0]!.pushes;
    expect(more).to.deep.equal([]);
    expect(devices[1]!.pushes).to.have.length(1);
    const { username } = (await ada.rest.get<{ username: string }>('/users/me')).body;
    expect(push!.told).to.include({
      kind: 'mention',
      conversation_id: id,
      actor_id: ada.id,
      unread_count: 3,
      title: username,
      body: `@${name} three`,
    });
    expect(push!.headers).to.include({
      'content-encoding': 'aes128gcm',
      ttl: '86400',
      topic: String(push!.told['notification_id']),
    });
    const [, jwt = '', key = ''] = /^vapid t=([^,]+), k=(.+)$/.exec(String(push!.headers['authorization']))!;
    const { public_key } = await list(bob);
    expect(key).to.equal(public_key);
    const point = Buffer.from(key, 'base64url');
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' });
    const [head, claims, signature] = jwt.split('.') as [string, string, string];
    const proof = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', Buffer.from(`${head}.${claims}`), proof, Buffer.from(signature, 'base64url'))).to.equal(
      true,
    );
    const { sub, aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Json;
    expect([sub, aud]).to.deep.equal(['mailto:operator@example.com', new URL(devices[0]!.endpoint).origin]);
  });

  it('come again, under the same id, where who pushed died before it could say so, and not an hour late after a clock that was ahead', async () => {
    const device = await subscribe(bob);
    const { keys, connection } = world.log;
    const stream = userStream(bob.id);
    const timers = keys.of(stream, 'timers');
    await mention('hello');
    await until('it comes', () => device.pushes.length === 1);
    await settled(bob);
    const topic = String(device.pushes[0]!.headers['topic']);
    // As whoever pushed has left it: to be told of still, and another's turn by now.
    const [raw] = (await world.log.readAfter(stream, '0-0')).filter(({ type }) => type === 'notification.created');
    await connection.commands.hset(keys.of(stream, 'push'), 'newest', raw!.id);
    await connection.commands.zadd(timers, Date.now() - 1, `push ${bob.id}`);
    await until('it comes again', () => device.pushes.length === 2);
    expect(device.pushes[1]!.headers['topic']).to.equal(topic);
    await settled(bob);
    await connection.commands.hdel(keys.of(stream, 'push'), 'last');
    await connection.commands.zadd(timers, Date.now() + 3_600_000, `push ${bob.id}`);
    await mention('later');
    await until('the next comes', () => device.pushes.length === 3);
  });

  it('say nothing of what was said where previews are off, or the message is gone', async () => {
    const device = await subscribe(bob);
    await bob.rest.call('PATCH', '/users/me/push', { previews: false });
    await mention('a secret');
    await until('it comes', () => device.pushes.length === 1);
    expect(device.pushes[0]!.told).to.have.all.keys(
      'notification_id',
      'kind',
      'conversation_id',
      'message_id',
      'actor_id',
      'unread_count',
    );
    await bob.rest.call('PATCH', '/users/me/push', { previews: true });
    await world.log.connection.commands.hdel(world.log.keys.of(userStream(bob.id), 'push'), 'last');
    const gone = await mention('taken back');
    await notified(2);
    await ada.rest.call('DELETE', `/conversations/${id}/messages/${gone}`);
    await until('the next comes', () => device.pushes.length === 2);
    expect(device.pushes[1]!.told).not.to.have.property('body');
  });

  it('do not come while the user looks, has read it, or wants quiet', async () => {
    const device = await subscribe(bob);
    const socket = await bob.socket();
    await mention('while looking');
    await notified(1);
    await settled(bob);
    await socket.command('presence.set', { status: 'away' });
    await bob.rest.post('/notifications/read');
    await mention('while away');
    await until('it comes', () => device.pushes.length === 1);
    await socket.close();
    const around = (hours: number) => `${String((new Date().getUTCHours() + 24 + hours) % 24).padStart(2, '0')}:00`;
    const quiet = { from: around(-1), to: around(2), time_zone: 'UTC' };
    await bob.rest.call('PATCH', '/users/me/push', { quiet_hours: quiet });
    await world.log.connection.commands.hdel(world.log.keys.of(userStream(bob.id), 'push'), 'last');
    await mention('in the night');
    await notified(3);
    await settled(bob);
    await bob.rest.call('PATCH', '/users/me/push', { quiet_hours: null });
    await world.log.connection.commands.hdel(world.log.keys.of(userStream(bob.id), 'push'), 'last');
    await mention('and read at once');
    await notified(4);
    await bob.rest.post('/notifications/read');
    await settled(bob);
    expect(device.pushes.map(({ told }) => told['body'])).to.deep.equal([`@${name} while away`]);
  });

  it('forget a device of which its service says that it is gone, and keep one that it cannot reach', async () => {
    const [gone, busy, well] = [await subscribe(bob), await subscribe(bob), await subscribe(bob)];
    [gone.status, busy.status] = [410, 500];
    await mention('hello');
    await until('the well one hears', () => well.pushes.length === 1);
    await until('one is forgotten', async () => (await list(bob)).items.length === 2);
    expect((await list(bob)).items.map(({ endpoint }) => endpoint)).to.have.members([busy.endpoint, well.endpoint]);
  });

  it('go to devices that are listed, once each, twenty at most, until they are taken off', async () => {
    const device = await subscribe(bob);
    await subscribe(bob, device);
    expect((await list(bob)).items.map(({ endpoint }) => endpoint)).to.deep.equal([device.endpoint]);
    expect((await list(ada)).items).to.deep.equal([]);
    const [[, value] = []] = Object.entries(await world.log.guardAll(userStream(bob.id), 'push')).filter(([f]) =>
      f.startsWith('@'),
    );
    expect(parseDevice(value!)).to.deep.include(device.subscription);
    const remove = () => bob.rest.call('DELETE', '/push-subscriptions', { endpoint: device.endpoint });
    expect((await remove()).status).to.equal(204);
    expect((await remove()).status).to.equal(204);
    await mention('nobody hears');
    await notified(1);
    await settled(bob);
    expect(device.pushes).to.deep.equal([]);
    const many = Array.from({ length: 22 }, () => service.device());
    for (const one of many) await subscribe(bob, one);
    expect((await list(bob)).items.map(({ endpoint }) => endpoint)).to.have.members(
      many.slice(2).map(({ endpoint }) => endpoint),
    );
  });

  it('are refused for keys that nothing can be encrypted for, and for private addresses', async () => {
    const { keys } = service.device().subscription;
    const compressed = createECDH('prime256v1');
    compressed.generateKeys();
    const strict = await startNode();
    const eve = await register(strict);
    const endpoint = 'https://push.example.com/1';
    const wrong: Json[] = [
      { endpoint: 'nowhere', keys },
      { endpoint: 'http://127.0.0.1/1', keys },
      { endpoint, keys: { ...keys, auth: 'short' } },
      { endpoint, keys: { ...keys, p256dh: 'BAAA' } },
      { endpoint, keys: { ...keys, p256dh: Buffer.alloc(65, 4).toString('base64url') } },
      { endpoint, keys: { ...keys, p256dh: compressed.getPublicKey('base64url', 'compressed') } },
      { endpoint },
    ];
    for (const body of wrong)
      expect((await eve.rest.post('/push-subscriptions', body)).status, JSON.stringify(body)).to.equal(400);
    for (const quiet_hours of [
      { from: '24:00', to: '07:00', time_zone: 'UTC' },
      { from: '22:00', to: '07:00', time_zone: 'Mars/Olympus' },
    ])
      expect((await eve.rest.call('PATCH', '/users/me/push', { quiet_hours })).status).to.equal(400);
    expect((await eve.rest.get('/users/me/push')).body).to.deep.equal({ previews: true, quiet_hours: null });
  });

  it('are signed by one key on all nodes, which outlives the secret that it came from', async () => {
    const { public_key } = await list(bob);
    const other = await startNode({ ...SETTINGS, SECRET_KEY: 'quite another secret, of more than 32 characters' });
    const eve = await register(other);
    expect((await list(eve)).public_key).to.equal(public_key);
    expect(await world.log.connection.commands.get(PUSH_KEYS_KEY)).to.have.length(43);
  });

  it('know when it is quiet, over midnight and in any zone', () => {
    const at = (text: string) => Date.parse(`2026-01-15T${text}:00.000Z`);
    const night = { previews: true, quiet_hours: { from: '22:00', to: '07:00', time_zone: 'Europe/Berlin' } };
    expect(['20:59', '21:00', '05:59', '06:00'].map((time) => isQuiet(night, at(time)))).to.deep.equal([
      false,
      true,
      true,
      false,
    ]);
    const noon = { previews: true, quiet_hours: { from: '12:00', to: '13:00', time_zone: 'UTC' } };
    expect(['11:59', '12:00', '12:59', '13:00'].map((time) => isQuiet(noon, at(time)))).to.deep.equal([
      false,
      true,
      true,
      false,
    ]);
    expect(isQuiet(settingsOf(null), at('03:00'))).to.equal(false);
  });
});
