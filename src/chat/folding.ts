/**
 * One spelling for all that people would call the same name, in whatever letters it is typed: Unicode's NFKC and full case folding
 * (`ς` and `σ`, `ß` and `ss`, `ı`, `İ` and `i`), without what shows nothing. Pure. What is stored by it is made again when it changes:
 * see `directory.ts`.
 */

/** To be raised with every change of what `fold` answers. */
export const FOLDING = '3';

const SHOWS_NOTHING = /\p{Default_Ignorable_Code_Point}/gu;

export function fold(text: string): string {
  const plain = text.normalize('NFKC').replace(SHOWS_NOTHING, '');
  // Case folding by way of capitals: two letters are one when any case of them is. First to small ones, since ẞ is its own capital.
  const folded = plain
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(/i\u0307+/g, 'i');
  return folded.normalize('NFKC');
}

/** Scripts that write no blanks between words, for a class of characters. */
export const NO_BLANKS = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}`;
