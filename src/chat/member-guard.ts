/**
 * A member's words in the guard state (lua/lib/members.lua) as far as the log tells them: role, seq of joining, and how far they have read
 * and been sent events. What no event tells is `*`: where unread begins for the member alone, times, and marks where many are in. Pure.
 */
import { NOBODY, WHATEVER } from '../log/guard.ts';
import type { GuardState } from '../log/guard.ts';
import { MANY, memberWordsText, parseMemberWords } from './member-words.ts';
import type { MemberWords } from './member-words.ts';

type MarkWords = Pick<MemberWords, 'read' | 'upTo' | 'delivered'>;
type ToldWords = MarkWords & Pick<MemberWords, 'role' | 'joined'>;

const UNTOLD: MarkWords = { read: WHATEVER, upTo: WHATEVER, delivered: WHATEVER };
const NEVER_TOLD = { ownRead: WHATEVER, ownUpTo: WHATEVER, deliveredAt: WHATEVER, readAt: WHATEVER };

const areMany = (state: GuardState): boolean => (state.hashes.get('members')?.size ?? 0) > MANY;

function write(state: GuardState, user: string, told: ToldWords): void {
  state.set('members', user, memberWordsText({ ...told, ...NEVER_TOLD }));
}

function memberWords(state: GuardState, user: string): MemberWords | undefined {
  const value = state.get('members', user);
  return value === undefined ? undefined : parseMemberWords(value);
}

/** A member comes in by the event of this id and seq, with `posted` messages behind them. */
export function enter(state: GuardState, user: string, role: string, by: { id: string; seq: number }): void {
  // An empty conversation's key is kept in being by a field that is nobody.
  if (state.get('members', NOBODY) !== undefined) state.remove('members', NOBODY);
  const marks = { read: state.get('head', 'messages') ?? '0', upTo: by.id, delivered: String(by.seq) };
  write(state, user, { role, joined: String(by.seq), ...marks });
  const members = state.hashes.get('members')!;
  // The first one too many changes it for all.
  const untold = members.size === MANY + 1 ? [...members.keys()] : areMany(state) ? [user] : [];
  for (const each of untold) write(state, each, { ...memberWords(state, each)!, ...UNTOLD });
}

export function giveRole(state: GuardState, user: string, role: string): void {
  const member = memberWords(state, user);
  if (member) write(state, user, { ...member, role });
}

/** Moves marks of a member, where there is one. */
export function mark(state: GuardState, user: string, marks: (member: MemberWords) => Partial<MarkWords>): void {
  const member = memberWords(state, user);
  if (member) write(state, user, { ...member, ...(areMany(state) ? UNTOLD : marks(member)) });
}

/** In slow mode it is kept when somebody posted last. */
export function notePost(state: GuardState, user: string, eventId: string): void {
  const slow = state.get('head', 'slow') ?? '0';
  if (slow !== '0') state.set('head', `posted ${user}`, eventId.split('-')[0]!);
}

/** What is delivered only grows. */
export const laterOf = (delivered: string, seq: number): string =>
  delivered === WHATEVER ? WHATEVER : String(Math.max(Number(delivered), seq));
