/** One truth: every read answers alike from the log alone, from the view alone, and from a view with the log's tail. */
import { expect } from 'chai';
import type { Json } from '../support/client.ts';
import { projected, withAndWithoutProjector } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('answers', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  /** A little of everything that changes a view. */
  async function live(ada: User, bob: User, eve: User, id: string): Promise<void> {
    const say = async (by: User, body: object) =>
      (await by.rest.post<{ id: string }>(`/conversations/${id}/messages`, body)).body.id;
    const first = await say(ada, { content: 'one' });
    const answer = await say(bob, { content: 'two', reply_to: first });
    await say(ada, { content: 'two and a half', reply_to: answer });
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    await ada.rest.call('PATCH', `/conversations/${id}/participants/${eve.id}`, { role: 'admin' });
    await say(eve, { content: 'three', reply_to: first });
    await eve.rest.call('PATCH', `/conversations/${id}`, { name: `renamed ${first}`, policy: { pin: 'admins' } });
    await eve.rest.post(`/conversations/${id}/leave`);
    for (const message of [first, answer]) await bob.rest.call('PUT', `/conversations/${id}/messages/${message}/pin`);
    await bob.rest.post(`/conversations/${id}/read`, {});
    await bob.rest.call('PATCH', '/users/me', { display_name: `Bob ${first}` });
    for (let i = 0; i < 30; i += 1) await say(ada, { content: `${i}` });
  }

  async function answers(users: readonly User[], id: string): Promise<unknown[]> {
    const all = await users[0]!.rest.get<{ items: Json[] }>(`/conversations/${id}/messages?limit=100`);
    const roots = all.body.items
      .filter(({ reply_count }) => reply_count !== 0)
      .map((root) => `/conversations/${id}/messages/${String(root['id'])}`);
    expect(roots).to.not.deep.equal([]);
    const paths = [
      '/conversations',
      '/channels',
      '/users?query=user',
      '/users/me',
      `/conversations/${id}`,
      `/conversations/${id}/messages?limit=7`,
      `/conversations/${id}/messages?limit=100&order=asc`,
      `/conversations/${id}/participants`,
      `/conversations/${id}/participants?limit=1`,
      `/conversations/${id}/pins?limit=1`,
      `/conversations/${id}/events?limit=9`,
      ...roots.flatMap((root) => [`${root}/replies?limit=1`, `${root}/replies?limit=2&order=desc`]),
    ];
    const replies = users.flatMap((user) =>
      paths.map(async (path) => {
        const { status, body } = await user.rest.get(path);
        const next = (body as { next_cursor?: string | null }).next_cursor;
        const more = next ? (await user.rest.get<Json>(`${path}&cursor=${next}`)).body : undefined;
        return { path, status, body, more };
      }),
    );
    return Promise.all(replies);
  }

  it('are the same with no projector, with one that is done, and with one that stopped on the way', async () => {
    const alone = await startNode(withAndWithoutProjector['with no projector']);
    const [ada, bob, eve] = [await register(alone), await register(alone), await register(alone)];
    const id = await group(ada, bob);
    await ada.rest.post('/conversations', { type: 'channel', name: 'open' });
    await live(ada, bob, eve, id);
    const users = [ada, bob, eve];
    const fromLog = await answers(users, id);

    const projecting = await startNode();
    await projected(world);
    expect(await answers(users, id), 'from the view').to.deep.equal(fromLog);

    await projecting.stop();
    await live(ada, bob, eve, id);
    const fromBoth = await answers(users, id);
    expect(fromBoth).to.not.deep.equal(fromLog);
    await startNode();
    await projected(world);
    expect(await answers(users, id), 'from the view again').to.deep.equal(fromBoth);
  });

  it('follow a write at once, while a projector is at work', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    for (let i = 1; i <= 40; i += 1) {
      const { body } = await ada.rest.post(`/conversations/${id}/messages`, { content: `${i}` });
      const [one, list, alone] = await Promise.all([
        bob.rest.get(`/conversations/${id}/messages/${String(body['id'])}`),
        bob.rest.get<{ items: Json[] }>(`/conversations/${id}/messages?limit=100`),
        bob.rest.get(`/conversations/${id}`),
      ]);
      expect([one.status, list.body.items.length, alone.body['unread_count']]).to.deep.equal([200, i + 1, i]);
      expect(alone.body['last_message']).to.deep.equal(one.body);
    }
  });
});
