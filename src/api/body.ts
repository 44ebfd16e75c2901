/**
 * The body of a request: JSON in UTF-8 of at most 64 KB, and an object. Refuses bytes that are no UTF-8, since a decoder that mends them
 * would have other text stored than was sent.
 */
import type { Context, Middleware } from 'koa';
import { koaBody } from 'koa-body';
import { invalid } from '../envelope.ts';
import { fail } from '../errors.ts';
import { checkNumbers } from '../numbers.ts';

const JSON_TYPE = 'application/json';
/** One character for each byte: koa-body's own decoder mends what it cannot read. */
const BYTES = 'latin1';

const readText = koaBody({
  json: false,
  multipart: false,
  urlencoded: false,
  text: true,
  textTypes: [JSON_TYPE],
  textLimit: '64kb',
  encoding: BYTES,
  parsedMethods: ['POST', 'PUT', 'PATCH', 'DELETE'] as never,
  onError: (error) => {
    const status = (error as { status?: number }).status;
    if (status === 413) throw fail('payload_too_large');
    if (status === 415) throw fail('unsupported_media_type', 'The body is encoded in an unknown way');
    throw fail('validation_failed', 'The body cannot be read');
  },
}) as unknown as Middleware;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads and parses the body; no body at all is an empty object. Throws `payload_too_large`, `unsupported_media_type`, `validation_failed`. */
export async function readBody(ctx: Context): Promise<object> {
  const hasBody = ctx.request.length !== undefined ? ctx.request.length > 0 : ctx.get('Transfer-Encoding') !== '';
  if (!hasBody) return {};
  if (!ctx.is(JSON_TYPE)) throw fail('unsupported_media_type', 'The body must be application/json');
  if (!/^(utf-?8)?$/i.test(ctx.request.charset)) throw fail('unsupported_media_type', 'The body must be in UTF-8');
  await readText(ctx, async () => {});
  const body = parse(Buffer.from(ctx.request.body as string, BYTES));
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ pointer: '', message: 'must be a JSON object' }]);
  }
  return body;
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw invalid([{ pointer: '', message: 'is not UTF-8' }]);
  }
  if (text === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw invalid([{ pointer: '', message: 'is not JSON' }]);
  }
  checkNumbers(text);
  return body;
}
