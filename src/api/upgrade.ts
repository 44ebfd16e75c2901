/**
 * Upgrades of HTTP connections: to a WebSocket and to nothing else. What a WebSocket address answers to who asks it in plain HTTP.
 * Refuses to know where those addresses are: that arrives as a function.
 */
import { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { fail } from '../errors.ts';

export function upgradeRequired(isSocketAddress: (path: string) => boolean): Middleware {
  return (ctx, next) => {
    if (!isSocketAddress(ctx.path)) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD')
      throw fail('method_not_allowed', undefined, { headers: { Allow: 'GET' } });
    const headers = { Upgrade: 'websocket', Connection: 'Upgrade' };
    throw fail('upgrade_required', 'This address takes a WebSocket handshake and nothing else', { headers });
  };
}

/**
 * A request that offers another protocol, as curl and Java do HTTP/2, is one like any other: it may be answered in this one. Node itself
 * would take each for a handshake as soon as the server takes some.
 */
export class PlainOrWebSocket extends IncomingMessage {
  declare private offersAnother: boolean;

  /** Node sets it as it parses, and asks it to decide. */
  set upgrade(offersAnother: boolean) {
    this.offersAnother = offersAnother;
  }

  get upgrade(): boolean {
    const isTaken = this.method === 'CONNECT' || this.headers.upgrade?.trim().toLowerCase() === 'websocket';
    return this.offersAnother && isTaken;
  }
}
