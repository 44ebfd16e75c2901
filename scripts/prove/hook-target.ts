/**
 * Where webhooks of a story are delivered to: takes all of them, slowly, so that whoever delivers is killed at it now and then. What is
 * heard twice must come under the same id, and what nobody may see any more need not come.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';

interface Heard {
  /** Conversation and id. */
  readonly event: string;
  times: number;
}

const SLOWEST_MS = 150;

export class HookTarget {
  /** By `Chat-Delivery`. */
  readonly deliveries = new Map<string, Heard>();
  readonly wrong: string[] = [];
  private readonly random: Random;
  private readonly server: Server;

  private constructor(random: Random) {
    this.random = random;
    this.server = createServer((request, response) => void this.take(request, response).catch(() => {}));
  }

  static async open(random: Random): Promise<HookTarget> {
    const target = new HookTarget(random);
    await new Promise<void>((resolve) => target.server.listen(0, '127.0.0.1', resolve));
    return target;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** Every event that came to the address with this ending. */
  heard(): Set<string> {
    return new Set([...this.deliveries.values()].map(({ event }) => event));
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { id, conversation_id } = JSON.parse(Buffer.concat(parts).toString()) as Record<string, string>;
    const delivery = String(request.headers['chat-delivery']);
    const event = `${conversation_id} ${id}`;
    const before = this.deliveries.get(delivery);
    if (before && before.event !== event) this.wrong.push(`delivery ${delivery} is ${before.event} and ${event}`);
    if (before) before.times += 1;
    else this.deliveries.set(delivery, { event, times: 1 });
    await sleep(this.random.between(0, SLOWEST_MS));
    response.writeHead(204).end();
  }
}
