/**
 * Outgoing webhooks against targets of the test's own: each event is delivered, signed, to who may see it; a target that fails is tried
 * again, and paused in the end; none is in the way of a send.
 */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { ulid } from 'ulid';
import { HOOK_EVENTS } from '../../src/chat/webhooks/contract.ts';
import { events } from '../../src/chat/index.ts';
import { parseDelivery, parseWebhook, parseWish } from '../../src/chat/webhooks/stored.ts';
import { userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import type { Json } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Made extends Json {
  id: string;
  secret: string;
}

class Target {
  readonly received: Received[] = [];
  status = 200;
  hangs = false;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
        if (!this.hangs) response.writeHead(this.status).end();
      });
    });
  }
  async open(): Promise<this> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return this;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }
  get events(): Json[] {
    return this.received.map(({ body }) => JSON.parse(body) as Json);
  }
  async close(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }
}

describe('webhook.*', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const targets: Target[] = [];
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  let target: Target;
  const open = async () => {
    const one = await new Target().open();
    targets.push(one);
    return one;
  };
  beforeEach(async () => {
    node = await startNode({ WEBHOOK_ALLOW_PRIVATE: 'true' });
    [ada, bob] = [await register(node), await register(node)];
    id = await group(ada, bob);
    target = await open();
  });
  afterEach(() => Promise.all(targets.splice(0).map((one) => one.close())));

  const create = (by: User, more: Json = {}, headers = {}) =>
    by.rest.post<Made>(
      '/webhooks',
      { url: target.url, events: ['message.sent'], conversation_id: id, ...more },
      headers,
    );
  async function made(by: User, more: Json = {}): Promise<Made> {
    const { status, body } = await create(by, more);
    expect(status, JSON.stringify(body)).to.equal(201);
    return body;
  }
  const say = async (by: User, content: string, room = id) => {
    const { status, body } = await by.rest.post(`/conversations/${room}/messages`, { content });
    expect(status).to.equal(201);
    return String(body['id']);
  };
  const deliveries = async (of: User, webhook: string) =>
    (await of.rest.get<{ items: Json[] }>(`/webhooks/${webhook}/deliveries`)).body.items;
  const contents = (of: Target) => of.events.map(({ data }) => (data as Json)['content']);
  /** As if so much time had passed for what waits: all of it is due, and the failing began so long ago. */
  async function pass(of: User, webhook: string, ms: number): Promise<void> {
    const { log } = world;
    const stream = userStream(of.id);
    const redis = log.connection.commands;
    const [state, since, ...rest] = (await log.guardField(stream, 'webhooks', webhook))!.split(' ');
    if (since !== '-')
      await redis.hset(log.keys.of(stream, 'webhooks'), webhook, [state, Number(since) - ms, ...rest].join(' '));
    const due = log.keys.of(stream, 'deliveries_due');
    for (const member of await redis.zrange(due, '0', '-1'))
      if (member !== '-') await redis.zadd(due, Date.now() - 1, member);
    await redis.zadd(log.keys.of(stream, 'timers'), Date.now() - 1, `webhook ${of.id}.${webhook}`);
  }
  const tried = (of: User, webhook: string, tries: number) =>
    until(`try ${tries}`, async () => {
      const [one] = await deliveries(of, webhook);
      return one?.['tries'] === tries && one['result'] !== null && (await isIdle(of, webhook));
    });
  const isIdle = async (of: User, webhook: string) =>
    (await world.log.guardField(userStream(of.id), 'webhooks', webhook))!.split(' ')[2] === '-';

  it('deliver the very event, signed, under a stable id, and list it', async () => {
    const { id: webhook, secret } = await made(ada);
    const { headers } = await bob.rest.post(`/conversations/${id}/messages`, { content: 'grüße' });
    await until('it arrives', () => target.received.length === 1);
    const [{ headers: sent, body }] = target.received as [Received];
    const event = JSON.parse(body) as Json;
    expect(event).to.include({ type: 'message.sent', conversation_id: id, actor_id: bob.id });
    expect(event['id']).to.equal(headers.get('Chat-Event-Id'));
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(sent['chat-signature']))!;
    expect(v1).to.equal(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex'));
    expect(Math.abs(Number(t) * 1_000 - Date.now())).to.be.below(10_000);
    await until('it is noted', async () => (await deliveries(ada, webhook))[0]?.['state'] === 'delivered');
    const [one] = await deliveries(ada, webhook);
    expect(one).to.include({
      id: sent['chat-delivery'],
      webhook_id: webhook,
      conversation_id: id,
      event_id: event['id'],
      event_type: 'message.sent',
      tries: 1,
      result: '200',
      next_try_at: null,
    });
  });

  it('hear of the events that were asked for alone, in one conversation or in all of who made it', async () => {
    const everywhere = await open();
    await made(ada, { events: ['reaction.added', 'message.deleted'] });
    await made(ada, { url: everywhere.url, conversation_id: null, events: ['message.sent'] });
    const second = await group(ada);
    const foreign = await group(bob);
    const first = await say(bob, 'one');
    await say(bob, 'not for ada', foreign);
    await say(ada, 'two', second);
    await ada.rest.call('PUT', `/conversations/${id}/messages/${first}/reactions/${encodeURIComponent('👍')}`);
    await until('both arrive', () => everywhere.received.length === 2 && target.received.length === 1);
    await say(bob, 'three');
    await until('the last arrives', () => contents(everywhere).includes('three'));
    expect(contents(everywhere)).to.have.members(['one', 'two', 'three']);
    expect(target.events.map(({ type }) => type)).to.deep.equal(['reaction.added']);
    expect(HOOK_EVENTS.filter((type) => !events.some((event) => event.type === type))).to.deep.equal([]);
  });

  it('tell nobody who may not see it: who left, who is blocked, what was taken back', async () => {
    const mine = await made(bob);
    target.status = 500;
    const gone = await say(ada, 'taken back');
    await tried(bob, mine.id, 1);
    await ada.rest.call('DELETE', `/conversations/${id}/messages/${gone}`);
    target.status = 200;
    await pass(bob, mine.id, 0);
    await until('it is gone', async () => (await deliveries(bob, mine.id))[0]?.['state'] === 'gone');
    await bob.rest.post(`/conversations/${id}/leave`);
    const witness = await open();
    await made(ada, { url: witness.url });
    await say(ada, 'for members');
    await until('the witness hears', () => contents(witness).includes('for members'));
    expect(contents(target)).to.deep.equal(['taken back']);
  });

  it('are tried eight times over a day, then paused with a notification, and go on when they are told to', async () => {
    const { id: webhook } = await made(ada);
    target.status = 500;
    await say(bob, 'hello');
    for (let tries = 1; tries <= 7; tries += 1) {
      await tried(ada, webhook, tries);
      const [one] = await deliveries(ada, webhook);
      expect(one).to.include({ state: 'pending', result: '500' });
      expect(Date.parse(String(one!['next_try_at']))).to.be.above(Date.now());
      await pass(ada, webhook, tries === 7 ? 86_400_000 : 0);
    }
    await tried(ada, webhook, 8);
    expect((await deliveries(ada, webhook))[0]).to.include({ state: 'failed', tries: 8, next_try_at: null });
    expect(new Set(target.received.map(({ headers }) => headers['chat-delivery'])).size).to.equal(1);
    expect((await ada.rest.get(`/webhooks/${webhook}`)).body).to.include({ state: 'paused' });
    const { items } = (await ada.rest.get<{ items: Json[] }>('/notifications')).body;
    expect(items.map(({ kind, webhook_id, message_id }) => [kind, webhook_id, message_id])).to.deep.equal([
      ['webhook_paused', webhook, null],
    ]);
    target.status = 200;
    await say(bob, 'unheard');
    const resume = () => ada.rest.post(`/webhooks/${webhook}/resume`);
    const witness = await open();
    await made(ada, { url: witness.url });
    await say(bob, 'a witness hears');
    await until('the witness hears', () => contents(witness).includes('a witness hears'));
    expect((await resume()).body).to.include({ state: 'active', failing_since: null });
    expect((await resume()).status).to.equal(200);
    await say(bob, 'heard');
    await until('it goes on', () => target.received.length === 9);
    expect(contents(target).at(-1)).to.equal('heard');
  });

  it('that hang hold up neither a send nor another webhook, and are followed after a crash', async function () {
    this.timeout(20_000);
    target.hangs = true;
    const hanging = await made(ada);
    const healthy = await open();
    await made(ada, { url: healthy.url });
    for (let n = 0; n < 10; n += 1) await say(bob, `message ${n}`);
    await until('the healthy one has all', () => healthy.received.length === 10);
    expect((await deliveries(ada, hanging.id)).some(({ state }) => state === 'delivered')).to.equal(false);
    // Whoever is at it died: another begins when the lease is over.
    const { log } = world;
    const stream = userStream(ada.id);
    const redis = log.connection.commands;
    await node.stop();
    const [state, since, , details] = (await log.guardField(stream, 'webhooks', hanging.id))!.split(' ');
    await redis.hset(log.keys.of(stream, 'webhooks'), hanging.id, [state, since, Date.now() - 1, details].join(' '));
    await pass(ada, hanging.id, 0);
    target.hangs = false;
    target.received.length = 0;
    await startNode({ WEBHOOK_ALLOW_PRIVATE: 'true' });
    await until('all arrive', () => new Set(contents(target)).size === 10);
  });

  it('hear of all that happened in an hour of failures when it is over, under the ids of the first tries', async () => {
    const { id: webhook } = await made(ada);
    target.status = 500;
    await say(bob, 'first');
    for (let tries = 1; tries <= 4; tries += 1) {
      await tried(ada, webhook, tries);
      await pass(ada, webhook, 900_000);
    }
    await tried(ada, webhook, 5);
    await say(bob, 'second');
    await until('it is tried', () => contents(target).includes('second'));
    expect((await ada.rest.get(`/webhooks/${webhook}`)).body).to.include({ state: 'active' });
    target.status = 200;
    await until('nobody is at it', () => isIdle(ada, webhook));
    await pass(ada, webhook, 0);
    const states = async () => (await deliveries(ada, webhook)).map(({ state }) => state);
    await until('both are delivered', async () => (await states()).every((state) => state === 'delivered'));
    expect((await ada.rest.get(`/webhooks/${webhook}`)).body).to.include({ state: 'active', failing_since: null });
    expect(new Set(target.received.map(({ headers }) => headers['chat-delivery'])).size).to.equal(2);
  });

  it('are called at once though somebody was at it by a clock that was ahead', async () => {
    const { id: webhook } = await made(ada);
    const { log } = world;
    const stream = userStream(ada.id);
    const [state, since, , details] = (await log.guardField(stream, 'webhooks', webhook))!.split(' ');
    const value = [state, since, Date.now() + 3_600_000, details].join(' ');
    await log.connection.commands.hset(log.keys.of(stream, 'webhooks'), webhook, value);
    await say(bob, 'hello');
    await until('it arrives', () => target.received.length === 1);
  });

  it('are shown to who made them, made once under one id, and drop what waits when they are deleted', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const [one, two] = [await create(ada, {}, key), await create(ada, {}, key)];
    expect(two.body).to.deep.equal(one.body);
    const { secret, ...shown } = one.body;
    expect((await ada.rest.get<{ items: Json[] }>('/webhooks')).body.items).to.deep.equal([shown]);
    const stored = await world.log.guardField(userStream(ada.id), 'webhooks', shown.id);
    expect(parseWebhook(shown.id, stored!)).to.deep.equal(shown);
    expect(stored).not.to.include(secret);
    const path = `/webhooks/${shown.id}`;
    for (const [method, rest] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/resume'],
      ['GET', '/deliveries'],
    ] as const)
      expect((await bob.rest.call(method, path + rest)).status, method + rest).to.equal(404);
    target.status = 500;
    await say(bob, 'lost');
    await tried(ada, shown.id, 1);
    const [raw] = Object.entries(await world.log.guardAll(userStream(ada.id), 'deliveries')).filter(([f]) => f !== '-');
    expect(parseDelivery(raw![1])).to.include({ webhook_id: shown.id, state: 'pending', tries: 1, result: '500' });
    expect((await ada.rest.call('DELETE', path)).status).to.equal(204);
    expect((await ada.rest.call('DELETE', path)).status).to.equal(404);
    const left = await world.log.guardAll(userStream(ada.id), 'deliveries');
    expect(Object.keys(left)).to.deep.equal([]);
    const hooked = await world.log.guardAll({ kind: 'conversation', id }, 'hooked');
    expect(Object.keys(hooked)).to.deep.equal(['version']);
  });

  it('end with the account of who made them, in direct conversations too', async () => {
    await made(bob, { conversation_id: null });
    const direct = String((await ada.rest.post('/conversations/direct', { user_id: bob.id })).body['id']);
    await bob.rest.call('DELETE', '/users/me', { password: 'correct horse' });
    await say(ada, 'to nobody', direct);
    await until('it is off', async () => {
      const hooked = await world.log.guardAll({ kind: 'conversation', id: direct }, 'hooked');
      return Object.keys(hooked).length === 1;
    });
    expect(target.received).to.deep.equal([]);
  });

  it('whose entry in a list outlived them are taken off by who meets it', async () => {
    const stray = ulid();
    const wish = `${ada.id} - message.sent`;
    expect(parseWish(stray, wish)).to.deep.equal({
      webhook: stray,
      owner: ada.id,
      conversation: undefined,
      types: ['message.sent'],
    });
    await world.log.runAt('webhook.enlist', world.log.keys.partitionOf(id), { webhook: stray, wish });
    await say(bob, 'for nobody');
    await until('it is off', async () => {
      const hooked = await world.log.guardAll({ kind: 'conversation', id }, 'hooked');
      return !(stray in hooked);
    });
  });

  it('are refused for what is no address, no event or no conversation of one’s own, and beyond ten', async () => {
    const strict = await startNode();
    const eve = await register(strict);
    const body = { url: 'https://example.com/hook', events: ['message.sent'] };
    const post = (more: Json) => eve.rest.post('/webhooks', { ...body, ...more });
    const wrong: Json[] = [
      { url: 'ftp://example.com' },
      { url: 'example.com' },
      { url: 'https://user:secret@example.com/' },
      { url: 'http://127.0.0.1/' },
      { url: 'http://[::1]/' },
      { url: 'http://169.254.169.254/latest' },
      { events: [] },
      { events: ['receipt.read'] },
      { events: ['message.sent', 'message.sent'] },
    ];
    for (const more of wrong) expect((await post(more)).status, JSON.stringify(more)).to.equal(400);
    expect((await post({ conversation_id: id })).status).to.equal(404);
    const key = world.log.keys.of(userStream(eve.id), 'webhooks');
    await world.log.connection.commands.hset(
      key,
      ...Array.from({ length: 10 }, () => [ulid(), 'active - - e30']).flat(),
    );
    expect((await post({})).status).to.equal(409);
  });
});
