/** A push service of a story: takes all that comes for one device, slowly, so that whoever pushes is killed at it now and then. */
import { createECDH, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const SLOWNESS_MS = 200;

export class PushTarget {
  /** The `Topic` of each push: the id of the notification that it tells of. */
  readonly topics: string[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      void this.take(request)
        .then(() => response.writeHead(201).end())
        .catch(() => {});
    });
  }

  static async open(): Promise<PushTarget> {
    const target = new PushTarget();
    await new Promise<void>((resolve) => target.server.listen(0, '127.0.0.1', resolve));
    return target;
  }

  /** What a browser would say of itself. */
  subscription(): object {
    const key = createECDH('prime256v1');
    key.generateKeys();
    return {
      endpoint: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/device`,
      keys: { p256dh: key.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') },
    };
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async take(request: IncomingMessage): Promise<void> {
    for await (const _ of request);
    this.topics.push(String(request.headers['topic']));
    await sleep(SLOWNESS_MS);
  }
}
