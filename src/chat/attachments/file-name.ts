/** The name of a file, made harmless: no path, nothing that cannot be seen or turns the text around, and no name that hides. Pure. */

const MAX_LENGTH = 120;
const MAX_ENDING = 16;
/** Controls, and what changes the direction of writing. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

export function cleanFileName(given: string): string {
  const [name = ''] = given.normalize('NFC').split(/[/\\]/).slice(-1);
  const seen = name
    .replaceAll(UNSEEN, '')
    .replace(/^[\s.]+/, '')
    .replace(/[\s.]+$/, '');
  if (seen === '') return 'file';
  const letters = Array.from(seen);
  if (letters.length <= MAX_LENGTH) return seen;
  const dot = letters.lastIndexOf('.');
  const ending = dot > 0 && letters.length - dot <= MAX_ENDING ? letters.slice(dot) : [];
  return [...letters.slice(0, MAX_LENGTH - ending.length), ...ending].join('');
}
