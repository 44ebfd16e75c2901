/**
 * What leaves on a socket: frames are built once and shared, what one turn of the event loop brings to a socket leaves in one write, and
 * a reader that does not keep up is cut off before its backlog costs anyone else. Writes go to the network socket itself, beside the
 * `ws` object which writes its own control frames whole, so frames never mix.
 *
 * Mostly the kernel has room for a frame, and then it is handed to it at once: the stream around a socket makes an object and several
 * calls for each write. What the kernel has no room for waits in the stream, and what follows waits behind it.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const TEXT = 0x81;
const PING = 0x89;
/** A ping with at most 125 bytes, which the pong brings back. */
export const pingFrame = (payload: Buffer): Buffer => Buffer.concat([Buffer.from([PING, payload.length]), payload]);
export const PING_FRAME = pingFrame(Buffer.alloc(0));

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
   * The same bytes to many sockets, now: the innermost loop of the product. What waits for one of them, such as the sender's ack, goes
   * before, in the same write. First it looks which can be written to, all in a row, since that is fetching from memory; each write
   * empties the caches.
   */
  broadcast(outboxes: Iterable<Outbox>, frames: Buffer): void {
    const free: Outbox[] = [];
    const descriptors: number[] = [];
    const others: Outbox[] = [];
    for (const outbox of outboxes) {
      if (outbox.isWaiting) outbox.push(frames);
      else if (!outbox.isFree) others.push(outbox);
      else {
        free.push(outbox);
        descriptors.push(outbox.descriptor);
      }
    }
    for (let i = 0; i < free.length; i += 1) {
      const taken = writeNow(descriptors[i]!, frames);
      if (taken < frames.length) free[i]!.writeRest(frames, taken);
    }
    for (const outbox of others) {
      if (!outbox.onWritten) outbox.writeRest(frames, 0);
      else outbox.together(() => outbox.writeRest(frames, 0));
    }
    this.flush();
  }

  /** Writes now: the tail's batch is complete, there is nothing to wait for. What a write brings about is written too. */
  flush(): void {
    const { dirty } = this;
    for (let i = 0; i < dirty.length; i += 1) {
      const outbox = dirty[i]!;
      if (!outbox.onWritten) outbox.flush();
      else outbox.together(() => outbox.flush());
    }
    dirty.length = 0;
  }
}

/** So much of what a reader missed may lie unsent, of all streams together. */
const CATCH_UP_BYTES = 65_536;
const TAKE_WITHIN_MS = 30_000;

export interface OutboxOptions {
  readonly flusher: Flusher;
  readonly maxBufferedBytes: number;
  readonly onTooSlow: () => void;
  /** Told behind each write, when nothing waits to be written; what it writes then leaves with it. */
  readonly onWritten?: (() => void) | undefined;
}

export class Outbox {
  /**
   * What the next write takes. Mostly that is one frame, and then there is no list: a new list for each write would live in the old
   * generation, since one is always waiting, and drag its frames along there, which is a full collection every few seconds.
   */
  private first: Buffer | undefined = undefined;
  readonly socket: Duplex;
  /** The socket's file descriptor; -1 for what is no plain TCP socket, or is told of its writes. */
  readonly descriptor: number;
  private readonly maxBufferedBytes: number;
  private readonly catchUpBytes: number;
  private readonly flusher: Flusher;
  private readonly onTooSlow: () => void;
  readonly onWritten: (() => void) | undefined;
  private readonly rest: Buffer[] = [];
  private pendingBytes = 0;

  constructor(socket: Duplex, { flusher, maxBufferedBytes, onTooSlow, onWritten }: OutboxOptions) {
    this.socket = socket;
    const isPlain = Object.getPrototypeOf(socket) === Socket.prototype && !onWritten;
    this.descriptor = isPlain ? (handleOf(socket)?.fd ?? -1) : -1;
    this.onWritten = onWritten;
    this.flusher = flusher;
    this.maxBufferedBytes = maxBufferedBytes;
    this.catchUpBytes = Math.min(CATCH_UP_BYTES, maxBufferedBytes / 4);
    this.onTooSlow = onTooSlow;
  }

  /** Bytes that the socket has not taken yet. */
  get backlog(): number {
    return this.pendingBytes + this.socket.writableLength;
  }

  /** Something is to be written at the end of the turn. */
  get isWaiting(): boolean {
    return this.first !== undefined;
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
    const taken = this.isFree ? writeNow(this.descriptor, frames) : 0;
    if (taken < frames.length) this.writeRest(frames, taken);
  }

  /**
   * The descriptor may be written to: nothing waits in the stream, and the socket still has it. A socket loses it with its handle, and
   * then it may at once be that of another.
   */
  get isFree(): boolean {
    const { socket } = this;
    return (
      this.descriptor !== -1 &&
      handleOf(socket) !== null &&
      socket.writable &&
      socket.writableLength === 0 &&
      socket.writableCorked === 0
    );
  }

  /**
   * By the stream: what the kernel did not take, or all of it. What is left of earlier writes tells of the reader; the size of this one
   * tells only of who wrote so much.
   */
  writeRest(frames: Buffer, taken: number): void {
    const { socket } = this;
    const rest = taken === 0 ? frames : frames.subarray(taken);
    if (socket.writable && !socket.write(rest) && socket.writableLength - rest.length > this.maxBufferedBytes) {
      this.onTooSlow();
    }
  }

  /** A write, and what follows from it, in one. */
  together(write: () => void): void {
    this.socket.cork();
    write();
    this.onWritten?.();
    this.socket.uncork();
  }

  /** Whether there is room for what a reader missed: little of it lies unsent, or the socket has taken what it was given. */
  takesMore(): boolean {
    if (this.backlog < this.catchUpBytes) return true;
    this.flush();
    return this.socket.destroyed || !this.socket.writableNeedDrain;
  }

  /** Resolves when the socket has taken all that it was given, or is gone. One that does not take so little in so long is told of as too slow. */
  async drained(): Promise<void> {
    const { socket } = this;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(late);
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      const late = setTimeout(() => {
        this.onTooSlow();
        done();
      }, TAKE_WITHIN_MS);
      socket.on('drain', done);
      socket.on('close', done);
    });
  }
}

/** Not documented, but as old as Node: null once the socket is destroyed. */
const handleOf = (socket: Duplex): { readonly fd?: number } | null =>
  (socket as { _handle?: { readonly fd?: number } | null })._handle ?? null;

/** How many bytes the kernel took. None of a connection that is broken: its stream finds the same, and tells of it. */
function writeNow(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch {
    return 0;
  }
}
