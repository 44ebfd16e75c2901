/** What a WebSocket address answers to who asks it in plain HTTP. Refuses to know where those addresses are: that arrives as a function. */
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
