/** Numbers of a JSON text that JavaScript would change, and so would be stored and sent on changed. Pure: looks at the text alone. */
import { invalid, MAX_DEPTH } from './envelope.ts';

/** Where a number may stand that is more than 15 digits long or has an exponent; elsewhere JavaScript keeps every digit. */
const MAY_CHANGE = /(?:^|[[:,\s-])\d(?:[\d.]{15}|[\d.]*[eE])/;
/** Strings are passed over, so that what stands in them is no number. */
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/gs;

/**
 * Refuses a number that JavaScript would change, as it would be stored and sent on changed: an integer beyond 2^53 - 1, one that is lost
 * to 0, digits that do not fit. Only the JSON text still knows. It must be one that `JSON.parse` takes. Throws `validation_failed`.
 */
export function checkNumbers(json: string): void {
  if (!MAY_CHANGE.test(json)) return;
  for (const { 0: token, index } of json.matchAll(STRINGS_AND_NUMBERS)) {
    if (token.startsWith('"') || isKept(token)) continue;
    const pointer = pointerAt(json, index, token.length);
    throw invalid([{ pointer, message: `would become ${Number(token)} as a number: send it as a text` }]);
  }
}

function isKept(token: string): boolean {
  const value = Number(token);
  // One that is too large to be a number has its own refusal.
  if (!Number.isFinite(value)) return true;
  if (/^-?\d+$/.test(token) && !Number.isSafeInteger(value)) return false;
  return decimal(token) === decimal(String(value));
}

/** The digits of a number without zeros around them, and where the point stands after the first. */
function decimal(number: string): string {
  const [, whole = '', part = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + part).replace(/^0+/, '');
  if (digits === '') return '0';
  const leading = (whole + part).length - digits.length;
  return `${digits.replace(/0+$/, '')}e${Number(exponent) + whole.length - leading}`;
}

/** The JSON pointer of the value at a place in the text: another stands in for it, and is looked for. */
function pointerAt(json: string, index: number, length: number): string {
  const mark = `\u0000${index}`;
  const marked = json.slice(0, index) + JSON.stringify(mark) + json.slice(index + length);
  const find = (value: unknown, pointer: string, depth: number): string | undefined => {
    if (value === mark) return pointer;
    if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return undefined;
    for (const [key, inner] of Object.entries(value)) {
      const found = find(inner, `${pointer}/${key}`, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(JSON.parse(marked), '', 0) ?? '';
}
