/** Frames as `ws` understands them, one write per turn, and what a slow reader costs. */
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

function outboxOn(wire: Wire, maxBufferedBytes = 10_000) {
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

  it('what is written to sockets directly goes behind what waits for them, in one write', async () => {
    const [wire, other] = [new Wire(), new Wire()];
    const { outbox, flusher } = outboxOn(wire);
    outbox.push(textFrame('a'));
    outbox.push(textFrame('b'));
    flusher.writeBehind(() => {
      for (const socket of [wire, other]) socket.write(textFrame('c'));
    });
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

  it('drained waits until the socket took it all, or is gone', async () => {
    const done: string[] = [];
    const wires = [new Wire(true), new Wire(true)];
    const waiting = wires.map(async (wire, i) => {
      const { outbox } = outboxOn(wire);
      outbox.push(Buffer.alloc(5_000));
      await outbox.drained();
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
    await outbox.drained();
    expect([wire.writes.length, slow()]).to.deep.equal([0, 0]);
  });
});
