/** The one file of a multipart body, however it is cut into pieces: what browsers and curl send, and what nobody should. */
import { expect } from 'chai';
import fc from 'fast-check';
import { boundaryOf, fileOf } from '../../src/api/multipart.ts';
import { codeOf } from '../support/accounts.ts';

const BOUNDARY = 'x-y';

/** Pieces of these sizes, over and over. */
function piecesOf(body: Buffer, sizes: readonly number[]): () => Promise<Buffer | undefined> {
  let at = 0;
  let turn = 0;
  return async () => {
    if (at >= body.length) return undefined;
    const piece = body.subarray(at, (at += sizes[turn++ % sizes.length]!));
    return piece;
  };
}

async function read(body: Buffer, sizes: readonly number[] = [7], boundary = BOUNDARY) {
  const written: Buffer[] = [];
  const name = await fileOf(piecesOf(body, sizes), boundary, async (piece) => void written.push(Buffer.from(piece)));
  return { name, content: Buffer.concat(written) };
}

const part = (headers: string, content: string, boundary = BOUNDARY) =>
  `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`;
const FILE = 'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain';

describe('a multipart body', () => {
  it('as fetch makes it gives the file as it was, cut in any way', async () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // What looks nearly like a boundary.
      fc
        .array(fc.constantFrom('\r', '\n', '-', '--', '\r\n--', 'x-y', 'a'), { maxLength: 60 })
        .map((t) => Buffer.from(t.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(
        anyBytes,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (bytes, sizes) => {
          const form = new FormData();
          form.append('file', new Blob([new Uint8Array(bytes)]), 'ein "Bild"\\für.png');
          const request = new Request('http://x', { method: 'POST', body: form });
          const body = Buffer.from(await request.arrayBuffer());
          const { name, content } = await read(body, sizes, boundaryOf(request.headers.get('Content-Type')!)!);
          expect(name).to.equal('ein "Bild"\\für.png');
          expect(content.equals(Buffer.from(bytes))).to.equal(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('may hold what nearly is the boundary', async () => {
    const content = '\r\n--x-\r\n--x\r\n-\r\n\r\n--';
    const body = Buffer.from(`${part(FILE, content)}--${BOUNDARY}--`);
    for (const size of [1, 2, 3, 1_000]) expect((await read(body, [size])).content.toString()).to.equal(content);
  });

  it('is refused where it is of another form', async () => {
    const bodies: Record<string, string> = {
      nothing: '',
      'no boundary': 'hello',
      'no end': part(FILE, 'x'),
      'no end within the file': `--${BOUNDARY}\r\n${FILE}\r\n\r\nhel`,
      'no headers': `--${BOUNDARY}\r\n\r\n\r\nhello\r\n--${BOUNDARY}--`,
      'headers without end': `--${BOUNDARY}\r\n${'A: b\r\n'.repeat(2_000)}`,
      'much before the boundary': `${'x'.repeat(10_000)}\r\n${part(FILE, 'x')}--${BOUNDARY}--`,
      'a boundary that goes on': `--${BOUNDARY}z\r\n${FILE}\r\n\r\nx\r\n--${BOUNDARY}--`,
      'a field': `${part('Content-Disposition: form-data; name="note"', 'x')}--${BOUNDARY}--`,
      'a file of another field': `${part(FILE.replace('"file"', '"avatar"'), 'x')}--${BOUNDARY}--`,
      'no name of a file': `${part('Content-Disposition: form-data; name="file"', 'x')}--${BOUNDARY}--`,
      'two files': `${part(FILE, 'x')}${part(FILE, 'y')}--${BOUNDARY}--`,
    };
    for (const [what, body] of Object.entries(bodies))
      expect(await codeOf(read(Buffer.from(body))), what).to.equal('validation_failed');
  });

  it('names its boundary in its type, with or without quotes', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).to.equal('abc');
    expect(boundaryOf('multipart/form-data; charset=utf-8; boundary="a b"; x=y')).to.equal('a b');
    expect(boundaryOf('multipart/form-data')).to.equal(undefined);
    expect(boundaryOf(`multipart/form-data; boundary=${'a'.repeat(71)}`)).to.equal(undefined);
  });
});
