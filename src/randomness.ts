/**
 * Random ids and salts. Drawn from a pool that is filled thousands of bytes at a time: asking the system for each few bytes cost a sixth
 * of all CPU of a busy node.
 */
import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const POOL_BYTES = 8_192;
const SALT_BYTES = 8;

/** Draws for one owner: a new id, and a salt for an event. */
export function randomness(): { newId: () => string; newSalt: () => string } {
  // One for each owner: two that shared it would draw the same bytes.
  const pool = Buffer.alloc(POOL_BYTES);
  let used = pool.length;
  const take = (count: number): number => {
    if (used + count > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += count;
    return used - count;
  };
  const nextUlid = monotonicFactory(() => pool[take(1)]! / 256);
  return {
    newId: () => nextUlid(),
    newSalt: () => {
      const from = take(SALT_BYTES);
      return pool.toString('hex', from, from + SALT_BYTES);
    },
  };
}
