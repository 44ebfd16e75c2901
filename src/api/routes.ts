/**
 * From the command and query tables to REST routes: path, query string and body become the command's data; answers become JSON with
 * `Chat-Event-Id` and `Chat-Durability`. Knows no feature: whatever the tables hold is served.
 */
import Router from '@koa/router';
import type { Context as KoaContext, Middleware } from 'koa';
import { koaBody } from 'koa-body';
import { invalid, parseEventId } from '../envelope.ts';
import { fail } from '../errors.ts';

interface Caller {
  readonly userId: string;
  readonly sessionId: string;
}

/** What a table entry must say to be served; `Command` and `Query` of the features fit. */
export interface Entry {
  readonly about: string;
  readonly data: { readonly properties?: unknown };
  readonly route?: {
    readonly method: string;
    readonly path: string;
    readonly status?: number;
    readonly also?: readonly string[];
  };
  readonly open?: boolean;
}

export interface RequestContext {
  readonly caller: Caller;
  readonly requestId: string | undefined;
  readonly now: number;
  readonly newId: () => string;
  readonly ip: string;
  readonly userAgent: string;
}

export interface RoutesOptions {
  readonly commands: ReadonlyMap<string, Entry>;
  readonly queries: readonly (Entry & { readonly name: string })[];
  readonly runCommand: (
    type: string,
    context: RequestContext,
    data: object,
  ) => Promise<{ body?: object | undefined; eventId?: string | undefined }>;
  readonly runQuery: (name: string, context: RequestContext, data: object) => Promise<object>;
  readonly authenticate: (token: string) => Promise<{ caller: Caller }>;
  /** Throws `rate_limited`. */
  readonly countRequest: (key: string, kind: 'open' | 'user') => Promise<void>;
  readonly durability: string;
  readonly newId: () => string;
  readonly now: () => number;
}

export const BASE = '/api/v1';
const NOBODY: Caller = { userId: '', sessionId: '' };
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const MAX_BODY = '64kb';

export function routes(options: RoutesOptions): Middleware[] {
  const router = new Router({ prefix: BASE });
  const parseBody = koaBody({
    jsonLimit: MAX_BODY,
    multipart: false,
    urlencoded: false,
    text: false,
    parsedMethods: ['POST', 'PUT', 'PATCH', 'DELETE'] as never,
    onError: (error) => {
      const status = (error as { status?: number }).status;
      if (status === 413) throw fail('payload_too_large');
      if (status === 415) throw fail('unsupported_media_type', 'The body is encoded in an unknown way');
      throw fail('validation_failed', 'The body is not JSON');
    },
  }) as unknown as Middleware;

  for (const [type, entry] of options.commands) {
    if (!entry.route) continue;
    const { method, path, status = 200, also = [] } = entry.route;
    router.register(
      koaPath(path),
      [method, ...also],
      [
        async (ctx) => {
          // First who calls and how often: nobody else's body is worth reading.
          const context = await contextOf(ctx, entry, options);
          await parseBody(ctx, async () => {});
          const { body, eventId } = await options.runCommand(type, context, { ...bodyOf(ctx), ...ctx['params'] });
          if (eventId && parseEventId(eventId))
            ctx.set({ 'Chat-Event-Id': eventId, 'Chat-Durability': options.durability });
          ctx.status = body === undefined ? 204 : status;
          if (body !== undefined) send(ctx, body);
        },
      ],
    );
  }

  for (const entry of options.queries) {
    router.get(koaPath(entry.route!.path), async (ctx) => {
      const context = await contextOf(ctx, entry, options);
      send(ctx, await options.runQuery(entry.name, context, { ...queryOf(ctx, entry), ...ctx['params'] }));
    });
  }

  return [router.routes() as unknown as Middleware, router.allowedMethods() as unknown as Middleware];
}

const koaPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

/** Ready JSON goes out as it is. */
function send(ctx: KoaContext, body: object): void {
  const json: unknown = (body as { json?: unknown }).json;
  ctx.type = 'application/json';
  ctx.body = Buffer.isBuffer(json) ? json : JSON.stringify(body);
}

async function contextOf(ctx: KoaContext, entry: Entry, options: RoutesOptions): Promise<RequestContext> {
  let caller = NOBODY;
  if (entry.open) await options.countRequest(ctx.ip, 'open');
  else {
    const token = /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1];
    if (!token) throw fail('unauthenticated');
    ({ caller } = await options.authenticate(token));
    await options.countRequest(caller.userId, 'user');
  }
  const requestId = ctx.get('Idempotency-Key') || undefined;
  if (requestId !== undefined && !ULID.test(requestId)) {
    throw invalid([{ pointer: '/header/Idempotency-Key', message: 'must be a ULID' }]);
  }
  const { newId } = options;
  return { caller, requestId, now: options.now(), newId, ip: ctx.ip, userAgent: ctx.get('User-Agent').slice(0, 256) };
}

function bodyOf(ctx: KoaContext): object {
  const hasBody = ctx.request.length !== undefined ? ctx.request.length > 0 : ctx.get('Transfer-Encoding') !== '';
  if (!hasBody) return {};
  if (!ctx.is('application/json')) throw fail('unsupported_media_type');
  const body: unknown = ctx.request.body;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ pointer: '', message: 'must be a JSON object' }]);
  }
  const inPath = Object.keys(ctx['params'] as object).find((name) => Object.hasOwn(body, name));
  if (inPath) throw invalid([{ pointer: `/${inPath}`, message: 'is given by the path' }]);
  return body;
}

/** A query string knows only text: fields that are declared as integers are read as such. */
function queryOf(ctx: KoaContext, entry: Entry): object {
  const properties = (entry.data.properties ?? {}) as Record<string, { type?: string }>;
  return Object.fromEntries(
    Object.entries(ctx.query).map(([name, value]) => {
      const isNumber = properties[name]?.type === 'integer' && typeof value === 'string' && /^-?\d{1,9}$/.test(value);
      return [name, isNumber ? Number(value) : value];
    }),
  );
}
