/**
 * What somebody looks for, read from what they typed: words in any order, the last one as the beginning of a word, "phrases" and -what must
 * not be there. Says under which terms it may be found, and of a text whether and where it is there. Pure.
 */
import { pairsOf, shortened, wordsOf } from './words.ts';
import type { Range, Word, Words } from './words.ts';

/** Words that follow each other; one alone may be the beginning of a word. */
interface Part {
  readonly words: readonly Pick<Word, 'text' | 'isRun'>[];
  readonly isBeginning: boolean;
}

export interface Needle {
  /** Terms that a text has in which it is; as views of terms are asked. */
  readonly wanted: readonly string[];
  /** Where what is looked for stands in a text, in its order; undefined where it is not all there. */
  rangesIn(text: string): Range[] | undefined;
}

const ITEM = /(-?)(?:"([^"]*)(?:"|$)|(\S+))/g;
const CURLY_QUOTES = /[“”„‟]/g;
/** The rarest of them narrow it down enough: the text decides. */
const MOST_TERMS = 12;

/** Nothing is wanted where nothing is said of what must be there, though something else may be. */
export function needleOf(typed: string, segmenter: Intl.Segmenter): Needle {
  const there: Part[] = [];
  const not: Part[] = [];
  const items = [...typed.replace(CURLY_QUOTES, '"').matchAll(ITEM)];
  for (const [i, [, minus, quoted, plain]] of items.entries()) {
    const words = wordsOf(quoted ?? plain!).words;
    if (words.length === 0) continue;
    if (minus === '-') not.push({ words, isBeginning: false });
    else if (quoted !== undefined) there.push({ words, isBeginning: false });
    else there.push(...words.flatMap((word) => partsOf(word, segmenter)));
    const last = there.at(-1);
    const isLast = i === items.length - 1 && minus !== '-' && plain !== undefined;
    if (isLast && last) there[there.length - 1] = { ...last, isBeginning: true };
  }
  return { wanted: wantedFor(there), rangesIn: (text) => rangesIn(text, there, not) };
}

/** A run as the words that a dictionary finds in it: each of them is looked for by itself. */
function partsOf(word: Word, segmenter: Intl.Segmenter): Part[] {
  const texts = word.isRun ? [...segmenter.segment(word.text)].map(({ segment }) => segment) : [word.text];
  return texts.map((text) => ({ words: [{ text, isRun: word.isRun }], isBeginning: false }));
}

function wantedFor(there: readonly Part[]): string[] {
  const wanted = there.flatMap(({ words, isBeginning }) =>
    words.flatMap(({ text, isRun }) => {
      if (!isRun) {
        const isWhole = shortened(text) === text;
        return [(isBeginning && isWhole ? '^' : '=') + shortened(text)];
      }
      const characters = Array.from(text);
      return characters.length === 1 ? [`^${text}`] : pairsOf(characters).map((pair) => `=${pair}`);
    }),
  );
  return [...new Set(wanted)].toSorted((a, b) => b.length - a.length).slice(0, MOST_TERMS);
}

function rangesIn(text: string, there: readonly Part[], not: readonly Part[]): Range[] | undefined {
  const found = wordsOf(text);
  if (not.some((part) => placesOf(part, found.words).length > 0)) return undefined;
  const ranges: Range[] = [];
  for (const part of there) {
    const places = placesOf(part, found.words);
    if (places.length === 0) return undefined;
    ranges.push(...places.map(([from, to]) => found.origin(from, to)));
  }
  return united(ranges);
}

/** Every place in the folded text. */
function placesOf(part: Part, words: Words['words']): Range[] {
  const [first] = part.words;
  if (part.words.length === 1 && first!.isRun) return words.flatMap((word) => placesInRun(word, first!.text));
  return words.flatMap((_, i): Range[] => {
    const some = words.slice(i, i + part.words.length);
    if (some.length < part.words.length) return [];
    const bounds = some.map((word, n) => boundsIn(word, part, n));
    return bounds.every((bound) => bound !== undefined) ? [[bounds[0]![0], bounds.at(-1)![1]]] : [];
  });
}

function placesInRun(word: Word, text: string): Range[] {
  const places: Range[] = [];
  if (!word.isRun) return places;
  for (let at = word.text.indexOf(text); at >= 0; at = word.text.indexOf(text, at + 1))
    places.push([word.from + at, word.from + at + text.length]);
  return places;
}

/** How much of a word the n-th word of a part takes: a run may begin before a phrase and go on after it. */
function boundsIn(word: Word, { words, isBeginning }: Part, n: number): Range | undefined {
  const { text, isRun } = words[n]!;
  if (word.isRun !== isRun) return undefined;
  const [isFirst, isLast] = [n === 0, n === words.length - 1];
  if (!isRun) return (isBeginning ? word.text.startsWith(text) : word.text === text) ? [word.from, word.to] : undefined;
  if (isFirst && word.text.endsWith(text)) return [word.to - text.length, word.to];
  if (isLast && word.text.startsWith(text)) return [word.from, word.from + text.length];
  return word.text === text ? [word.from, word.to] : undefined;
}

/** In their order; what overlaps is one. */
function united(ranges: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = all.at(-1);
    if (last && start < last[1]) all[all.length - 1] = [last[0], Math.max(last[1], end)];
    else all.push([start, end]);
  }
  return all;
}
