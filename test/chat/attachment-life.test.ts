/** How long attachments live: as long as a message carries them, and a day without one; their bytes as long as any of them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { ulid } from 'ulid';
import { strayFiles } from '../../src/chat/attachments/sweeping.ts';
import { checks, guards, projections } from '../../src/chat/index.ts';
import { DiskStore } from '../../src/files/disk-store.ts';
import { fileKey } from '../../src/files/store.ts';
import { userStream } from '../../src/keys.ts';
import { verify } from '../../src/projector/verify.ts';
import { Views } from '../../src/views/store.ts';
import { eventually } from '../../scripts/prove/story.ts';
import { decode } from '../support/folds.ts';
import { allTimers, passTime } from '../support/passing.ts';
import { projected } from '../support/projecting.ts';
import { setClock } from '../support/rooms.ts';
import { writesNothing } from '../support/nothing-written.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { drawing, TEXT, upload, useFolder } from '../support/uploading.ts';
import type { Attachment } from '../support/uploading.ts';
import { useWorld } from '../support/world.ts';

const DAY_MS = 86_400_000;

describe('the life of attachments', function () {
  this.timeout(20_000);
  const world = useWorld();
  const startNode = useNodes(world);
  const folder = useFolder();
  let node: Node;
  let ada: User;
  let bob: User;
  let room: string;
  let days: number;
  beforeEach(async () => {
    days = 0;
    node = await startNode({ DATA_DIR: folder.path, DELETE_WINDOW_SECONDS: '0' });
    [ada, bob] = [await register(node), await register(node)];
    room = await group(ada, bob);
  });

  interface Sent {
    readonly id: string;
    readonly content: string;
    readonly attachments: Attachment[];
    readonly code: string;
  }
  const post = async (user: User, message: object, id = room) =>
    user.rest.post<Sent>(`/conversations/${id}/messages`, message);
  const takeBack = (user: User, message: string, id = room) =>
    user.rest.call('DELETE', `/conversations/${id}/messages/${message}`);
  const isThere = async (id: string) => (await ada.rest.get(`/attachments/${id}`)).status === 200;
  const isGone = (id: string) => eventually(async () => !(await isThere(id)), 5_000);
  const areFiles = (count: number) => eventually(async () => (await folder.files()).length === count, 5_000);

  /** A day passes for uploads. Timers that were set by the clock that is ahead pass with it. */
  async function passDay(): Promise<void> {
    days += 1;
    for (const { id } of [ada, bob]) await setClock(world, userStream(id), Date.now() + days * DAY_MS);
    const spared = (await allTimers(world)).filter((timer) => timer.startsWith('presence'));
    await passTime(world, 5 * DAY_MS, { userIds: [], spared: new Set(spared) });
  }
  const noTimers = () =>
    eventually(async () => (await allTimers(world)).every((timer) => !/^(attachment|file) /.test(timer)), 5_000);

  it('what no message carries goes after a day, its bytes too, and nothing stays of it', async () => {
    const { body: file } = await upload(ada, await drawing());
    expect(await folder.files()).to.have.length(2);
    await passDay();
    expect([await isGone(file.id), await areFiles(0), await noTimers()]).to.deep.equal([true, true, true]);
    const reply = await fetch(node.base + file.url);
    expect(reply.status).to.equal(404);
  });

  it('what a message carries stays, and goes with it', async () => {
    const { body: file } = await upload(ada, await drawing());
    const { body: sent } = await post(ada, { message_type: 'image', attachments: [file.id] });
    await passDay();
    expect(await noTimers()).to.equal(true);
    expect(await isThere(file.id)).to.equal(true);
    await takeBack(ada, sent.id);
    expect([await isGone(file.id), await areFiles(0)]).to.deep.equal([true, true]);
  });

  it('goes with the last of several messages, also of another’s that forwards it', async () => {
    const { body: file } = await upload(ada, TEXT);
    const { body: first } = await post(ada, { content: 'look', attachments: [file.id] });
    const other = await group(bob);
    const forward = { conversation_id: room, message_id: first.id };
    const { body: second, status } = await post(bob, { forward }, other);
    expect([status, second.attachments]).to.deep.equal([201, first.attachments]);
    await takeBack(ada, first.id);
    expect((await bob.rest.get(`/attachments/${file.id}`)).status).to.equal(200);
    await passDay();
    expect(await noTimers()).to.equal(true);
    expect((await bob.rest.get(`/attachments/${file.id}`)).status).to.equal(200);
    await takeBack(bob, second.id, other);
    expect([await isGone(file.id), await areFiles(0)]).to.deep.equal([true, true]);
  });

  it('whoever uploaded it takes it away, unless a message carries it or is about to', async () => {
    const [file, carried, planned] = [await upload(ada, TEXT), await upload(ada, TEXT), await upload(ada, TEXT)];
    await post(ada, { content: 'look', attachments: [carried.body.id] });
    const send_at = new Date(Date.now() + DAY_MS).toISOString();
    await ada.rest.post(`/conversations/${room}/scheduled`, {
      content: 'later',
      attachments: [planned.body.id],
      send_at,
    });
    const remove = (user: User, { body }: typeof file, headers = {}) =>
      user.rest.call('DELETE', `/attachments/${body.id}`, undefined, headers);
    for (const used of [carried, planned]) {
      const { status, body } = await writesNothing(world, 'used', () => remove(ada, used));
      expect([status, body['code']]).to.deep.equal([409, 'conflict']);
    }
    expect((await writesNothing(world, 'of another', () => remove(bob, file))).status).to.equal(404);
    const key = { 'Idempotency-Key': ulid() };
    expect((await remove(ada, file, key)).status).to.equal(204);
    expect((await writesNothing(world, 'repeat', () => remove(ada, file, key))).status).to.equal(204);
    expect((await writesNothing(world, 'again', () => remove(ada, file))).status).to.equal(404);
    expect((await post(ada, { content: 'gone', attachments: [file.body.id] })).status).to.equal(404);
    expect(await isThere(file.body.id)).to.equal(false);
    // The other two have the same content.
    expect(await folder.files()).to.have.length(1);
    const alone = await upload(ada, await drawing());
    const before = (await folder.files()).length;
    const socket = await ada.socket();
    expect(await socket.ask('attachment.delete', { attachment_id: alone.body.id })).to.have.nested.property(
      'data.event_id',
    );
    expect([before > 1, await areFiles(1)]).to.deep.equal([true, true]);
  });

  it('goes with its conversation', async () => {
    const { body: file } = await upload(ada, TEXT);
    await post(ada, { content: 'look', attachments: [file.id] });
    expect((await ada.rest.call('DELETE', `/conversations/${room}`)).status).to.equal(204);
    expect([await isGone(file.id), await areFiles(0)]).to.deep.equal([true, true]);
  });

  it('bytes stay as long as somebody holds them', async () => {
    const [one, other] = [(await upload(ada, TEXT)).body, (await upload(bob, TEXT)).body];
    const { body: sent } = await post(ada, { content: 'mine', attachments: [one.id] });
    await post(bob, { content: 'mine too', attachments: [other.id] });
    await takeBack(ada, sent.id);
    expect(await isGone(one.id)).to.equal(true);
    const reply = await fetch(node.base + other.url);
    expect([reply.status, await reply.text()]).to.deep.equal([200, TEXT.toString()]);
    expect(await folder.files()).to.have.length(1);
  });

  it('a message that is refused carries nothing, and one that is repeated is one', async () => {
    const { body: file } = await upload(ada, TEXT);
    const refused = await post(ada, { content: 'to nobody', attachments: [file.id], reply_to: ulid() });
    expect([refused.status, refused.body.code]).to.deep.equal([404, 'not_found']);
    const attached = world.log.keys.of(userStream(ada.id), 'attached');
    expect(await world.log.connection.commands.zrange(attached, '0', '-1')).to.deep.equal(['-']);
    const message = { id: ulid(), content: 'once', attachments: [file.id] };
    const [first, again] = [await post(ada, message), await post(ada, message)];
    expect(again.body).to.deep.equal(first.body);
    await takeBack(ada, message.id);
    expect(await isGone(file.id)).to.equal(true);
    const late = await post(ada, message);
    expect([late.status, late.body.attachments]).to.deep.equal([201, []]);
  });

  it('a planned message keeps its file until it is sent, and a plan that ends does not', async () => {
    const [one, other] = [(await upload(ada, TEXT)).body, (await upload(ada, await drawing())).body];
    const plan = async (id: string) => {
      const send_at = new Date(Date.now() + 30 * DAY_MS).toISOString();
      const body = { content: 'later', attachments: [id], send_at };
      return (await ada.rest.post<{ id: string }>(`/conversations/${room}/scheduled`, body)).body.id;
    };
    await plan(one.id);
    const ended = await plan(other.id);
    await passDay();
    expect([await isThere(one.id), await isThere(other.id)]).to.deep.equal([true, true]);
    expect((await ada.rest.call('DELETE', `/scheduled/${ended}`)).status).to.equal(204);
    await passDay();
    expect(await isGone(other.id)).to.equal(true);
    expect(await isThere(one.id)).to.equal(true);
  });

  it('a picture in the text of a message, as older clients send it, is taken as an upload', async () => {
    const content = `data:image/png;base64,${(await drawing()).toString('base64')}`;
    const message = { id: ulid(), message_type: 'image', content };
    const { status, body } = await post(bob, message);
    expect([status, body.content]).to.deep.equal([201, '']);
    expect(body.attachments[0]).to.include({ content_type: 'image/png', file_name: 'image.png', width: 8 });
    const again = await post(bob, message);
    expect(again.body).to.deep.equal(body);
    const other = { ...message, content: `data:image/png;base64,${(await drawing(9, 9)).toString('base64')}` };
    expect((await post(bob, other)).body.code).to.equal('conflict');
    const wrong = [
      { content: 'data:image/png;base64,AAAA' },
      { content: 'data:text/plain;base64,AAAA' },
      { content: 'data:image/png,AAAA' },
      { content, message_type: 'audio' },
    ];
    const codes = await Promise.all(wrong.map((w) => post(bob, { message_type: 'image', ...w })));
    expect(codes.map((reply) => reply.body.code)).to.deep.equal([
      'unsupported_media_type',
      'unsupported_media_type',
      'validation_failed',
      'unsupported_media_type',
    ]);
  });

  it('files that no attachment holds, as after an older Redis was restored, are found by a sweep', async () => {
    await upload(ada, await drawing());
    const store = new DiskStore(join(folder.path, 'files'));
    const found = async (now: number) => {
      const keys: string[] = [];
      for await (const key of strayFiles(world.log, store, now)) keys.push(key);
      return keys;
    };
    const later = Date.now() + 2 * DAY_MS;
    expect(await found(later)).to.deep.equal([]);
    const stray = fileKey('0'.repeat(64), ulid());
    await writeFile(join(folder.path, 'stray'), 'x');
    await store.put(stray, { path: join(folder.path, 'stray'), size: 1, sha256: '0'.repeat(64) });
    expect(await found(later)).to.deep.equal([stray]);
    // What is young may be on its way.
    expect(await found(Date.now())).to.deep.equal([]);
  });

  it('verify finds all of it as the logs make it, and what is not so', async () => {
    const [one, other] = [(await upload(ada, await drawing())).body, (await upload(ada, TEXT)).body];
    const { body: kept } = await post(ada, { content: 'kept', attachments: [one.id] });
    const { body: gone } = await post(ada, { content: 'gone', attachments: [other.id] });
    await post(bob, { forward: { conversation_id: room, message_id: kept.id } });
    await takeBack(ada, gone.id);
    expect([await isGone(other.id), await areFiles(2)]).to.deep.equal([true, true]);
    await projected(world);
    const { log } = world;
    const wrong = async () =>
      (await verify({ log, views: new Views(log), projections, guards, checks, decode })).differences.map(
        ({ what, key }) => [what, key],
      );
    expect(await wrong()).to.deep.equal([]);
    const { commands } = log.connection;
    const key = (name: string) => log.keys.of(userStream(ada.id), name);
    await commands.hset(key('uploads'), ulid(), 'ghost');
    expect(await wrong()).to.deep.equal([['guard', key('uploads')]]);
    await commands.hset(key('uploads'), one.id, 'changed');
    await commands.zrem(key('attached'), `${one.id} ${room} ${kept.id} ?`);
    const found = (await wrong()).map(([what]) => what);
    expect(found).to.have.members(['guard', 'guard', 'attached']);
  });

  it('what a crash has left half done is taken away: bytes that were held for nothing, and files on their way', async () => {
    const { body: file } = await upload(ada, TEXT);
    const stream = userStream(ada.id);
    const { commands } = world.log.connection;
    // As if the process had ended before it told of the file.
    await commands.hdel(world.log.keys.of(stream, 'uploads'), file.id);
    await commands.zrem(world.log.keys.of(stream, 'attachments'), `${file.id}\n${ada.id}`);
    await passDay();
    expect([await areFiles(0), await noTimers()]).to.deep.equal([true, true]);
  });
});
