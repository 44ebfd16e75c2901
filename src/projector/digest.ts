/** What lies in keys as one short text: equal keys have equal digests, however they came to be and whatever they are called. Reads in pieces. */
import { createHash } from 'node:crypto';
import type { Log } from '../log/log.ts';

const PAGE = 1_000;
const BYTES = 20;

/** The digest of these hashes and sorted sets together, in their order. A key that is not there is empty. */
export async function digestOf({ connection: { commands } }: Log, keys: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    keys.map(async (key) => {
      const sum = new Sum();
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
            if (!seen.has(name)) sum.add(found[i]!, found[i + 1]!);
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
