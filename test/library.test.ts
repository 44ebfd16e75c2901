/** The client library against a real node: what an application is told, and what becomes of what it says. */
import { execFile } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import type { SocketMaker } from '../src/client/client.ts';
import { tempDir } from '../src/redis/redis-server.ts';
import { appOf, codeOf, KeptOutbox, tokenUntil, useApps } from './support/library.ts';
import { group, register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { useWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

describe('the client library', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const open = useApps();
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  const at = (user: User, more = {}) => open(appOf(user, { url: node.base, ...more }));

  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    id = await group(ada, bob);
  });

  it('is a folder of plain modules, whose types need nothing else', async () => {
    const folder = await tempDir();
    await cp(join(root, 'dist/client'), join(folder, 'client'), { recursive: true });
    const program = [
      "import { Client, type Message, type Tidings } from './client/client.js';",
      "const client = new Client({ url: '' });",
      "const text = ({ data }: Tidings['message.sent']): string => data.content;",
      "client.on('message.sent', text);",
      "export const sent: Promise<Message> = client.send('', { content: '', reply_to: null }).sent;",
      '// @ts-expect-error there is no such event',
      "client.on('message.send', () => {});",
      '// @ts-expect-error it needs to know which one',
      "void client.call('GET /conversations/{conversation_id}', {});",
    ];
    await writeFile(join(folder, 'program.mts'), program.join('\n'));
    const options = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2022 --lib es2023,dom';
    const args = [join(root, 'node_modules/typescript/bin/tsc'), ...options.split(' '), 'program.mts'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
    expect(stdout).to.equal('');
  });

  it('registers, logs in, sends and hears, and asks by REST', async () => {
    const carla = open({ url: node.base });
    await carla.client.register({ username: 'carla', password: 'correct horse' });
    const again = open({ url: node.base });
    const user = await again.client.logIn({ username: 'carla', password: 'correct horse' });
    expect(again.client.user).to.deep.equal(user);
    await Promise.all([carla.live(), again.live()]);
    const { id: room } = await carla.client.call('POST /conversations', { type: 'channel', name: 'lobby' });
    const heard: string[] = [];
    again.client.on('message.sent', ({ data }) => heard.push(data.content));
    const { id: sentId, sent } = carla.client.send(room, 'hello');
    const message = await sent;
    expect(message).to.deep.include({ id: sentId, content: 'hello', sender_id: user.id });
    await again.until(() => heard.length === 1, 'the message');
    expect(heard).to.deep.equal(['hello']);
    const ack = await carla.client.command('reaction.add', { conversation_id: room, message_id: sentId, emoji: '👍' });
    expect(ack.event_id).to.match(/^\d+-\d+$/);
    const { items } = await carla.client.call('GET /conversations/{conversation_id}/messages', {
      conversation_id: room,
      limit: 1,
    });
    expect(items[0]?.reactions[0]?.emoji).to.equal('👍');
    expect(
      await codeOf(carla.client.call('GET /conversations/{conversation_id}', { conversation_id: sentId })),
    ).to.equal('not_found');
    const edit = { conversation_id: room, message_id: sentId, content: '' };
    expect(await codeOf(carla.client.command('message.edit', edit))).to.equal('validation_failed');
    await again.client.logOut();
    expect(again.client.user).to.equal(undefined);
    expect(again.states.at(-1)).to.equal('stopped');
  });

  it('says who is there and who types, and tells typing no more often than it must be heard', async () => {
    const [a, b] = [at(ada), at(bob)];
    a.client.presence.watch([bob.id]);
    await a.live();
    await b.live();
    await a.until(() => a.client.presence.statusOf(bob.id) === 'online', 'Bob, online');
    const frames: string[] = [];
    b.client.on('typing.started', ({ type }) => frames.push(type));
    for (let i = 0; i < 20; i += 1) a.client.presence.type(id);
    await b.until(() => b.client.presence.typingIn(id).includes(ada.id), 'Ada, typing');
    await a.client.send(id, 'done').sent;
    await b.until(() => b.client.presence.typingIn(id).length === 0, 'the end of typing');
    expect(frames.length).to.equal(1);
  });

  it('uploads a file from memory or a stream, and tells how far it has come', async () => {
    const { client } = at(ada);
    const bytes = new TextEncoder().encode('words '.repeat(50_000));
    const told: [number, number | undefined][] = [];
    const file = new File([bytes], 'wo"rds.txt', { type: 'text/plain' });
    const uploaded = await client.upload(file, { onProgress: (sent, total) => told.push([sent, total]) });
    expect(uploaded).to.deep.include({ file_name: 'wo"rds.txt', content_type: 'text/plain', size: bytes.length });
    expect(told.at(-1)).to.deep.equal([bytes.length, bytes.length]);
    expect(told.length).to.be.above(1);
    async function* stream() {
      yield bytes.subarray(0, 1_000);
      yield bytes.subarray(1_000);
    }
    const streamed = await client.upload({ name: 'stream.txt', stream });
    expect(streamed.size).to.equal(bytes.length);
    const { sent } = client.send(id, { message_type: 'file', attachments: [streamed.id] });
    client.start();
    expect((await sent).attachments[0]?.file_name).to.equal('stream.txt');
    expect(await codeOf(client.upload(file, { signal: AbortSignal.abort() }))).to.equal('unreachable');
  });

  it('renews an access token that has expired, for REST and for a socket that is open', async () => {
    const soon = Math.floor(Date.now() / 1_000) + 3;
    let login: object | undefined = {
      access_token: tokenUntil(ada, soon - 1_000),
      refresh_token: ada.refreshToken,
      expires_at: Date.now() + 1_000_000,
    };
    const store = { load: () => login as never, save: (next: object | undefined) => (login = next) };
    const app = at(ada, { login: store });
    expect((await app.client.call('GET /users/me', {})).id).to.equal(ada.id);
    const { access_token } = login as { access_token: string };
    expect(access_token).not.to.equal(tokenUntil(ada, soon - 1_000));
    const short = tokenUntil(ada, soon);
    login = { ...login, access_token: short, expires_at: Date.now() + 1_000_000 };
    await app.live();
    const isRenewed = () => (login as { access_token: string }).access_token !== short;
    await app.until(() => isRenewed() && app.client.state.name === 'live', 'a socket with another token');
    await app.client.send(id, 'with another token').sent;
  });

  it('an ended session ends the client, and says so', async () => {
    const app = at(ada);
    let ended = 0;
    app.client.on('ended', () => (ended += 1));
    await app.live();
    await ada.rest.post('/auth/logout', { refresh_token: ada.refreshToken });
    await app.until(() => ended > 0, 'the end');
    expect([ended, app.client.user, app.client.state.name]).to.deep.equal([1, undefined, 'stopped']);
    expect(await codeOf(app.client.call('GET /users/me', {}))).to.equal('unauthenticated');
    expect(await codeOf(app.client.command('message.delete', { conversation_id: id, message_id: id }))).to.equal(
      'stopped',
    );
  });

  /** Frames that fit do not come through, as if the server had a hole. */
  const deaf = (isLost: (text: string) => boolean): SocketMaker =>
    class extends WebSocket {
      override emit(name: string | symbol, ...more: unknown[]): boolean {
        if (name === 'message' && isLost(String(more[0]))) return true;
        return super.emit(name, ...more);
      }
    } as unknown as SocketMaker;

  it('asks for what is missing in a stream, in the middle and at any length', async () => {
    let lost = 0;
    const WebSocket = deaf((text) => /"content":"lost/.test(text) && (lost += 1) <= 3);
    const app = at(bob, { WebSocket });
    await app.live();
    const texts = ['one', 'lost 1', 'lost 2', 'lost 3', 'two', 'three'];
    for (const content of texts) await ada.rest.post(`/conversations/${id}/messages`, { content });
    await app.until(() => app.said().length === texts.length, 'all of them');
    expect(app.said()).to.deep.equal(texts);
    expect(app.states).to.deep.equal(['opening', 'resuming', 'live']);
    expect(app.resets).to.deep.equal([]);
  });

  it('a hole that stays is told as a reset, once, and the stream goes on', async () => {
    const app = at(bob, { WebSocket: deaf((text) => text.includes('never comes')) });
    await app.live();
    for (const content of ['one', 'never comes', 'two', 'three'])
      await ada.rest.post(`/conversations/${id}/messages`, { content });
    await app.until(() => app.said().length === 3, 'the others');
    expect(app.said()).to.deep.equal(['one', 'two', 'three']);
    expect(app.resets.length).to.equal(1);
    expect(app.resets[0]).to.deep.include({ conversation_id: id });
  });

  it('where the log does not know the cursor, the application is told, reads the newest page and goes on behind it', async () => {
    for (const content of ['one', 'two']) await ada.rest.post(`/conversations/${id}/messages`, { content });
    const app = at(bob, { cursors: [[id, '1000000000000-2']] });
    const pages: string[][] = [];
    app.client.on('sync.reset', ({ conversation_id }) => {
      void app.client.reload(conversation_id!).then(({ items }) => {
        expect(app.said()).to.deep.equal([]);
        pages.push(items.filter((item) => item.message_type === 'text').map(({ content }) => content));
      });
      void ada.rest.post(`/conversations/${id}/messages`, { content: 'three' });
    });
    await app.live();
    await app.until(() => app.said().includes('three'), 'what came after');
    expect(pages.length).to.equal(1);
    expect(pages[0]?.slice(-2)).to.deep.equal(['two', 'one']);
    expect(app.said()).to.deep.equal(['three']);
  });

  it('under a name of its device a client that keeps nothing gets what it missed', async () => {
    const deviceId = 'tablet';
    const before = at(bob, { deviceId });
    await before.live();
    const say = (content: string) => ada.rest.post(`/conversations/${id}/messages`, { content });
    await say('seen');
    await before.until(() => before.said().includes('seen'), 'the first');
    before.client.stop();
    await say('missed');
    // When the server has heard that the socket is gone.
    await ada.rest.get(`/conversations/${id}`);
    const after = at(bob, { deviceId });
    await after.live();
    await after.until(() => after.said().includes('missed'), 'what was missed');
    expect(after.said(id).at(-1)).to.equal('missed');
    expect(after.resets).to.deep.equal([]);
  });

  it('who was taken out and came back misses nothing of what they may see, and hears of no hole', async () => {
    const app = at(bob);
    await app.live();
    const say = (content: string) => ada.rest.post(`/conversations/${id}/messages`, { content });
    await say('before');
    await ada.rest.call('DELETE', `/conversations/${id}/participants/${bob.id}`);
    await say('not for Bob');
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [bob.id] });
    await say('after');
    await app.until(() => app.said().includes('after'), 'what came after the return');
    expect(app.said()).to.deep.equal(['before', 'after']);
    expect(app.resets).to.deep.equal([]);
  });

  it('stands in more conversations than session.ready names, and resumes all of them', async () => {
    const rooms: string[] = [];
    for (let i = 0; i < 104; i += 1) rooms.push(await group(ada, bob));
    const app = at(bob);
    await app.live();
    const { cursors } = app.client;
    app.client.stop();
    expect(cursors.size).to.equal(106);
    const said = [id, rooms[0]!, rooms[1]!, rooms[103]!];
    for (const room of said) await ada.rest.post(`/conversations/${room}/messages`, { content: `in ${room}` });
    const later = at(bob, { cursors });
    await later.live();
    await later.until(() => later.said().length === 4, 'what was missed');
    expect(later.said().toSorted()).to.deep.equal(said.map((room) => `in ${room}`).toSorted());
  });

  it('what the server refuses stays with its reason and holds up no other; a full outbox takes no more', async () => {
    const store = new KeptOutbox();
    const app = at(ada, { outbox: store });
    const first = app.client.send(id, '');
    const second = app.client.send(id, 'fine');
    await app.live();
    expect(await codeOf(first.sent)).to.equal('validation_failed');
    expect((await second.sent).content).to.equal('fine');
    const [refused] = app.client.unsent(id);
    expect(refused?.refused?.code).to.equal('validation_failed');
    expect(store.kept.size).to.equal(1);
    app.client.discard(first.id);
    expect(app.client.unsent(id)).to.deep.equal([]);
    expect(await codeOf(app.client.send(id, 'x'.repeat(70_000)).sent)).to.equal('payload_too_large');

    const alone = open({ url: 'http://127.0.0.1:9' });
    const all = Array.from({ length: 1_001 }, (_, i) => alone.client.send(id, `${i}`));
    expect(await codeOf(all.at(-1)!.sent)).to.equal('full');
    expect(alone.client.unsent(id).length).to.equal(1_000);
  });
});
