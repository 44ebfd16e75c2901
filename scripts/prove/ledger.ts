/**
 * What clients did and saw, as lines of JSON: one file a client, each line with the time at which it was written. Written before the
 * act (`sent`, `did`) or right after it (all others), so a ledger never knows less than its client.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, createReadStream, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Line =
  | { line: 'sent'; client: string; conversation: string; message: string; content: string }
  | { line: 'acked'; client: string; message: string; event: string; durability: string }
  | { line: 'failed'; client: string; message: string; code: string }
  /** Something else was asked for, under a request id: to edit, delete, react, mark. */
  | { line: 'did'; client: string; conversation: string; request: string; deed: string }
  /** `event` is '' where it was so already, or where no event tells it. */
  | { line: 'done'; client: string; request: string; event: string }
  | { line: 'undone'; client: string; request: string; code: string }
  /** A reader begins a stream after this event; `0-0` is its beginning. */
  | { line: 'began'; reader: string; conversation: string; after: string }
  | { line: 'seen'; reader: string; conversation: string; event: string; seq: number; digest: string }
  /** The server told the reader that its cursor is not known; events go on after `last`. */
  | { line: 'reset'; reader: string; conversation: string; last: string };

export type Timed = Line & { readonly ms: number };

/** What two copies of an event have in common when their bytes are equal. */
export const digestOf = (bytes: Buffer | string): string =>
  createHash('sha1').update(bytes).digest('base64url').slice(0, 16);

const FLUSH_AT = 65_536;

/** One client's own file. */
export class Ledger {
  private readonly file: string;
  private pending: string[] = [];
  private size = 0;

  constructor(folder: string, client: string) {
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, `${client}.jsonl`);
    appendFileSync(this.file, '');
  }

  write(line: Line): void {
    const text = `${JSON.stringify({ ...line, ms: Date.now() })}\n`;
    this.pending.push(text);
    this.size += text.length;
    if (this.size >= FLUSH_AT) this.flush();
  }

  flush(): void {
    if (this.pending.length === 0) return;
    appendFileSync(this.file, this.pending.join(''));
    this.pending = [];
    this.size = 0;
  }
}

/** The ledgers of a story, by client. */
export class Ledgers {
  readonly folder: string;
  private readonly open = new Map<string, Ledger>();

  constructor(folder: string) {
    this.folder = folder;
  }

  of(client: string): Ledger {
    const known = this.open.get(client);
    if (known) return known;
    const ledger = new Ledger(this.folder, client);
    this.open.set(client, ledger);
    return ledger;
  }

  /** Every line of every client, each client's in its order. */
  async *lines(): AsyncGenerator<Timed> {
    for (const ledger of this.open.values()) ledger.flush();
    for (const name of readdirSync(this.folder).filter((file) => file.endsWith('.jsonl'))) {
      const lines = createInterface({ input: createReadStream(join(this.folder, name)), crlfDelay: Infinity });
      for await (const text of lines) {
        if (text !== '') yield JSON.parse(text) as Timed;
      }
    }
  }
}
