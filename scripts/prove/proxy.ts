/**
 * A TCP proxy on loopback that misbehaves on demand: it loses replies after the request was carried out, stands still, is slow, cuts
 * connections, refuses new ones, or leads elsewhere.
 */
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What happens to the bytes that come back on a connection. */
export type OnReply = (bytes: Buffer) => 'pass' | 'lose';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class Proxy {
  /** Replies that were lost. */
  lost = 0;
  private readonly server: Server;
  private readonly pairs = new Set<Pair>();
  private target: number;
  private onReply: OnReply = () => 'pass';
  private delayMs = 0;
  private isFrozen = false;
  private isRefusing = false;

  private constructor(target: number) {
    this.target = target;
    this.server = createServer({ pauseOnConnect: true }, (near) => this.accept(near));
  }

  static async open(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Asked for every reply: 'lose' throws it away and cuts the connection. */
  replies(onReply: OnReply): void {
    this.onReply = onReply;
  }

  /** Every byte from the far side takes this much longer. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  /** Nothing passes, nothing is closed. */
  freeze(): void {
    this.isFrozen = true;
    for (const { near, far } of this.pairs) {
      near.pause();
      far.pause();
    }
  }

  thaw(): void {
    this.isFrozen = false;
    for (const { near, far } of this.pairs) {
      near.resume();
      far.resume();
    }
  }

  cut(): void {
    for (const pair of this.pairs) this.end(pair);
  }

  /** Connections end and new ones are refused, until it is pointed at something. */
  refuse(): void {
    this.isRefusing = true;
    this.cut();
  }

  /** New connections go to another port. */
  pointAt(port: number): void {
    this.target = port;
    this.isRefusing = false;
    this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(near: Socket): void {
    near.on('error', () => {});
    if (this.isRefusing) {
      near.destroy();
      return;
    }
    const far = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    const pair = { near, far };
    this.pairs.add(pair);
    far.on('error', () => this.end(pair));
    near.on('close', () => this.end(pair));
    far.on('close', () => this.end(pair));
    near.on('data', (bytes: Buffer) => far.write(bytes));
    far.on('data', (bytes: Buffer) => this.reply(pair, bytes));
    if (this.isFrozen) far.pause();
    else near.resume();
  }

  private reply(pair: Pair, bytes: Buffer): void {
    if (this.onReply(bytes) === 'lose') {
      this.lost += 1;
      this.end(pair);
      return;
    }
    if (this.delayMs === 0) pair.near.write(bytes);
    else setTimeout(() => pair.near.writable && pair.near.write(bytes), this.delayMs);
  }

  private end(pair: Pair): void {
    if (!this.pairs.delete(pair)) return;
    pair.near.destroy();
    pair.far.destroy();
  }
}
