/**
 * What operators ask a node of any role: whether it lives and is ready, how it is, what it has counted. Served below the API's base and
 * at the root. Refuses the details to all but admins, who has METRICS_TOKEN, and who asks from the machine itself.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import { bearerOf } from '../bearer.ts';
import { isLoopback } from '../addresses.ts';
import { fail } from '../errors.ts';
import { VERSION } from '../version.ts';
import { BASE, callerOf, served } from './routes.ts';
import type { Entry, RoutesOptions } from './routes.ts';

export interface StatusOptions extends Pick<RoutesOptions, 'identity' | 'limits' | 'now'> {
  /** '' is none. */
  readonly metricsToken: string;
  readonly isAdmin: (userId: string) => Promise<boolean>;
  /** Whether it takes work: false while it stops. */
  readonly isServing: () => boolean;
  /** Whether Redis answers. */
  readonly redisAnswers: () => Promise<boolean>;
  readonly connections: () => Promise<number>;
  /** Throws when they cannot be read. */
  readonly totals: () => Promise<{ users: number; conversations: number; messages: number }>;
  readonly metrics: () => Promise<{ type: string; text: string }>;
}

/** A count of a large store may take its time: it is there the next time that somebody asks. */
const TOTALS_WITHIN_MS = 2_000;

const count = { type: ['integer', 'null'], description: 'Null where it is still being counted' };
const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const counts = { active_connections: { type: 'integer' }, total_conversations: count, total_messages: count };
const bytes = { type: 'integer', description: 'Bytes' };

/** As the documents describe them. */
export const STATUS: ReadonlyMap<string, Entry> = new Map(
  [
    entry('/health', 'Whether the node takes work', object({ status: { const: 'ready' } }), true),
    entry('/health/live', 'Whether the process lives', object({ status: { const: 'live' } }), true),
    entry('/health/ready', 'Whether the node takes work', object({ status: { const: 'ready' } }), true),
    entry(
      '/health/detailed',
      'How the node is. For admins, METRICS_TOKEN and the machine itself',
      object({
        status: { enum: ['ready', 'stopping', 'unavailable'] },
        timestamp: { type: 'string', format: 'date-time' },
        version: { type: 'string' },
        ...counts,
        redis_status: { enum: ['connected', 'unavailable'] },
        memory_usage: object({ rss: bytes, heap_used: bytes, heap_total: bytes, external: bytes }),
      }),
    ),
    entry(
      '/stats',
      'How much there is. For admins, METRICS_TOKEN and the machine itself',
      object({ timestamp: { type: 'string', format: 'date-time' }, ...counts, total_users: count }),
    ),
    entry('/metrics', 'Metrics for Prometheus. For admins, METRICS_TOKEN and the machine itself', { type: 'string' }),
  ].map((described) => [described.route!.path.slice(1).replaceAll('/', '.'), described]),
);

function entry(path: string, about: string, answer: object, open = false): Entry {
  const media = path === '/metrics' ? { media: 'text/plain' } : {};
  return { about, data: {}, answer, open, route: { method: 'GET', path }, ...media };
}

export function status(options: StatusOptions): Middleware[] {
  const answers: Record<string, (ctx: Context) => Promise<void>> = {
    '/health': (ctx) => ready(ctx, options),
    '/health/ready': (ctx) => ready(ctx, options),
    '/health/live': async (ctx) => {
      ctx.body = { status: 'live' };
    },
    '/health/detailed': async (ctx) => {
      const [answersNow, counted] = await Promise.all([options.redisAnswers(), countsOf(options)]);
      const { rss, heapUsed: heap_used, heapTotal: heap_total, external } = process.memoryUsage();
      const { total_users: _, ...rest } = counted;
      ctx.body = {
        status: !options.isServing() ? 'stopping' : answersNow ? 'ready' : 'unavailable',
        timestamp: new Date(options.now()).toISOString(),
        version: VERSION,
        ...rest,
        redis_status: answersNow ? 'connected' : 'unavailable',
        memory_usage: { rss, heap_used, heap_total, external },
      };
    },
    '/stats': async (ctx) => {
      ctx.body = { timestamp: new Date(options.now()).toISOString(), ...(await countsOf(options)) };
    },
    '/metrics': async (ctx) => {
      const { type, text } = await options.metrics();
      ctx.set('Content-Type', type);
      ctx.body = text;
    },
  };
  return ['', BASE].flatMap((prefix) => {
    const router = new Router({ prefix });
    for (const { open, route } of STATUS.values()) {
      router.get(route!.path, async (ctx) => {
        if (!open) await checkReader(ctx, options);
        await answers[route!.path]!(ctx);
      });
    }
    return served(router);
  });
}

async function ready(ctx: Context, { isServing, redisAnswers }: StatusOptions): Promise<void> {
  if (!isServing() || !(await redisAnswers())) throw fail('unavailable', 'Not ready');
  ctx.body = { status: 'ready' };
}

async function countsOf({ connections, totals }: StatusOptions): Promise<Record<string, number | null>> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, TOTALS_WITHIN_MS, undefined).unref());
  const counting = Promise.race([totals().catch(() => undefined), late]);
  const [counted, active_connections] = await Promise.all([counting, connections()]);
  return {
    active_connections,
    total_users: counted?.users ?? null,
    total_conversations: counted?.conversations ?? null,
    total_messages: counted?.messages ?? null,
  };
}

/** Throws `unauthenticated`, `forbidden` or `rate_limited`. */
async function checkReader(ctx: Context, options: StatusOptions): Promise<void> {
  if (isFromHere(ctx)) return;
  const token = bearerOf(ctx.headers.authorization);
  if (token !== undefined && options.metricsToken !== '' && isSame(token, options.metricsToken)) return;
  const { userId } = await callerOf(ctx, options);
  if (!(await options.isAdmin(userId))) throw fail('forbidden', 'Only admins may read this');
}

const FORWARDED = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'Forwarded', 'Via'];

/** What a proxy on this machine passes on comes from elsewhere. */
const isFromHere = (ctx: Context): boolean =>
  isLoopback(ctx.req.socket.remoteAddress ?? '') && FORWARDED.every((header) => ctx.get(header) === '');

/** In a time that tells nothing of how much of it was right. */
function isSame(token: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(token), digest(expected));
}
