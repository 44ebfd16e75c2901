/**
 * The one file of a `multipart/form-data` body, handed on piece by piece as it comes: nothing of it is kept here. Refuses every other form
 * of such a body: further fields or files, headers without end, a body that ends before its last boundary.
 */
import { invalid } from '../envelope.ts';

/** The next piece of the body; undefined at its end. */
export type Next = () => Promise<Buffer | undefined>;
export type Write = (piece: Buffer) => Promise<void>;

const FIELD = 'file';
const MAX_HEADERS = 4_096;
const LINE_END = Buffer.from('\r\n');
const HEADERS_END = Buffer.from('\r\n\r\n');

/** The boundary that a Content-Type names. */
export function boundaryOf(contentType: string): string | undefined {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70}))\s*(?:;|$)/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/** Writes the file's bytes on, and answers its name as it was given. Throws `validation_failed`, or what `next` and `write` throw. */
export async function fileOf(next: Next, boundary: string, write: Write): Promise<string> {
  const source = new Source(next);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  await source.until(delimiter, MAX_HEADERS);
  let name: string | undefined;
  for (;;) {
    const after = await source.take(2);
    if (after.toString('latin1') === '--') break;
    if (!after.equals(LINE_END)) throw malformed();
    const headers = textOf(await source.until(HEADERS_END, MAX_HEADERS));
    const field = /(?:^|\r\n)content-disposition:[^\r]*?;\s*name="?([^";\r]*)"?/i.exec(headers)?.[1];
    const given = /(?:^|\r\n)content-disposition:[^\r]*?;\s*filename="((?:\\.|[^"\\\r])*)"/i.exec(headers)?.[1];
    if (field !== FIELD)
      throw invalid([{ pointer: `/${field ?? ''}`, message: `is no field: send one file as ${FIELD}` }]);
    if (given === undefined) throw refused('must be a file, with a name');
    if (name !== undefined) throw refused('must be one file');
    name = given.replaceAll(/\\(["\\])/g, '$1').replaceAll('%22', '"');
    await source.pass(delimiter, write);
  }
  if (name === undefined) throw refused('must be there');
  return name;
}

class Source {
  private readonly next: Next;
  /** A line end before the first boundary makes it one like all others. */
  private held = Buffer.from(LINE_END);

  constructor(next: Next) {
    this.next = next;
  }

  async take(count: number): Promise<Buffer> {
    while (this.held.length < count) await this.more();
    return this.cut(count);
  }

  /** What stands before the mark, and takes the mark too. */
  async until(mark: Buffer, most: number): Promise<Buffer> {
    for (;;) {
      const at = this.held.indexOf(mark);
      if (at >= 0) return this.cut(at, mark.length);
      if (this.held.length > most) throw malformed();
      await this.more();
    }
  }

  /** The same, however much it is, handed on. */
  async pass(mark: Buffer, write: Write): Promise<void> {
    for (;;) {
      const at = this.held.indexOf(mark);
      if (at >= 0) {
        const last = this.cut(at, mark.length);
        return last.length > 0 ? write(last) : undefined;
      }
      // The mark may have begun at the end of what is there.
      const certain = this.held.length - mark.length + 1;
      if (certain > 0) await write(this.cut(certain));
      await this.more();
    }
  }

  private cut(count: number, andPass = 0): Buffer {
    const taken = this.held.subarray(0, count);
    this.held = this.held.subarray(count + andPass);
    return taken;
  }

  private async more(): Promise<void> {
    const piece = await this.next();
    if (piece === undefined) throw refused('ends too early');
    this.held = this.held.length === 0 ? Buffer.from(piece) : Buffer.concat([this.held, piece]);
  }
}

/** Names are UTF-8 today, and were not always. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

const refused = (message: string): Error => invalid([{ pointer: `/${FIELD}`, message }]);
const malformed = (): Error => invalid([{ pointer: '', message: 'is not multipart/form-data' }]);
