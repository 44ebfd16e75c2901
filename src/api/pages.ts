/**
 * What a browser asks for outside of the API: what the server is, the client page, and the documents of the API and of the
 * WebSocket with the pages that show them.
 * Everything is read into memory and served from there, so no request can name a file.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import koaHelmet from 'koa-helmet';
import { VERSION } from '../version.ts';
import { asyncApi } from './documents/asyncapi.ts';
import type { DescribedSocket } from './documents/asyncapi.ts';
import { openApi } from './documents/openapi.ts';
import type { Described } from './documents/openapi.ts';
import { socketPage } from './documents/socket-page.ts';
import { BASE, served } from './routes.ts';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
};
const typeOf = (name: string): string => TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';

const LINKS = {
  client: '/client',
  docs: '/docs',
  redoc: '/redoc',
  openapi: '/openapi.json',
  asyncapi: '/asyncapi.json',
  protocol: '/docs/websocket',
  api: BASE,
  websocket: `${BASE}/ws`,
  health: '/health',
  live: '/health/live',
  ready: '/health/ready',
  detailed: '/health/detailed',
  stats: '/stats',
  metrics: '/metrics',
};

/** The client library as the build makes it, beside the compiled program: the page is its first user. */
const LIBRARY = ['../../client/', '../../dist/client/']
  .map((path) => new URL(path, import.meta.url))
  .find((folder) => existsSync(new URL('client.js', folder)));

export function pages(product: Described & DescribedSocket): Middleware[] {
  const router = new Router();
  const client = new URL('./pages/', import.meta.url);
  for (const name of readdirSync(client)) {
    const path = name === 'client.html' ? '/client' : `/client/${name}`;
    router.get(
      path,
      fixed(typeOf(name), () => readFileSync(new URL(name, client))),
    );
  }
  for (const name of LIBRARY ? readdirSync(LIBRARY).filter((file) => file.endsWith('.js')) : []) {
    router.get(
      `/client/lib/${name}`,
      fixed(typeOf(name), () => readFileSync(new URL(name, LIBRARY))),
    );
  }
  router.get(
    ['/', BASE],
    fixed(TYPES['json']!, () => JSON.stringify({ name: 'Rill', version: VERSION, links: LINKS })),
  );
  router.get(
    '/openapi.json',
    fixed(TYPES['json']!, () => JSON.stringify(openApi(product, VERSION))),
  );
  router.get(
    '/asyncapi.json',
    fixed(TYPES['json']!, () => JSON.stringify(asyncApi(product, VERSION))),
  );
  reference(router, product);
  return served(router);
}

/** The same bytes for everybody, made when they are first asked for. */
function fixed(type: string, make: () => string | Buffer): (ctx: Context) => void {
  let made: { readonly body: string | Buffer; readonly etag: string } | undefined;
  return (ctx) => {
    if (!made) {
      const body = make();
      made = { body, etag: createHash('sha1').update(body).digest('base64url') };
    }
    // Asked for again each time, since what belongs together must not be some of an older version; sent again only where it changed.
    ctx.set('Cache-Control', 'no-cache');
    ctx.status = 200;
    ctx.etag = made.etag;
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    ctx.type = type;
    ctx.body = made.body;
  };
}

/** `/docs`, `/redoc` and the page of the WebSocket. Both tools write styles into the page, and Redoc searches in a worker that it makes from a text. */
function reference(router: Router, product: DescribedSocket): void {
  const policy = koaHelmet.contentSecurityPolicy({
    directives: {
      defaultSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      workerSrc: ["'self'", 'blob:'],
      upgradeInsecureRequests: null,
    },
  }) as unknown as Middleware;
  const own = new URL('./reference/', import.meta.url);
  const guarded = (path: string, serve: (ctx: Context) => void) =>
    router.get(path, async (ctx) => {
      await policy(ctx, async () => {});
      serve(ctx);
    });
  const page = (path: string, name: string) =>
    guarded(
      path,
      fixed(typeOf(name), () => readFileSync(new URL(name, own))),
    );
  page('/docs', 'docs.html');
  guarded(
    '/docs/websocket',
    fixed(TYPES['html']!, () => socketPage(asyncApi(product, VERSION))),
  );
  page('/docs/docs.js', 'docs.js');
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    router.get(
      `/docs/${name}`,
      fixed(typeOf(name), () => readFileSync(packaged(`swagger-ui-dist/${name}`))),
    );
  }
  page('/redoc', 'redoc.html');
  page('/redoc/redoc.js', 'redoc.js');
  router.get('/redoc/redoc.standalone.js', fixed(TYPES['js']!, redocBundle));
}

/** The build puts it beside the pages: where the program runs, the package need not be there. */
function redocBundle(): string {
  const built = new URL('./reference/redoc.standalone.js', import.meta.url);
  const bundle = readFileSync(existsSync(built) ? built : packaged('redoc/bundles/redoc.standalone.js'), 'utf8');
  // The one thing that it would fetch from elsewhere.
  return bundle.replaceAll('https://cdn.redoc.ly/redoc/logo-mini.svg', '/client/icon.svg');
}

/** A file of a package. */
const packaged = (path: string): string => createRequire(import.meta.url).resolve(path);
