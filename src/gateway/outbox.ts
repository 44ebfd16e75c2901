/**
 * What leaves on a socket: frames are built once and shared, what one turn of the event loop brings to a socket leaves in one write, and
 * a reader that does not keep up is cut off before its backlog costs anyone else. Writes go to the network socket itself, beside the
 * `ws` object which writes its own control frames whole, so frames never mix.
 */
import type { Duplex } from 'node:stream';

const TEXT = 0x81;
export const PING_FRAME = Buffer.from([0x89, 0]);

/** One unmasked text frame of a JSON text. */
export function textFrame(payload: Buffer | string): Buffer {
  const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const header = size < 126 ? 2 : size < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + size);
  frame[0] = TEXT;
  if (header === 2) frame[1] = size;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(size, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(size), 2);
  }
  if (typeof payload === 'string') frame.write(payload, header);
  else payload.copy(frame, header);
  return frame;
}

/** Collects the sockets that have something to write and writes them all once, at the end of the turn. */
export class Flusher {
  private readonly dirty: Outbox[] = [];

  add(outbox: Outbox): void {
    if (this.dirty.push(outbox) === 1) setImmediate(() => this.flush());
  }

  /**
   * For who writes to many sockets without their outboxes: what waits for one of them goes before it, in the same write.
   */
  writeBehind(write: () => void): void {
    const waiting = this.dirty.splice(0);
    for (const outbox of waiting) {
      outbox.socket.cork();
      outbox.flush();
    }
    write();
    for (const outbox of waiting) outbox.socket.uncork();
  }

  /** Writes now: the tail's batch is complete, there is nothing to wait for. What a write brings about is written too. */
  flush(): void {
    const { dirty } = this;
    for (let i = 0; i < dirty.length; i += 1) dirty[i]!.flush();
    dirty.length = 0;
  }
}

export interface OutboxOptions {
  readonly flusher: Flusher;
  readonly maxBufferedBytes: number;
  readonly onTooSlow: () => void;
}

export class Outbox {
  /**
   * What the next write takes. Mostly that is one frame, and then there is no list: a new list for each write would live in the old
   * generation, since one is always waiting, and drag its frames along there, which is a full collection every few seconds.
   */
  private first: Buffer | undefined = undefined;
  readonly socket: Duplex;
  private readonly maxBufferedBytes: number;
  private readonly flusher: Flusher;
  private readonly onTooSlow: () => void;
  private readonly rest: Buffer[] = [];
  private pendingBytes = 0;

  constructor(socket: Duplex, { flusher, maxBufferedBytes, onTooSlow }: OutboxOptions) {
    this.socket = socket;
    this.flusher = flusher;
    this.maxBufferedBytes = maxBufferedBytes;
    this.onTooSlow = onTooSlow;
  }

  /** Bytes that the socket has not taken yet. */
  get backlog(): number {
    return this.pendingBytes + this.socket.writableLength;
  }

  push(frame: Buffer): void {
    this.pendingBytes += frame.length;
    if (this.first) this.rest.push(frame);
    else {
      this.first = frame;
      this.flusher.add(this);
    }
  }

  /** For frames that only this socket gets. */
  send(message: object): void {
    this.pushText(JSON.stringify(message));
  }

  pushText(json: string): void {
    this.push(textFrame(json));
  }

  flush(): void {
    const { first, rest } = this;
    if (!first) return;
    const frames = rest.length === 0 ? first : Buffer.concat([first, ...rest]);
    this.first = undefined;
    rest.length = 0;
    this.pendingBytes = 0;
    const { socket } = this;
    if (socket.writable && !socket.write(frames)) this.checkBacklog(frames.length);
  }

  /**
   * The socket did not take all of its last write, of so many bytes. What is left of earlier ones tells of the reader; the size of the last
   * tells only of who wrote so much.
   */
  checkBacklog(written: number): void {
    if (this.socket.writableLength - written > this.maxBufferedBytes) this.onTooSlow();
  }

  /** Resolves when the socket has taken what it was given, or is gone. */
  async drained(): Promise<void> {
    this.flush();
    const { socket } = this;
    if (!socket.writableNeedDrain || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }
}
