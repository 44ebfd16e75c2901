/** Reactions over REST and WebSocket: one emoji in one spelling, counts and names on the message, all who reacted by pages. */
import { expect } from 'chai';
import { oneEmoji } from '../../src/chat/reactions/emoji.ts';
import { conversationStream } from '../../src/keys.ts';
import { user as userId } from '../support/rooms.ts';
import type { Json } from '../support/client.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

const THUMB = '👍';
const HEART = '❤️';

describe('one emoji', () => {
  it('is what Unicode recommends, whole', () => {
    for (const emoji of ['👍', '👍🏽', '👨‍👩‍👧', '🧑🏿‍❤️‍💋‍🧑🏻', '🇩🇪', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '#️⃣', '7️⃣', '❤️', '👁️‍🗨️', '☝🏽', '🏳️‍🌈']) {
      expect(oneEmoji(emoji), emoji).to.equal(emoji);
    }
  });

  it('is one also where the selector was left out, or stands where none belongs', () => {
    expect(oneEmoji('❤')).to.equal(HEART);
    expect(oneEmoji('1\u20e3')).to.equal('1️⃣');
    expect(oneEmoji('👁\u200d🗨')).to.equal('👁️‍🗨️');
    expect(oneEmoji('👍\ufe0f')).to.equal(THUMB);
  });

  it('is no word, no digit, no two, no half', () => {
    const others = [
      '',
      ' ',
      'a',
      'ok',
      '7',
      '12',
      '#',
      '👍👍',
      '👍 ',
      '❤️x',
      '\u200d',
      '\ufe0f',
      '👨\u200d',
      '🇩',
      '❤\ufe0e',
      ':+1:',
    ];
    for (const text of others) expect(oneEmoji(text), JSON.stringify(text)).to.equal(undefined);
  });
});

inBothWays('reactions', (node, world) => {
  let ada: User;
  let bob: User;
  let id: string;
  let message: string;
  beforeEach(async () => {
    [ada, bob] = [await register(node()), await register(node())];
    id = await group(ada, bob);
    message = String((await ada.rest.post(`/conversations/${id}/messages`, { content: 'x' })).body['id']);
  });

  const pathOf = (emoji: string, of = message) =>
    `/conversations/${id}/messages/${of}/reactions/${encodeURIComponent(emoji)}`;
  const react = (by: User, emoji: string) => by.rest.call('PUT', pathOf(emoji));
  const unreact = (by: User, emoji: string) => by.rest.call('DELETE', pathOf(emoji));
  const onMessage = async () =>
    (await bob.rest.get(`/conversations/${id}/messages/${message}`)).body['reactions'] as Json[];

  it('stand on the message, in the order of first use, in every read and in the answer', async () => {
    expect((await react(bob, THUMB)).status).to.equal(200);
    await react(ada, '❤');
    const { body, headers } = await react(ada, THUMB);
    const expected = [
      { emoji: THUMB, count: 2, user_ids: [bob.id, ada.id] },
      { emoji: HEART, count: 1, user_ids: [ada.id] },
    ];
    expect(body).to.deep.include({ id: message, reactions: expected });
    const last = JSON.parse((await world.log.readAfter(conversationStream(id), '0-0')).at(-1)!.json.toString()) as Json;
    expect(last).to.deep.include({ type: 'reaction.added', actor_id: ada.id });
    expect(last['data']).to.deep.equal({ message_id: message, emoji: THUMB, revision: 1 });
    expect([headers.get('Chat-Event-Id'), headers.get('Chat-Durability')]).to.deep.equal([last['id'], 'disk']);
    expect(await onMessage()).to.deep.equal(expected);
    const { items } = (await bob.rest.get<{ items: Json[] }>(`/conversations/${id}/messages?limit=1`)).body;
    expect(items[0]!['reactions']).to.deep.equal(expected);
    const then = `/conversations/${id}/messages/${message}?as_of=${String(body['event_id'])}`;
    expect((await bob.rest.get(then)).body['reactions']).to.deep.equal([]);
  });

  it('are taken back, and the last one takes the emoji along', async () => {
    for (const by of [ada, bob]) await react(by, THUMB);
    expect((await unreact(ada, THUMB)).body['reactions']).to.deep.equal([
      { emoji: THUMB, count: 1, user_ids: [bob.id] },
    ]);
    const { status, body } = await unreact(bob, THUMB);
    expect([status, body['reactions']]).to.deep.equal([200, []]);
  });

  it('twice is one event, in whichever spelling; so is taking back what is not there', async () => {
    await react(bob, HEART);
    const again = await writesNothing(world, 'again', () => react(bob, '❤'));
    expect([again.status, again.headers.get('Chat-Event-Id')]).to.deep.equal([200, null]);
    expect((await writesNothing(world, 'not there', () => unreact(bob, THUMB))).status).to.equal(200);
    const key = { 'Idempotency-Key': '01K00000000000000000000001' };
    const first = await bob.rest.call('PUT', pathOf(THUMB), undefined, key);
    await unreact(bob, THUMB);
    const repeat = await writesNothing(world, 'repeat', () => bob.rest.call('PUT', pathOf(THUMB), undefined, key));
    expect(repeat.headers.get('Chat-Event-Id')).to.equal(first.headers.get('Chat-Event-Id'));
  });

  it('come and go by command, and as events', async () => {
    const [socket, other] = [await bob.socket(), await ada.socket()];
    const data = { conversation_id: id, message_id: message, emoji: THUMB };
    const ack = await socket.command('reaction.add', data);
    const event = await other.frame((frame) => frame.type === 'reaction.added');
    expect(event.data).to.deep.equal({ message_id: message, emoji: THUMB, revision: 1 });
    expect(ack).to.include({ seq: event.seq, durability: 'disk' });
    expect((ack['message'] as Json)['reactions']).to.deep.equal([{ emoji: THUMB, count: 1, user_ids: [bob.id] }]);
    await socket.command('reaction.remove', data);
    expect((await other.frame((frame) => frame.type === 'reaction.removed')).data).to.deep.equal(event.data);
    expect((await socket.ask('reaction.add', { ...data, emoji: 'ok' })).error?.code).to.equal('validation_failed');
  });

  it('are one emoji, on a message that is there, by who is in', async () => {
    for (const emoji of ['ok', '7', '👍👍', '\u200d', 'x'.repeat(200), '👍'.repeat(50)]) {
      const { status, body } = await writesNothing(world, emoji, () => react(bob, emoji));
      expect([status, body['code']], emoji).to.deep.equal([400, 'validation_failed']);
      expect((body['errors'] as { pointer: string }[])[0]!.pointer).to.equal('/path/emoji');
      expect((await bob.rest.get(pathOf(emoji))).status).to.equal(400);
    }
    const eve = await register(node());
    const none = pathOf(THUMB, '01K00000000000000000000001');
    await ada.rest.call('PATCH', `/conversations/${id}`, { name: 'renamed' });
    const [system] = (await ada.rest.get<{ items: Json[] }>(`/conversations/${id}/messages?limit=1`)).body.items;
    for (const method of ['PUT', 'DELETE', 'GET']) {
      expect((await eve.rest.call(method, pathOf(THUMB))).status, method).to.equal(404);
      expect((await bob.rest.call(method, none)).status, method).to.equal(404);
      expect((await bob.rest.call(method, pathOf(THUMB, String(system!['id'])))).status, method).to.equal(404);
    }
  });

  it('go with the message', async () => {
    await react(bob, THUMB);
    await ada.rest.call('DELETE', `/conversations/${id}/messages/${message}`);
    expect(await onMessage()).to.deep.equal([]);
    expect((await react(bob, HEART)).status).to.equal(404);
    expect((await unreact(bob, THUMB)).status).to.equal(404);
    expect((await bob.rest.get(pathOf(THUMB))).status).to.equal(404);
  });

  it('of many: the message counts all and names twenty, the pages have everyone in order', async () => {
    const names = Array.from({ length: 30 }, (_, i) => userId(i + 10));
    for (let i = 0; i < 30; i += 10) {
      await Promise.all(
        names.slice(i, i + 10).map((name) => run('participant.add', ada.id, { role: 'member', users: [name] })),
      );
    }
    for (const name of names) await run('reaction.add', name, { message_id: message, emoji: THUMB });
    await run('reaction.add', names[0]!, { message_id: message, emoji: HEART });
    await run('reaction.remove', names[3]!, { message_id: message, emoji: THUMB });
    const [first, second] = await onMessage();
    const left = names.filter((name) => name !== names[3]);
    expect(first).to.deep.equal({ emoji: THUMB, count: 29, user_ids: left.slice(0, 19) });
    expect(second).to.deep.equal({ emoji: HEART, count: 1, user_ids: [names[0]] });
    const seen: unknown[] = [];
    for (let cursor = ''; ;) {
      const { body } = await bob.rest.get<Json>(`${pathOf(THUMB)}?limit=7${cursor}`);
      const items = body['items'] as Json[];
      seen.push(...items.map((item) => item['user_id']));
      for (const item of items) expect(item['reacted_at']).to.match(/^\d{4}-.*Z$/);
      expect(body['has_more']).to.equal(body['next_cursor'] !== null);
      if (body['next_cursor'] === null) break;
      expect(items).to.have.length(7);
      cursor = `&cursor=${body['next_cursor'] as string}`;
    }
    expect(seen).to.deep.equal(left);
    const alone = (await bob.rest.get<Json>(pathOf('❤'))).body;
    expect((alone['items'] as Json[]).map((item) => item['user_id'])).to.deep.equal([names[0]]);
    expect((await bob.rest.get<Json>(pathOf('🎉'))).body).to.deep.equal({
      items: [],
      next_cursor: null,
      has_more: false,
    });
    expect((await bob.rest.get(`${pathOf(THUMB)}?cursor=x`)).status).to.equal(400);
  });

  const run = (script: string, actorId: string, args: Record<string, string | string[]>) =>
    world.log.append({ script, stream: conversationStream(id), actorId, args });
});
