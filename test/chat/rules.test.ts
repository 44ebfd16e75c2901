/** Rules on content over REST and WebSocket: who sets and reads them, what they refuse to whom and how it is said, on every node at once. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { Rest } from '../support/client.ts';
import type { Json, Reply } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

const NONE = { blocklist: false, words: [], links: true, max_mentions: null };

describe('rules on content', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  async function begin(settings: Record<string, string> = {}): Promise<void> {
    node = await startNode(settings);
    [ada, bob] = [await register(node), await register(node)];
    id = await group(ada, bob);
  }

  const post = (by: User, content: string, more: Json = {}) =>
    by.rest.post(`/conversations/${id}/messages`, { content, ...more });
  const set = (rules: Json, by = ada, headers = {}) =>
    by.rest.call('PUT', `/conversations/${id}/rules`, rules, headers);
  const get = async (by: User) => (await by.rest.get(`/conversations/${id}/rules`)).body;
  function expectRejected({ status, body }: Reply, rule: string, pointer = '/content'): void {
    expect([status, body['code']]).to.deep.equal([422, 'content_rejected']);
    expect(body['detail']).to.include(`"${rule}"`);
    expect(body['errors']).to.have.length(1);
    expect((body['errors'] as Json[])[0]).to.include({ pointer, rule });
  }

  describe('of a conversation', () => {
    beforeEach(() => begin());

    it('are set as a whole by its admins, told to all, read by its members, and changed by nobody twice', async () => {
      const socket = await bob.socket();
      expect(await get(bob)).to.deep.equal(NONE);
      const rules = { ...NONE, words: ['spam', 'buy now'], links: false };
      const key = { 'Idempotency-Key': ulid() };
      const first = await set({ words: [' spam', 'Spam', 'buy now'], links: false }, ada, key);
      const { body, headers, status } = first;
      expect([status, body]).to.deep.equal([200, { ...rules, words: ['Spam', 'buy now'] }]);
      const event = await socket.frame((f) => f.type === 'rules.changed');
      expect(event).to.deep.include({ id: headers.get('Chat-Event-Id'), actor_id: ada.id, data: body });
      expect(await get(bob)).to.deep.equal(body);
      const same = await writesNothing(world, 'the same again', () => set(body));
      expect([same.status, same.body, same.headers.get('Chat-Event-Id')]).to.deep.equal([200, body, null]);
      expect((await set({ max_mentions: 3 })).body).to.deep.equal({ ...NONE, max_mentions: 3 });
      const again = await writesNothing(world, 'a repeat', () =>
        set({ words: [' spam', 'Spam', 'buy now'], links: false }, ada, key),
      );
      expect([again.body, again.headers.get('Chat-Event-Id')]).to.deep.equal([body, headers.get('Chat-Event-Id')]);
      const ack = await (await ada.socket()).command('rules.change', { conversation_id: id });
      expect(ack).to.deep.include({ rules: NONE });
    });

    it('that are none are refused, and change nothing', async () => {
      const wrong: Json[] = [
        { words: ['*'] },
        { words: ['...'] },
        { words: [''] },
        { words: ['x'.repeat(65)] },
        { words: Array.from({ length: 101 }, (_, i) => `w${i}`) },
        { max_mentions: -1 },
        { max_mentions: 51 },
        { links: 'no' },
        { regex: 'a' },
      ];
      for (const rules of wrong) {
        const { status, body } = await writesNothing(world, JSON.stringify(rules).slice(0, 40), () => set(rules));
        expect([status, body['code']]).to.deep.equal([400, 'validation_failed']);
      }
    });

    it('refuse messages and edits of members on both ways, name the rule, and let admins be', async () => {
      const before = (await post(bob, 'fine')).body['id'];
      const rules = { blocklist: true, words: ['spam*'], links: false, max_mentions: 1 };
      await set(rules);
      const socket = await bob.socket();
      const carl = await register(node, 'carl');
      await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [carl.id] });
      const name = (user: User) => user.rest.get('/users/me').then(({ body }) => `@${String(body['username'])}`);
      const broken: [string, string][] = [
        ['blocklist', 'what the fuck'],
        ['words', 'ＳＰＡＭmers!'],
        ['links', 'see https://x.example'],
        ['max_mentions', `${await name(ada)} ${await name(carl)}`],
      ];
      for (const [rule, content] of broken) {
        expectRejected(await writesNothing(world, rule, () => post(bob, content)), rule);
        const path = `/conversations/${id}/messages/${String(before)}`;
        expectRejected(await writesNothing(world, rule, () => bob.rest.call('PATCH', path, { content })), rule);
        const refused = await socket.ask('message.send', { conversation_id: id, content });
        expect(refused.error).to.include({ code: 'content_rejected' });
        expect(refused.error?.detail).to.include(`"${rule}"`);
        expect((await post(ada, content)).status).to.equal(201);
      }
      expect((await post(bob, 'fine as well')).status).to.equal(201);
      await set({});
      expect((await post(bob, broken[1]![1])).status).to.equal(201);
    });

    it('hold for what is forwarded, and say nothing to who may not see the conversation', async () => {
      await set({ words: ['spam'] });
      const elsewhere = await group(bob);
      const { body } = await bob.rest.post(`/conversations/${elsewhere}/messages`, { content: 'spam' });
      const forward = { conversation_id: elsewhere, message_id: body['id'] };
      expectRejected(await bob.rest.post(`/conversations/${id}/messages`, { forward }), 'words');
      const stranger = await register(node);
      expect((await post(stranger, 'spam')).status).to.equal(404);
      expect((await stranger.rest.get(`/conversations/${id}/rules`)).status).to.equal(404);
    });

    it('answer a repeat of what was taken before they were set', async () => {
      const message = { id: ulid() };
      const first = await post(bob, 'spam', message);
      await set({ words: ['spam'] });
      const again = await post(bob, 'spam', message);
      expect([again.status, again.body['event_id']]).to.deep.equal([201, first.body['event_id']]);
      expectRejected(await post(bob, 'spam', { id: ulid() }), 'words');
    });

    it('hold on every node from the moment they are set, over and over', async () => {
      const other = await startNode();
      const at = (on: Node, content: string) =>
        fetch(`${on.base}/api/v1/conversations/${id}/messages`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${bob.token}`, 'Content-Type': 'application/json' },
          body: JSON.stringify({ content }),
        }).then(({ status }) => status);
      for (let round = 0; round < 5; round += 1) {
        await set({ words: [`word${round}`] });
        expect([await at(node, `word${round}`), await at(other, `word${round}`)]).to.deep.equal([422, 422]);
        expect(await at(other, `word${round - 1}`)).to.equal(201);
      }
      await set({});
      expect([await at(node, 'word4'), await at(other, 'word4')]).to.deep.equal([201, 201]);
    });

    it('cost a conversation without them no round trip, and one with them none once they are known', async () => {
      const commands = async () => {
        const stats = await world.log.connection.commands.info('commandstats');
        return (
          Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0) +
          Number(/cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1] ?? 0)
        );
      };
      const costOf = async (content: string) => {
        const before = await commands();
        const { status } = await bob.rest.post(`/conversations/${quiet}/messages`, { content });
        return [status, (await commands()) - before];
      };
      const still = await startNode({ ROLES: 'api' });
      await node.stop();
      [ada, bob] = [ada, bob].map((user) => ({ ...user, rest: new Rest(still.base, user.token) })) as [User, User];
      const quiet = id;
      expect(await costOf('one')).to.deep.equal([201, 1]);
      await set({ words: ['spam'] });
      expect(await costOf('two')).to.deep.equal([201, 3]);
      expect(await costOf('three')).to.deep.equal([201, 1]);
    });
  });

  describe('of the server', () => {
    it('hold for the messages of all and for names and descriptions', async () => {
      await begin({ CONTENT_WORDS: 'spam, verboten*', CONTENT_BLOCKLIST: 'true' });
      for (const by of [ada, bob])
        expectRejected(await writesNothing(world, 'send', () => post(by, 'Verbotenes')), 'words');
      expectRejected(await post(ada, 'fuck'), 'blocklist');
      const named = (body: Json) => ada.rest.post('/conversations', { type: 'group', ...body });
      expectRejected(await writesNothing(world, 'create', () => named({ name: 'spam' })), 'words', '/name');
      expectRejected(await named({ name: 'x', description: 'all spam' }), 'words', '/description');
      const change = (path: string, body: Json) => writesNothing(world, path, () => ada.rest.call('PATCH', path, body));
      expectRejected(await change(`/conversations/${id}`, { description: 'spam' }), 'words', '/description');
      expectRejected(await change('/users/me', { display_name: 'Spam' }), 'words', '/display_name');
      const status = { status: 'busy', status_text: 'Verbotenes' };
      const set = () => ada.rest.call('PUT', '/users/me/status', status);
      expectRejected(await writesNothing(world, 'status', set), 'words', '/status_text');
      const account = { username: 'spam', password: 'correct horse' };
      expectRejected(
        await writesNothing(world, 'register', () => ada.rest.post('/auth/register', account)),
        'words',
        '/username',
      );
      expect((await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'fine' })).status).to.equal(200);
      const stranger = await register(node);
      expect((await post(stranger, 'spam')).status).to.equal(404);
    });
  });
});
