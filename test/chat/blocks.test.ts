/** Blocks: what they keep from whom, that nobody is told, and that a crash between the slots leaves nothing half done. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { checks, guards, projections } from '../../src/chat/index.ts';
import { userStream } from '../../src/keys.ts';
import { verify } from '../../src/projector/verify.ts';
import { Views } from '../../src/views/store.ts';
import type { Json } from '../support/client.ts';
import { decode } from '../support/folds.ts';
import { projected } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('block.add, block.remove, block.mirror and block.direct', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
  });

  const block = (by: User, whom: User, headers: Record<string, string> = {}) =>
    by.rest.call('PUT', `/users/me/blocks/${whom.id}`, undefined, headers);
  const unblock = (by: User, whom: User) => by.rest.call('DELETE', `/users/me/blocks/${whom.id}`);
  const listed = async (by: User) =>
    (await by.rest.get<{ items: Json[] }>('/users/me/blocks')).body.items.map((one) => one['user_id']);
  const direct = async (by: User, to: User) => by.rest.post('/conversations/direct', { user_id: to.id });
  const say = async (by: User, id: unknown) =>
    (await by.rest.post(`/conversations/${String(id)}/messages`, { content: 'x' })).status;

  it('are listed for who made them and for nobody else; the same twice is one', async () => {
    const eve = await register(node);
    const headers = { 'Idempotency-Key': ulid() };
    const first = await block(ada, bob, headers);
    const again = await block(ada, bob, headers);
    expect([first.status, again.status]).to.deep.equal([204, 204]);
    expect(again.headers.get('Chat-Event-Id')).to.equal(first.headers.get('Chat-Event-Id'));
    expect((await block(ada, bob)).headers.get('Chat-Event-Id')).to.equal(null);
    await block(ada, eve);
    expect([await listed(ada), await listed(bob)]).to.deep.equal([[eve.id, bob.id], []]);
    await unblock(ada, bob);
    expect([(await unblock(ada, bob)).status, await listed(ada)]).to.deep.equal([204, [eve.id]]);
    expect((await block(ada, ada)).status).to.equal(400);
    expect((await ada.rest.call('PUT', `/users/me/blocks/${ulid()}`)).status).to.equal(404);
  });

  it('end a direct conversation’s messages both ways, until the last of the two takes the block back', async () => {
    const { id } = (await direct(ada, bob)).body;
    await block(bob, ada);
    expect([await say(ada, id), await say(bob, id)]).to.deep.equal([403, 403]);
    await block(ada, bob);
    await unblock(bob, ada);
    expect([await say(ada, id), await say(bob, id)]).to.deep.equal([403, 403]);
    await unblock(ada, bob);
    expect([await say(ada, id), await say(bob, id)]).to.deep.equal([201, 201]);
  });

  it('let no new direct conversation begin, and hide none that is there', async () => {
    const eve = await register(node);
    await block(bob, ada);
    expect([(await direct(ada, bob)).status, (await direct(bob, ada)).status]).to.deep.equal([403, 403]);
    await direct(ada, eve);
    await block(ada, eve);
    expect([(await direct(ada, eve)).status, (await direct(eve, ada)).status]).to.deep.equal([200, 200]);
  });

  it('keep typing and receipts from the two, and from nobody else; both stay in a group', async () => {
    const eve = await register(node);
    const id = await group(ada, bob, eve);
    await block(bob, ada);
    const [hers, his, others] = [await ada.socket(), await bob.socket(), await eve.socket()];
    await hers.command('typing.start', { conversation_id: id });
    await others.frame((frame) => frame.type === 'typing.started');
    expect((await bob.rest.get<{ items: Json[] }>(`/conversations/${id}/typing`)).body.items).to.deep.equal([]);
    expect((await eve.rest.get<{ items: Json[] }>(`/conversations/${id}/typing`)).body.items).to.have.length(1);
    expect(await say(bob, id)).to.equal(201);
    await hers.command('receipt.read', { conversation_id: id });
    await others.frame((frame) => frame.type === 'receipt.read');
    const withheld = await his.frame((frame) => frame.type === 'event.withheld');
    expect(withheld.data).to.deep.equal({});
    expect(his.frames.map((frame) => frame.type)).to.not.include.members(['typing.started', 'receipt.read']);
    expect(his.seqs(id)).to.deep.equal(others.seqs(id));
    await unblock(bob, ada);
    await bob.rest.get('/users/me/blocks');
    await say(eve, id);
    await hers.command('receipt.read', { conversation_id: id });
    await his.frame((frame) => frame.type === 'receipt.read');
  });

  it('are mirrored by the reactor where the node died in between', async () => {
    const { id } = (await direct(ada, bob)).body;
    await world.log.append({
      script: 'block.add',
      stream: userStream(ada.id),
      actorId: ada.id,
      args: { user: bob.id },
    });
    const until = Date.now() + 5_000;
    while ((await say(bob, id)) === 201) if (Date.now() > until) throw new Error('the block was not mirrored');
    expect((await direct(bob, ada)).status).to.equal(200);
  });

  it('are nothing that a proof finds wrong, in a direct conversation of the two, before, during and after', async () => {
    const { id } = (await direct(ada, bob)).body;
    expect(await say(ada, id)).to.equal(201);
    const proof = { log: world.log, views: new Views(world.log), projections, guards, checks, decode };
    for (const change of [undefined, block, unblock]) {
      await change?.(ada, bob);
      await projected(world);
      expect((await verify(proof)).differences).to.deep.equal([]);
    }
  });
});
