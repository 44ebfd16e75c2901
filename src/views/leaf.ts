/**
 * A leaf of an index: a text that says which of a few documents have which terms. Its first line names the documents, newest first, by the
 * events that put them: the first one whole, of each further one by how much less its milliseconds and its seq are than those before. A
 * line for each term follows, sorted, with one character for each document that has it. `lua/lib/leaf.lua` reads it. Pure.
 */
import { eventId } from '../envelope.ts';

/** A document of a view of shape `terms`: under what a thing is to be found. */
export interface Termed {
  readonly id: string;
  /** Id of the event that put it, which gives it its place. */
  readonly at: string;
  /** Null where only the place is known. */
  readonly terms: readonly string[] | null;
  /** What changes added, of each by itself. Nothing is ever taken away: whoever finds it looks at the thing itself. */
  readonly added: readonly (readonly string[])[];
}

/** What of a document stands on a leaf. */
export interface Placing {
  readonly at: string;
  readonly terms: readonly string[];
}

/** Documents of one leaf. Who alters it raises the versions of all views of this shape. */
export const LEAF = 32;
/** The first of as many characters as a leaf has documents: none of them ends a line or a word. */
const FIRST_MARK = '0'.charCodeAt(0);

/** `placings` in the order of their events. */
export function leafOf(placings: readonly Placing[]): string {
  const newestFirst = placings.toReversed();
  const marks = new Map<string, string>();
  for (const [i, { terms }] of newestFirst.entries()) {
    const mark = String.fromCharCode(FIRST_MARK + i);
    for (const term of new Set(terms)) marks.set(term, (marks.get(term) ?? '') + mark);
  }
  const ids = newestFirst.map(({ at }, i) => {
    if (i === 0) return at;
    const [before, { ms, seq }] = [eventId(newestFirst[i - 1]!.at), eventId(at)];
    return `${before.ms - ms}.${before.seq - seq}`;
  });
  const lines = [...marks].map(([term, having]) => `${term} ${having}`).toSorted();
  return `${[ids.join(' '), ...lines].join('\n')}\n`;
}

/** The document of a leaf that has one alone. Throws on what is no such leaf. */
export function placingOn(leaf: string): Placing {
  const [at = '', ...lines] = leaf.trimEnd().split('\n');
  eventId(at);
  return { at, terms: lines.map((line) => line.slice(0, -' 0'.length)) };
}

/** What a change cannot alter begins with one of these; it does not stand on the leaves of changes. */
export const canChange = (wanted: string): boolean => !/^=[@#]/.test(wanted);

/** Whether terms have all that is wanted, as the script finds it on a leaf; nothing at all is wanted of none. */
export function fitting(wanted: readonly string[]): (terms: readonly string[]) => boolean {
  return (terms) =>
    wanted.length > 0 &&
    wanted.every((want) => {
      const text = want.slice(1);
      return want.startsWith('=') ? terms.includes(text) : terms.some((term) => term.startsWith(text));
    });
}
