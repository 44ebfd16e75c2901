/** Whom a text mentions, in any script; and what is made of it when it is sent or edited. */
import { expect } from 'chai';
import { namesIn } from '../../src/chat/messages/mentions.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { inBothWays } from '../support/projecting.ts';
import { group, register } from '../support/server.ts';
import type { User } from '../support/server.ts';

describe('the names in a text', () => {
  const longest = (text: string) => namesIn(text).map(([name]) => name);

  it('begin where a word begins, in any script', () => {
    for (const text of [
      '@ada',
      '(@ada)',
      'so:@ada',
      '"@ada"',
      '🎉@ada',
      '❤️@ada',
      '1️⃣@ada',
      'hey!@ada',
      '\n@ada',
      '—@ada',
    ])
      expect(longest(text), text).to.deep.equal(['ada']);
    for (const text of [
      'a@ada',
      'ä@ada',
      'a\u0308@ada',
      'Ж@ada',
      'π@ada',
      'א@ada',
      '9@ada',
      '٣@ada',
      '_@ada',
      '@@ada',
      '𝒳@ada',
    ])
      expect(longest(text), text).to.deep.equal([]);
    // Where words have no blanks between them.
    for (const text of ['你好@ada', 'こんにちは@ada', 'カナ@ada', 'สวัสดี@ada', 'ទៅ@ada'])
      expect(longest(text), text).to.deep.equal(['ada']);
  });

  it('end where a word ends', () => {
    for (const text of [
      '@ada!',
      '@ada,',
      '@ada’s',
      "@ada's",
      '@ada)',
      '@ada🎉',
      '@ada\u3002',
      '@adaさん',
      '@ada你好',
      '@ada/@ada',
    ])
      expect(longest(text)[0], text).to.equal('ada');
    for (const text of ['@adaé', '@ada\u0301', '@adaж', '@ada٣', '@ada@example.com', '@ada.x@example.com'])
      expect(longest(text), text).to.deep.equal([]);
  });

  it('are none in an address', () => {
    for (const text of ['mail ada@example.com', 'ada.b@example.com', 'a@b', 'x@ada.example, y@ada'])
      expect(longest(text), text).to.deep.equal([]);
  });

  it('may end in dots and dashes, or the sentence does: the longest comes first', () => {
    expect(namesIn('@Ada.B.')).to.deep.equal([['ada.b.', 'ada.b', 'ada.', 'ada']]);
    expect(namesIn('@ada--')).to.deep.equal([['ada--', 'ada-', 'ada']]);
    expect(namesIn('@a_b')).to.deep.equal([['a_b']]);
    expect(namesIn('@ab @...')).to.deep.equal([[], ['...']]);
    expect(namesIn(`@${'x'.repeat(33)} @${'x'.repeat(32)}`)).to.deep.equal([[], ['x'.repeat(32)]]);
    expect(namesIn(`@${'-'.repeat(10_000)}`)[0]).to.have.length(30);
  });

  it('know everybody', () => {
    for (const text of ['@all', '@ALL', '@all.', '@all--', 'so, @all: come'])
      expect(namesIn(text), text).to.deep.equal([['all']]);
    for (const text of ['a@all', '@allé']) expect(namesIn(text), text).to.deep.equal([]);
    expect(namesIn('@all-hands')[0]).to.include('all-hands').and.not.deep.equal(['all']);
  });
});

inBothWays('mentions', (node, world) => {
  let ada: User;
  let bob: User;
  let eve: User;
  let id: string;
  let names: Record<'ada' | 'bob' | 'eve', string>;
  let n = 0;
  beforeEach(async () => {
    n += 1;
    names = { ada: `ada${n}`, bob: `Bob.${n}`, eve: `eve${n}` };
    [ada, bob, eve] = [
      await register(node(), names.ada),
      await register(node(), names.bob),
      await register(node(), names.eve),
    ];
    id = await group(ada, bob);
  });

  const post = async (by: User, content: string, more: object = {}, where = id) =>
    (await by.rest.post<Json & { id: string }>(`/conversations/${where}/messages`, { content, ...more })).body;
  const mentioned = ({ mentions, mentions_all }: Json) => [mentions, mentions_all];

  it('are the ids of members, each once, in the answer, in the event and in history', async () => {
    const socket = await bob.socket();
    const message = await post(
      ada,
      `@${names.bob}. and @${names.bob.toUpperCase()}, not @${names.eve} nor @nobody, x@${names.ada} — @${names.ada}!`,
    );
    expect(mentioned(message)).to.deep.equal([[bob.id, ada.id], false]);
    const { data } = await socket.frame((f) => f.type === 'message.sent');
    expect(mentioned(data)).to.deep.equal([[bob.id, ada.id], false]);
    expect((await ada.rest.get(`/conversations/${id}/messages/${message.id}`)).body).to.deep.equal(message);
    const ack = await socket.command('message.send', { conversation_id: id, content: `@${names.ada}` });
    expect((ack['message'] as Json)['mentions']).to.deep.equal([ada.id]);
    expect(mentioned(await post(ada, 'no names'))).to.deep.equal([[], false]);
  });

  it('mean the longest name that there is, also where its holder is not in', async () => {
    const longer = await register(node(), `${names.ada}.b`);
    expect(mentioned(await post(bob, `@${names.ada}.b`))).to.deep.equal([[], false]);
    expect(mentioned(await post(bob, `@${names.ada}.c`))).to.deep.equal([[ada.id], false]);
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [longer.id] });
    expect(mentioned(await post(bob, `@${names.ada}.b. Hi`))).to.deep.equal([[longer.id], false]);
  });

  it('follow an edit', async () => {
    const message = await post(ada, `@${names.bob}`);
    const edit = async (content: string) =>
      (await ada.rest.call('PATCH', `/conversations/${id}/messages/${message.id}`, { content })).body;
    expect(mentioned(await edit(`@${names.bob} and @${names.ada}`))).to.deep.equal([[bob.id, ada.id], false]);
    expect(mentioned(await edit('@all'))).to.deep.equal([[], true]);
    expect(mentioned(await edit('nobody'))).to.deep.equal([[], false]);
    const { items } = (await bob.rest.get<{ items: Json[] }>(`/conversations/${id}/messages/${message.id}/revisions`))
      .body;
    expect(items.map(mentioned)).to.deep.equal([
      [[bob.id], false],
      [[bob.id, ada.id], false],
      [[], true],
      [[], false],
    ]);
  });

  it('of everybody are for owner and admins, and for all in a small group', async () => {
    for (const by of [ada, bob]) expect(mentioned(await post(by, 'come, @all!'))).to.deep.equal([[], true]);
    const key = world.log.keys.of(conversationStream(id), 'members');
    const fill = async (upTo: number) => {
      for (let i = await world.log.guardCount(conversationStream(id), 'members'); i < upTo; i += 1)
        await world.log.connection.commands.hset(key, userStream(`x${i}`).id, 'member 1 0 0-0 0 - - - -');
    };
    await fill(49);
    expect(mentioned(await post(bob, '@all'))).to.deep.equal([[], true]);
    await fill(50);
    expect(mentioned(await post(bob, `@all and @${names.ada}`))).to.deep.equal([[ada.id], false]);
    expect(mentioned(await post(ada, '@all'))).to.deep.equal([[], true]);
    await ada.rest.call('PATCH', `/conversations/${id}/participants/${bob.id}`, { role: 'admin' });
    expect(mentioned(await post(bob, '@all'))).to.deep.equal([[], true]);

    const channel = String((await ada.rest.post('/conversations', { type: 'channel', name: 'open' })).body['id']);
    await eve.rest.post(`/conversations/${channel}/join`);
    expect(mentioned(await post(eve, '@all', {}, channel))).to.deep.equal([[], false]);
    expect(mentioned(await post(ada, '@all', {}, channel))).to.deep.equal([[], true]);
  });

  it('are looked up for fifty names at most, and for none where there is no @', async () => {
    const many = Array.from({ length: 49 }, (_, i) => `@nobody${i}`).join(' ');
    expect(mentioned(await post(ada, `${many} @${names.bob.replace('.', '_')} @${names.eve}`))).to.deep.equal([
      [],
      false,
    ]);
    expect(mentioned(await post(ada, `${many} @${names.ada} @${names.bob}`))).to.deep.equal([[ada.id], false]);
  });
});
