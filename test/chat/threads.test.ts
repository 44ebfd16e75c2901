/** Threads over REST: what the message that began one says of its replies, and the replies in pages both ways. */
import { expect } from 'chai';
import sinon from 'sinon';
import { ulid } from 'ulid';
import { history } from '../../src/chat/messages/history.ts';
import { projections } from '../../src/chat/index.ts';
import { conversationStream } from '../../src/keys.ts';
import { Reading } from '../../src/views/reading.ts';
import { Views } from '../../src/views/store.ts';
import type { Json } from '../support/client.ts';
import { decode } from '../support/folds.ts';
import { inBothWays, projected } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';
import { write } from '../support/writing.ts';

interface Message extends Json {
  id: string;
  event_id: string;
  content: string;
  created_at: string;
}
interface Page {
  items: Message[];
  next_cursor: string | null;
  has_more: boolean;
}

inBothWays('threads', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  let root: Message;
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
    root = await say(ada, 'root');
  });

  const say = async (by: User, content: string, to?: Message) => {
    const body = { content, ...(to ? { reply_to: to.id } : {}) };
    return (await by.rest.post<Message>(`/conversations/${id}/messages`, body)).body;
  };
  const path = (message: Message) => `/conversations/${id}/messages/${message.id}`;
  const one = async (message: Message, search = '') => (await ada.rest.get<Message>(`${path(message)}?${search}`)).body;
  const replies = async (to: Message, search = '', by = ada): Promise<Page> => {
    const reply = await by.rest.get<Page>(`${path(to)}/replies?${search}`);
    expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
    return reply.body;
  };
  const contents = ({ items }: Page) => items.map(({ content }) => content);

  it('the root tells how many replied, when last and who, the latest first; a reply to a reply counts there', async () => {
    expect(root).to.deep.include({ reply_count: 0, last_reply_at: null, repliers: [] });
    const first = await say(bob, 'one', root);
    await say(ada, 'two', first);
    const last = await say(bob, 'three', root);
    const expected = { reply_count: 3, last_reply_at: last.created_at, repliers: [bob.id, ada.id] };
    expect(await one(root)).to.deep.include(expected);
    const listed = await ada.rest.get<Page>(`/conversations/${id}/messages`);
    expect(listed.body.items.find((message) => message.id === root.id)).to.deep.include(expected);
    expect(await one(first)).to.deep.include({ reply_count: 0, last_reply_at: null, repliers: [], thread_id: root.id });
    expect((await replies(first)).items).to.deep.equal([]);
  });

  it('names at most five who replied', async () => {
    const others: User[] = [];
    for (let i = 0; i < 6; i += 1) others.push(await register(node()));
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: others.map((user) => user.id) });
    for (const other of [...others, others[2]!]) await say(other, 'me', root);
    const latest = [2, 5, 4, 3, 1].map((i) => others[i]!.id);
    expect(await one(root)).to.deep.include({ reply_count: 7, repliers: latest });
  });

  it('replies come oldest first or newest first, in pages, without what stands between them', async () => {
    const other = await say(bob, 'another root');
    for (let n = 1; n <= 7; n += 1) {
      await say(n % 2 ? bob : ada, `${n}`, root);
      await say(ada, 'between');
      if (n % 3 === 0) await say(ada, `other ${n}`, other);
    }
    expect(contents(await replies(root))).to.deep.equal(['1', '2', '3', '4', '5', '6', '7']);
    expect(contents(await replies(other))).to.deep.equal(['other 3', 'other 6']);
    for (const [order, expected] of [
      ['asc', ['1', '2', '3', '4', '5', '6', '7']],
      ['desc', ['7', '6', '5', '4', '3', '2', '1']],
    ] as const) {
      const found: string[] = [];
      let cursor = '';
      for (let pages = 1; ; pages += 1) {
        const page = await replies(root, `order=${order}&limit=3${cursor}`);
        found.push(...contents(page));
        expect(page.has_more).to.equal(page.next_cursor !== null);
        if (!page.has_more) {
          expect(pages).to.equal(3);
          break;
        }
        cursor = `&cursor=${page.next_cursor}`;
      }
      expect(found, order).to.deep.equal(expected);
    }
    const exact = await replies(root, 'limit=7');
    expect([exact.items.length, exact.has_more]).to.deep.equal([7, false]);
    expect((await replies(root, 'limit=1', bob)).items[0]).to.deep.equal(
      (await bob.rest.get(path(exact.items[0]!))).body,
    );
    expect((await ada.rest.get(`${path(root)}/replies?cursor=abc`)).status).to.equal(400);
  });

  it('what is deleted keeps its place: a reply in the thread, which counts it, and the root with its replies', async () => {
    const first = await say(bob, 'one', root);
    await say(ada, 'two', first);
    await ada.rest.call('DELETE', path(first));
    expect(await one(root)).to.include({ reply_count: 2 });
    expect((await replies(root)).items[0]).to.deep.include({ id: first.id, is_deleted: true, content: '' });
    await ada.rest.call('DELETE', path(root));
    expect(await one(root)).to.deep.include({ is_deleted: true, reply_count: 2, repliers: [ada.id, bob.id] });
    expect(contents(await replies(root))).to.deep.equal(['', 'two']);
    await say(bob, 'three', (await replies(root)).items[1]);
    expect(contents(await replies(root, 'order=desc&limit=2'))).to.deep.equal(['three', 'two']);
    expect(await one(root)).to.include({ is_deleted: true, reply_count: 3 });
  });

  it('an edited reply is the edited one, and a line of the server’s own can begin a thread', async () => {
    const reply = await say(bob, 'frist', root);
    await bob.rest.call('PATCH', path(reply), { content: 'first' });
    expect((await replies(root)).items[0]).to.include({ content: 'first', revision: 2 });
    const lines = await ada.rest.get<Page>(`/conversations/${id}/messages?order=asc&limit=1`);
    const [line] = lines.body.items;
    const welcome = await say(bob, 'welcome', line);
    await say(ada, 'thanks', welcome);
    expect(contents(await replies(line!))).to.deep.equal(['welcome', 'thanks']);
    expect(await one(line!)).to.include({ reply_count: 2, message_type: 'system' });
  });

  it('as_of answers the thread of then', async () => {
    const before = root.event_id;
    const first = await say(bob, 'one', root);
    const second = await say(ada, 'two', first);
    await ada.rest.call('DELETE', path(first));
    await say(bob, 'three', root);
    expect(contents(await replies(root, `as_of=${second.event_id}`))).to.deep.equal(['one', 'two']);
    const page = await replies(root, `as_of=${second.event_id}&limit=1&order=desc`);
    expect(contents(await replies(root, `as_of=${second.event_id}&limit=1&cursor=${page.next_cursor}`))).to.deep.equal([
      'one',
    ]);
    expect(await one(root, `as_of=${second.event_id}`)).to.include({ reply_count: 2 });
    expect(contents(await replies(root, `as_of=${before}`))).to.deep.equal([]);
    expect((await ada.rest.get(`${path(second)}/replies?as_of=${before}`)).status).to.equal(404);
  });

  it('what is not there, or not for the caller, is not found', async () => {
    await say(bob, 'one', root);
    const eve = await register(node());
    expect((await eve.rest.get(`${path(root)}/replies`)).status).to.equal(404);
    expect((await ada.rest.get(`/conversations/${id}/messages/${ulid()}/replies`)).status).to.equal(404);
    const elsewhere = await group(ada);
    expect((await ada.rest.get(`/conversations/${elsewhere}/messages/${root.id}/replies`)).status).to.equal(404);
  });

  it('reads its page and nothing of the rest, also where the views are behind', async () => {
    const first = await say(bob, '0', root);
    for (let n = 1; n <= 3; n += 1) {
      await write(world, ada, id, 60);
      await say(bob, `${n}`, first);
    }
    expect(contents(await replies(root, 'limit=2'))).to.deep.equal(['0', '1']);
    expect(contents(await replies(root, 'limit=2&order=desc'))).to.deep.equal(['3', '2']);
  });
});

describe('a thread in a long conversation', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('costs one read of as many documents as its page has', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const post = (body: object) => ada.rest.post<Message>(`/conversations/${id}/messages`, body);
    const root = (await post({ content: 'root' })).body;
    for (let n = 0; n < 6; n += 1) {
      await write(world, ada, id, 100);
      await post({ content: `${n}`, reply_to: root.id });
    }
    await projected(world);
    const asked = sinon.spy(world.log, 'ask');
    const read = sinon.spy(world.log, 'readAfter');
    const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections });
    const range = { direction: 'down', limit: 3, shelf: root.id } as const;
    const rows = await reading.page(history, conversationStream(id), range, undefined);
    expect(rows.map(({ json }) => (JSON.parse(json.toString()) as Message).content)).to.deep.equal(['5', '4', '3']);
    expect(asked.args.map(([script]) => script)).to.deep.equal(['view.shelf']);
    const [, , , , documents] = (await asked.firstCall.returnValue) as unknown[];
    expect(documents).to.have.length(3);
    expect(read.callCount).to.equal(0);
  });
});
