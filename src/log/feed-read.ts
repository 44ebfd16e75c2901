/**
 * One blocking read of a consumer group over many feeds, sent again and again. On a single Redis it has more than a hundred words, which are
 * always the same, so its bytes are kept.
 */
import { Command } from 'ioredis';
import type { Redis } from 'ioredis';
import type { RawEntry } from '../envelope.ts';
import { BLOCK_MS } from './connection.ts';

/** What came of one feed, by its index among the keys. */
export type FeedRows = readonly [index: number, rows: readonly RawEntry[]];

const NAME = 'xreadgroup';

class KeptCommand extends Command {
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    super(NAME, [], { replyEncoding: null });
    this.bytes = bytes;
  }

  override toWritable(): Buffer {
    return this.bytes;
  }
}

export class FeedRead {
  private readonly keys: readonly string[];
  private readonly bytes: Buffer;

  constructor(group: string, worker: string, count: number, keys: readonly string[]) {
    const how = ['GROUP', group, worker, 'COUNT', count, 'BLOCK', BLOCK_MS, 'NOACK', 'STREAMS'];
    this.keys = keys;
    this.bytes = Buffer.from(new Command(NAME, [...how, ...keys, ...keys.map(() => '>')]).toWritable({}));
  }

  /** What the group was not given yet; nothing after `BLOCK_MS` without any. */
  async send(client: Redis): Promise<FeedRows[]> {
    const reply = (await client.sendCommand(new KeptCommand(this.bytes))) as [Buffer, RawEntry[]][] | null;
    return (reply ?? []).map(([key, rows]) => [this.keys.indexOf(key.toString()), rows]);
  }
}
