/** A server of a story's own, to which the product delivers: it hears each request whole, and answers when what it heard is taken. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export abstract class Target {
  private readonly server = createServer((request, response) => void this.answer(request, response).catch(() => {}));

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Answers the status. Takes its time, so that whoever delivers is killed at it now and then. */
  protected abstract take(headers: IncomingHttpHeaders, body: Buffer): Promise<number>;

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    response.writeHead(await this.take(request.headers, Buffer.concat(parts))).end();
  }
}
