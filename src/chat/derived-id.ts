/**
 * Ids that follow from what they stand for, so that a repeat or another node finds the same one: the direct conversation of two
 * users, a conversation made under a request id, the history item of an event.
 */
import { createHash } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID-shaped id from a hash of the parts. */
export function derivedId(...parts: readonly string[]): string {
  let bits = BigInt(`0x${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32)}`);
  let id = '';
  for (let i = 0; i < 26; i += 1) {
    id = CROCKFORD[Number(bits & 31n)] + id;
    bits >>= 5n;
  }
  return id;
}
