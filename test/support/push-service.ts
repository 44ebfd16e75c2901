/** A push service of the test's own, with devices that can read what is pushed to them. */
import { createECDH, randomBytes } from 'node:crypto';
import type { ECDH } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import ece from 'http_ece';
import type { Json } from './client.ts';

export interface Push {
  readonly headers: IncomingHttpHeaders;
  readonly told: Json;
}

export class Device {
  readonly pushes: Push[] = [];
  /** What the service answers for it. */
  status = 201;
  readonly endpoint: string;
  private readonly key: ECDH;
  private readonly auth = randomBytes(16).toString('base64url');

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    this.key = createECDH('prime256v1');
    this.key.generateKeys();
  }

  get subscription(): { endpoint: string; keys: { p256dh: string; auth: string } } {
    return { endpoint: this.endpoint, keys: { p256dh: this.key.getPublicKey('base64url'), auth: this.auth } };
  }

  receive(headers: IncomingHttpHeaders, body: Buffer): void {
    const text = ece.decrypt(body, { version: 'aes128gcm', privateKey: this.key, authSecret: this.auth }).toString();
    this.pushes.push({ headers, told: JSON.parse(text) as Json });
  }
}

export class PushService {
  private readonly devices = new Map<string, Device>();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const device = this.devices.get(request.url ?? '');
        if (device && device.status < 300) device.receive(request.headers, Buffer.concat(parts));
        response.writeHead(device?.status ?? 404).end();
      });
    });
  }

  async open(): Promise<this> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return this;
  }

  device(): Device {
    const path = `/device/${this.devices.size}`;
    const { port } = this.server.address() as AddressInfo;
    const device = new Device(`http://127.0.0.1:${port}${path}`);
    this.devices.set(path, device);
    return device;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }
}
