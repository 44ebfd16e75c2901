/** Files to upload, and a user's hand that uploads them: a picture as a camera makes it, and what is left on disk and in Redis. */
import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Json, Reply } from './client.ts';
import type { User } from './server.ts';

export interface Attachment {
  readonly id: string;
  readonly file_name: string;
  readonly content_type: string;
  readonly size: number;
  readonly width?: number;
  readonly height?: number;
  readonly duration?: number;
  readonly url: string;
  readonly thumbnail_url?: string;
  readonly expires_at: string;
}

export const TEXT = Buffer.from('Some words, and ümläute.\n');

/** A picture that lies on its side and says where it was taken. */
export function photo(width = 60, height = 40): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#c03020' } })
    .withMetadata({ orientation: 6 })
    .withExifMerge({ IFD0: { Copyright: 'a person' }, IFD3: { GPSLatitude: '51/1 30/1 0/1', GPSLatitudeRef: 'N' } })
    .jpeg()
    .toBuffer();
}

export const drawing = (width = 8, height = 8): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 4, background: '#2040c080' } })
    .png()
    .toBuffer();

/** A folder for the files of a suite's nodes, emptied after each test. */
export function useFolder(): { readonly path: string; files(): Promise<string[]> } {
  const path = mkdtempSync(join(tmpdir(), 'rill-uploads-'));
  afterEach(() => rm(join(path, 'files'), { recursive: true, force: true }));
  after(() => rm(path, { recursive: true }));
  return {
    path,
    async files() {
      const found = await readdir(path, { recursive: true, withFileTypes: true });
      return found.flatMap((entry) => (entry.isFile() ? [entry.name] : []));
    },
  };
}

export function upload<T = Attachment>(
  { rest }: Pick<User, 'rest'>,
  content: Buffer,
  name = 'a file',
  headers: Record<string, string> = {},
): Promise<Reply<T>> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(content)]), name);
  return send<T>(rest, form, headers);
}

export async function send<T = Json>(
  rest: User['rest'],
  body: FormData | Buffer,
  headers: Record<string, string> = {},
): Promise<Reply<T>> {
  const response = await fetch(`${rest.base}/api/v1/attachments`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${rest.token}`, ...headers },
    body: body instanceof FormData ? body : new Uint8Array(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

/** A webm that says how long it plays, with one track: sound, or pictures. */
export function webm(kind: 'audio' | 'video', seconds: number): Buffer {
  const element = (id: string, content: Buffer) =>
    Buffer.concat([Buffer.from(id, 'hex'), Buffer.from([0x80 | content.length]), content]);
  const duration = Buffer.alloc(8);
  duration.writeDoubleBE(seconds * 1_000);
  const rate = Buffer.alloc(4);
  rate.writeFloatBE(48_000);
  const track = [
    element('d7', Buffer.from([1])),
    element('83', Buffer.from([kind === 'video' ? 1 : 2])),
    element('86', Buffer.from(kind === 'video' ? 'V_VP8' : 'A_OPUS')),
    kind === 'video' ? element('e0', element('b0', Buffer.from([64]))) : element('e1', element('b5', rate)),
  ];
  const info = [element('2ad7b1', Buffer.from([0x0f, 0x42, 0x40])), element('4489', duration)];
  return Buffer.concat([
    element('1a45dfa3', element('4282', Buffer.from('webm'))),
    element(
      '18538067',
      Buffer.concat([
        element('1549a966', Buffer.concat(info)),
        element('1654ae6b', element('ae', Buffer.concat(track))),
      ]),
    ),
  ]);
}
