/**
 * The words of a text, in any script, folded by the one folding function, with where each stands in the text as it was written. Scripts that
 * write no blanks between words give runs, which are searched for any part of them: where a word ends in them only a dictionary tells, and
 * dictionaries change. So none decides what is stored. Pure.
 */
import { fold, FOLDING, NO_BLANKS } from '../folding.ts';

/** To be raised with every change of what is a word, or a term of it. */
const WORDS = 1;
/** What is a letter follows the Unicode version of the engine. */
const UNICODE = Number.parseInt(process.versions['unicode'] ?? '15', 10);

/** Raised by all that the stored terms depend on. */
export const TERMS_VERSION = 20 * (WORDS - 1 + Number(FOLDING) - 3) + UNICODE - 14;

export interface Word {
  /** Folded. */
  readonly text: string;
  /** Where it stands in the folded text. */
  readonly from: number;
  readonly to: number;
  /** Of a script without blanks between words. */
  readonly isRun: boolean;
}

/** `[start, end]` in UTF-16 units of the text as it was written. */
export type Range = readonly [number, number];

export interface Words {
  readonly words: readonly Word[];
  /** Where a part of the folded text stands in the text itself. */
  origin(from: number, to: number): Range;
}

const ASCII = /^\p{ASCII}*$/u;
/** Belongs to the character before it. */
const TRAILS = String.raw`[\p{M}\p{Default_Ignorable_Code_Point}\u11a8-\u11ff\uff9e\uff9f]`;
/** Of these each folds to one character, whatever stands beside it: most of most texts. */
const PLAIN = String.raw`[ -~а-яА-Яぁ-ゖァ-ヺ一-鿿가-힣]`;
/** Letters of which Hangul syllables are made. */
const JAMO = String.raw`[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\ud7b0-\ud7ff\uffa0-\uffdc]`;
/** What folds by itself: plain characters, syllables of Hangul letters, any other character with what trails it. */
const PIECES = new RegExp(`(${PLAIN}+)(?!${TRAILS})|${JAMO}+|.${TRAILS}*`, 'gsu');
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Below these no script is without blanks. */
const MAY_BE_RUN = /[\u0e00-\uffff]/;
const IS_RUN = new RegExp(`^[${NO_BLANKS}]`, 'u');
const PARTS = new RegExp(`[${NO_BLANKS}]+|[^${NO_BLANKS}]+`, 'gu');

export function wordsOf(text: string): Words {
  const { folded, origin } = ASCII.test(text)
    ? { folded: text.toLowerCase(), origin: (from: number, to: number): Range => [from, to] }
    : foldedInPieces(text);
  const words: Word[] = [];
  for (const { 0: together, index } of folded.matchAll(WORD)) {
    if (!MAY_BE_RUN.test(together)) {
      words.push({ text: together, from: index, to: index + together.length, isRun: false });
      continue;
    }
    for (const { 0: part, index: at } of together.matchAll(PARTS)) {
      const from = index + at;
      words.push({ text: part, from, to: from + part.length, isRun: IS_RUN.test(part) });
    }
  }
  return { words, origin };
}

interface Piece {
  /** Where it begins in the folded text and in the text. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
  readonly isPlain: boolean;
}

function foldedInPieces(text: string): { folded: string; origin: Words['origin'] } {
  let folded = '';
  const pieces: Piece[] = [];
  for (const { 0: piece, 1: plain, index: start } of text.matchAll(PIECES)) {
    pieces.push({ at: folded.length, start, end: start + piece.length, isPlain: plain !== undefined });
    folded += fold(piece);
  }
  const pieceAt = (place: number) => pieces.findLast(({ at }) => at <= place)!;
  const origin = (from: number, to: number): Range => {
    const [first, last] = [pieceAt(from), pieceAt(to - 1)];
    const start = first.isPlain ? first.start + from - first.at : first.start;
    return [start, last.isPlain ? last.start + to - last.at : last.end];
  };
  return { folded, origin };
}

/** Longer words are found by their beginning, and the text decides. */
const MOST_CHARACTERS = 32;

export const shortened = (word: string): string =>
  word.length <= MOST_CHARACTERS ? word : Array.from(word).slice(0, MOST_CHARACTERS).join('');

/** The terms under which a part of a run is found: each two characters that follow each other. */
export const pairsOf = (characters: readonly string[]): string[] =>
  characters.slice(1).map((character, i) => characters[i]! + character);

/** All terms under which a text is found; of a run also its last character, with which no pair begins. */
export function termsOf(text: string): string[] {
  const terms = wordsOf(text).words.flatMap((word) => {
    if (!word.isRun) return [shortened(word.text)];
    const characters = Array.from(word.text);
    return [...pairsOf(characters), characters.at(-1)!];
  });
  return [...new Set(terms)];
}
