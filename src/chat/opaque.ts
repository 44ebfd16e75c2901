/** What scripts keep and give back without looking into it: any value as one word. Pure. */

export const opaqueWord = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const readOpaque = (word: string): unknown => JSON.parse(Buffer.from(word, 'base64url').toString());
