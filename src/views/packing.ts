/**
 * Documents without what is mostly not there: a field that has its neutral value takes no bytes in Redis, and stands in every answer all the
 * same. Bytes are filled in as bytes, nothing is parsed. The fields that may be left out are a document's last, always in one order.
 */
export interface Packing<Doc extends object = object> {
  /** The document as it is stored. */
  pack(doc: Doc): string;
  /** The document's JSON from what is stored; also from one that was stored whole. */
  unpack(stored: Buffer): Buffer;
}

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = Buffer.from('"\\,{}[]');

/** `neutral` gives the fields in their order, with their values; `last` is the one before them, in no document left out. */
export function leavingOut<Doc extends object>(last: keyof Doc & string, neutral: Partial<Doc>): Packing<Doc> {
  const fields = Object.entries(neutral).map(([name, value]) => {
    const [prefix, json] = [`,"${name}":`, JSON.stringify(value)];
    return { prefix: Buffer.from(prefix), whole: Buffer.from(prefix + json) };
  });
  const values = new Map<string, unknown>(Object.entries(neutral));
  const all = Buffer.from(`${fields.map(({ whole }) => whole.toString()).join('')}}`);
  const anchor = Buffer.from(`,"${last}":`);

  return {
    pack(doc) {
      const kept = Object.entries(doc).filter(([name, value]) => !values.has(name) || !isSame(value, values.get(name)));
      return JSON.stringify(Object.fromEntries(kept));
    },
    unpack(stored) {
      // Inside of a text every quote has a backslash before it, so a comma and a quote are never part of one.
      const found = stored.indexOf(anchor);
      if (found < 0) return stored;
      let at = endOfValue(stored, found + anchor.length);
      if (stored[at] === CLOSE) return Buffer.concat([stored.subarray(0, at), all]);
      const pieces = [stored.subarray(0, at)];
      for (const { prefix, whole } of fields) {
        if (stored.compare(prefix, 0, prefix.length, at, Math.min(at + prefix.length, stored.length)) !== 0) {
          pieces.push(whole);
          continue;
        }
        const from = at;
        at = endOfValue(stored, at + prefix.length);
        pieces.push(stored.subarray(from, at));
      }
      return Buffer.concat([...pieces, stored.subarray(at)]);
    },
  };
}

/** Whether a value is the neutral one, which is plain, or empty. */
function isSame(value: unknown, neutral: unknown): boolean {
  if (typeof value !== 'object' || value === null || neutral === null) return value === neutral;
  return Array.isArray(value) === Array.isArray(neutral) && Object.keys(value).length === 0;
}

/** Where the value that begins here ends; the end of the bytes where it does not. */
function endOfValue(json: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfText(json, at);
    else if (byte === OPEN || byte === OPEN_LIST) depth += 1;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE)) return at;
    else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
  }
  return json.length;
}

/** Where the quote stands that ends the text beginning here. */
function endOfText(json: Buffer, from: number): number {
  for (let at = from + 1; at < json.length; at += 1) {
    if (json[at] === BACKSLASH) at += 1;
    else if (json[at] === QUOTE) return at;
  }
  return json.length;
}
