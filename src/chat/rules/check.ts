/**
 * Whether a text breaks rules on content, and which. Texts and words are compared folded, so no other letters, case or invisible
 * characters get round a word; all patterns are linear. Pure. The blocklist of swear words is a library's, loaded when it is first used.
 */
import { fold, NO_BLANKS } from '../folding.ts';
import type { Rules } from './contract.ts';

export interface Text {
  readonly content: string;
  /** How many are mentioned; everybody at once counts as one. */
  readonly mentions: number;
}

export interface Broken {
  /** The field of the rules. */
  readonly rule: keyof Rules;
  readonly says: string;
}

export type Check = (text: Text) => Broken | undefined;
/** Whether a text has a swear word. */
export type Blocklist = (text: string) => boolean;

const LETTER = '[\\p{L}\\p{M}\\p{N}_]';
/** There a word is found anywhere. */
const HAS_NO_BLANKS = new RegExp(`[${NO_BLANKS}]`, 'u');
/** An address with its scheme, one that begins with www., and a name of a host with a path. */
const LINK =
  /(?:https?:\/\/|(?<![\p{L}\p{N}])www\.)[^\s]|(?<![\p{L}\p{N}.-])(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}\/[^\s]/u;

const folded = (text: string): string => fold(text).replaceAll(/\s+/g, ' ');

/** Whether there is anything to find a word by. */
export const isWord = (word: string): boolean => /[\p{L}\p{N}\p{S}]/u.test(folded(word));

/** Loads the blocklist. */
export async function loadBlocklist(): Promise<Blocklist> {
  const { RegExpMatcher, englishDataset, englishRecommendedTransformers } = await import('obscenity');
  const matcher = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers });
  return (text) => matcher.hasMatch(text.normalize('NFKC'));
}

/** `blocklist` is needed where the rules ask for it. */
export function checkBy({ words, links, max_mentions, ...rules }: Rules, blocklist?: Blocklist): Check {
  const pattern = wordPattern(words);
  return ({ content, mentions }) => {
    if (max_mentions !== null && mentions > max_mentions)
      return { rule: 'max_mentions', says: `more than ${max_mentions} mentions are not accepted here` };
    const text = pattern || !links ? folded(content) : '';
    if (pattern?.test(text)) return { rule: 'words', says: 'a word in it is not accepted here' };
    if (!links && LINK.test(text)) return { rule: 'links', says: 'links are not accepted here' };
    if (rules.blocklist && blocklist?.(content))
      return { rule: 'blocklist', says: 'swear words are not accepted here' };
    return undefined;
  };
}

function wordPattern(words: readonly string[]): RegExp | undefined {
  const alternatives = words.flatMap((word) => {
    const [, opens, body = '', goesOn] = /^(\*?)(.*?)(\*?)$/su.exec(folded(word).trim())!;
    const isFree = (character: string | undefined) => character === undefined || HAS_NO_BLANKS.test(character);
    if (body === '') return [];
    const characters = Array.from(body);
    const before = opens || isFree(characters[0]) ? '' : `(?<!${LETTER})`;
    const after = goesOn || isFree(characters.at(-1)) ? '' : `(?!${LETTER})`;
    return `${before}${body.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}${after}`;
  });
  return alternatives.length > 0 ? new RegExp(alternatives.join('|'), 'u') : undefined;
}
