/** What people write, looked at as a reader would: whether there is anything to see, how long it is, what may be a name. Pure. */
import { invalid, parseTime } from '../envelope.ts';

/** Blanks, controls, invisible formatting and the fillers that fonts draw as nothing. */
const BLANK = /^[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
/** A letter, digit or sign that is drawn. */
const VISIBLE = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;
/** They would reverse what stands after the name: they go, since many a keyboard leaves one behind unseen. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** A name stands in one line. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/u;

export const withoutDirectionMarks = (text: string): string => text.replaceAll(DIRECTION_MARKS, '');

export const isBlank = (text: string): boolean => BLANK.test(text);

/** Characters are code points, as a schema's maxLength counts them. */
export function isLonger(text: string, most: number): boolean {
  // A string is never shorter in code units than in characters, so the count is only made where it can matter.
  return text.length > most && Array.from(text).length > most;
}

/** A name as it is kept: NFC, trimmed, without direction marks; undefined for one that shows nothing, breaks the line or is longer. */
export function readableName(text: string, most: number): string | undefined {
  const name = withoutDirectionMarks(text.normalize('NFC')).trim();
  return VISIBLE.test(name) && !CONTROLS.test(name) && !isLonger(name, most) ? name : undefined;
}

/** Throws `validation_failed` for a text that shows nothing, where no file comes with it, and for one that is too long. */
export function checkContent(content: string, most: number, comesWithFile: boolean): void {
  const wrong = (message: string) => invalid([{ pointer: '/content', message }]);
  if (!comesWithFile && isBlank(content)) throw wrong('must say something');
  if (isLonger(content, most)) throw wrong(`must not be longer than ${most} characters`);
}

const YEAR_MS = 366 * 86_400_000;

const noTimeAhead = (pointer: string) =>
  invalid([{ pointer, message: 'must be an RFC 3339 time within a year from now' }]);

/** Unix ms of a time. Throws `validation_failed`. */
export function timeAt(pointer: string, text: string): number {
  const ms = parseTime(text);
  if (ms === undefined) throw noTimeAhead(pointer);
  return ms;
}

/** Throws `validation_failed` for a time that does not lie ahead, by no more than a year. */
export function checkAhead(pointer: string, ms: number, now: number): void {
  if (ms <= now || ms > now + YEAR_MS) throw noTimeAhead(pointer);
}
