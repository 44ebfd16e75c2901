/** What every place for files holds, whichever it is: one contract, tried on a folder and on object storage. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { ulid } from 'ulid';
import { DiskStore } from '../../src/files/disk-store.ts';
import { S3Store } from '../../src/files/s3-store.ts';
import { fileKey } from '../../src/files/store.ts';
import { WholeFiles } from '../../src/files/whole-files.ts';
import type { FileStore, LocalFile } from '../../src/files/store.ts';
import { codeOf } from '../support/accounts.ts';
import { startS3 } from '../support/s3-server.ts';
import type { S3Server } from '../support/s3-server.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const read = async (stream: Readable | undefined): Promise<string | undefined> =>
  stream && (await buffer(stream)).toString('latin1');

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'rill-files-'))));
afterEach(() => rm(folder, { recursive: true }));

async function local(bytes: Buffer): Promise<LocalFile & { key: string }> {
  const path = join(folder, `incoming-${ulid()}`);
  await writeFile(path, bytes);
  return { path, size: bytes.length, sha256: sha256(bytes), key: fileKey(sha256(bytes), ulid()) };
}

function keepsFiles(store: () => FileStore): void {
  it('gives what was put, whole and in part', async () => {
    const bytes = randomBytes(200_000);
    const file = await local(bytes);
    await store().put(file.key, file);
    expect(await read(await store().read(file.key))).to.equal(bytes.toString('latin1'));
    const part = await read(await store().read(file.key, { start: 99_000, end: 150_000 }));
    expect(part).to.equal(bytes.subarray(99_000, 150_001).toString('latin1'));
    expect(await read(await store().read(file.key, { start: 0, end: 0 }))).to.equal(bytes.toString('latin1', 0, 1));
  });

  it('is put twice without harm, and taken away twice', async () => {
    const file = await local(Buffer.from('once'));
    await store().put(file.key, file);
    const again = await local(Buffer.from('once'));
    await store().put(file.key, again);
    expect(await read(await store().read(file.key))).to.equal('once');
    await store().remove(file.key);
    await store().remove(file.key);
    expect(await store().read(file.key)).to.equal(undefined);
  });

  it('keeps small files whole, under a name that tells what is in them', async () => {
    const files = new WholeFiles(store(), join(folder, 'whole'));
    const content = randomBytes(50_000);
    const name = await files.put(content);
    expect(await files.put(content)).to.equal(name);
    expect((await files.read(name)).equals(content)).to.equal(true);
    expect(await readdir(join(folder, 'whole'))).to.deep.equal([]);
    const other = await local(Buffer.from('of somebody else'));
    await store().remove(name);
    expect(await codeOf(files.read(name))).to.equal('unavailable');
    await store()
      .put(name, other)
      .catch(() => {});
    expect(await codeOf(files.read(name)), 'another content').to.equal('unavailable');
    expect(await codeOf(files.read('../secret'))).to.equal('unavailable');
  });

  it('lists every file with its time, over pages', async () => {
    const files = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => local(Buffer.from(text))));
    for (const file of files) await store().put(file.key, file);
    const found: string[] = [];
    for await (const { key, modifiedMs } of store().all()) {
      expect(Date.now() - modifiedMs).to.be.within(-2_000, 60_000);
      found.push(key);
    }
    expect(found.toSorted()).to.deep.equal(files.map(({ key }) => key).toSorted());
  });

  it('takes no key that could be a path', async () => {
    const file = await local(Buffer.from('x'));
    for (const key of ['../secret', `${file.sha256}`, `${file.key}/..`, '']) {
      expect(
        await store()
          .put(key, file)
          .catch((error: Error) => error.message),
        key,
      ).to.equal('not the key of a file');
    }
  });
}

describe('files in a folder', () => {
  keepsFiles(() => new DiskStore(join(folder, 'files')));

  it('a file that is being put leaves nothing beside it', async () => {
    const store = new DiskStore(join(folder, 'files'));
    const file = await local(Buffer.from('alone'));
    await store.put(file.key, file);
    expect(await readdir(join(folder, 'files', file.key.slice(0, 2)))).to.deep.equal([file.key]);
    expect(await readdir(folder)).to.deep.equal(['files']);
  });

  it('a folder that cannot be written is unavailable', async () => {
    const file = await local(Buffer.from('x'));
    await writeFile(join(folder, 'files'), 'no folder');
    expect(await codeOf(new DiskStore(join(folder, 'files')).put(file.key, file))).to.equal('unavailable');
  });
});

describe('files in object storage', () => {
  let server: S3Server;
  beforeEach(async () => void (server = await startS3()));
  afterEach(() => server.stop());

  describe('below a prefix, beside others in the bucket', () => {
    keepsFiles(() => {
      server.objects.set(`${'0'.repeat(64)}-${'0'.repeat(26)}`, Buffer.from('of others'));
      return new S3Store({ ...server.options, prefix: 'archive/' });
    });
  });

  describe('as any store', () => {
    keepsFiles(() => new S3Store(server.options));
    afterEach(() => expect(server.refused).to.deep.equal([]));
  });

  it('keys that do not fit, and content other than was signed, are unavailable and leave nothing', async () => {
    const file = await local(Buffer.from('x'));
    const stranger = new S3Store({ ...server.options, secretAccessKey: 'another' });
    expect(await codeOf(stranger.put(file.key, file))).to.equal('unavailable');
    expect(await codeOf(stranger.read(file.key))).to.equal('unavailable');
    const changed = { ...file, sha256: sha256(Buffer.from('y')) };
    expect(await codeOf(new S3Store(server.options).put(file.key, changed))).to.equal('unavailable');
    expect(server.refused.map((line) => line.split(': ')[1])).to.deep.equal([
      'the signature does not fit',
      'the signature does not fit',
      'another body than was signed',
    ]);
    expect(server.objects.size).to.equal(0);
  });

  it('a bucket that is not there, and a storage that is away, are unavailable', async () => {
    const file = await local(Buffer.from('x'));
    const elsewhere = new S3Store({ ...server.options, bucket: 'another' });
    expect(await codeOf(elsewhere.put(file.key, file))).to.equal('unavailable');
    await server.stop();
    expect(await codeOf(new S3Store(server.options).read(file.key))).to.equal('unavailable');
    server = await startS3();
  });
});
