/** What lies in keys as one short text: equal keys have equal digests, however they came to be and whatever they are called. Reads in pieces. */
import { createHash } from 'node:crypto';
import type { Log } from '../log/log.ts';
import { ARCHIVED } from '../views/shape.ts';

const PAGE = 1_000;
const BYTES = 20;

/**
 * The digest of a view's hashes and sorted sets together, in their order. A key that is not there is empty. What left Redis counts as if it
 * were there.
 */
export async function digestOf(log: Log, keys: readonly string[], archived?: string): Promise<string> {
  const { commands } = log.connection;
  const sums = archived === undefined ? [] : await archivedSums(log, keys, archived);
  const parts = await Promise.all(
    keys.map(async (key, i) => {
      const sum = sums[i] ?? new Sum();
      if (key === archived) return '';
      const type = await commands.type(key);
      if (type === 'hash') {
        // A scan may bring a field twice.
        const seen = new Set<string>();
        let cursor = '0';
        do {
          const [next, found] = await commands.hscanBuffer(key, cursor, 'COUNT', PAGE);
          cursor = next.toString();
          for (let i = 0; i < found.length; i += 2) {
            const name = found[i]!.toString('latin1');
            if (!seen.has(name) && name !== ARCHIVED) sum.add(found[i]!, found[i + 1]!);
            seen.add(name);
          }
        } while (cursor !== '0');
      } else if (type === 'zset') {
        for (let from = 0; ; from += PAGE) {
          const found = await commands.zrangeBuffer(key, String(from), String(from + PAGE - 1), 'WITHSCORES');
          for (let i = 0; i < found.length; i += 2) sum.add(found[i]!, found[i + 1]!);
          if (found.length < 2 * PAGE) break;
        }
      }
      return `${type} ${sum.text}`;
    }),
  );
  return createHash('sha1').update(parts.join('\n')).digest('hex');
}

/** Of what a collection has in files, for its index and for its documents. */
async function archivedSums(log: Log, keys: readonly string[], archived: string): Promise<Sum[]> {
  const [index, docs] = [new Sum(), new Sum()];
  for await (const rows of log.cold.all(archived)) {
    const newer = await log.connection.commands.hmget(keys[0]!, ...rows.map(({ key }) => key));
    for (const [i, { order, key, value }] of rows.entries()) {
      if (newer[i] !== null) continue;
      index.add(Buffer.from(key), Buffer.from(String(order)));
      docs.add(value, Buffer.from(String(order)));
    }
  }
  return [index, docs];
}

/** Does not depend on the order in which pairs come. */
class Sum {
  private readonly bytes = Buffer.alloc(BYTES);

  add(name: Buffer, value: Buffer): void {
    const digest = createHash('sha1').update(`${name.length} `).update(name).update(value).digest();
    for (let i = 0; i < BYTES; i += 1) this.bytes[i]! ^= digest[i]!;
  }

  get text(): string {
    return this.bytes.toString('hex');
  }
}
