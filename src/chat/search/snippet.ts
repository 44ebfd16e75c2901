/** The part of a text that shows what was found in it: the text's own characters, and where in them the hits are. Pure. */
import type { Range } from './words.ts';

export interface Snippet {
  readonly snippet: string;
  /** `[start, end]` in UTF-16 units of the snippet. */
  readonly highlights: Range[];
}

/** UTF-16 units that are shown, and how many of them before the first hit. */
const LENGTH = 240;
const BEFORE = 60;

/** Never between the halves of a character, or before a mark that belongs to it. */
const GOES_ON = /^[\p{M}\p{Default_Ignorable_Code_Point}\u{1f3fb}-\u{1f3ff}]/u;
const JOINER = '\u200d';

export function snippetOf(text: string, ranges: readonly Range[]): Snippet {
  const [first] = ranges;
  let start = first && text.length > LENGTH ? Math.max(0, Math.min(first[0] - BEFORE, text.length - LENGTH)) : 0;
  while (start > 0 && !isBoundary(text, start)) start -= 1;
  start = afterBlank(text, start, first?.[0] ?? 0);
  let end = Math.min(text.length, start + LENGTH);
  while (end < text.length && !isBoundary(text, end)) end += 1;
  const shown = ranges
    .map(([from, to]): Range => [from - start, Math.min(to, end) - start])
    .filter(([from, to]) => from < to);
  return { snippet: text.slice(start, end), highlights: shown };
}

function isBoundary(text: string, at: number): boolean {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  const isPair = before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
  return !isPair && text[at - 1] !== JOINER && !GOES_ON.test(text.slice(at, at + 2));
}

/** A snippet that does not begin with the text begins with a word, where one begins soon enough. */
function afterBlank(text: string, start: number, hit: number): number {
  if (start === 0) return start;
  const blank = /\s(?=\S)/.exec(text.slice(start - 1, hit));
  return blank ? start + blank.index : start;
}
