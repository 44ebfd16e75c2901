/**
 * The Koa application of a node: errors to problem documents, security headers, CORS, and the routes that it is given. Refuses
 * to show a caller anything of an unexpected error but its request's failure.
 */
import cors from '@koa/cors';
import Koa from 'koa';
import type { Context, Middleware } from 'koa';
import koaHelmet from 'koa-helmet';
import { callerAddress } from '../addresses.ts';
import { asChatError, ChatError, fail, problemHeaders, problemOf } from '../errors.ts';
import type { Asked } from './routes.ts';

/** What happened, for operators: of addresses only their form, since ids and secrets stand in them. */
export interface Answered {
  readonly method: string;
  /** As `/api/v1/users/{user_id}`; undefined where there is nothing at the address. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly user: string | undefined;
  /** The id by which the client makes the request repeatable. It also stands in the event. */
  readonly request: string | undefined;
  /** The trace that the request came with. */
  readonly trace?: string;
}

export interface AppOptions {
  /** How many proxies stand before the server, each of which adds the address it was called from to X-Forwarded-For. */
  readonly trustedProxies: number;
  readonly origins: readonly string[];
  readonly onError: (error: unknown) => void;
  /** Told of each answer. */
  readonly onAnswered: (answered: Answered) => void;
  /** Routes: what operators ask, the API, the pages. */
  readonly middleware: readonly Middleware[];
}

/** How long a browser may keep the answer to a preflight; none keeps it for longer than two hours. */
const PREFLIGHT_SECONDS = 7_200;
/** What a page of another site may read of an answer, beside its body. */
const EXPOSED = ['Chat-Event-Id', 'Chat-Durability', 'Retry-After', 'RateLimit', 'RateLimit-Policy'];

export function app({ trustedProxies, origins, onError, onAnswered, middleware }: AppOptions): Koa {
  const koa = new Koa();
  koa.use(async (ctx, next) => {
    const since = performance.now();
    await next();
    const { user, request, trace } = ctx.state as Asked;
    const ms = performance.now() - since;
    const { method, status } = ctx;
    onAnswered({ method, route: routeOf(ctx), status, ms, user, request, ...(trace === undefined ? {} : { trace }) });
  });
  koa.use((ctx, next) => {
    // Answers are about one caller, at one moment. What may be kept says so itself.
    ctx.set('Cache-Control', 'no-store');
    ctx.request.ip = callerAddress(ctx.req.socket.remoteAddress, ctx.get('X-Forwarded-For'), trustedProxies);
    return next();
  });
  koa.use(async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined) throw fail('not_found', 'There is nothing at this address');
      // The router has set the Allow header of both.
      if (ctx.status === 405 || ctx.status === 501) throw fail('method_not_allowed');
    } catch (error) {
      answer(ctx, error, onError);
    }
  });
  koa.use(helmet());
  koa.use(
    cors({
      origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
      credentials: true,
      exposeHeaders: EXPOSED,
      maxAge: PREFLIGHT_SECONDS,
    }),
  );
  for (const use of middleware) koa.use(use);
  // What breaks off half way; a client that went away is no trouble.
  koa.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') onError(error);
  });
  return koa;
}

/** The form of an address, as the documents write it. */
function routeOf(ctx: Context): string | undefined {
  const { _matchedRoute: matched } = ctx as { _matchedRoute?: unknown };
  return typeof matched === 'string' ? matched.replaceAll(/:(\w+)/g, '{$1}') : undefined;
}

/** The same headers for every answer, so the library is asked for them once. */
function helmet(): Middleware {
  const headers: [string, string][] = [];
  const answer = { setHeader: (name: string, value: string) => headers.push([name, value]), removeHeader() {} };
  const asked = helmetHeaders()({ req: {}, res: answer } as unknown as Context, async () => {}) as Promise<void>;
  return async (ctx, next) => {
    await asked;
    for (const [name, value] of headers) ctx.res.setHeader(name, value);
    return next();
  };
}

function helmetHeaders(): Middleware {
  return koaHelmet({
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        connectSrc: ["'self'", 'ws:', 'wss:'],
        imgSrc: ["'self'", 'https:', 'data:'],
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false, // the server speaks plain HTTP; who puts TLS before it says so there
  }) as unknown as Middleware;
}

function answer(ctx: Context, thrown: unknown, onError: (error: unknown) => void): void {
  const error = asKnown(thrown);
  if (error.code === 'internal') onError(thrown);
  ctx.status = error.status;
  ctx.body = JSON.stringify(problemOf(error));
  ctx.set(problemHeaders(error));
}

/** Koa and its parts throw errors with a status of their own. */
function asKnown(thrown: unknown): ChatError {
  const status = (thrown as { status?: unknown }).status;
  if (thrown instanceof ChatError || typeof status !== 'number') return asChatError(thrown);
  if (status === 413) return fail('payload_too_large');
  if (status === 415) return fail('unsupported_media_type');
  return status < 500 ? fail('validation_failed', 'The request cannot be read') : asChatError(thrown);
}
