/**
 * What a browser asks for outside of the API: what the server is, the OpenAPI document and the client page. The page's files are read
 * once at start and served from memory, so no request can name a file.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import Router from '@koa/router';
import type { Middleware } from 'koa';
import { openApi } from './openapi.ts';
import type { Described } from './openapi.ts';
import { BASE, served } from './routes.ts';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const VERSION = '0.1.0';

export function pages(product: Described): Middleware[] {
  const folder = new URL('./pages/', import.meta.url);
  const router = new Router();
  const serve = (path: string, type: string, body: string | Buffer) => {
    const etag = createHash('sha1').update(body).digest('base64url');
    router.get(path, (ctx) => {
      // Asked for again each time, since what belongs together must not be some of an older version; sent again only where it changed.
      ctx.set('Cache-Control', 'no-cache');
      ctx.status = 200;
      ctx.etag = etag;
      if (ctx.fresh) {
        ctx.status = 304;
        return;
      }
      ctx.type = type;
      ctx.body = body;
    });
  };
  for (const name of readdirSync(folder)) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    serve(name === 'client.html' ? '/client' : `/client/${name}`, type, readFileSync(new URL(name, folder)));
  }
  const links = {
    client: '/client',
    openapi: '/openapi.json',
    api: BASE,
    websocket: `${BASE}/ws`,
    ready: `${BASE}/health/ready`,
  };
  serve('/', 'application/json', JSON.stringify({ name: 'Rill', version: VERSION, links }));
  serve('/openapi.json', 'application/json', JSON.stringify(openApi(product, VERSION)));
  return served(router);
}
