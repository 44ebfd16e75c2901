/**
 * Files in object storage that speaks S3's protocol: one bucket, addressed by path, every request signed over the content's own hash, so
 * that what arrives otherwise is refused there. Owns its deadlines: a storage that hangs makes a request `unavailable`, not endless.
 */
import { createReadStream } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { checkedKey, isFileKey, notReached } from './store.ts';
import type { ByteRange, FileStore, KeptFile, LocalFile } from './store.ts';

export interface S3Options {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** What every key begins with in the bucket: `archive/`. Files of others are none of this store's. */
  readonly prefix?: string;
}

interface Asked {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Below the bucket. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly file?: LocalFile;
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** Without a byte on the way for so long, a request is given up. */
const SILENCE_MS = 10_000;
const MAX_LISTING_BYTES = 4_000_000;

export class S3Store implements FileStore {
  private readonly options: S3Options;

  constructor(options: S3Options) {
    this.options = options;
  }

  async put(key: string, file: LocalFile): Promise<void> {
    const reply = await this.ask({ method: 'PUT', path: this.pathOf(key), file });
    await textOf(reply);
    if (reply.statusCode !== 200) throw unreachable(`PUT answered ${reply.statusCode}`);
  }

  async read(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
    const reply = await this.ask({ method: 'GET', path: this.pathOf(key), headers });
    if (reply.statusCode === (range ? 206 : 200)) return reply;
    await textOf(reply);
    if (reply.statusCode === 404) return undefined;
    throw unreachable(`GET answered ${reply.statusCode}`);
  }

  async remove(key: string): Promise<void> {
    const reply = await this.ask({ method: 'DELETE', path: this.pathOf(key) });
    await textOf(reply);
    if (![200, 204, 404].includes(reply.statusCode!)) throw unreachable(`DELETE answered ${reply.statusCode}`);
  }

  async *all(): AsyncGenerator<KeptFile> {
    const { prefix = '' } = this.options;
    const only = prefix === '' ? '' : `&prefix=${encodeURIComponent(prefix)}`;
    for (let more = only; ;) {
      const reply = await this.ask({ method: 'GET', path: `?list-type=2${more}` });
      const listing = await textOf(reply);
      if (reply.statusCode !== 200) throw unreachable(`the listing answered ${reply.statusCode}`);
      for (const [, entry] of listing.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
        const key = (tag(entry!, 'Key') ?? '').slice(prefix.length);
        if (isFileKey(key)) yield { key, modifiedMs: Date.parse(tag(entry!, 'LastModified') ?? '') };
      }
      const next = tag(listing, 'NextContinuationToken');
      if (tag(listing, 'IsTruncated') !== 'true' || next === undefined) return;
      more = `${only}&continuation-token=${encodeURIComponent(next)}`;
    }
  }

  private pathOf(key: string): string {
    return `/${this.options.prefix ?? ''}${checkedKey(key)}`;
  }

  private async ask(asked: Asked): Promise<IncomingMessage> {
    const { method, path, headers, file } = asked;
    const { endpoint, bucket, prefix: _, ...keys } = this.options;
    // A library that only who keeps files there needs.
    const { AwsV4Signer } = await import('aws4fetch');
    const signed = await new AwsV4Signer({
      ...keys,
      service: 's3',
      method,
      url: `${endpoint}/${bucket}${path}`,
      headers: { ...headers, 'x-amz-content-sha256': file?.sha256 ?? EMPTY_SHA256 },
    }).sign();
    const length = file ? { 'content-length': String(file.size) } : {};
    const options = { method, headers: { ...Object.fromEntries(signed.headers), ...length } };
    const send = signed.url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const give = (error: Error) => reject(unreachable(error.message));
      const request = send(signed.url, options, resolve);
      request.setTimeout(SILENCE_MS, () => request.destroy(new Error('the storage is silent')));
      request.on('error', give);
      if (file) pipeline(createReadStream(file.path), request).catch(give);
      else request.end();
    });
  }
}

async function textOf(reply: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of reply as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_LISTING_BYTES) throw new Error('the answer is too long');
      parts.push(part);
    }
  } catch (error) {
    throw unreachable((error as Error).message);
  }
  return Buffer.concat(parts).toString();
}

function tag(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replaceAll(/&(quot|lt|gt|amp);/g, (_, entity: string) => ENTITIES[entity]!);
}
const ENTITIES: Record<string, string> = { quot: '"', lt: '<', gt: '>', amp: '&' };

const unreachable = (reason: string): Error => notReached(new Error(reason));
