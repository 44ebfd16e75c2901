/**
 * Load: WebSocket clients that cost next to nothing, so that two cores measure the server and not them. Frames are counted by their
 * headers and not parsed, except the first bytes, which tell acks from events.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { ACK_HEAD } from '../../src/client/frames.ts';

/** How a server says things: what an ack and an event begin with, and what is answered to its ping (undefined: by the WebSocket's own). */
const dialects = {
  rill: { ack: Buffer.from(ACK_HEAD), event: Buffer.from('{') },
  bare: { ack: Buffer.from('{'), event: Buffer.from('a') },
  'socket.io': { ack: Buffer.from('43'), event: Buffer.from('42') },
} as const;
export type Dialect = keyof typeof dialects;

const begins = (data: Buffer, from: number, size: number, text: Buffer): boolean =>
  size >= text.length && data.compare(text, 0, text.length, from, from + text.length) === 0;

export class SwarmSocket {
  readonly socket: Socket;
  frames = 0;
  acks = 0;
  bytes = 0;
  closed = false;
  /** What socket.io said of the session when it began: `{sid, pid}`. */
  session = '';
  onAck: (() => void) | undefined;
  onFrame: ((payload: Buffer) => void) | undefined;
  private rest: Buffer = Buffer.alloc(0);
  private waiting: { until: () => boolean; resolve: () => void }[] = [];

  private readonly dialect: Dialect;

  private constructor(socket: Socket, dialect: Dialect) {
    this.socket = socket;
    this.dialect = dialect;
  }

  static open(
    port: number,
    path: string,
    { token, dialect }: { readonly token?: string; readonly dialect: Dialect },
  ): Promise<SwarmSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const swarm = new SwarmSocket(socket, dialect);
      const auth = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${auth}\r\n`,
      );
      let head = Buffer.alloc(0);
      const handshake = (chunk: Buffer) => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', handshake);
        if (!head.toString('latin1', 0, 12).endsWith('101')) return reject(new Error(head.toString('latin1', 0, 400)));
        socket.on('data', (more) => swarm.take(more));
        if (head.length > end + 4) swarm.take(head.subarray(end + 4));
        resolve(swarm);
      };
      socket.on('data', handshake);
      socket.on('error', reject);
      socket.on('close', () => {
        swarm.closed = true;
        swarm.check();
      });
    });
  }

  /** Sends one masked text frame; the mask is zero, which servers accept and nobody has to compute. */
  send(text: string): void {
    const size = Buffer.byteLength(text);
    const header = size < 126 ? 2 : 4;
    const frame = Buffer.alloc(header + 4 + size);
    frame[0] = 0x81;
    if (header === 2) frame[1] = 0x80 | size;
    else {
      frame[1] = 0x80 | 126;
      frame.writeUInt16BE(size, 2);
    }
    frame.write(text, header + 4);
    this.socket.write(frame);
  }

  /** Resolves when the condition holds; it is looked at whenever something came. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ until: condition, resolve }));
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.bytes += chunk.length;
    let data = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    for (;;) {
      if (data.length < 2) break;
      const short = data[1]! & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (data.length < header) break;
      const size = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
      if (data.length < header + size) break;
      const isText = (data[0]! & 0x0f) === 1;
      if (isText) this.count(data, header, size);
      else if ((data[0]! & 0x0f) === 9) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
      data = data.subarray(header + size);
    }
    this.rest = data.length > 0 ? Buffer.from(data) : data;
    this.check();
  }

  private count(data: Buffer, from: number, size: number): void {
    const { ack, event } = dialects[this.dialect];
    if (begins(data, from, size, ack)) {
      this.acks += 1;
      this.onAck?.();
    } else if (begins(data, from, size, event)) {
      this.frames += 1;
      this.onFrame?.(data.subarray(from, from + size));
    } else this.answer(data.toString('latin1', from, from + size));
  }

  /** socket.io's own: the session that began, and its ping in a text frame. */
  private answer(text: string): void {
    if (text.startsWith('40')) this.session = text.slice(2);
    else if (text === '2') this.send('3');
  }

  private check(): void {
    if (this.waiting.length === 0) return;
    const done = this.waiting.filter((w) => w.until());
    this.waiting = this.waiting.filter((w) => !done.includes(w));
    for (const { resolve } of done) resolve();
  }
}
