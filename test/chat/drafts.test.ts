/** Drafts: the same on all devices of their writer and on nobody else's, kept in no log, bounded, and only where one may read. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { parseDraft } from '../../src/chat/drafts/commands.ts';
import { userStream } from '../../src/keys.ts';
import type { Frame, Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('draft.save and draft.delete', () => {
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

  const put = (by: User, body: object, key?: string, room = id) =>
    by.rest.call('PUT', `/conversations/${room}/draft`, body, key === undefined ? {} : { 'Idempotency-Key': key });
  const get = (by: User, room = id) => by.rest.get(`/conversations/${room}/draft`);
  const remove = (by: User) => by.rest.call('DELETE', `/conversations/${id}/draft`);
  const list = async (by: User, search = '') =>
    (await by.rest.get<{ items: Json[]; next_cursor: string | null }>(`/drafts${search}`)).body;
  const isDraft = (frame: Frame) => frame.type === 'draft.changed';

  it('are what was put last, over REST and a socket alike, and no event', async () => {
    await writesNothing(world, 'drafts', async () => {
      const first = await put(ada, { content: 'dear' });
      expect(first.status).to.equal(200);
      expect(first.body).to.include({ conversation_id: id, content: 'dear', reply_to: null });
      expect((await get(ada)).body).to.deep.equal(first.body);
      const socket = await ada.socket();
      const { draft } = await socket.command('draft.save', { conversation_id: id, content: 'dear Bob' });
      expect((await get(ada)).body).to.deep.equal(draft);
      expect((await list(ada)).items).to.deep.equal([draft]);
      await socket.command('draft.delete', { conversation_id: id });
      expect((await get(ada)).status).to.equal(404);
      expect((await remove(ada)).status).to.equal(204);
      expect((await list(ada)).items).to.deep.equal([]);
    });
  });

  it('are told to the own devices on every node, and to nobody else', async () => {
    const other = await startNode();
    const [device, theirs] = [await ada.socket('', other), await bob.socket()];
    const { body } = await put(ada, { content: 'hm' });
    const { conversation_id, ...draft } = body;
    const frame = await device.frame(isDraft);
    expect(frame).to.deep.equal({
      type: 'draft.changed',
      user_id: ada.id,
      actor_id: ada.id,
      data: { conversation_id, draft },
    });
    await put(ada, { content: 'hm' });
    await remove(ada);
    await device.until(() => device.frames.filter(isDraft).length === 2, 'the end');
    expect(device.frames.findLast(isDraft)!.data).to.deep.equal({ conversation_id: id, draft: null });
    expect((await list(bob)).items).to.deep.equal([]);
    await theirs.command('ping').catch(() => {});
    expect(theirs.frames.filter(isDraft)).to.deep.equal([]);
  });

  it('repeated under a request id do not bring back what was changed since', async () => {
    const key = ulid();
    await put(ada, { content: 'one' }, key);
    await put(ada, { content: 'two' });
    expect((await put(ada, { content: 'one' }, key)).status).to.equal(200);
    expect((await get(ada)).body['content']).to.equal('two');
    expect((await put(ada, { content: 'three' }, key)).status).to.equal(409);
  });

  it('are refused where one may not read, or that say nothing or too much', async () => {
    const eve = await register(node);
    expect((await put(eve, { content: 'x' })).status).to.equal(404);
    for (const body of [{ content: '' }, {}, { content: ' \n' }, { content: 'x'.repeat(4_001) }, { content: 1 }])
      expect((await put(ada, body)).status, JSON.stringify(body).slice(0, 40)).to.equal(400);
    expect((await put(ada, { reply_to: ulid() })).status).to.equal(200);
    expect((await list(ada)).items).to.have.length(1);
    await ada.rest.call('DELETE', `/conversations/${id}`);
    expect((await get(ada)).status).to.equal(404);
    expect((await list(ada)).items).to.deep.equal([]);
  });

  it('beyond two hundred take the place of the one that was not touched for longest', async () => {
    const key = world.log.keys.of(userStream(ada.id), 'drafts');
    const others = Array.from({ length: 200 }, (_, n) => [ulid(), `${n + 1} {"content":"x"}`]);
    await world.log.connection.commands.hset(key, ...others.flat());
    await put(ada, { content: 'new' });
    const kept = await world.log.guardAll(userStream(ada.id), 'drafts');
    expect(Object.keys(kept)).to.have.length(200);
    expect(kept[others[0]![0]!]).to.equal(undefined);
    expect(parseDraft(kept[id]!)).to.deep.include({ json: '{"content":"new","reply_to":null,"attachments":[]}' });
  });

  it('are listed in pages, the last touched first', async () => {
    const rooms = [id, await group(ada), await group(ada)];
    for (const room of rooms) await put(ada, { content: room }, undefined, room);
    const first = await list(ada, '?limit=2');
    const rest = await list(ada, `?limit=2&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map(({ content }) => content)).to.deep.equal(rooms.toReversed());
    expect(rest.next_cursor).to.equal(null);
  });
});
