/** Frames as `ws` understands them, one write per turn, and what a slow reader costs. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { expect } from 'chai';
import * as ws from 'ws';
import { Flusher, Outbox, textFrame } from '../../src/gateway/outbox.ts';
import { Wire } from '../support/wire.ts';

/** The package exports it, its types do not. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What the `ws` package's own parser makes of bytes from a server. */
function parsed(bytes: Buffer): Promise<{ text: string; isBinary: boolean }> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver({ isServer: false });
    receiver.on('message', (data: Buffer, isBinary: boolean) => resolve({ text: data.toString(), isBinary }));
    receiver.on('error', reject);
    receiver.end(bytes);
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function outboxOn(wire: Wire | Socket, maxBufferedBytes = 10_000) {
  const flusher = new Flusher();
  let slow = 0;
  const outbox = new Outbox(wire, { flusher, maxBufferedBytes, onTooSlow: () => (slow += 1) });
  return { outbox, flusher, slow: () => slow };
}

describe('frames', () => {
  const sizes = { 0: 2, 1: 2, 125: 2, 126: 4, 127: 4, 65_535: 4, 65_536: 10, 70_000: 10 };
  for (const [size, header] of Object.entries(sizes).map(([key, bytes]) => [Number(key), bytes] as const)) {
    it(`a text of ${size} bytes is what ws reads back`, async () => {
      const text = 'x'.repeat(size);
      expect(await parsed(textFrame(text))).to.deep.equal({ text, isBinary: false });
      expect(textFrame(text)).to.have.length(header + size);
      expect(textFrame(Buffer.from(text)).equals(textFrame(text))).to.equal(true);
    });
  }

  it('counts bytes, not characters', async () => {
    const text = '🎉'.repeat(32);
    expect((await parsed(textFrame(text))).text).to.equal(text);
  });
});

describe('outbox', () => {
  it('what one turn brings leaves in one write, in order', async () => {
    const wire = new Wire();
    const { outbox } = outboxOn(wire);
    outbox.push(textFrame('a'));
    outbox.pushText('b');
    outbox.send({ c: 1 });
    expect(wire.writes).to.have.length(0);
    await turn();
    expect(wire.writes).to.have.length(1);
    expect(wire.writes[0]).to.deep.equal(Buffer.concat(['a', 'b', '{"c":1}'].map((text) => textFrame(text))));
    outbox.push(textFrame('d'));
    await turn();
    expect(wire.writes).to.have.length(2);
  });

  it('what goes to many goes behind what waits for one of them, in one write', async () => {
    const [wire, other] = [new Wire(), new Wire()];
    const { outbox, flusher } = outboxOn(wire);
    outbox.push(textFrame('a'));
    outbox.push(textFrame('b'));
    flusher.broadcast([outbox, outboxOn(other).outbox], textFrame('c'));
    expect(wire.writes).to.deep.equal([Buffer.concat(['a', 'b', 'c'].map((text) => textFrame(text)))]);
    expect(other.writes).to.deep.equal([textFrame('c')]);
    outbox.push(textFrame('d'));
    await turn();
    expect(wire.writes.slice(1)).to.deep.equal([textFrame('d')]);
  });

  it('a complete batch does not wait for the end of the turn, and is not written twice', async () => {
    const wire = new Wire();
    const { outbox, flusher } = outboxOn(wire);
    outbox.push(textFrame('a'));
    flusher.flush();
    expect(wire.writes).to.have.length(1);
    await turn();
    expect(wire.writes).to.have.length(1);
  });

  it('tells when more of earlier turns lies unsent than is allowed; one turn may bring what it will', async () => {
    const wire = new Wire(true);
    const { outbox, slow } = outboxOn(wire, 10_000);
    outbox.push(Buffer.alloc(9_000));
    await turn();
    outbox.push(Buffer.alloc(50_000));
    await turn();
    expect([slow(), outbox.backlog]).to.deep.equal([0, 59_000]);
    outbox.push(Buffer.alloc(1));
    await turn();
    expect([slow(), outbox.backlog]).to.deep.equal([1, 59_001]);
  });

  it('there is room again when the socket took it all, or is gone', async () => {
    const done: string[] = [];
    const wires = [new Wire(true), new Wire(true)];
    const waiting = wires.map(async (wire, i) => {
      const { outbox } = outboxOn(wire);
      outbox.push(Buffer.alloc(5_000));
      while (!outbox.takesMore()) await outbox.drained();
      done.push(['taken', 'gone'][i]!);
    });
    await turn();
    expect(done).to.deep.equal([]);
    wires[0]!.takeAll();
    await waiting[0];
    wires[1]!.destroy();
    await waiting[1];
    expect(done).to.deep.equal(['taken', 'gone']);
    for (const wire of wires) expect(wire.listenerCount('drain')).to.equal(0);
  });

  it('writes nothing to a socket that is gone', async () => {
    const wire = new Wire();
    const { outbox, slow } = outboxOn(wire);
    wire.destroy();
    outbox.push(textFrame('a'));
    await turn();
    while (!outbox.takesMore()) await outbox.drained();
    expect([wire.writes.length, slow()]).to.deep.equal([0, 0]);
  });
});

describe('outbox on a TCP connection', () => {
  let server: Server;
  let clients: Socket[] = [];
  before(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const client of clients) client.destroy();
    clients = [];
  });
  after(() => server.close());

  /** The client reads nothing until it is told to. `meanwhile` is done when it has its descriptor and the server's socket has none. */
  async function pair(meanwhile = () => {}): Promise<{ client: Socket; socket: Socket }> {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    clients.push(client);
    process.nextTick(meanwhile);
    const [socket] = (await once(server, 'connection')) as [Socket];
    return { client, socket };
  }

  async function received(client: Socket): Promise<Buffer> {
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    await once(client, 'end');
    return Buffer.concat(chunks);
  }

  it('a reader that stops for a while gets every byte once and in order, whoever wrote it', async () => {
    const { client, socket } = await pair();
    const { outbox, flusher } = outboxOn(socket, Infinity);
    const sent: Buffer[] = [];
    const write = (text: string, size: number) => {
      const frame = Buffer.alloc(size, `${text} `);
      const ways = [() => flusher.broadcast([outbox], frame), () => outbox.push(frame), () => void socket.write(frame)];
      ways[sent.length % ways.length]!();
      outbox.flush();
      sent.push(frame);
    };
    write('more than the kernel has room for', 16_000_000);
    expect(outbox.backlog).to.be.within(1, 15_999_999);
    const reading = received(client);
    // Each time that the client takes something there is room in the kernel, and the stream still has what comes first.
    client.on('data', () => {
      if (sent.length < 100) write(`frame ${sent.length}`, 1_000);
    });
    while (sent.length < 100) await turn();
    while (!outbox.takesMore()) await outbox.drained();
    for (const text of ['the last', 'three', 'of all']) write(text, 100);
    expect(outbox.backlog).to.equal(0);
    socket.end();
    expect((await reading).equals(Buffer.concat(sent))).to.equal(true);
  });

  it('what is for a socket that is gone does not reach the one that has its descriptor now', async () => {
    const gone = await pair();
    const { outbox, flusher } = outboxOn(gone.socket);
    expect(outbox.isFree).to.equal(true);
    const { client, socket } = await pair(() => gone.socket.destroy());
    expect(outboxOn(socket).outbox.descriptor).to.equal(outbox.descriptor);
    flusher.broadcast([outbox], Buffer.from('not for you'));
    outbox.push(Buffer.from('nor this'));
    outbox.flush();
    socket.end('for you');
    expect((await received(client)).toString()).to.equal('for you');
  });

  it('a connection that the peer broke off ends as any other', async () => {
    const { client, socket } = await pair();
    const { outbox, flusher } = outboxOn(socket);
    const failed = once(socket, 'error');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    client.resetAndDestroy();
    while (!socket.destroyed) {
      flusher.broadcast([outbox], textFrame('x'));
      await turn();
    }
    await Promise.all([failed, ended]);
    expect(outbox.isFree).to.equal(false);
  });
});
