/**
 * A file as an answer: whole or one range of it, revalidated by its ETag, under a name that any client reads. Whatever it holds runs
 * nowhere: its type is what it was found to be, and a browser that opens it may load and run nothing.
 */
import type { Readable } from 'node:stream';
import type { Context as KoaContext } from 'koa';
import { fail } from '../errors.ts';

/** `FileAnswer` of the features fits. */
export interface FileToSend {
  readonly fileName: string;
  readonly contentType: string;
  readonly size: number;
  readonly etag: string;
  readonly isShown: boolean;
  read(range?: Range): Promise<Readable>;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** As long as an address that is signed. What has it may keep what it gave. */
const KEPT_SECONDS = 3_600;

const STUCK_MS = 60_000;

/** A client that takes nothing for a minute is cut off: it holds open what it is sent. */
export const cutIfStuck = ({ res }: KoaContext): void => void res.setTimeout(STUCK_MS, () => res.destroy());

/** Throws `range_not_satisfiable`, or what reading throws. */
export async function sendFile(ctx: KoaContext, file: FileToSend): Promise<void> {
  const { contentType, fileName, size, etag, isShown } = file;
  ctx.status = 200;
  const isKnown = ctx
    .get('If-None-Match')
    .split(/\s*,\s*/)
    .includes(etag);
  const range = isKnown ? undefined : rangeOf(ctx, size, etag);
  const body = isKnown || ctx.method === 'HEAD' ? undefined : await file.read(range);
  // Who does not know RFC 8187 gets ASCII, which nobody reads in another way.
  const fallback = fileName.replaceAll(/[^\x20-\x7e]/g, '_');
  ctx.attachment(fileName, { type: isShown ? 'inline' : 'attachment', fallback });
  ctx.set({
    'Content-Type': contentType === 'text/plain' ? 'text/plain; charset=utf-8' : contentType,
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Cache-Control': `private, max-age=${KEPT_SECONDS}`,
    'Content-Security-Policy': "default-src 'none'; sandbox",
    // The address is the permission, whichever site shows it.
    'Cross-Origin-Resource-Policy': 'cross-origin',
    ...(range ? { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` } : {}),
  });
  if (isKnown) return void (ctx.status = 304);
  if (range) ctx.status = 206;
  if (body) ctx.body = body;
  ctx.length = range ? range.end - range.start + 1 : size;
  cutIfStuck(ctx);
}

/** The one range that is asked for. Several, other units and an older content are answered with all of it. */
function rangeOf(ctx: KoaContext, size: number, etag: string): Range | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(ctx.get('Range')) ?? [];
  const isOther = ctx.get('If-Range') !== '' && ctx.get('If-Range') !== etag;
  if ((from === '' && to === '') || isOther || (from !== '' && to !== '' && Number(to) < Number(from)))
    return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start >= size || (from === '' && to === '0'))
    throw fail('range_not_satisfiable', undefined, { headers: { 'Content-Range': `bytes */${size}` } });
  return { start, end };
}
