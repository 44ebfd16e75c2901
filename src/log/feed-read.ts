/**
 * One blocking read over many feeds, sent again and again. On a single Redis it has more than a hundred words of which a few change from
 * one time to the next, so its bytes are kept and a position that moves is written over them.
 */
import { Command } from 'ioredis';
import type { Redis } from 'ioredis';
import type { RawEntry } from '../envelope.ts';
import { BLOCK_MS } from './connection.ts';

/** What came of one feed, by its index among the keys. */
export type FeedRows = readonly [index: number, rows: readonly RawEntry[]];

class KeptCommand extends Command {
  private readonly bytes: Buffer;

  constructor(name: string, bytes: Buffer) {
    super(name, [], { replyEncoding: null });
    this.bytes = bytes;
  }

  override toWritable(): Buffer {
    return this.bytes;
  }
}

export class FeedRead {
  private readonly words: readonly string[];
  private readonly keys: readonly string[];
  private readonly positions: string[];
  /** Where in `bytes` each position stands. */
  private readonly offsets: number[] = [];
  private bytes = Buffer.alloc(0);

  /** `words`: xread or xreadgroup with its group, in the letters by which the client knows its reply. A feed is read after its position. */
  constructor(words: readonly string[], count: number, keys: readonly string[], positions: readonly string[]) {
    this.words = [...words, 'COUNT', String(count), 'BLOCK', String(BLOCK_MS), 'STREAMS', ...keys];
    this.keys = keys;
    this.positions = [...positions];
    this.write();
  }

  moveTo(index: number, position: string): void {
    const before = this.positions[index]!;
    if (position === before) return;
    this.positions[index] = position;
    // Nobody reads the bytes any more: Redis answers only to a command that it has whole.
    if (position.length === before.length) this.bytes.write(position, this.offsets[index]!, 'latin1');
    else this.write();
  }

  /** What came after the positions; nothing after `BLOCK_MS` without any. */
  async send(client: Redis): Promise<FeedRows[]> {
    const command = new KeptCommand(this.words[0]!, this.bytes);
    const reply = (await client.sendCommand(command)) as [Buffer, RawEntry[]][] | null;
    return (reply ?? []).map(([key, rows]) => [this.keys.indexOf(key.toString()), rows]);
  }

  private write(): void {
    let text = `*${this.words.length + this.positions.length}\r\n`;
    for (const word of this.words) text += `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
    let at = Buffer.byteLength(text);
    for (const [i, position] of this.positions.entries()) {
      const length = `$${position.length}\r\n`;
      this.offsets[i] = at + length.length;
      text += `${length}${position}\r\n`;
      at = this.offsets[i]! + position.length + 2;
    }
    this.bytes = Buffer.from(text);
  }
}
