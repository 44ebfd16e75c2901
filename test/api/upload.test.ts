/** Uploads that do not go as they should: slow, cut off, far too many at once; and files that are kept in object storage. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../../scripts/prove/story.ts';
import { register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { startS3 } from '../support/s3-server.ts';
import { drawing, TEXT, upload, useFolder } from '../support/uploading.ts';
import { useWorld } from '../support/world.ts';

const START = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';
const END = '\r\n--x--\r\n';

describe('uploads', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const folder = useFolder();

  /** The head of an upload on a socket of its own; what is sent after is for the test to say. */
  function begin(node: Node, user: User, length: number) {
    const socket = connect(Number(new URL(node.base).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /api/v1/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\n` +
        `Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${length}\r\n\r\n`,
    );
    let heard = '';
    socket.on('data', (bytes: Buffer) => void (heard += bytes.toString()));
    return { socket, heard: () => heard };
  }

  it('a byte at a time is given up when its time is over, and leaves nothing', async function () {
    this.timeout(10_000);
    const node = await startNode({ DATA_DIR: folder.path, UPLOAD_TIMEOUT_SECONDS: '1' });
    const { socket, heard } = begin(node, await register(node), 100_000);
    socket.write(START);
    const drip = setInterval(() => socket.write('a'), 100);
    try {
      expect(await eventually(() => heard().includes('"code":"validation_failed"'), 5_000)).to.equal(true);
      expect(heard()).to.match(/^HTTP\/1\.1 400 [\s\S]*took longer than 1 seconds/);
      expect(await folder.files()).to.deep.equal([]);
      // Who sends on all the same is cut off.
      await once(socket, 'close');
    } finally {
      clearInterval(drip);
      socket.destroy();
    }
  });

  it('one that is cut off leaves nothing', async () => {
    const node = await startNode({ DATA_DIR: folder.path });
    const { socket } = begin(node, await register(node), 100_000);
    socket.write(START + 'a'.repeat(50_000));
    expect(await eventually(async () => (await folder.files()).length === 1, 5_000)).to.equal(true);
    socket.destroy();
    expect(await eventually(async () => (await folder.files()).length === 0, 5_000)).to.equal(true);
  });

  it('one that says to be too large is answered before it is sent', async () => {
    const node = await startNode({ DATA_DIR: folder.path, MAX_FILE_SIZE: '1000' });
    const { socket, heard } = begin(node, await register(node), 1_000_000);
    expect(await eventually(() => heard().startsWith('HTTP/1.1 413'), 5_000)).to.equal(true);
    socket.destroy();
  });

  it('2,000 at once: some are taken, the others told to come back, and nothing is exhausted', async function () {
    this.timeout(60_000);
    const node = await startNode({ DATA_DIR: folder.path });
    const users = await Promise.all(Array.from({ length: 10 }, () => register(node)));
    const body = START + TEXT.toString() + END;
    const once1 = (user: User) =>
      new Promise<number>((resolve) => {
        const headers = {
          Authorization: `Bearer ${user.token}`,
          'Content-Type': 'multipart/form-data; boundary=x',
          'Content-Length': Buffer.byteLength(body),
        };
        const options = { method: 'POST', headers, agent: false };
        const request = httpRequest(`${node.base}/api/v1/attachments`, options, (response) => {
          response.resume();
          resolve(response.statusCode!);
        });
        request.on('error', () => resolve(0));
        request.end(body);
      });
    const before = process.memoryUsage().rss;
    const statuses = await Promise.all(Array.from({ length: 2_000 }, (_, i) => once1(users[i % users.length]!)));
    const count = (status: number) => statuses.filter((s) => s === status).length;
    expect(new Set(statuses)).to.satisfy((all: Set<number>) => [...all].every((s) => [201, 429, 503].includes(s)));
    expect(count(201)).to.be.greaterThan(0);
    expect(count(429) + count(503)).to.be.greaterThan(0);
    expect(process.memoryUsage().rss - before).to.be.lessThan(300_000_000);
    expect(await folder.files()).to.have.length(1);
    expect((await upload(users[0]!, TEXT)).status).to.equal(201);
    expect(node.warnings).to.deep.equal([]);
  });

  it('are kept in object storage where one is named, and found by every node', async () => {
    const storage = await startS3();
    try {
      const { endpoint, bucket, accessKeyId, secretAccessKey, region } = storage.options;
      const settings = {
        DATA_DIR: folder.path,
        S3_ENDPOINT: endpoint,
        S3_BUCKET: bucket,
        S3_ACCESS_KEY_ID: accessKeyId,
        S3_SECRET_ACCESS_KEY: secretAccessKey,
        S3_REGION: region,
      };
      const [one, other] = [await startNode(settings), await startNode(settings)];
      const ada = await register(one);
      const picture = await drawing();
      const { body, status } = await upload(ada, picture, 'a.png');
      expect([status, storage.objects.size, storage.refused]).to.deep.equal([201, 2, []]);
      expect(await folder.files()).to.deep.equal([]);
      const reply = await fetch(other.base + body.url, { headers: { Range: 'bytes=1-3' } });
      expect([reply.status, await reply.text()]).to.deep.equal([206, 'PNG']);
      await storage.stop();
      const away = await upload<{ code: string }>(ada, TEXT);
      expect([away.status, away.body.code]).to.deep.equal([503, 'unavailable']);
      expect((await fetch(other.base + body.url)).status).to.equal(503);
    } finally {
      await storage.stop();
    }
  });
});
