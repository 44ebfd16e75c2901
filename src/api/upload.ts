/**
 * A file that comes with a request. It is read only as fast as it is taken, and must be there in time: a client that sends a byte a second
 * is given up. Owns what becomes of a body that is refused half way: the client can still read why, and is cut off if it sends on.
 */
import type { IncomingMessage } from 'node:http';
import type { Context as KoaContext } from 'koa';
import type { Upload } from '../envelope.ts';
import { fail } from '../errors.ts';
import { boundaryOf, fileOf } from './multipart.ts';

/** Who was answered before the body's end may read the answer for so long. */
const LINGER_MS = 5_000;

/** Throws `unsupported_media_type`. */
export function uploadOf(ctx: KoaContext, seconds: number): Upload {
  const { req, res } = ctx;
  const boundary = ctx.is('multipart/form-data') ? boundaryOf(ctx.get('Content-Type')) : undefined;
  res.once('finish', () => letGo(req));
  if (boundary === undefined) throw fail('unsupported_media_type', 'The body must be multipart/form-data');
  const late = AbortSignal.timeout(seconds * 1_000);
  return {
    length: ctx.request.length,
    receive: async (write) => ({ fileName: await fileOf(() => nextPiece(req, late, seconds), boundary, write) }),
  };
}

async function nextPiece(req: IncomingMessage, late: AbortSignal, seconds: number): Promise<Buffer | undefined> {
  for (;;) {
    if (late.aborted) throw fail('validation_failed', `The file took longer than ${seconds} seconds`);
    const piece = req.read() as Buffer | null;
    if (piece !== null) return piece;
    if (req.readableEnded) return undefined;
    if (req.destroyed) throw fail('validation_failed', 'The body cannot be read');
    await change(req, late);
  }
}

/** Resolves when there may be more to read, or nothing more will come. */
function change(req: IncomingMessage, late: AbortSignal): Promise<void> {
  const events = ['readable', 'end', 'error', 'close'] as const;
  return new Promise((resolve) => {
    const heard = () => {
      for (const event of events) req.off(event, heard);
      late.removeEventListener('abort', heard);
      resolve();
    };
    for (const event of events) req.on(event, heard);
    late.addEventListener('abort', heard);
  });
}

/** What still comes of a body that nobody wants is passed over, for a while. */
function letGo(req: IncomingMessage): void {
  if (req.complete) return;
  req.resume();
  const end = setTimeout(() => {
    if (!req.complete) req.destroy();
  }, LINGER_MS);
  end.unref();
  req.once('close', () => clearTimeout(end));
}
