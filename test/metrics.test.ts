/** What a node counts for Prometheus moves when that happens, and its labels stay few whatever clients send. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { conversationStream } from '../src/keys.ts';
import { until } from '../src/redis/redis-server.ts';
import { Rest } from './support/client.ts';
import { handshake } from './support/handshake.ts';
import { scrape, valueOf } from './support/metrics.ts';
import type { Scraped } from './support/metrics.ts';
import { appendRaw, poisons } from './support/poison.ts';
import { group, register, useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

describe('metrics', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('requests by the form of their address, however strange they are', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    for (let i = 0; i < 3; i += 1) await ada.rest.get(`/conversations/${id}/messages`);
    await ada.rest.get(`/conversations/${ulid()}/messages`);
    for (let i = 0; i < 3; i += 1) await new Rest(node.base).get(`/nothing-${i}`);
    await fetch(`${node.base}/nothing`, { method: 'PROPFIND' });
    const samples = await scrape(node);
    const route = '/api/v1/conversations/{conversation_id}/messages';
    expect(valueOf(samples, 'chat_http_requests_total', { method: 'GET', route, status: '200' })).to.equal(3);
    expect(valueOf(samples, 'chat_http_requests_total', { method: 'GET', route, status: '404' })).to.equal(1);
    expect(valueOf(samples, 'chat_http_request_seconds_count', { method: 'GET', route })).to.equal(4);
    expect(valueOf(samples, 'chat_http_request_seconds_bucket', { method: 'GET', route, le: '+Inf' })).to.equal(4);
    expect(valueOf(samples, 'chat_http_requests_total', { method: 'GET', route: 'none', status: '404' })).to.equal(3);
    expect(valueOf(samples, 'chat_http_requests_total', { method: 'other', route: 'none' })).to.equal(1);
  });

  it('appends, and deliveries from the time of the event to the write; the frames that were written', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    const sockets = [await ada.socket(), await bob.socket()];
    const before = await scrape(node);
    for (const content of ['one', 'two']) await ada.rest.post(`/conversations/${id}/messages`, { content });
    for (const socket of sockets) await socket.until(() => socket.events(id).length >= 2, 'both messages');
    await until('both are counted', async () => {
      return (
        valueOf(await scrape(node), 'chat_delivery_seconds_count') >= valueOf(before, 'chat_delivery_seconds_count') + 2
      );
    });
    const samples = await scrape(node);
    const more = (name: string) => valueOf(samples, name) - valueOf(before, name);
    expect(more('chat_append_seconds_count')).to.be.at.least(2);
    expect(more('chat_append_seconds_sum')).to.be.within(0.000_01, 5);
    // What made the conversation may have been on its way.
    expect(more('chat_delivery_seconds_count')).to.be.within(2, 8);
    expect(more('chat_delivery_seconds_sum')).to.be.within(0, 5);
    expect(more('chat_delivered_frames_total')).to.be.within(4, 16);
  });

  it('who comes back, who must reload, who is refused and why', async () => {
    const node = await startNode({ RATE_LIMIT_MESSAGES_PER_MINUTE: '2' });
    const ada = await register(node);
    const id = await group(ada);
    const socket = await ada.socket('?resume=1');
    await socket.command('session.resume', { cursors: { [id]: '1-1' } });
    await socket.frame(({ type }) => type === 'sync.reset');
    await socket.frame(({ type }) => type === 'session.resumed');
    for (let i = 0; i < 4; i += 1) await ada.rest.post(`/conversations/${id}/messages`, { content: 'x' });
    await handshake(node.base, { path: '/api/v1/ws?token=wrong' });
    await ada.rest.post('/auth/logout', { refresh_token: ada.refreshToken });
    await socket.closed;
    const samples = await scrape(node);
    expect(valueOf(samples, 'chat_resumes_total')).to.equal(1);
    expect(valueOf(samples, 'chat_resets_total')).to.equal(1);
    expect(valueOf(samples, 'chat_rate_limited_total', { action: 'message' })).to.equal(2);
    expect(valueOf(samples, 'chat_handshakes_refused_total', { code: 'unauthenticated' })).to.equal(1);
    expect(valueOf(samples, 'chat_sockets_closed_total', { code: '4501' })).to.equal(1);
    expect(valueOf(samples, 'chat_slow_sockets_dropped_total')).to.equal(0);
  });

  it('how far each group is behind and what stands still, as every node sees it', async () => {
    const node = await startNode({ ROLES: 'api' });
    const ada = await register(node);
    const id = await group(ada);
    const lag = async (at = node) => valueOf(await scrape(at), 'chat_projector_lag_events', { group: 'reactions' });
    expect(await lag()).to.be.above(0);
    const stream = conversationStream(id);
    await appendRaw(world.log, stream, ...poisons['broken JSON']!(stream));
    const worker = await startNode({ ROLES: 'projector' });
    await until('the groups are there', async () => (await lag(node)) === 0 && (await lag(worker)) === 0);
    await until('it stands still', async () => {
      const parked = (await scrape(node)).filter(({ name }) => name === 'chat_parked_streams');
      return parked.some(({ value }) => value > 0);
    });
  });

  it('Redis, its memory and its file, and that it is away', async () => {
    const node = await startNode();
    const samples = await scrape(node);
    expect(valueOf(samples, 'chat_redis_up', { server: 'redis' })).to.equal(1);
    expect(valueOf(samples, 'chat_redis_memory_used_bytes')).to.be.above(500_000);
    expect(valueOf(samples, 'chat_redis_memory_max_bytes')).to.equal(0);
    expect(valueOf(samples, 'chat_redis_file_ok')).to.equal(1);
    expect(valueOf(samples, 'chat_redis_delayed_fsyncs_total')).to.be.at.least(0);
    expect(valueOf(samples, 'chat_redis_round_trip_seconds')).to.be.within(0, 2);
    const connections = valueOf(samples, 'chat_redis_connections');
    expect(connections).to.be.within(3, 20);
    expect(valueOf(samples, 'chat_redis_clients')).to.be.at.least(connections);
    const start = await world.killRedis();
    try {
      let away: Scraped[] = [];
      await until('every connection is seen to be lost', async () => {
        away = await scrape(node);
        return valueOf(away, 'chat_redis_connections') === 0;
      });
      expect(valueOf(away, 'chat_redis_up')).to.equal(0);
      expect(away.some(({ name }) => name === 'chat_redis_memory_used_bytes')).to.equal(false);
      expect(valueOf(away, 'chat_redis_connections_lost_total')).to.be.at.least(connections);
    } finally {
      await start();
    }
  });
});
