/**
 * Whom a text mentions: `@username` where a word begins, and `@all`. Names are resolved when the text is written, to the ids of who is in
 * the conversation then. A text without an @ costs nothing.
 */
import { conversationStream } from '../../keys.ts';
import { parseMember } from '../access.ts';
import type { Deps } from '../feature.ts';

export interface Mentioned {
  readonly mentions: string[];
  readonly mentions_all: boolean;
}

const MAX_NAMES = 50;
const USERNAME = { shortest: 3, longest: 32 };
const ALL = 'all';
/** From so many members on, and in channels, only owner and admins reach everybody at once. */
const LARGE = 50;

const AT_NAMES = /@([A-Za-z0-9_.-]+)/g;
/** An address or a handle goes on with these. Scripts that write no blanks between words begin a new word at any place. */
const GOES_ON = /[\p{L}\p{M}\p{N}_@]/u;
const NO_BLANKS = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
/** What only says how the emoji before it is drawn. */
const EMOJI_STYLE = /[\ufe0e\ufe0f\u20e3]/;

const isWord = (character: string): boolean =>
  GOES_ON.test(character) && !NO_BLANKS.test(character) && !EMOJI_STYLE.test(character);

/**
 * The names that each @ of a text may stand for, the longest first: dots and dashes may belong to a name, or end a sentence. Folded as
 * usernames are, `all` among them.
 */
export function namesIn(text: string): string[][] {
  const found: string[][] = [];
  for (const { 0: match, 1: run, index } of text.matchAll(AT_NAMES)) {
    const before = Array.from(text.slice(Math.max(0, index - 2), index)).at(-1) ?? '';
    const end = index + match.length;
    const after = String.fromCodePoint(text.codePointAt(end) ?? 0x20);
    if (!isWord(before) && !isWord(after)) found.push(namesOf(run!));
  }
  return found;
}

function namesOf(run: string): string[] {
  const name = run.toLowerCase();
  if (name.replace(/[.-]+$/, '') === ALL) return [ALL];
  const isEnd = (at: number) => at === name.length || /[.-]/.test(name[at]!) || /[.-]/.test(name[at - 1]!);
  const names: string[] = [];
  for (let at = Math.min(name.length, USERNAME.longest); at >= USERNAME.shortest; at -= 1)
    if (isEnd(at)) names.push(name.slice(0, at));
  return names;
}

/** Answers whom a text mentions when this user writes it in this conversation. */
export function mentioning({ log, people }: Pick<Deps, 'log' | 'people'>) {
  async function reachesAll(actor: string | null, conversationId: string): Promise<boolean> {
    const role = parseMember(actor)?.role;
    if (role === undefined || role === 'owner' || role === 'admin') return role !== undefined;
    const stream = conversationStream(conversationId);
    const [[head], members] = await Promise.all([log.heads([stream], ['kind']), log.guardCount(stream, 'members')]);
    return head?.kind !== 'channel' && members < LARGE;
  }

  return async (conversationId: string, actorId: string, text: string): Promise<Mentioned> => {
    const found = text.includes('@') ? namesIn(text) : [];
    if (found.length === 0) return { mentions: [], mentions_all: false };
    const wanted = [...new Set(found.flat())].filter((name) => name !== ALL).slice(0, MAX_NAMES);
    const holders = await people.named(wanted);
    const ids = [
      ...new Set(found.flatMap((names) => holders.get(names.find((name) => holders.has(name)) ?? '') ?? [])),
    ];
    const [actor = null, ...members] = await log.guardFields(conversationStream(conversationId), 'members', [
      actorId,
      ...ids,
    ]);
    const asksAll = found.some(([name]) => name === ALL);
    return {
      mentions: ids.filter((_, i) => members[i] !== null),
      mentions_all: asksAll && (await reachesAll(actor, conversationId)),
    };
  };
}

/** A text as rules on content look at it; nothing at all of one that is not there. */
export const textOf = (
  said: (Mentioned & { readonly content: string }) | undefined,
): { content: string; mentions: number } => ({
  content: said?.content ?? '',
  mentions: said ? said.mentions.length + (said.mentions_all ? 1 : 0) : 0,
});
