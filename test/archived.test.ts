/** archive.facts, archive.documents and archive.recall: a conversation that left Redis is read and changed as any other, and nobody notices. */
import { expect } from 'chai';
import { conversationStream } from '../src/keys.ts';
import { archiveAll, useArchiveFolder } from './support/archiving.ts';
import { chatOn, json } from './support/command-line.ts';
import { projected } from './support/projecting.ts';
import { group, register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { topologies, useWorld } from './support/world.ts';
import { write } from './support/writing.ts';
import { HISTORY } from './support/views.ts';

for (const topology of topologies) {
  describe(`an archived conversation on ${topology}`, () => {
    const files = useArchiveFolder();
    const world = useWorld(topology, { archive: files });
    const startNode = useNodes(world);
    let node: Node;
    let ada: User;
    let bob: User;
    let id: string;
    let ids: string[];
    let events: string[];

    const at = (path: string) => `/conversations/${id}/${path}`;
    const message = (n: number) => at(`messages/${ids[n]!}`);
    const get = async (path: string, who = ada) => {
      const { status, body } = await who.rest.get(path);
      return { status, body };
    };
    const items = (body: Record<string, unknown>) => body['items'] as Record<string, unknown>[];

    beforeEach(async () => {
      node = await startNode({ DATA_DIR: files.dataDir, EDIT_WINDOW_SECONDS: '0' });
      [ada, bob] = [await register(node), await register(node)];
      id = await group(ada, bob);
      await write(world, ada, id, 30);
      await write(world, bob, id, 20);
      ids = items((await get(at('messages?limit=100&order=asc'))).body).flatMap((item) =>
        item['message_type'] === 'text' ? [String(item['id'])] : [],
      );
      await ada.rest.call('PATCH', message(3), { content: 'other words' });
      await bob.rest.call('PUT', `${message(4)}/reactions/${encodeURIComponent('👍')}`, {});
      await ada.rest.call('DELETE', message(5));
      await bob.rest.post(at('messages'), { content: 'a reply', reply_to: ids[6] });
      await ada.rest.call('PUT', `${message(7)}/pin`, {});
      await bob.rest.post(at('read'), { up_to: ids[20] });
      events = items((await get(at('events?limit=100'))).body).map((event) => String(event['id']));
      await projected(world);
    });

    async function walk(path: string): Promise<unknown[]> {
      const all: unknown[] = [];
      for (let cursor = ''; ;) {
        const { status, body } = await get(`${path}${cursor}`);
        expect(status, path).to.equal(200);
        all.push(...items(body));
        if (!body['has_more']) return all;
        cursor = `&cursor=${encodeURIComponent(String(body['next_cursor']))}`;
      }
    }

    /** What every read answers. */
    async function answers(): Promise<unknown[]> {
      const reads = [
        ...[0, 3, 4, 5, 6, 7, 30, 49].flatMap((n) => [message(n), at(`messages?around=${ids[n]!}&limit=9`)]),
        ...[4, 20].map((n) => `${message(n)}/receipts`),
        `${message(3)}/revisions`,
        `${message(6)}/replies`,
        at('pins'),
        at(`messages?as_of=${events[30]!}&limit=12`),
        `${message(3)}?as_of=${events[20]!}`,
        `/conversations/${id}`,
        '/conversations',
        `/search/messages?q=message&conversation_id=${id}&limit=20`,
        `/search/messages?q=other&conversation_id=${id}`,
      ];
      const walks = ['messages?limit=7', 'messages?limit=7&order=asc', 'events?limit=9'].map(at);
      return [await Promise.all(reads.map((read) => get(read))), await Promise.all(walks.map(walk))];
    }

    async function cost(): Promise<number[]> {
      const { keys, connection } = world.log;
      const stream = conversationStream(id);
      const docs = keys.view(HISTORY, stream, 'docs');
      return [
        await connection.commands.xlen(keys.of(stream, 'log')),
        await connection.commands.hlen(keys.of(stream, 'messages')),
        await connection.commands.zcard(docs),
      ];
    }

    it('is read and changed as any other, proved and built anew', async () => {
      const before = await answers();
      await archiveAll(world.log, files, conversationStream(id), 8);
      expect(await cost()).to.satisfy(([log, facts, docs]: number[]) => log === 1 && facts! < 10 && docs! < 10);
      expect(await answers()).to.deep.equal(before);
      const verified = async () =>
        json<{ differences: unknown[] }>(
          await chatOn(() => ({ ...world.environment, DATA_DIR: files.dataDir }))('verify', '--json'),
        ).differences;
      expect(await verified()).to.deep.equal([]);

      const socket = await ada.socket();
      await socket.command('conversation.sync', { conversation_id: id, after: events[2]! });
      expect(socket.events(id).map((event) => String(event['id']))).to.deep.equal(events.slice(3));

      // Each of these is of a message that left Redis.
      const changed = [
        await ada.rest.call('PATCH', message(10), { content: 'changed long after' }),
        await bob.rest.call('PUT', `${message(11)}/reactions/${encodeURIComponent('👍')}`, {}),
        await ada.rest.call('DELETE', message(12)),
        await bob.rest.post(at('messages'), { content: 'late', reply_to: ids[13] }),
        await ada.rest.call('PUT', `${message(14)}/pin`, {}),
        await bob.rest.post(`${message(40)}/read`, {}),
        await bob.rest.post(at('unread'), { from: ids[15] }),
      ];
      expect(changed.map(({ status }) => status)).to.satisfy(
        (all: number[]) => all.every((status) => status < 300),
        JSON.stringify(changed.map(({ status, body }) => [status, body])),
      );
      const repeat = await ada.rest.post(at('messages'), { id: ids[16], content: 'message 16' });
      expect(repeat.status, JSON.stringify(repeat.body)).to.be.oneOf([200, 201, 409]);
      expect((await get(message(16))).body['content']).to.equal('message 16');
      expect((await bob.rest.post(at('messages'), { id: ids[17], content: 'of another' })).status).to.equal(409);
      expect((await get(message(10))).body).to.include({ content: 'changed long after', revision: 2 });
      expect((await get(message(12))).body).to.include({ is_deleted: true, content: '' });
      expect((await get(message(13))).body).to.include({ reply_count: 1 });
      const now = await answers();
      await projected(world);
      expect(await answers()).to.deep.equal(now);
      expect(await verified()).to.deep.equal([]);
      await archiveAll(world.log, files, conversationStream(id), 8);
      expect(await answers()).to.deep.equal(now);

      const rebuilt = await chatOn(() => ({ ...world.environment, DATA_DIR: files.dataDir }))('rebuild', '--all');
      expect(rebuilt.code, rebuilt.errors + rebuilt.output).to.equal(0);
      expect(await answers()).to.deep.equal(now);
      await archiveAll(world.log, files, conversationStream(id), 8);
      expect((await cost())[2]).to.be.lessThan(20);
      expect(await answers()).to.deep.equal(now);
      expect(await verified()).to.deep.equal([]);
    }).timeout(60_000);
  });
}
