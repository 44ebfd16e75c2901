/**
 * An answer of any length, made while it is taken: what is not sent yet is not made. Where the making fails half way the connection is
 * cut, so that no client takes a part for the whole.
 */
import { Readable } from 'node:stream';
import type { Context as KoaContext } from 'koa';
import { cutIfStuck } from './file.ts';

export const NDJSON = 'application/x-ndjson';

/** `LinesAnswer` of the features fits. */
export interface LinesToSend {
  /** Whole lines in pieces. */
  lines(): AsyncGenerator<Buffer>;
}

export function sendLines(ctx: KoaContext, answer: LinesToSend): void {
  ctx.status = 200;
  ctx.set('Content-Type', NDJSON);
  if (ctx.method === 'HEAD') return;
  ctx.body = Readable.from(answer.lines(), { objectMode: false });
  cutIfStuck(ctx);
}
