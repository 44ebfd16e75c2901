/** Every event as lines that do not end: all of them, in a log's order, wherever the reader was cut off and wherever they are by now. */
import { expect } from 'chai';
import { until } from '../../src/redis/redis-server.ts';
import type { Json } from '../support/client.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { topologies, useWorld } from '../support/world.ts';
import { seqsFrom, write } from '../support/writing.ts';

for (const topology of topologies) {
  describe(`all events on ${topology}`, () => {
    const world = useWorld(topology);
    const startNode = useNodes(world);
    let node: Node;
    let root: User;
    let ada: User;
    let id: string;
    const cuts: AbortController[] = [];
    beforeEach(async () => {
      node = await startNode({ ADMIN_USERNAMES: 'root', ROLES: 'api' });
      [root, ada] = [await register(node, 'root'), await register(node)];
      id = await group(ada);
    });
    afterEach(() => {
      for (const cut of cuts.splice(0)) cut.abort();
    });

    async function open(query: Record<string, string> = {}) {
      const cut = new AbortController();
      cuts.push(cut);
      const response = await fetch(`${node.base}/api/v1/admin/events?${String(new URLSearchParams(query))}`, {
        headers: { Authorization: `Bearer ${root.token}` },
        signal: cut.signal,
      });
      expect([response.status, response.headers.get('Content-Type')]).to.deep.equal([200, 'application/x-ndjson']);
      const lines: Json[] = [];
      const reading = (async () => {
        let rest = '';
        for await (const piece of response.body!) {
          const texts = (rest + Buffer.from(piece).toString()).split('\n');
          rest = texts.pop()!;
          lines.push(...texts.map((text) => JSON.parse(text) as Json));
        }
      })().catch(() => {});
      const seqs = () => lines.filter((line) => line['conversation_id'] === id).map((line) => line['seq'] as number);
      return {
        lines,
        seqs,
        has: (seq: number) => until(`event ${seq} came`, () => seqs().includes(seq)),
        async end() {
          cut.abort();
          await reading;
          return String(lines.at(-1)!['cursor']);
        },
      };
    }
    const forgetFeeds = async () => {
      const { connection, keys } = world.log;
      for (let p = 0; p < keys.partitions; p += 1) await connection.commands.xtrim(keys.at(p, 'feed'), 'MAXLEN', 0);
    };

    it('brings what there was and what comes, and goes on after any line without a hole', async () => {
      await write(world, ada, id, 20);
      await forgetFeeds();
      const first = await open();
      await first.has(21);
      await write(world, ada, id, 3);
      await first.has(24);
      expect(first.seqs()).to.deep.equal(seqsFrom(1, 24));
      expect(first.lines.map((line) => line['type'])).to.include('user.registered');
      const cursor = await first.end();
      await write(world, ada, id, 4);
      const second = await open({ after: cursor });
      await second.has(28);
      expect([...new Set(second.seqs())]).to.deep.equal(seqsFrom(second.seqs()[0]!, 28));
      expect(second.seqs()[0]).to.be.within(22, 25);
      const middle = first.lines.findIndex((line) => line['conversation_id'] === id && line['seq'] === 10);
      const third = await open({ after: String(first.lines[middle]!['cursor']) });
      await third.has(28);
      expect([...new Set(third.seqs())]).to.include.members(seqsFrom(11, 28));
    });

    it('of some types, from a time on; a line says that nothing has come', async () => {
      await write(world, ada, id, 2);
      const [, , last] = await world.log.readAfter({ kind: 'conversation', id }, '0-0');
      const some = await open({ types: 'message.sent,user.registered', after: last!.id });
      await some.has(3);
      expect(some.lines.every(({ type }) => type === 'message.sent' || type === 'heartbeat')).to.equal(true);
      const none = await open({ types: 'poll.closed' });
      await until('it says so', () => none.lines.length > 0);
      expect(none.lines[0]).to.have.all.keys('type', 'cursor').and.include({ type: 'heartbeat' });
    });

    it('is for admins, and from a place that there is', async () => {
      expect((await ada.rest.get<Json>('/admin/events')).body['code']).to.equal('forbidden');
      for (const after of ['x', Buffer.from('[1,2,"room x","0-0"]').toString('base64url')])
        expect((await root.rest.get<Json>(`/admin/events?after=${after}`)).body['code']).to.equal('validation_failed');
      expect((await root.rest.get<Json>('/admin/events?types=A')).body['code']).to.equal('validation_failed');
    });
  });
}
