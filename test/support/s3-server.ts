/**
 * Object storage for tests that believes nothing: every request must carry a SigV4 signature that fits it to the byte, recent, and a body
 * of the length and hash that were signed. Keeps objects in memory; a listing has two of them on a page.
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { S3Options } from '../../src/files/s3-store.ts';

const PER_PAGE = 2;
const SKEW_MS = 15 * 60_000;
const BUCKET = 'chat-files';
const KEYS = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a secret/of+the storage', region: 'eu-test-1' };

export interface S3Server {
  readonly options: S3Options;
  readonly objects: Map<string, Buffer>;
  /** What was refused, and why. */
  readonly refused: string[];
  stop(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const refused: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const wrong = whyRefused(request, body);
      if (wrong === undefined) return serve(objects, request, response, body);
      refused.push(`${request.method} ${request.url}: ${wrong}`);
      response.writeHead(403).end(`<Error><Code>AccessDenied</Code><Message>${wrong}</Message></Error>`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    options: { endpoint, bucket: BUCKET, ...KEYS },
    objects,
    refused,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function whyRefused(request: IncomingMessage, body: Buffer): string | undefined {
  const { headers, method = '' } = request;
  const given = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  );
  if (!given) return 'no signature';
  const [, credential = '', signedHeaders = '', signature] = given;
  const time = String(headers['x-amz-date']);
  const scope = `${time.slice(0, 8)}/${KEYS.region}/s3/aws4_request`;
  if (credential !== `${KEYS.accessKeyId}/${scope}`) return 'another key, day, region or service';
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(at - Date.now()) < SKEW_MS)) return 'not of now';
  const names = signedHeaders.split(';');
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name))) return 'too little signed';
  if (headers['x-amz-content-sha256'] !== sha256(body)) return 'another body than was signed';
  if (method === 'PUT' && headers['content-length'] !== String(body.length)) return 'a body without its length';
  const url = new URL(request.url ?? '', 'http://storage');
  const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).toSorted();
  const lines = names.map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const path = url.pathname.split('/').map(encoded).join('/');
  const canonical = [method, path, query.join('&'), lines.join(''), signedHeaders, sha256(body)].join('\n');
  const steps = [time.slice(0, 8), KEYS.region, 's3', 'aws4_request'];
  const key = steps.reduce<string | Buffer>((k, step) => hmac(k, step), `AWS4${KEYS.secretAccessKey}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  return expected === signature ? undefined : 'the signature does not fit';
}

function serve(objects: Map<string, Buffer>, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const url = new URL(request.url ?? '', 'http://storage');
  const [, bucket, ...words] = url.pathname.split('/');
  const key = words.join('/');
  if (bucket !== BUCKET) return void response.writeHead(404).end('<Error><Code>NoSuchBucket</Code></Error>');
  if (key === '') return list(objects, url, response);
  if (request.method === 'PUT') {
    objects.set(key, body);
    return void response.writeHead(200).end();
  }
  if (request.method === 'DELETE') {
    objects.delete(key);
    return void response.writeHead(204).end();
  }
  const object = objects.get(key);
  if (!object) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (!range) return void response.writeHead(200, { 'content-length': object.length }).end(object);
  const part = object.subarray(Number(range[1]), Number(range[2]) + 1);
  response.writeHead(206, { 'content-length': part.length }).end(part);
}

function list(objects: Map<string, Buffer>, url: URL, response: ServerResponse): void {
  const after = url.searchParams.get('continuation-token') ?? '';
  const prefix = url.searchParams.get('prefix') ?? '';
  const keys = [...objects.keys()].toSorted().filter((key) => key.startsWith(prefix) && `<${key}>` > after);
  const page = keys.slice(0, PER_PAGE);
  const contents = page.map(
    (key) => `<Contents><Key>${key}</Key><LastModified>${new Date().toISOString()}</LastModified></Contents>`,
  );
  const next = `<NextContinuationToken>&lt;${page.at(-1)}&gt;</NextContinuationToken>`;
  const isMore = keys.length > page.length;
  response
    .writeHead(200)
    .end(
      `<ListBucketResult>${contents.join('')}<IsTruncated>${isMore}</IsTruncated>${isMore ? next : ''}</ListBucketResult>`,
    );
}
