/** ULIDs, each greater than the one before, so that what is sorted by its id stands in the order in which it was written. */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHANCE = 16;

export function ulids(): () => string {
  let ms = 0;
  let chance: number[] = [];
  return () => {
    const now = Date.now();
    if (now > ms) {
      ms = now;
      chance = [...crypto.getRandomValues(new Uint8Array(CHANCE))].map((byte) => byte % 32);
    } else chance = following(chance);
    return timeText(ms) + chance.map((digit) => ALPHABET[digit]).join('');
  };
}

/** Wraps around after 2^80 of one millisecond. */
function following(digits: readonly number[]): number[] {
  const next = [...digits];
  for (let i = next.length - 1; i >= 0; i -= 1) {
    next[i] = (next[i]! + 1) % 32;
    if (next[i] !== 0) break;
  }
  return next;
}

function timeText(ms: number): string {
  let text = '';
  for (let rest = ms; text.length < 10; rest = Math.floor(rest / 32)) text = ALPHABET[rest % 32]! + text;
  return text;
}
