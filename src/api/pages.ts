/**
 * What a browser asks for outside of the API: what the server is, the OpenAPI document and the client page. The page's files are read
 * once at start and served from memory, so no request can name a file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Middleware } from 'koa';
import { openApi } from './openapi.ts';
import type { Described } from './openapi.ts';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const VERSION = '0.1.0';

export function pages(product: Described): Middleware {
  const folder = new URL('./pages/', import.meta.url);
  const files = new Map(
    readdirSync(folder).map((name) => [
      name === 'client.html' ? '/client' : `/client/${name}`,
      {
        type: TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
        body: readFileSync(new URL(name, folder)),
      },
    ]),
  );
  const links = {
    client: '/client',
    openapi: '/openapi.json',
    api: '/api/v1',
    websocket: '/api/v1/ws',
    ready: '/api/v1/health/ready',
  };
  const documents = new Map<string, string>([
    ['/', JSON.stringify({ name: 'Rill', version: VERSION, links })],
    ['/openapi.json', JSON.stringify(openApi(product, VERSION))],
  ]);
  return async (ctx, next) => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
    const file = files.get(ctx.path);
    const document = documents.get(ctx.path);
    if (file) {
      ctx.type = file.type;
      // The modules belong together: a browser must not keep some of an older version.
      ctx.set('Cache-Control', 'no-cache');
      ctx.body = file.body;
    } else if (document !== undefined) {
      ctx.type = 'application/json';
      ctx.body = document;
    } else await next();
  };
}
