/** Texts and objects that no honest client sends, for both ways in. */
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

/** Contents of a message that are refused. */
export const contents: readonly (readonly [what: string, content: string])[] = [
  ['empty', ''],
  ['only blanks', ' \t\n\u00a0\u3000'],
  ['only zero-width characters', '\u200b\u200c\u200d\ufeff'],
  ['only direction marks', '\u202e\u2066'],
  ['only fillers that show nothing', '\u3164\u115f\uffa0\u034f'],
  ['only controls', '\u0000\u0001'],
  ['half of a pair', 'a\ud83d'],
  ['the other half', '\udf89b'],
  ['4,001 characters', 'x'.repeat(4_001)],
  ['4,001 characters of two units', '🎉'.repeat(4_001)],
];

/** Whole bodies, as JSON text, since objects could not hold some of them. */
export const metadata: readonly (readonly [what: string, json: string])[] = [
  ['100 levels', `{"content":"x","metadata":${nested(100)}}`],
  ['a prototype', '{"content":"x","__proto__":{"isAdmin":true}}'],
  ['a constructor', '{"content":"x","constructor":{"prototype":{}}}'],
  ['a prototype within', '{"content":"x","metadata":{"a":{"__proto__":{}}}}'],
  ['a constructor within', '{"content":"x","metadata":{"constructor":1}}'],
  ['half of a pair within', '{"content":"x","metadata":{"a":["\\ud800"]}}'],
  ['half of a pair as a name', '{"content":"x","metadata":{"\\ud800":1}}'],
  ['a number that is none', '{"content":"x","metadata":{"a":[1e999]}}'],
  ['an integer that would be another', '{"content":"x","metadata":{"a":1983516295378495150}}'],
  ['a number that would be 0', '{"content":"x","metadata":{"a":[1e-400]}}'],
  ['digits that would be lost', '{"content":"x","metadata":{"a":{"b":0.10000000000000000001}}}'],
  ['33 fields', `{"content":"x","metadata":{${Array.from({ length: 33 }, (_, i) => `"f${i}":1`).join(',')}}}`],
  ['4 KB of metadata', `{"content":"x","metadata":{"a":"${'x'.repeat(4_096)}"}}`],
  [
    '21 attachments',
    `{"content":"x","attachments":${JSON.stringify(Array.from({ length: 21 }, () => '0'.repeat(26)))}}`,
  ],
];
