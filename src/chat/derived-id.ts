/**
 * Ids that follow from what they stand for, so that a repeat or another node finds the same one: the direct conversation of two
 * users, a conversation made under a request id, the history item of an event.
 */
import { createHash } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Ids that the server derives for messages begin so, and no client may give one that does: nobody takes the place of another's. */
const OWN = '7';

/** The id of a message that the server itself writes into history. */
export const derivedMessageId = (...parts: readonly string[]): string => OWN + derivedId(...parts).slice(OWN.length);

export const isDerivedMessageId = (id: string): boolean => id.startsWith(OWN);

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

/** The direct conversation of two users. */
export const directId = (a: string, b: string): string => derivedId('direct', ...[a, b].toSorted());
