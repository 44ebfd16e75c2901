/**
 * Search over REST: what is found is what a plain scan of everything that the caller may see finds, newest first, page by page, with and
 * without a projector; and nothing else is.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Json } from '../support/client.ts';
import { blanks, isThere, typed, vocabulary } from '../support/plain-search.ts';
import type { PlainQuery } from '../support/plain-search.ts';
import { inBothWays, projected } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

interface Message extends Json {
  id: string;
  event_id: string;
  seq: number;
  conversation_id: string;
  content: string;
  created_at: string;
  sender_id: string;
}
interface Hit {
  message: Message;
  conversation: { id: string; name: string | null; type: string };
  snippet: string;
  highlights: [number, number][];
}
interface Page {
  items: Hit[];
  next_cursor: string | null;
  has_more: boolean;
}

const queryOf = (params: Record<string, string | number>) =>
  new URLSearchParams(
    Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();

async function find(by: User, params: Record<string, string | number>): Promise<Page> {
  const { status, body } = await by.rest.get<Page>(`/search/messages?${queryOf(params)}`);
  expect(status, JSON.stringify(body)).to.equal(200);
  return body;
}
const contents = ({ items }: Page) => items.map(({ message }) => message.content);

async function findAll(by: User, params: Record<string, string | number>): Promise<Hit[]> {
  const all: Hit[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await find(by, { ...params, ...(cursor === '' ? {} : { cursor }) });
    expect(page.has_more).to.equal(page.next_cursor !== null);
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  return all;
}

async function send(by: User, id: string, content: string, more: Json = {}): Promise<Message> {
  const { status, body } = await by.rest.post<Message>(`/conversations/${id}/messages`, { content, ...more });
  expect(status).to.equal(201);
  return body;
}

inBothWays('search', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
  });
  /** Where there is a projector, what was written is in the views; else it is not. */
  const settled = async () => {
    if (node().lines.some(({ message }) => message.startsWith('views: owns'))) await projected(world);
  };

  it('finds words in any order and shows where they are', async () => {
    await send(ada, id, 'Good morning, Bob: the release is out');
    const said = await send(bob, id, 'Hello! Is the RELEASE on the 2nd?');
    await send(ada, id, 'nothing of that');
    await settled();
    const { items, ...rest } = await find(ada, { q: 'release hel' });
    expect(rest).to.deep.equal({ next_cursor: null, has_more: false });
    expect(items).to.have.length(1);
    const [{ message, conversation, snippet, highlights }] = items as [Hit];
    const { body } = await ada.rest.get<Message>(`/conversations/${id}/messages/${said.id}`);
    expect(message).to.deep.equal(body);
    expect(conversation).to.deep.include({ id, type: 'group' });
    expect(highlights.map(([from, to]) => snippet.slice(from, to))).to.deep.equal(['Hello', 'RELEASE']);
    expect(contents(await find(ada, { q: 'release' }))).to.deep.equal([
      said.content,
      'Good morning, Bob: the release is out',
    ]);
    expect((await find(bob, { q: 'release hel' })).items[0]!.message['read_status']).to.be.a('string');
    expect(contents(await find(ada, { q: '"the release"' }))).to.have.length(2);
    expect(contents(await find(ada, { q: '"release the"' }))).to.have.length(0);
    expect(contents(await find(ada, { q: 'the -release' }))).to.deep.equal([]);
    expect(contents(await find(ada, { q: 'release -morning' }))).to.deep.equal([said.content]);
  });

  it('finds by sender, type, time, conversation and link', async () => {
    const other = await group(bob, ada);
    const first = await send(ada, id, 'see https://example.org/a');
    const second = await send(bob, id, 'see nothing');
    const third = await send(ada, other, 'see HTTP://example.org elsewhere');
    await settled();
    const all = [third, second, first].map(({ content }) => content);
    expect(contents(await find(ada, { q: 'see' }))).to.deep.equal(all);
    expect(contents(await find(ada, { q: 'see', from: ada.id }))).to.deep.equal([all[0], all[2]]);
    expect(contents(await find(ada, { from: bob.id }))).to.deep.equal([all[1]]);
    expect(contents(await find(ada, { q: 'see', conversation_id: id }))).to.deep.equal([all[1], all[2]]);
    expect(contents(await find(ada, { has: 'link' }))).to.deep.equal([all[0], all[2]]);
    expect(contents(await find(ada, { has: 'attachment' }))).to.deep.equal([]);
    expect(contents(await find(ada, { type: 'text', q: 'nothing' }))).to.deep.equal([all[1]]);
    expect(contents(await find(ada, { type: 'image', q: 'see' }))).to.deep.equal([]);
    await ada.rest.post(`/conversations/${id}/polls`, { question: 'Which tea?', options: ['green', 'black'] });
    await settled();
    expect(contents(await find(ada, { type: 'poll', q: 'tea' }))).to.deep.equal(['Which tea?']);
    for (const [params, expected] of [
      [{ before: second.created_at }, all.filter((_, i) => [third, second, first][i]!.created_at < second.created_at)],
      [{ after: second.created_at }, all.filter((_, i) => [third, second, first][i]!.created_at > second.created_at)],
    ] as const)
      expect(contents(await find(ada, { q: 'see', ...params }))).to.deep.equal(expected);
  });

  it('never finds what was edited away or deleted, and finds what an edit brought', async () => {
    const first = await send(ada, id, 'the old words');
    const second = await send(ada, id, 'the old secret');
    await settled();
    await ada.rest.call('PATCH', `/conversations/${id}/messages/${first.id}`, {
      content: 'the new words https://x.org',
    });
    await ada.rest.call('DELETE', `/conversations/${id}/messages/${second.id}`);
    await settled();
    for (const q of ['old', 'secret', 'old words', '"the old"'])
      expect(contents(await find(bob, { q })), q).to.deep.equal([]);
    expect(contents(await find(bob, { q: 'new words' }))).to.deep.equal(['the new words https://x.org']);
    expect(contents(await find(bob, { has: 'link', from: ada.id, type: 'text' }))).to.have.length(1);
    expect(contents(await find(bob, { q: 'words' }))).to.have.length(1);
  });

  it('shows nobody what they may not see: no conversation of others, nothing from before they came or of what has ended', async () => {
    const cy = await register(node());
    await send(ada, id, 'needle before');
    expect((await find(cy, { q: 'needle' })).items).to.deep.equal([]);
    expect((await cy.rest.get(`/search/messages?q=needle&conversation_id=${id}`)).status).to.equal(404);
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [cy.id] });
    expect((await find(cy, { q: 'needle' })).items).to.deep.equal([]);
    await send(ada, id, 'needle after');
    await settled();
    expect(contents(await find(cy, { q: 'needle' }))).to.deep.equal(['needle after']);
    expect(contents(await find(cy, { q: 'needle', conversation_id: id }))).to.deep.equal(['needle after']);
    await cy.rest.post(`/conversations/${id}/leave`);
    expect((await find(cy, { q: 'needle' })).items).to.deep.equal([]);
    expect((await cy.rest.get(`/search/messages?q=needle&conversation_id=${id}`)).status).to.equal(404);
    const channel = (await ada.rest.post<{ id: string }>('/conversations', { type: 'channel', name: `c${id}` })).body
      .id;
    await send(ada, channel, 'needle in public');
    expect((await find(cy, { q: 'needle' })).items).to.deep.equal([]);
    expect((await cy.rest.get(`/search/messages?q=needle&conversation_id=${channel}`)).status).to.equal(403);
    await ada.rest.call('DELETE', `/conversations/${id}`);
    expect(contents(await find(bob, { q: 'needle' }))).to.deep.equal([]);
    expect(contents(await find(ada, { q: 'needle' }))).to.deep.equal(['needle in public']);
    expect((await ada.rest.get(`/search/messages?q=needle&conversation_id=${id}`)).status).to.equal(404);
  });

  it('still finds what was said before a block', async () => {
    const { body } = await ada.rest.post<{ id: string }>('/conversations/direct', { user_id: bob.id });
    await send(bob, body.id, 'needle between us');
    await ada.rest.call('PUT', `/users/me/blocks/${bob.id}`);
    const { items } = await find(ada, { q: 'needle' });
    expect(items.map(({ conversation }) => conversation)).to.deep.equal([{ id: body.id, name: null, type: 'direct' }]);
  });

  it('finds direct conversations by the name of the other one, in any letters', async () => {
    const eve = await register(node(), `straße${id.slice(-6)}`.replace('ß', 'ss'));
    await eve.rest.call('PATCH', '/users/me', { display_name: 'Ève Straße' });
    const { body } = await ada.rest.post<{ id: string }>('/conversations/direct', { user_id: eve.id });
    for (const [query, by, expected] of [
      ['STRASSE', ada, [body.id]],
      ['e\u0300ve', ada, [body.id]],
      ['strasse', bob, []],
      ['strasse', eve, []],
    ] as const) {
      const list = await by.rest.get<{ items: { id: string }[] }>(`/conversations?${queryOf({ query })}`);
      expect(
        list.body.items.map((one) => one.id),
        query,
      ).to.deep.equal(expected);
    }
  });

  it('never finds what the server says of a conversation', async () => {
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'needlework' });
    expect((await find(ada, { q: 'renamed' })).items).to.deep.equal([]);
    expect((await find(ada, { from: ada.id })).items).to.deep.equal([]);
  });

  it('refuses what says nothing, a time that is none, and a cursor of something else', async () => {
    const refusal = async (params: Record<string, string>) => {
      const { status, body } = await ada.rest.get<Json & { errors: { pointer: string }[] }>(
        `/search/messages?${queryOf(params)}`,
      );
      return [status, body['code'], body.errors?.[0]?.pointer];
    };
    const bad = (pointer: string) => [400, 'validation_failed', pointer];
    for (const q of ['', '-word', '!?', '""', '👍'] as const)
      expect(await refusal({ q }), q).to.deep.equal(bad('/query/q'));
    expect(await refusal({})).to.deep.equal(bad('/query/q'));
    expect(await refusal({ q: 'x'.repeat(257) })).to.deep.equal(bad('/query/q'));
    expect(await refusal({ q: 'a', before: 'yesterday' })).to.deep.equal(bad('/query/before'));
    expect(await refusal({ q: 'a', after: '2025-13-01T00:00:00Z' })).to.deep.equal(bad('/query/after'));
    expect(await refusal({ q: 'a', has: 'soul' })).to.deep.equal(bad('/query/has'));
    expect(await refusal({ q: 'a', type: 'system' })).to.deep.equal(bad('/query/type'));
    expect(await refusal({ q: 'a', limit: '101' })).to.deep.equal(bad('/query/limit'));
    for (const parts of [['x'], [1, 2, 3], [0.5, 'x', 1], [1, 'x', -0.5]])
      expect(await refusal({ q: 'a', cursor: Buffer.from(JSON.stringify(parts)).toString('base64url') })).to.deep.equal(
        bad('/query/cursor'),
      );
  });
});

describe('search over random conversations', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const word = fc.constantFrom(...vocabulary);
  const text = fc
    .array(fc.tuple(word, fc.constantFrom(...blanks)), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.flat().join(''));
  const query = fc.record<PlainQuery>({
    there: fc.array(word, { minLength: 1, maxLength: 2 }),
    phrases: fc.array(
      fc.tuple(word, word).map((two) => two.join(' ')),
      { maxLength: 1 },
    ),
    not: fc.array(word, { maxLength: 1 }),
    hasBeginning: fc.boolean(),
  });
  const sample = <T>(of: fc.Arbitrary<T>, count: number): T[] => fc.sample(of, { numRuns: count });

  it('finds what a plain scan finds, page by page, also after the projector is gone', async function () {
    this.timeout(60_000);
    let node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const rooms = [await group(ada, bob), await group(bob, ada), await group(ada, bob), await group(bob)];
    const living = new Map<string, Message>();

    const say = async (count: number) => {
      for (const [i, content] of sample(text, count).entries()) {
        // The first room gets most, so that its leaves are bound.
        const room = rooms[i % 3 === 0 ? (i / 3) % rooms.length : 0]!;
        const message = await send(bob, room, content);
        living.set(message.id, message);
        const old = [...living.values()][Math.floor(living.size / 2)]!;
        const path = `/conversations/${old.conversation_id}/messages/${old.id}`;
        if (i % 9 === 1) {
          const [changed = ''] = sample(text, 1);
          await bob.rest.call('PATCH', path, { content: changed });
          living.set(old.id, { ...old, content: changed });
        } else if (i % 9 === 5) {
          await bob.rest.call('DELETE', path);
          living.delete(old.id);
        }
      }
    };

    const check = async (by: User, count: number) => {
      const all = [...living.values()]
        .filter(({ conversation_id }) => by === bob || conversation_id !== rooms[3])
        .toSorted(newestFirst);
      for (const asked of sample(query, count)) {
        const expected = all.filter(({ content }) => isThere(content, asked));
        const found = await findAll(by, { q: typed(asked), limit: 7 });
        expect(
          found.map(({ message }) => message.content),
          typed(asked),
        ).to.deep.equal(expected.map(({ content }) => content));
        for (const { message, snippet, highlights } of found) {
          expect(message.content).to.include(snippet);
          for (const [from, to] of highlights) expect(snippet.slice(from, to)).to.match(/[\p{L}\p{N}]/u);
          expect(highlights.length).to.be.above(0);
        }
      }
    };

    await say(170);
    await check(bob, 10);
    await projected(world);
    await check(ada, 30);
    await check(bob, 30);
    await node.stop();
    node = await startNode({ ROLES: 'api,gateway' });
    const again = { ada: at(ada, node.base), bob: at(bob, node.base) };
    await check(again.ada, 10);
    Object.assign(bob, again.bob);
    await say(40);
    await check(bob, 30);
  });

  function at(user: User, base: string): User {
    return {
      ...user,
      rest: Object.assign(Object.create(Object.getPrototypeOf(user.rest) as object), {
        base,
        token: user.token,
      }) as User['rest'],
    };
  }

  const newestFirst = (a: Message, b: Message): number =>
    b.created_at.localeCompare(a.created_at) ||
    (a.conversation_id === b.conversation_id ? b.seq - a.seq : a.conversation_id < b.conversation_id ? 1 : -1);
});
