/** A network socket in memory, for what writes frames to one. */
import { Duplex } from 'node:stream';

/** Keeps what is written to it; one that is stuck takes nothing until told to. */
export class Wire extends Duplex {
  readonly writes: Buffer[] = [];
  private release: (() => void) | undefined;
  private readonly seen: string[] = [];
  private looked = 0;
  isStuck: boolean;

  constructor(isStuck = false) {
    super({ writableHighWaterMark: 1_000 });
    this.isStuck = isStuck;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.writes.push(chunk);
    if (this.isStuck) this.release = done;
    else done();
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done);
  }

  /** What was written first, and then no more. */
  takeOne(): void {
    const { release } = this;
    this.release = undefined;
    release?.();
  }

  takeAll(): void {
    this.isStuck = false;
    const { release } = this;
    this.release = undefined;
    release?.();
  }

  /** The texts of the frames that were written. Each is taken out of its write once, as there may be very many. */
  texts(): readonly string[] {
    for (const bytes of this.writes.slice(this.looked)) {
      for (let at = 0; at < bytes.length;) {
        const short = bytes[at + 1]!;
        const [header, size] =
          short < 126
            ? [2, short]
            : short === 126
              ? [4, bytes.readUInt16BE(at + 2)]
              : [10, Number(bytes.readBigUInt64BE(at + 2))];
        this.seen.push(bytes.toString('utf8', at + header, at + header + size));
        at += header + size;
      }
    }
    this.looked = this.writes.length;
    return this.seen;
  }
}
