/**
 * From the command and query tables to REST routes: path, query string and body become the command's data; answers become JSON with
 * `Chat-Event-Id` and `Chat-Durability`. Knows no feature: whatever the tables hold is served.
 */
import Router from '@koa/router';
import type { Context as KoaContext, Middleware } from 'koa';
import { bearerOf } from '../bearer.ts';
import { invalid, isUlid, NO_FIELD, parseEventId } from '../envelope.ts';
import type { Caller, Context, Left } from '../envelope.ts';
import { ChatError, fail } from '../errors.ts';
import { addressSubject, limitHeaders } from '../limits.ts';
import type { Limits } from '../limits.ts';
import { traceparentOf } from '../trace.ts';
import { readBody } from './body.ts';
import { sendFile } from './file.ts';
import type { FileToSend } from './file.ts';
import { NDJSON, sendLines } from './lines.ts';
import type { LinesToSend } from './lines.ts';
import { uploadOf } from './upload.ts';

/** What a table entry must say to be served; `Command` and `Query` of the features fit. */
export interface Entry {
  readonly about: string;
  readonly data: { readonly properties?: unknown };
  /** Schema of what is answered; null where nothing is. */
  readonly answer: object | null;
  readonly route?: {
    readonly method: string;
    readonly path: string;
    readonly status?: number;
    readonly also?: readonly string[];
  };
  readonly open?: boolean;
  /** Of the answer; JSON where none is named. */
  readonly media?: string;
  /** A file comes with it, as multipart/form-data. */
  readonly takesFile?: boolean;
  /** Its answer is a file. */
  readonly givesFile?: boolean;
  /** A `signature` in its query stands for a token. */
  readonly signed?: boolean;
}

/** The door through which every command and query goes; `Door` of the features fits. */
export interface DoorLike {
  readonly commands: ReadonlyMap<string, Entry>;
  readonly queries: ReadonlyMap<string, Entry>;
  readonly durability: string;
  command(
    type: string,
    context: Context,
    data: object,
  ): Promise<{ body?: object | undefined; eventId?: string | undefined }>;
  query(name: string, context: Context, data: object): Promise<object>;
}

export interface RoutesOptions {
  readonly door: DoorLike;
  readonly identity: { authenticate(token: string, now: number): Promise<{ caller: Caller }> };
  readonly limits: Pick<Limits, 'spend' | 'spendFor'>;
  readonly newId: () => string;
  readonly now: () => number;
  /** A file that comes must be there in this time. */
  readonly uploadSeconds: number;
}

/** What is known of a request once it was looked at: the state of its context. */
export interface Asked {
  user?: string;
  request?: string;
  trace?: string;
}

export const BASE = '/api/v1';
const NOBODY: Caller = { userId: '', sessionId: '' };

export function routes(options: RoutesOptions): Middleware[] {
  const { door } = options;
  const router = new Router({ prefix: BASE });

  for (const [type, entry] of exactFirst(door.commands)) {
    if (!entry.route) continue;
    const { method, path, status = 200, also = [] } = entry.route;
    router.register(
      koaPath(path),
      [method, ...also],
      [
        async (ctx) => {
          // First who calls and how often: nobody else's body is worth reading.
          const context = await contextOf(ctx, entry, options);
          const [stray] = Object.keys(ctx.query);
          if (stray !== undefined) throw invalid([{ pointer: `/query/${stray}`, message: NO_FIELD }]);
          const upload = entry.takesFile ? uploadOf(ctx, options.uploadSeconds) : undefined;
          const { body, eventId } = await withPath(ctx, '', upload ? {} : await readBody(ctx), (data) =>
            door.command(type, upload ? { ...context, upload } : context, data),
          );
          if (eventId && parseEventId(eventId))
            ctx.set({ 'Chat-Event-Id': eventId, 'Chat-Durability': door.durability });
          ctx.status = body === undefined ? 204 : status;
          if (ctx.status !== 204) send(ctx, body!);
        },
      ],
    );
  }

  for (const [name, entry] of exactFirst(door.queries)) {
    router.get(koaPath(entry.route!.path), async (ctx) => {
      const context = await contextOf(ctx, entry, options);
      const answer = await withPath(ctx, '/query', queryOf(ctx, entry), (data) => door.query(name, context, data));
      if (entry.givesFile) await sendFile(ctx, answer as FileToSend);
      else if (entry.media === NDJSON) sendLines(ctx, answer as LinesToSend);
      else send(ctx, answer);
    });
  }

  return served(router);
}

/** The router's routes, and 405 with what is allowed for another method at one of its addresses. */
export const served = (router: Router): Middleware[] =>
  [router.routes(), router.allowedMethods()] as unknown as Middleware[];

/** Whoever takes the first path that fits must not take `/users/me` for `/users/{user_id}`, whichever feature comes first. */
export const openness = (path: string): number => path.match(/\{/g)?.length ?? 0;

const exactFirst = (entries: ReadonlyMap<string, Entry>): [string, Entry][] =>
  [...entries].toSorted(([, a], [, b]) => openness(a.route?.path ?? '') - openness(b.route?.path ?? ''));

const koaPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

/** Ready JSON goes out as it is. */
function send(ctx: KoaContext, body: object): void {
  const json: unknown = (body as { json?: unknown }).json;
  ctx.type = 'application/json';
  ctx.body = Buffer.isBuffer(json) ? json : JSON.stringify(body);
}

async function contextOf(ctx: KoaContext, entry: Entry, options: RoutesOptions): Promise<Context> {
  let caller = NOBODY;
  const now = options.now();
  const tellLeft = tellingOn(ctx);
  // Whether the signature fits is for the query to say: the address is its own permission, and counts against nobody.
  if (entry.signed && ctx.query['signature'] !== undefined) caller = NOBODY;
  else if (entry.open) tellLeft(await options.limits.spend('open_request', addressSubject(ctx.ip), now));
  else {
    caller = await callerOf(ctx, options);
    await options.limits.spendFor({ caller, now, tellLeft }, 'request');
  }
  const requestId = ctx.get('Idempotency-Key') || undefined;
  if (requestId !== undefined && !isUlid(requestId)) {
    throw invalid([{ pointer: '/header/Idempotency-Key', message: 'must be a ULID' }]);
  }
  if (requestId !== undefined) (ctx.state as Asked).request = requestId;
  const { newId } = options;
  const traceparent = traceparentOf(ctx.get('traceparent'));
  if (traceparent !== undefined) (ctx.state as Asked).trace = traceparent;
  const userAgent = ctx.get('User-Agent').slice(0, 256);
  return { caller, requestId, traceparent, now, newId, ip: ctx.ip, userAgent, tellLeft };
}

/** Every limit that a request counts for stands on its answer, as far as this node knows it. */
function tellingOn(ctx: KoaContext): (left: Left | undefined) => void {
  const all: Left[] = [];
  return (left) => {
    if (!left) return;
    all.push(left);
    ctx.set(limitHeaders(all));
  };
}

/** Who cannot say who they are counts as nobody, so that tokens cannot be tried without end. */
export async function callerOf(
  ctx: KoaContext,
  { identity, limits, now }: Pick<RoutesOptions, 'identity' | 'limits' | 'now'>,
): Promise<Caller> {
  const token = bearerOf(ctx.headers.authorization);
  try {
    if (!token) throw fail('unauthenticated');
    const { caller } = await identity.authenticate(token, now());
    (ctx.state as Asked).user = caller.userId;
    return caller;
  } catch (error) {
    if (error instanceof ChatError && error.code === 'unauthenticated')
      await limits.spend('open_request', addressSubject(ctx.ip), now());
    throw error;
  }
}

/** Runs with what the path carries beside the given fields; an error that is about such a field says so. */
async function withPath<T>(
  ctx: KoaContext,
  root: string,
  given: object,
  run: (data: object) => Promise<T>,
): Promise<T> {
  const params = ctx['params'] as Record<string, string>;
  const twice = Object.keys(params).find((name) => Object.hasOwn(given, name));
  if (twice) throw invalid([{ pointer: `${root}/${twice}`, message: 'is given by the path' }]);
  try {
    return await run({ ...given, ...params });
  } catch (error) {
    const [wrong] = (error instanceof ChatError && error.errors) || [];
    const name = Object.keys(params).find((param) => wrong?.pointer === `${root}/${param}`);
    throw wrong && name !== undefined ? invalid([{ pointer: `/path/${name}`, message: wrong.message }]) : error;
  }
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
