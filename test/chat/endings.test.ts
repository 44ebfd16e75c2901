/** What is left when a conversation ends or empties: nobody's list keeps it, and who finds an empty channel owns it. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import { group, register, useNodes } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('the end of a conversation', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('takes it out of every member’s list, each of whom is told on their own stream', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    const socket = await bob.socket();
    expect((await ada.rest.call('DELETE', `/conversations/${id}`)).status).to.equal(204);
    await socket.frame((frame) => frame.type === 'conversation.deleted');
    await socket.frame((frame) => frame.type === 'conversation.left' && frame.data['conversation_id'] === id);
    const entry = (userId: string) => world.log.guardField(userStream(userId), 'conversations', id);
    await until('both lists are without it', async () =>
      (await Promise.all([entry(ada.id), entry(bob.id)])).every((state) => state?.endsWith(' left')),
    );
  });

  it('an empty channel belongs to who comes next', async () => {
    const node = await startNode();
    const [ada, bob, eve] = [await register(node), await register(node), await register(node)];
    const { id } = (await ada.rest.post('/conversations', { type: 'channel', name: 'a channel' })).body;
    await ada.rest.post(`/conversations/${String(id)}/leave`);
    expect((await bob.rest.post(`/conversations/${String(id)}/join`)).body).to.include({ role: 'owner' });
    expect((await eve.rest.post(`/conversations/${String(id)}/join`)).body).to.include({ role: 'member' });
  });
});
