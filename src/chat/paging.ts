/** Lists as the contract gives them: limits, opaque cursors and the answer's frame. */
import Type from 'typebox';
import { invalid } from '../envelope.ts';
import { RawJson } from './feature.ts';

export const Limit = Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'How many, 1 to 100' });
export const Cursor = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'Where the page before ended, as `next_cursor` gave it',
});
export const AsOfTime = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'An event id or an RFC 3339 time: answers what it was then',
});

/** A list's cursor is the base64url of a JSON array of what its query needs to go on. */
export function encodeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The parts of a cursor, whose types must be those of `like`; throws `validation_failed` for anything else, by where it was given. */
export function decodeCursor<T extends readonly (string | number)[]>(cursor: string, like: T, pointer?: string): T {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const fits =
      Array.isArray(parts) && parts.length === like.length && parts.every((p, i) => typeof p === typeof like[i]);
    if (fits) return parts as unknown as T;
  } catch {
    // falls through: what does not decode is as wrong as what decodes to something else
  }
  throw badCursor(pointer);
}

export const badCursor = (pointer = '/query/cursor'): Error =>
  invalid([{ pointer, message: 'is not a cursor of this list' }]);

const OPEN = Buffer.from('{"items":[');
const COMMA = Buffer.from(',');

/** A list from ready JSON: each item as a text, or as bytes in pieces. */
export function listOf(
  items: readonly (string | readonly Buffer[])[],
  nextCursor: string | null,
  more: Record<string, string | number | null> = {},
): RawJson {
  const rest = JSON.stringify({ ...more, next_cursor: nextCursor, has_more: nextCursor !== null });
  const parts: Buffer[] = [OPEN];
  for (const [i, item] of items.entries()) {
    if (i > 0) parts.push(COMMA);
    if (typeof item === 'string') parts.push(Buffer.from(item));
    else parts.push(...item);
  }
  parts.push(Buffer.from(`],${rest.slice(1)}`));
  return new RawJson(Buffer.concat(parts));
}

/** A page of what was read whole, since little of it is kept: the greatest place first, and of equal ones the greatest id. */
export function pageOf<T>(
  all: readonly T[],
  placeOf: (one: T) => [number, string],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): { items: T[]; next_cursor: string | null; has_more: boolean } {
  const [before, beforeId] = cursor === undefined ? [Infinity, ''] : decodeCursor(cursor, [0, ''] as [number, string]);
  const rest = all
    .map((one) => ({ one, place: placeOf(one) }))
    .filter(({ place: [at, id] }) => at < before || (at === before && id < beforeId))
    .toSorted(({ place: [a, aId] }, { place: [b, bId] }) => b - a || (aId < bId ? 1 : -1));
  const page = rest.slice(0, limit);
  const next_cursor = rest.length > limit ? encodeCursor(page.at(-1)!.place) : null;
  return { items: page.map(({ one }) => one), next_cursor, has_more: next_cursor !== null };
}
