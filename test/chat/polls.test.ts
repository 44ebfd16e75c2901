/** Polls over REST and WebSocket: as messages, with live counts, changed votes, an end, and nothing left of one that was deleted. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { passTime } from '../support/passing.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

interface Poll extends Json {
  id: string;
  options: { text: string; votes: number }[];
}
const WHERE = { question: 'Where to?', options: ['the sea', 'the hills', 'home'] };

inBothWays('polls', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
  });
  const ask = (body: Json = WHERE, headers = {}) => ada.rest.post<Poll>(`/conversations/${id}/polls`, body, headers);
  const vote = (by: User, poll: string, options: unknown) =>
    by.rest.call<Poll>('PUT', `/conversations/${id}/polls/${poll}/votes`, { options });
  const look = async (by: User, poll: string) => (await by.rest.get<Poll>(`/conversations/${id}/polls/${poll}`)).body;
  const counts = ({ options }: Poll) => options.map(({ votes }) => votes);

  it('a poll is a message that everyone is told of and that shows its counts as they change', async () => {
    const socket = await bob.socket();
    const { status, body } = await ask();
    expect(status).to.equal(201);
    expect(body).to.deep.include({ question: 'Where to?', multiple: false, voters: 0, closed_at: null, own_vote: [] });
    const created = await socket.frame((f) => f.type === 'poll.created');
    expect(created.data).to.deep.equal({ poll_id: body.id, ...WHERE, multiple: false, closes_at: null });
    await vote(bob, body.id, [1]);
    await vote(ada, body.id, [0]);
    expect((await vote(bob, body.id, [0])).body).to.deep.include({ own_vote: [0], voters: 2 });
    const told = await socket.frame((f) => f.type === 'poll.voted' && 'before' in f.data);
    expect(told.data).to.deep.equal({ poll_id: body.id, options: [0], before: [1] });
    expect(counts(await look(ada, body.id))).to.deep.equal([2, 0, 0]);
    const message = (await bob.rest.get(`/conversations/${id}/messages/${body.id}`)).body;
    expect(message).to.include({ message_type: 'poll', content: 'Where to?', sender_id: ada.id });
    expect(message['poll']).to.deep.include({ voters: 2, multiple: false });
    expect(counts(message['poll'] as Poll)).to.deep.equal([2, 0, 0]);
    const taken = await vote(bob, body.id, []);
    expect([counts(taken.body), taken.body['voters'], taken.body['own_vote']]).to.deep.equal([[1, 0, 0], 1, []]);
  });

  it('of more than one option each counts', async () => {
    const { body } = await ask({ ...WHERE, multiple: true });
    await vote(ada, body.id, [2, 0]);
    await vote(bob, body.id, [2]);
    expect(await look(ada, body.id)).to.deep.include({ own_vote: [0, 2], voters: 2 });
    expect(counts(await look(bob, body.id))).to.deep.equal([1, 0, 2]);
  });

  it('closed is closed, for everyone and once', async () => {
    const { body } = await ask();
    const close = () => ada.rest.post(`/conversations/${id}/polls/${body.id}/close`);
    expect((await close()).body['closed_at']).to.be.a('string');
    expect((await writesNothing(world, 'again', close)).status).to.equal(200);
    expect((await writesNothing(world, 'late', () => vote(bob, body.id, [1]))).status).to.equal(403);
  });

  it('a repeated request is one poll and answers it', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const first = await ask(WHERE, key);
    const again = await writesNothing(world, 'repeat', () => ask(WHERE, key));
    expect([again.status, again.body]).to.deep.equal([201, first.body]);
    await vote(bob, first.body.id, [1]);
    expect((await writesNothing(world, 'the same', () => vote(bob, first.body.id, [1]))).status).to.equal(200);
  });

  it('of a deleted poll nothing is left to read, and it can neither be edited nor forwarded', async () => {
    const { body } = await ask();
    const path = `/conversations/${id}/messages/${body.id}`;
    expect((await ada.rest.call('PATCH', path, { content: 'other words' })).status).to.equal(403);
    const forward = { forward: { conversation_id: id, message_id: body.id } };
    expect((await bob.rest.post(`/conversations/${id}/messages`, forward)).status).to.equal(404);
    await vote(bob, body.id, [1]);
    expect((await ada.rest.call('DELETE', path)).status).to.be.below(300);
    expect((await bob.rest.get(`/conversations/${id}/polls/${body.id}`)).status).to.equal(404);
    expect((await bob.rest.get(path)).body)
      .to.include({ content: '', is_deleted: true })
      .and.not.have.property('poll');
    const log = await bob.rest.get(`/conversations/${id}/events`);
    expect(JSON.stringify(log.body)).not.to.include('the sea').and.not.to.include('Where to');
  });

  it('by command over a socket', async () => {
    const socket = await ada.socket();
    const poll = (await socket.ask('poll.create', { conversation_id: id, ...WHERE })).data['poll'] as Poll;
    const voted = await socket.ask('poll.vote', { conversation_id: id, poll_id: poll.id, options: [1] });
    expect(counts(voted.data['poll'] as Poll)).to.deep.equal([0, 1, 0]);
    const done = await socket.ask('poll.close', { conversation_id: id, poll_id: poll.id });
    expect((done.data['poll'] as Poll)['closed_at']).to.be.a('string');
  });

  it('bad input gets a clear error and changes nothing', async () => {
    const bodies: Json[] = [
      { question: 'Only one?', options: ['yes'] },
      { question: ' ', options: ['a', 'b'] },
      { question: 'Same?', options: ['a', 'a'] },
      { question: 'Blank?', options: ['a', ' '] },
      { ...WHERE, closes_at: '2001-01-01T00:00:00Z' },
      { ...WHERE, options: Array.from({ length: 21 }, (_, i) => String(i)) },
    ];
    for (const body of bodies) {
      const reply = await writesNothing(world, JSON.stringify(body), () => ask(body));
      expect(reply.status, JSON.stringify(body)).to.equal(400);
    }
    const { body } = await ask();
    for (const options of [[3], [0, 1], [-1], ['0'], [1, 1]]) {
      const reply = await writesNothing(world, JSON.stringify(options), () => vote(bob, body.id, options));
      expect(reply.status, JSON.stringify(options)).to.equal(400);
    }
  });
});

describe('polls that end', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('close at their time, in the name of who made them', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const socket = await ada.socket();
    const closes_at = new Date(Date.now() + 3_600_000).toISOString();
    const { body } = await ada.rest.post(`/conversations/${id}/polls`, { ...WHERE, closes_at });
    expect(body).to.include({ closes_at, closed_at: null });
    await passTime(world, 3_600_000, { userIds: [] });
    const closed = await socket.frame((f) => f.type === 'poll.closed');
    expect(closed).to.deep.include({ actor_id: ada.id, data: { poll_id: body['id'] } });
    expect((await ada.rest.get(`/conversations/${id}/polls/${String(body['id'])}`)).body['closed_at']).to.be.a(
      'string',
    );
  });
});
