/** A WebSocket client that does only what a test says: answers no ping, reads no further, sends any bytes. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket as NetSocket } from 'node:net';

const CLOSE = 0x88;
const BEGINNING = 65_536;

export class RawSocket {
  readonly socket: NetSocket;
  /** When the connection is gone: the close code that came, and how many bytes did. */
  readonly closed: Promise<{ code: number | undefined; bytes: number }>;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  /** What came first, where a test may wait for a text. */
  private beginning = '';

  private constructor(socket: NetSocket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.bytes += data.length;
      if (this.beginning.length < BEGINNING) this.beginning += data.toString('latin1');
      // Only the end is looked at, where a close frame stands.
      this.chunks.push(data);
      if (this.chunks.length > 4) this.chunks.shift();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      socket.on('close', () => resolve({ code: this.closeCode(), bytes: this.bytes })),
    );
  }

  /** Resolves when the server has accepted the handshake. */
  static async open(base: string, token: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const { hostname, port, host } = new URL(base);
    const raw = new RawSocket(connect(Number(port), hostname));
    const further = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.socket.write(
      `GET /api/v1/ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n${further.join('')}\r\n`,
    );
    await new Promise((resolve) => raw.socket.once('data', resolve));
    return raw;
  }

  /** Resolves when this was among the first that came. */
  async saw(text: string): Promise<void> {
    while (!this.beginning.includes(text)) await once(this.socket, 'data');
  }

  /** Sends one frame, masked as a client must; `size` may lie. */
  send(opcode: number, payload: Buffer, size = payload.length): void {
    const header = Buffer.alloc(14);
    header[0] = 0x80 | opcode;
    header[1] = 0xff;
    header.writeBigUInt64BE(BigInt(size), 2);
    this.socket.write(Buffer.concat([header, payload]));
  }

  private closeCode(): number | undefined {
    const end = Buffer.concat(this.chunks);
    for (let at = end.length - 4; at >= 0; at -= 1) {
      if (end[at] === CLOSE && end[at + 1]! < 126 && at + 2 + end[at + 1]! === end.length)
        return end.readUInt16BE(at + 2);
    }
    return undefined;
  }
}
