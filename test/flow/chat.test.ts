import { expect } from 'chai';
import { group, register, useNodes } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('two people chat', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('a message goes from a command to both screens, the history and the list', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada, bob);
    const [hers, his] = [await ada.socket(), await bob.socket()];
    const ack = await hers.command('message.send', { conversation_id: id, content: 'hello' });
    const event = await his.frame((f) => f.type === 'message.sent');
    await hers.frame((f) => f.type === 'message.sent');
    expect(ack['event_id']).to.equal((event as unknown as { id: string }).id);
    const page = await bob.rest.get<{ items: { content: string }[] }>(`/conversations/${id}/messages`);
    expect(page.body.items.map((m) => m.content)).to.deep.equal(['hello', 'created the group']);
    const list = await bob.rest.get<{ items: { unread_count: number; last_message: { content: string } }[] }>(
      '/conversations',
    );
    expect(list.body.items[0]).to.include({ unread_count: 1 });
    expect(list.body.items[0]!.last_message.content).to.equal('hello');
    await his.command('receipt.read', { conversation_id: id, up_to: String(ack['event_id']) });
    const read = await bob.rest.get<{ unread_count: number }>(`/conversations/${id}`);
    expect(read.body.unread_count).to.equal(0);
  });
});
