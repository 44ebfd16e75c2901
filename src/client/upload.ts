/**
 * A file on its way to the server, with how far it has come: by XMLHttpRequest where there is one, since only that tells a browser, else
 * as a stream whose pieces are counted as they are taken.
 */
import type { Operations } from './protocol.d.ts';
import { Refusal } from './refusal.ts';
import { answerOf, ask, unreachable } from './session.ts';

export type Uploaded = Operations['GET /attachments/{attachment_id}']['answer'];

/** A `File`, or whatever gives its bytes, anew each time that it is asked. */
export type UploadSource =
  | (Blob & { readonly name: string })
  | { readonly name: string; readonly type?: string; readonly stream: () => AsyncIterable<Uint8Array> };

export interface UploadOptions {
  /** Bytes that have gone out, of how many: undefined where the source does not say. */
  readonly onProgress?: (sent: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

const WITHIN_MS = 240_000;
/** How often it is told how far it has come. */
const PIECE = 65_536;

export async function upload(
  url: string,
  token: string,
  source: UploadSource,
  { onProgress = () => {}, signal }: UploadOptions,
): Promise<Uploaded> {
  const end = AbortSignal.any([AbortSignal.timeout(WITHIN_MS), ...(signal ? [signal] : [])]);
  if (typeof XMLHttpRequest !== 'undefined' && source instanceof Blob)
    return byRequest(url, token, source, onProgress, end);
  const boundary = `rill-${crypto.randomUUID()}`;
  const total = 'size' in source ? source.size : undefined;
  const init = {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: streamOf(multipart(source, boundary, (sent) => onProgress(sent, total))),
    duplex: 'half',
    signal: end,
  };
  return (await ask(url, init as RequestInit)) as Uploaded;
}

/** One piece at a time, when the one before is taken. */
const streamOf = (pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => void pieces.return(undefined),
  });

async function* multipart(
  source: UploadSource,
  boundary: string,
  onSent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const text = new TextEncoder();
  const name = source.name.replaceAll(/["\r\n]/g, (sign) => encodeURIComponent(sign));
  const type = source.type || 'application/octet-stream';
  const about = `Content-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}`;
  yield text.encode(`--${boundary}\r\n${about}\r\n\r\n`);
  let sent = 0;
  for await (const bytes of source.stream()) {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      yield piece;
      sent += piece.length;
      onSent(sent);
    }
  }
  yield text.encode(`\r\n--${boundary}--\r\n`);
}

function byRequest(
  url: string,
  token: string,
  file: Blob & { readonly name: string },
  onProgress: NonNullable<UploadOptions['onProgress']>,
  end: AbortSignal,
): Promise<Uploaded> {
  const form = new FormData();
  form.append('file', file, file.name);
  const request = new XMLHttpRequest();
  request.open('POST', url);
  request.setRequestHeader('Authorization', `Bearer ${token}`);
  request.upload.onprogress = ({ loaded, total }) => onProgress(Math.min(loaded, file.size), total && file.size);
  return new Promise((resolve, reject) => {
    const ended = () => reject(unreachable(end.reason));
    request.onload = () => {
      try {
        resolve(answerOf(request.status, request.responseText, request.getResponseHeader('Retry-After')) as Uploaded);
      } catch (error) {
        reject(error as Refusal);
      }
    };
    request.onerror = request.onabort = ended;
    end.addEventListener('abort', () => request.abort());
    if (end.aborted) ended();
    else request.send(form);
  });
}
