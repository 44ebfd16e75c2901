/** Who has got a message and when: from the marks and from the events after it, by pages, back in time, and where many are in. */
import { expect } from 'chai';
import { conversationStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { inBothWays } from '../support/projecting.ts';
import { user } from '../support/rooms.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

interface Receipt {
  user_id: string;
  delivered_at: string;
  read_at: string | null;
}

inBothWays('the receipts of a message', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob, eve] = [await register(node()), await register(node()), await register(node())];
    id = await group(ada, bob, eve);
  });

  const run = (script: string, actorId: string, args: Record<string, string | string[]>) =>
    world.log.append({ script, stream: conversationStream(id), actorId, args });
  const say = async (by: User) =>
    String((await by.rest.post(`/conversations/${id}/messages`, { content: 'x' })).body['id']);
  const read = (by: User, up_to: string) => by.rest.post(`/conversations/${id}/read`, { up_to });
  const delivered = (by: User, up_to: string) => by.rest.post(`/conversations/${id}/delivered`, { up_to });
  const get = (by: User, message: string, query = '') =>
    by.rest.get<Json & { items: Receipt[] }>(`/conversations/${id}/messages/${message}/receipts${query}`);
  const of = async (message: string, query = '') => (await get(ada, message, query)).body.items;
  /** The time of the newest event. */
  const now = async () => {
    const { id: last } = (await world.log.heads([conversationStream(id)], []))[0]!;
    return new Date(Number(last.split('-')[0])).toISOString();
  };
  const lastId = async () => (await world.log.heads([conversationStream(id)], []))[0]!.id;

  it('say when each mark first passed it, and nothing of who sent it or has not got it', async () => {
    const [first, second] = [await say(ada), await say(ada)];
    expect(await of(first)).to.deep.equal([]);
    await delivered(bob, first);
    const t1 = await now();
    await read(eve, second);
    const t2 = await now();
    await read(bob, second);
    const t3 = await now();
    const expected = [
      { user_id: bob.id, delivered_at: t1, read_at: t3 },
      { user_id: eve.id, delivered_at: t2, read_at: t2 },
    ];
    expect(await of(first)).to.deep.equal(expected);
    expect((await get(bob, first)).body.items).to.deep.equal(expected);
    expect(await of(second)).to.deep.equal([{ ...expected[0], delivered_at: t3 }, expected[1]]);
  });

  it('count an own message as having read what came before', async () => {
    const first = await say(ada);
    await delivered(bob, first);
    const t1 = await now();
    const answer = await say(bob);
    const t2 = await now();
    expect(await of(first)).to.deep.equal([{ user_id: bob.id, delivered_at: t1, read_at: t2 }]);
    expect(await of(answer)).to.deep.equal([]);
  });

  it('stay as they are when the reader marks it unread, and go with who leaves', async () => {
    const first = await say(ada);
    for (const by of [bob, eve]) await read(by, first);
    const before = await of(first);
    await bob.rest.post(`/conversations/${id}/unread`, { from: first });
    expect(await of(first)).to.deep.equal(before);
    await bob.rest.post(`/conversations/${id}/leave`);
    expect(await of(first)).to.deep.equal(before.slice(1));
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [bob.id] });
    await read(bob, await say(ada));
    expect(await of(first)).to.deep.equal(before.slice(1));
  });

  it('were what they were then', async () => {
    const first = await say(ada);
    const unread = await lastId();
    await delivered(bob, first);
    const t1 = await now();
    const place = await lastId();
    await read(bob, first);
    expect(await of(first, `?as_of=${place}`)).to.deep.equal([{ user_id: bob.id, delivered_at: t1, read_at: null }]);
    expect(await of(first, `?as_of=${unread}`)).to.deep.equal([]);
    const second = await say(ada);
    expect((await get(ada, second, `?as_of=${place}`)).status).to.equal(404);
    expect((await get(ada, first, '?as_of=soon')).status).to.equal(400);
  });

  it('come by pages, in the order of joining', async () => {
    const names = Array.from({ length: 25 }, (_, i) => user(i + 10));
    await run('participant.add', ada.id, { role: 'member', users: names });
    const message = await say(ada);
    for (const name of names.toReversed()) await run('receipt.read', name, { message_id: message, event: '' });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await get(ada, message, `?limit=10${cursor}`);
      seen.push(...body.items.map((item) => item.user_id));
      expect(body['has_more']).to.equal(body['next_cursor'] !== null);
      if (body['next_cursor'] === null) break;
      expect(body.items).to.have.length(10);
      cursor = `&cursor=${body['next_cursor'] as string}`;
    }
    expect(seen).to.deep.equal(names);
    expect((await get(ada, message, '?cursor=x')).status).to.equal(400);
  });

  it('are for members, of messages that people wrote', async () => {
    const message = await say(ada);
    const stranger = await register(node());
    expect((await get(stranger, message)).status).to.equal(404);
    expect((await get(ada, '01K00000000000000000000001')).status).to.equal(404);
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
    const [system] = (await ada.rest.get<{ items: Json[] }>(`/conversations/${id}/messages?limit=1`)).body.items;
    expect((await get(ada, String(system!['id']))).status).to.equal(404);
  });

  it('where more than 200 are in: for the sender alone, with the time of the latest mark, and no event for anyone', async () => {
    const first = await say(ada);
    await read(bob, first);
    const early = await of(first);
    const names = Array.from({ length: 198 }, (_, i) => user(i + 10));
    await run('participant.add', ada.id, { role: 'member', users: names });
    const message = await say(ada);
    const events = (await world.log.readAfter(conversationStream(id), '0-0')).length;
    for (const by of [bob, eve]) await read(by, message);
    await run('receipt.delivered', names[0]!, { message_id: message, event: '' });
    expect(await world.log.readAfter(conversationStream(id), '0-0')).to.have.length(events);
    const items = await of(message);
    expect(items.map(({ user_id, read_at }) => [user_id, read_at === null])).to.deep.equal([
      [bob.id, false],
      [eve.id, false],
      [names[0], true],
    ]);
    const sent = await now();
    for (const { delivered_at, read_at } of items)
      expect([delivered_at, read_at ?? sent].every((at) => at >= sent)).to.equal(true);
    expect((await of(first))[0]!.read_at! >= early[0]!.read_at!).to.equal(true);
    expect((await get(bob, message)).status).to.equal(403);
    await run('participant.remove', ada.id, { user: names[1]! });
    expect((await get(bob, message)).body.items).to.deep.equal(items);
  });
});
