/**
 * Search worked out the plainest way: all words of a text in one line, and what is looked for as pieces of it. Shares nothing with the
 * product but the folding function.
 */
import { fold } from '../../src/chat/folding.ts';

const RUN = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u;
const isRun = (word: string) => RUN.test(Array.from(word)[0]!);

/** The words of a text, folded, as runs of scripts with and without blanks. */
export function plainWords(text: string): string[] {
  const words: string[] = [];
  for (const together of fold(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []) {
    let last = '';
    for (const character of together) {
      if (last !== '' && isRun(last) !== RUN.test(character)) {
        words.push(last);
        last = '';
      }
      last += character;
    }
    words.push(last);
  }
  return words;
}

/** What somebody types without blanks is the words that a dictionary finds in it. */
const dictionaryWords = (run: string): string[] =>
  [...new Intl.Segmenter('en', { granularity: 'word' }).segment(run)].map(({ segment }) => segment);

/** What is looked for: each piece is words that follow each other; the last one may only begin so. */
export interface PlainQuery {
  readonly there: readonly string[];
  readonly phrases: readonly string[];
  readonly not: readonly string[];
  /** The last of `there`. */
  readonly hasBeginning: boolean;
}

const pieceOf = (words: readonly string[], end = ' '): string =>
  `${isRun(words[0]!) ? '' : ' '}${words.join(' ')}${isRun(words.at(-1)!) ? '' : end}`;

export function isThere(text: string, { there, phrases, not, hasBeginning }: PlainQuery): boolean {
  const line = ` ${plainWords(text).join(' ')} `;
  const has = (words: readonly string[], end?: string) => words.length === 0 || line.includes(pieceOf(words, end));
  return (
    there.every((word, i) => {
      const parts = plainWords(word).flatMap((each) => (isRun(each) ? dictionaryWords(each) : [each]));
      return parts.every((part, n) =>
        has([part], hasBeginning && i === there.length - 1 && n === parts.length - 1 ? '' : ' '),
      );
    }) &&
    phrases.every((phrase) => has(plainWords(phrase))) &&
    not.every((words) => plainWords(words).length === 0 || !has(plainWords(words)))
  );
}

/** As somebody types it; what may only begin so comes last. */
export function typed({ there, phrases, not, hasBeginning }: PlainQuery): string {
  const quoted = (words: string) => `"${words}"`;
  const rest = [...phrases.map(quoted), ...not.map((words) => `-${quoted(words)}`)];
  return (hasBeginning ? [...rest, ...there] : [...there.slice(0, -1), ...there.slice(-1), ...rest, '-"…"']).join(' ');
}

/** Words of eight scripts, of which some look alike, begin alike, or fold to each other. */
export const vocabulary = [
  'hello help Hell café CAFE\u0301 naïve straße STRASSE ﬁne fine 2024 a1 so\u00adft',
  'Привет привет ёлка Ель',
  'Καλημέρα ΟΔΟΣ οδός οδος',
  'שלום שָׁלוֹם',
  'مرحبا مَرْحَبًا',
  'नमस्ते हिन्दी',
  '한국어 한국 \u1112\u1161\u11ab국',
  '東京 京都 東京都 タワー ﾀﾜｰ ガラス ｶﾞﾗｽ ありがとう 你好 北京大学 學 𠮷野家',
  'สวัสดี แมว แมวน้ำ',
].flatMap((line) => line.split(' '));
export const blanks = [' ', ' ', ' ', ', ', '\n', '-', '. ', '', ' 👍 '];
