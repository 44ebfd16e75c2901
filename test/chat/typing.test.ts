/** Typing over REST and WebSocket: the others hear of it on any node, nobody hears of their own, and nothing of it is kept. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import type { Frame, Json } from '../support/client.ts';
import type { Socket } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('typing', () => {
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

  const isTyping = (frame: Frame) => frame.type.startsWith('typing.');
  const set = (by: User, is_typing: boolean, key?: string) =>
    by.rest.post(`/conversations/${id}/typing`, { is_typing }, key === undefined ? {} : { 'Idempotency-Key': key });
  const list = async (by: User) => (await by.rest.get<{ items: Json[] }>(`/conversations/${id}/typing`)).body.items;
  /** Frames of typing that came before the answer to a message that was sent now. */
  async function heard(socket: Socket): Promise<string[]> {
    const { message } = await socket.command('message.send', { conversation_id: id, content: 'x' });
    await socket.frame((frame) => frame.data?.['message_id'] === (message as Json)['id']);
    return socket.frames.filter(isTyping).map(({ type }) => type);
  }

  it('reaches the others on every node, with who and until when, and not oneself', async () => {
    const other = await startNode();
    const sockets = [await bob.socket(), await bob.socket('', other)];
    const own = [await ada.socket(), await ada.socket('', other)];
    await writesNothing(world, 'typing', async () => {
      expect(await own[0]!.command('typing.start', { conversation_id: id })).to.deep.equal({});
      for (const socket of sockets) {
        const frame = await socket.frame((f) => f.type === 'typing.started');
        const { expires_at } = frame.data as { expires_at: string };
        expect(frame).to.deep.equal({
          type: 'typing.started',
          conversation_id: id,
          actor_id: ada.id,
          data: { expires_at },
        });
        expect(expires_at).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(await list(bob)).to.deep.equal([{ user_id: ada.id, expires_at }]);
      }
      expect(await list(ada)).to.deep.equal([]);
      await own[0]!.command('typing.stop', { conversation_id: id });
      for (const socket of sockets) await socket.frame((f) => f.type === 'typing.stopped');
      expect(await list(bob)).to.deep.equal([]);
    });
    for (const socket of own) expect(await heard(socket)).to.deep.equal([]);
  });

  it('by REST is the same', async () => {
    const socket = await bob.socket();
    for (const is_typing of [true, true, false, false]) expect((await set(ada, is_typing)).status).to.equal(204);
    await socket.frame((frame) => frame.type === 'typing.stopped');
    expect(await heard(socket)).to.deep.equal(['typing.started', 'typing.stopped']);
  });

  it("is over with a message of one's own, and not with another's", async () => {
    await set(ada, true);
    await set(bob, true);
    const socket = await ada.socket();
    await socket.command('message.send', { conversation_id: id, content: 'x' });
    expect(await list(bob)).to.deep.equal([]);
    expect((await list(ada)).map(({ user_id }) => user_id)).to.deep.equal([bob.id]);
  });

  it('is once under one id, which is of one request only', async () => {
    const key = ulid();
    for (let i = 0; i < 2; i += 1) expect((await set(ada, true, key)).status).to.equal(204);
    const socket = await ada.socket();
    const again = await socket.ask('typing.start', { conversation_id: id }, { request_id: key });
    expect(again.type).to.equal('ack');
    expect((await set(ada, false, key)).body['code']).to.equal('conflict');
  });

  it('is nothing for strangers, nor for who may not post', async () => {
    const eve = await register(node);
    const socket = await eve.socket();
    const codes = async (by: User, at: Socket) => [
      (await set(by, true)).body['code'],
      (await set(by, false)).body['code'],
      (await at.ask('typing.start', { conversation_id: id })).error?.code,
      (await at.ask('typing.stop', { conversation_id: id })).error?.code,
    ];
    expect(await codes(eve, socket)).to.deep.equal(Array.from({ length: 4 }, () => 'not_found'));
    expect((await eve.rest.get(`/conversations/${id}/typing`)).status).to.equal(404);
    await ada.rest.call('PATCH', `/conversations/${id}`, { policy: { post: 'admins' } });
    const bobs = await bob.socket();
    expect(await codes(bob, bobs)).to.deep.equal(Array.from({ length: 4 }, () => 'forbidden'));
    expect((await set(ada, true)).status).to.equal(204);
    await bobs.frame((frame) => frame.type === 'typing.started');
    for (const body of [{}, { is_typing: 'yes' }, { is_typing: true, more: 1 }])
      expect((await ada.rest.post(`/conversations/${id}/typing`, body)).body['code']).to.equal('validation_failed');
  });
});
