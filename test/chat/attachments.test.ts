/** Attachments: what may be uploaded, what becomes of it, who sees it, and how its bytes are given. */
import { expect } from 'chai';
import sharp from 'sharp';
import { ulid } from 'ulid';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { drawing, photo, send, TEXT, upload, useFolder, webm } from '../support/uploading.ts';
import type { Attachment } from '../support/uploading.ts';
import { useWorld } from '../support/world.ts';

describe('attachments', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const folder = useFolder();
  let node: Node;
  let ada: User;
  let bob: User;
  beforeEach(async () => {
    node = await startNode({ DATA_DIR: folder.path, MAX_FILE_SIZE: '200000' });
    [ada, bob] = [await register(node), await register(node)];
  });

  const bytes = async (address: string, headers: Record<string, string> = {}) =>
    fetch(node.base + address, { headers });
  const content = async (address: string) => Buffer.from(await (await bytes(address)).arrayBuffer());

  it('takes a text and gives it back, under its name, to be saved and never run', async () => {
    const { status, body, headers } = await upload(ada, TEXT, 'notes für dich.txt');
    expect(status).to.equal(201);
    expect(headers.get('Chat-Event-Id')).to.match(/^\d+-\d+$/);
    const { id, url, expires_at, ...about } = body;
    expect(about).to.deep.equal({ file_name: 'notes für dich.txt', content_type: 'text/plain', size: TEXT.length });
    expect(Date.parse(expires_at) - Date.now()).to.be.within(3_590_000, 3_600_000);
    const reply = await bytes(url);
    expect(reply.status).to.equal(200);
    expect(Buffer.from(await reply.arrayBuffer())).to.deep.equal(TEXT);
    const said = (name: string) => reply.headers.get(name);
    expect(said('Content-Type')).to.equal('text/plain; charset=utf-8');
    expect(said('Content-Length')).to.equal(String(TEXT.length));
    const disposition = `attachment; filename="notes f_r dich.txt"; filename*=UTF-8''notes%20f%C3%BCr%20dich.txt`;
    expect(said('Content-Disposition')).to.equal(disposition);
    expect(said('X-Content-Type-Options')).to.equal('nosniff');
    expect(said('Content-Security-Policy')).to.equal("default-src 'none'; sandbox");
    expect(said('Cache-Control')).to.equal('private, max-age=3600');
    const again = await ada.rest.get(`/attachments/${id}`);
    expect([again.status, again.body['file_name']]).to.deep.equal([200, about.file_name]);
  });

  it('turns a picture upright, forgets where it was taken, and makes a small one', async () => {
    const taken = await photo(800, 400);
    expect((await sharp(taken).metadata()).exif).not.to.equal(undefined);
    const { body } = await upload(ada, taken, 'photo.jpg');
    expect(body).to.include({ content_type: 'image/jpeg', width: 400, height: 800 });
    const whole = await content(body.url);
    const { exif, orientation, width, height } = await sharp(whole).metadata();
    expect({ exif, orientation, width, height }).to.deep.equal({
      exif: undefined,
      orientation: undefined,
      width: 400,
      height: 800,
    });
    expect(whole.length).to.equal(body.size);
    const small = await sharp(await content(body.thumbnail_url!)).metadata();
    expect([small.format, small.width, small.height, small.exif]).to.deep.equal(['webp', 160, 320, undefined]);
    expect((await bytes(body.url)).headers.get('Content-Disposition')).to.match(/^inline; /);
  });

  it('keeps the frames of a picture that moves', async () => {
    const frame = (red: number) =>
      sharp({ create: { width: 20, height: 10, channels: 3, background: { r: red, g: 0, b: 0 } } })
        .png()
        .toBuffer();
    const gif = await sharp(await Promise.all([frame(0), frame(120), frame(250)]), { join: { animated: true } })
      .gif()
      .toBuffer();
    const { body } = await upload(ada, gif, 'moving.gif');
    expect(body).to.include({ content_type: 'image/gif', width: 20, height: 10 });
    expect((await sharp(await content(body.url), { animated: true }).metadata()).pages).to.equal(3);
  });

  it('says of what plays for how long, and tells sound from pictures by what is in it', async () => {
    const voice = await upload(ada, webm('audio', 2.5), 'voice.webm');
    expect(voice.body).to.include({ content_type: 'audio/webm', duration: 2.5 });
    const film = await upload(ada, webm('video', 61), 'film.webm');
    expect(film.body).to.include({ content_type: 'video/webm', duration: 61 });
    expect((await bytes(voice.body.url)).headers.get('Content-Disposition')).to.match(/^inline; /);
    // Only the beginning of one: it may not play, and does no harm.
    const broken = await upload(ada, webm('audio', 2.5).subarray(0, 14), 'broken.webm');
    expect([broken.status, broken.body.duration]).to.deep.equal([201, undefined]);
  });

  describe('refuses, and leaves nothing,', () => {
    const refused: Record<string, () => Promise<{ status: number; body: { code: string } }>> = {
      'what is too large: payload_too_large': () => upload(ada, Buffer.alloc(200_001, 'a')),
      'what says to be far too large: payload_too_large': () => upload(ada, Buffer.alloc(1_000_000, 'a')),
      'an empty file: validation_failed': () => upload(ada, Buffer.alloc(0)),
      'a program: unsupported_media_type': () =>
        upload(ada, Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0', 'latin1'), 'a.png'),
      'an archive: unsupported_media_type': () => upload(ada, Buffer.from('504b0304140000000000', 'hex'), 'a.txt'),
      'text with controls: unsupported_media_type': () => upload(ada, Buffer.from('a\0b')),
      'bytes that are no UTF-8: unsupported_media_type': () => upload(ada, Buffer.from([0x61, 0xff, 0xfe, 0x61])),
      'SVG: unsupported_media_type': () =>
        upload(
          ada,
          Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'),
        ),
      'half a picture: unsupported_media_type': async () => upload(ada, (await photo(300, 300)).subarray(0, 400)),
      'a bomb: payload_too_large': async () =>
        upload(
          ada,
          await sharp({ create: { width: 12_000, height: 9_000, channels: 3, background: 'red' } })
            .png({ compressionLevel: 9 })
            .toBuffer(),
        ),
      'another field: validation_failed': () => {
        const form = new FormData();
        form.append('avatar', new Blob(['x']), 'x');
        return send(ada.rest, form);
      },
      'two files: validation_failed': () => {
        const form = new FormData();
        form.append('file', new Blob(['x']), 'x');
        form.append('file', new Blob(['y']), 'y');
        return send(ada.rest, form);
      },
      'a text field: validation_failed': () => {
        const form = new FormData();
        form.append('file', 'x');
        return send(ada.rest, form);
      },
      'no file: validation_failed': () =>
        send(ada.rest, Buffer.from('--x--\r\n'), { 'Content-Type': 'multipart/form-data; boundary=x' }),
      'another form of body: unsupported_media_type': () =>
        send(ada.rest, Buffer.from('{}'), { 'Content-Type': 'application/json' }),
    };
    for (const [title, attempt] of Object.entries(refused)) {
      const [what, code] = title.split(': ') as [string, string];
      it(what, async function () {
        this.timeout(10_000);
        const before = (await world.log.heads([{ kind: 'user', id: ada.id }], []))[0]!.id;
        const { status, body } = await attempt();
        expect([status < 500, body.code]).to.deep.equal([true, code]);
        expect(await folder.files()).to.deep.equal([]);
        expect((await world.log.heads([{ kind: 'user', id: ada.id }], []))[0]!.id).to.equal(before);
        for await (const keys of world.log.scan('chat:{*}:files')) {
          for (const key of keys)
            expect(await world.log.connection.commands.zrange(key, '0', '-1')).to.deep.equal(['-']);
        }
      });
    }
  });

  it('a picture with a page behind it is only the picture', async () => {
    const page = '<script>alert(document.domain)</script>';
    const { body, status } = await upload(ada, Buffer.concat([await drawing(), Buffer.from(page)]), 'page.html');
    expect([status, body.content_type]).to.deep.equal([201, 'image/png']);
    expect((await content(body.url)).includes(page)).to.equal(false);
  });

  it('a page is text, which no browser runs', async () => {
    const { body } = await upload(ada, Buffer.from('<!doctype html><script>alert(1)</script>'), 'page.html');
    const { headers } = await bytes(body.url);
    expect(body.content_type).to.equal('text/plain');
    expect(headers.get('Content-Disposition')).to.match(/^attachment; /);
    expect(headers.get('Content-Security-Policy')).to.equal("default-src 'none'; sandbox");
  });

  it('a path in a name is no path', async () => {
    const names: Record<string, string> = {
      '../../../etc/passwd': 'passwd',
      'C:\\Users\\ada\\photo.png': 'photo.png',
      '.htaccess': 'htaccess',
      '..': 'file',
      'gnp.\u202eexe.txt': 'gnp.exe.txt',
      [`${'a'.repeat(300)}.png`]: `${'a'.repeat(116)}.png`,
    };
    for (const [given, kept] of Object.entries(names)) {
      expect((await upload(ada, TEXT, given)).body.file_name, given).to.equal(kept);
    }
  });

  it('answers ranges, and what has not changed', async () => {
    const { body } = await upload(ada, Buffer.from('0123456789'), 'digits.txt');
    const part = async (range: string, more = {}) => {
      const reply = await bytes(body.url, { Range: range, ...more });
      return [reply.status, reply.headers.get('Content-Range'), reply.status < 400 ? await reply.text() : ''];
    };
    expect(await part('bytes=0-3')).to.deep.equal([206, 'bytes 0-3/10', '0123']);
    expect(await part('bytes=7-')).to.deep.equal([206, 'bytes 7-9/10', '789']);
    expect(await part('bytes=-2')).to.deep.equal([206, 'bytes 8-9/10', '89']);
    expect(await part('bytes=8-100')).to.deep.equal([206, 'bytes 8-9/10', '89']);
    expect(await part('bytes=10-')).to.deep.equal([416, 'bytes */10', '']);
    expect(await part('bytes=0-1,3-4')).to.deep.equal([200, null, '0123456789']);
    const etag = (await bytes(body.url)).headers.get('ETag')!;
    expect(await part('bytes=0-3', { 'If-Range': etag })).to.deep.equal([206, 'bytes 0-3/10', '0123']);
    expect(await part('bytes=0-3', { 'If-Range': '"another"' })).to.deep.equal([200, null, '0123456789']);
    expect((await bytes(body.url, { 'If-None-Match': etag })).status).to.equal(304);
    const head = await fetch(node.base + body.url, { method: 'HEAD' });
    expect([head.status, head.headers.get('Content-Length')]).to.deep.equal([200, '10']);
  });

  it('an address holds for an hour, for its own bytes alone', async () => {
    const [one, other] = [(await upload(ada, TEXT)).body, (await upload(ada, await drawing())).body];
    const query = one.url.split('?')[1]!;
    for (const address of [
      `/api/v1/attachments/${other.id}/content?${query}`,
      one.url.replace(/expires=\d+/, 'expires=9999999999'),
      one.url.replace(/signature=.*/, 'signature=AAAA'),
      other.url.replace('/content', '/thumbnail'),
    ]) {
      expect((await bytes(address)).status, address).to.equal(401);
    }
    expect((await bytes(`/api/v1/attachments/${one.id}/content`)).status).to.equal(401);
    const own = await bytes(`/api/v1/attachments/${one.id}/content`, { Authorization: `Bearer ${ada.token}` });
    expect([own.status, await own.text()]).to.deep.equal([200, TEXT.toString()]);
  });

  it('is seen by who uploaded it, and by nobody else', async () => {
    const { id } = (await upload(ada, TEXT)).body;
    expect((await bob.rest.get(`/attachments/${id}`)).status).to.equal(404);
    expect((await bob.rest.get(`/attachments/${ulid()}`)).status).to.equal(404);
    const direct = await bytes(`/api/v1/attachments/${id}/content`, { Authorization: `Bearer ${bob.token}` });
    expect(direct.status).to.equal(404);
  });

  it('an upload repeated under one id is one', async () => {
    const headers = { 'Idempotency-Key': ulid() };
    const first = await upload(ada, TEXT, 'a.txt', headers);
    const again = await upload(ada, TEXT, 'a.txt', headers);
    expect([again.status, again.body.id]).to.deep.equal([201, first.body.id]);
    expect(again.headers.get('Chat-Event-Id')).to.equal(first.headers.get('Chat-Event-Id'));
    const other = await upload<{ code: string }>(ada, Buffer.from('other'), 'a.txt', headers);
    expect([other.status, other.body.code]).to.deep.equal([409, 'conflict']);
    expect(await folder.files()).to.have.length(1);
  });

  it('one content is kept once', async () => {
    const all = await Promise.all([upload(ada, TEXT), upload(bob, TEXT), upload(ada, TEXT)]);
    expect(await folder.files()).to.have.length(1);
    for (const { body } of all) expect(await content(body.url)).to.deep.equal(TEXT);
  });

  describe('in messages', () => {
    let room: string;
    beforeEach(async () => void (room = await group(ada, bob)));
    const post = (user: User, message: object) => user.rest.post(`/conversations/${room}/messages`, message);

    it('are seen by everybody who sees the message', async () => {
      const { body: file } = await upload(ada, await drawing(), 'drawing.png');
      const sent = await post(ada, { message_type: 'image', attachments: [file.id] });
      expect(sent.status).to.equal(201);
      const address = `/api/v1/attachments/${file.id}`;
      const { url: _url, thumbnail_url: _small, expires_at: _expires, ...about } = file;
      const carried = { ...about, url: `${address}/content`, thumbnail_url: `${address}/thumbnail` };
      expect(sent.body).to.deep.include({ content: '', message_type: 'image', attachments: [carried] });
      const read = await bob.rest.get<{ items: { attachments: Attachment[] }[] }>(`/conversations/${room}/messages`);
      expect(read.body.items[0]!.attachments).to.deep.equal([carried]);
      expect((await bob.rest.get(`/attachments/${file.id}`)).status).to.equal(200);
      const shown = await bytes(carried.url, { Authorization: `Bearer ${bob.token}` });
      expect(shown.status).to.equal(200);
      expect((await (await register(node)).rest.get(`/attachments/${file.id}`)).status).to.equal(404);
    });

    it('must be there, one’s own, and not too many', async () => {
      const { body: file } = await upload(ada, TEXT);
      const codes = await Promise.all([
        post(bob, { content: 'mine', attachments: [file.id] }),
        post(ada, { content: 'gone', attachments: [ulid()] }),
        post(ada, { message_type: 'file', content: 'none' }),
        post(ada, { content: 'twice', attachments: [file.id, file.id] }),
        post(ada, { content: 'many', attachments: Array.from({ length: 6 }, () => ulid()) }),
      ]);
      expect(codes.map(({ status, body }) => [status, body['code']])).to.deep.equal([
        [404, 'not_found'],
        [404, 'not_found'],
        [400, 'validation_failed'],
        [400, 'validation_failed'],
        [400, 'validation_failed'],
      ]);
    });
  });
});
