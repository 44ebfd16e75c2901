/** The log of a conversation over REST: the bytes that sockets get, from where the reader came in. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { eventLog } from '../../src/chat/events/view.ts';
import type { Deps, RawJson, WithheldFrom } from '../../src/chat/feature.ts';
import { toldLate } from '../../src/chat/told-late.ts';
import { rawEvent } from '../../src/envelope.ts';
import type { Context } from '../../src/envelope.ts';
import { conversationStream } from '../../src/keys.ts';
import type { Json, Reply } from '../support/client.ts';
import { decode } from '../support/folds.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';
import { seqsFrom, write } from '../support/writing.ts';

interface Event extends Json {
  id: string;
  seq: number;
  type: string;
}
interface Page {
  items: Event[];
  next_cursor: string | null;
  has_more: boolean;
}

describe('the log over REST', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    id = await group(ada, bob);
  });

  const ask = (by: User, search = ''): Promise<Reply<Page>> =>
    by.rest.get<Page>(`/conversations/${id}/events?${search}`);
  const page = async (by: User, search = ''): Promise<Page> => {
    const reply = await ask(by, search);
    expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
    return reply.body;
  };
  const seqs = ({ items }: Page) => items.map(({ seq }) => seq);

  it('is what a socket got, to the byte', async () => {
    const socket = await bob.socket();
    await ada.rest.post(`/conversations/${id}/messages`, { content: 'ä "quoted" \u2028 🎉', metadata: { n: 1.5 } });
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' }, { 'Idempotency-Key': ulid() });
    await bob.rest.post(`/conversations/${id}/read`, {});
    await socket.reached(id, 4);
    const texts = socket.texts.filter((_, i) => socket.frames[i]!.conversation_id === id);
    const response = await fetch(`${node.base}/api/v1/conversations/${id}/events?after=${socket.events(id)[0]!.id}`, {
      headers: { Authorization: `Bearer ${bob.token}` },
    });
    const rest = texts.slice(1).join(',');
    expect(await response.text()).to.equal(`{"items":[${rest}],"next_cursor":null,"has_more":false}`);
    expect(seqs(await page(bob))).to.deep.equal([1, 2, 3, 4]);
  });

  it('goes on in pages from any event, by after or as a cursor', async () => {
    await write(world, ada, id, 24);
    const first = await page(ada, 'limit=10');
    expect([seqs(first), first.has_more]).to.deep.equal([seqsFrom(1, 10), true]);
    expect(first.next_cursor).to.equal(first.items.at(-1)!.id);
    for (const more of [
      `after=${first.next_cursor}`,
      `cursor=${first.next_cursor}`,
      `after=0-0&cursor=${first.next_cursor}`,
    ])
      expect(seqs(await page(ada, `limit=15&${more}`)), more).to.deep.equal(seqsFrom(11, 25));
    const last = await page(ada, `after=${first.next_cursor}`);
    expect([last.next_cursor, last.has_more]).to.deep.equal([null, false]);
    expect(await page(ada, `after=${last.items.at(-1)!.id}`)).to.deep.equal({
      items: [],
      next_cursor: null,
      has_more: false,
    });
    expect((await page(ada, 'after=0-0&limit=1')).items[0]).to.include({ seq: 1, type: 'conversation.created' });
  });

  it('begins where the reader came in, and anew for who came back', async () => {
    await write(world, ada, id, 3);
    const eve = await register(node);
    const add = () => ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    await add();
    await write(world, ada, id, 2);
    const before = await page(ada);
    expect(seqs(await page(eve))).to.deep.equal([5, 6, 7]);
    for (const { id: after, seq } of before.items)
      expect(seqs(await page(eve, `after=${after}`)), `after ${seq}`).to.deep.equal([5, 6, 7].filter((n) => n > seq));
    const first = await page(eve, 'limit=1');
    expect(seqs(first)).to.deep.equal([5]);
    expect(seqs(await page(eve, `cursor=${first.next_cursor}`))).to.deep.equal([6, 7]);
    await eve.rest.post(`/conversations/${id}/leave`);
    expect((await ask(eve)).status).to.equal(404);
    await add();
    expect(seqs(await page(eve))).to.deep.equal([9]);
    expect(seqs(await page(bob))).to.deep.equal(seqsFrom(1, 9));
  });

  it('a place that the log does not know is a conflict, for whoever came in when', async () => {
    const eve = await register(node);
    await write(world, ada, id, 2);
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [eve.id] });
    const [ms, seq] = (await page(ada)).items[1]!.id.split('-').map(Number);
    for (const by of [ada, eve])
      for (const after of [`${ms! + 1}-${seq}`, `${ms}-99`, '5-0', '999999999999999-2'])
        for (const name of ['after', 'cursor']) {
          const { status, body } = await ask(by, `${name}=${after}`);
          expect([status, (body as unknown as Json)['code']], `${name}=${after}`).to.deep.equal([409, 'conflict']);
        }
    for (const wrong of ['after=yesterday', 'cursor=abc', 'limit=0', 'limit=101', 'order=desc']) {
      const { status, body } = await ask(ada, wrong);
      expect([status, (body as unknown as Json)['code']], wrong).to.deep.equal([400, 'validation_failed']);
      expect(JSON.stringify(body)).to.not.include('pattern');
    }
  });

  it('holds a placeholder of the same place where an event is withheld from its reader', async () => {
    await write(world, ada, id, 2);
    const all = (await page(ada)).items;
    const withheldFrom: WithheldFrom = ({ seq }) => (seq === 2 ? (userId) => userId === bob.id : undefined);
    const [list] = eventLog.serve({ log: world.log, decode, withheldFrom } as Deps).queries!;
    const items = async (userId: string) => {
      const context = { caller: { userId, sessionId: '' } } as Context;
      const { json } = (await list!.run(context, { conversation_id: id, limit: 50 } as never)) as RawJson;
      return (JSON.parse(json.toString()) as Page).items;
    };
    const { seq, at, conversation_id } = all[1]!;
    const placeholder = { id: all[1]!.id, seq, at, conversation_id, type: 'event.withheld', version: 1, data: {} };
    expect(await items(ada.id)).to.deep.equal(all);
    expect(await items(bob.id)).to.deep.equal([all[0], placeholder, all[2]]);
  });

  it('keeps the place of what was deleted, and none of its words', async () => {
    const say = async (content: string, more: object = {}) =>
      (await ada.rest.post<Json>(`/conversations/${id}/messages`, { content, ...more })).body;
    const kept = await say('kept');
    const gone = await say('secret one', { reply_to: kept['id'], metadata: { why: 'secret two' } });
    const path = `/conversations/${id}/messages/${String(gone['id'])}`;
    await ada.rest.call('PATCH', path, { content: 'secret three' });
    const before = await page(bob);
    expect(JSON.stringify(before)).to.match(/secret one.*secret two.*secret three/);
    await ada.rest.call('DELETE', path);
    const after = await page(bob);
    expect(JSON.stringify(after)).to.not.include('secret');
    const data = { content: '', mentions: [], mentions_all: false };
    const emptied = before.items.map((event) => {
      if ((event['data'] as Json)['message_id'] !== gone['id']) return event;
      const more = event.type === 'message.sent' ? { attachments: [], metadata: {} } : {};
      return { ...event, data: { ...(event['data'] as Json), ...data, ...more } };
    });
    expect(after.items.slice(0, -1)).to.deep.equal(emptied);
    expect(after.items.at(-1)).to.deep.include({ type: 'message.deleted', data: { message_id: gone['id'] } });
    expect(after.items.map((event) => decode(rawEvent(event.type, Buffer.from(JSON.stringify(event)))!))).to.deep.equal(
      after.items,
    );
  });

  it('is the same to the byte for a socket that comes late or asks again, also of what was deleted', async () => {
    const live = await bob.socket();
    const path = `/conversations/${id}/messages`;
    const { body: gone } = await ada.rest.post<Json>(path, { content: 'secret one', metadata: { why: 'secret two' } });
    await ada.rest.call('PATCH', `${path}/${String(gone['id'])}`, { content: 'secret three' });
    await ada.rest.post(path, { content: 'kept' });
    await ada.rest.call('DELETE', `${path}/${String(gone['id'])}`);
    await live.reached(id, 5);
    expect(live.texts.join()).to.match(/secret one.*secret three/);
    const late = await bob.socket('?resume=1');
    await late.command('session.resume', { cursors: { [id]: '0-0' } });
    const again = await bob.socket();
    await again.command('conversation.sync', { conversation_id: id, after: '0-0' });
    const headers = { Authorization: `Bearer ${bob.token}` };
    const response = await fetch(`${node.base}/api/v1/conversations/${id}/events`, { headers });
    const rest = await response.text();
    expect(rest).to.include('kept').and.not.include('secret');
    for (const { texts, frames } of [late, again]) {
      const events = texts.filter((_, i) => frames[i]!.conversation_id === id);
      expect(rest).to.equal(`{"items":[${events.join(',')}],"next_cursor":null,"has_more":false}`);
    }
  });

  it('where the event of a deleted message cannot be read only its place is left', async () => {
    const stream = conversationStream(id);
    const head = `{"id":"5-2","seq":2,"at":"1970-01-01T00:00:00.005Z","conversation_id":"${id}"`;
    const said = (version: number) =>
      rawEvent(
        'message.sent',
        Buffer.from(
          `${head},"actor_id":"${ada.id}","type":"message.sent","version":${version},"data":{"message_id":"${ulid()}","words":"secret"}}`,
        ),
      )!;
    let isDeleted = true;
    const log = {
      guardFields: async (_: unknown, __: string, ids: readonly string[]) =>
        ids.map(() => `5-2 ${ada.id} 1 1 - ${isDeleted ? 'deleted' : '-'}`),
    };
    const of = (version: number) => toldLate({ log, decode }, stream, [said(version)]);
    const [told] = await of(99);
    expect(told!.json.toString()).to.equal(`${head},"type":"event.withheld","version":1,"data":{}}`);
    isDeleted = false;
    expect((await of(99))[0]!.json.toString()).to.include('secret');
  });

  it('is for members alone', async () => {
    const eve = await register(node);
    expect((await ask(eve)).status).to.equal(404);
    const channel = await ada.rest.post<{ id: string }>('/conversations', { type: 'channel', name: 'open' });
    expect((await eve.rest.get(`/conversations/${channel.body.id}/events`)).status).to.equal(403);
    await eve.rest.post(`/conversations/${channel.body.id}/join`);
    const joined = await eve.rest.get<Page>(`/conversations/${channel.body.id}/events`);
    expect(joined.body.items.map(({ type }) => type)).to.deep.equal(['participant.added']);
    await ada.rest.call('DELETE', `/conversations/${id}`);
    expect((await ask(ada)).status).to.equal(404);
    expect((await world.log.readAfter(conversationStream(id), '0-0')).at(-1)!.type).to.equal('conversation.deleted');
  });
});
