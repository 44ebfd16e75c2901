/** A user's own settings of a conversation: what they change for the user, that nobody else hears of it, and how an archived one comes back. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import type { Json } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('conversation.change_settings', () => {
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

  const change = (by: User, body: object, headers: Record<string, string> = {}) =>
    by.rest.call('PATCH', `/conversations/${id}/settings`, body, headers);
  const shown = async (by: User) => (await by.rest.get(`/conversations/${id}`)).body;
  const listed = async (by: User, search: string) =>
    (await by.rest.get<{ items: Json[] }>(`/conversations?${search}`)).body.items.map((one) => one['id']);

  it('are the own: shown in the answer, the single and the list, and in nobody else’s', async () => {
    const muted_until = '2030-01-02T03:04:05.678Z';
    const { status, headers, body } = await change(ada, { muted_until, pinned: true });
    expect([status, headers.get('Chat-Event-Id')]).to.deep.equal([
      200,
      body['last_event_id'] && headers.get('Chat-Event-Id'),
    ]);
    expect(body).to.include({ muted_until, pinned: true, archived: false });
    expect(await shown(ada)).to.include({ muted_until, pinned: true, archived: false });
    expect(await shown(bob)).to.include({ muted_until: null, pinned: false, archived: false });
    expect((await change(ada, { muted_until: null })).body).to.include({ muted_until: null, pinned: true });
  });

  it('are an event of the user’s own stream with only what changed; the same again is none', async () => {
    const [own, others] = [await ada.socket(), await bob.socket()];
    await change(ada, { muted_until: '2030-01-01T00:00:00+01:00', pinned: false });
    await own.command('conversation.change_settings', { conversation_id: id, archived: true });
    expect((await change(ada, { archived: true, pinned: false })).headers.get('Chat-Event-Id')).to.equal(null);
    const changes = () => own.frames.filter((frame) => frame.type === 'conversation.settings_changed');
    await own.until(() => changes().length === 2, 'both changes');
    expect(changes().map(({ data }) => data)).to.deep.equal([
      { conversation_id: id, muted_until: '2029-12-31T23:00:00.000Z' },
      { conversation_id: id, archived: true, archived_at_message: 0 },
    ]);
    await bob.rest.post(`/conversations/${id}/messages`, { content: 'x' });
    await others.frame((frame) => frame.type === 'message.sent');
    expect(others.frames.map((frame) => frame.type)).to.not.include('conversation.settings_changed');
  });

  it('an archived conversation comes back by the next message', async () => {
    await bob.rest.post(`/conversations/${id}/messages`, { content: 'one' });
    await change(ada, { archived: true });
    expect([await listed(ada, 'archived=true'), await listed(ada, 'archived=false')]).to.deep.equal([[id], []]);
    expect(await listed(bob, 'archived=false')).to.deep.equal([id]);
    await bob.rest.post(`/conversations/${id}/messages`, { content: 'two' });
    expect([await listed(ada, 'archived=true'), await listed(ada, 'archived=false')]).to.deep.equal([[], [id]]);
    expect(await shown(ada)).to.include({ archived: false });
  });

  it('a repeat under one id changes nothing again', async () => {
    const headers = { 'Idempotency-Key': ulid() };
    const first = await change(ada, { pinned: true }, headers);
    await change(ada, { pinned: false });
    const again = await change(ada, { pinned: true }, headers);
    expect(again.headers.get('Chat-Event-Id')).to.equal(first.headers.get('Chat-Event-Id'));
    expect(await shown(ada)).to.include({ pinned: false });
    expect((await change(ada, { pinned: false }, headers)).body['code']).to.equal('conflict');
  });

  it('refuse who is not in, what is no time, and nothing at all', async () => {
    const eve = await register(node);
    expect((await change(eve, { pinned: true })).status).to.equal(404);
    for (const body of [{}, { muted_until: 'tomorrow' }, { muted_until: 5 }, { archived: 'yes' }, { colour: 'red' }]) {
      expect((await change(ada, body)).body['code'], JSON.stringify(body)).to.equal('validation_failed');
    }
  });
});
