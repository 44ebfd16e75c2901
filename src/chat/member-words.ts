/** A member's value in the guard state, word by word as `lua/lib/members.lua` keeps it. Whoever reads or makes one comes through here. Pure. */

/** `-` stands for a word that is not there. */
export interface MemberWords {
  readonly role: string;
  /** Seq of the event by which the member came in. */
  readonly joined: string;
  /** How far others see that the member has got: messages read, id of the event up to which, seq up to which events were delivered. */
  readonly read: string;
  readonly upTo: string;
  readonly delivered: string;
  /** The same as `read` and `upTo` from where the member's own unread counts, where that is another. */
  readonly ownRead: string;
  readonly ownUpTo: string;
  /** Unix ms of the last marks. */
  readonly deliveredAt: string;
  readonly readAt: string;
}

/** In a conversation of more members than this a mark is no event: the script's own number. */
export const MANY = 200;

type Words = [string, string, string, string, string, string, string, string, string];

export function parseMemberWords(value: string): MemberWords {
  const [role, joined, read, upTo, delivered, ownRead, ownUpTo, deliveredAt, readAt] = value.split(' ') as Words;
  return { role, joined, read, upTo, delivered, ownRead, ownUpTo, deliveredAt, readAt };
}

export function memberWordsText(words: MemberWords): string {
  const { role, joined, read, upTo, delivered, ownRead, ownUpTo, deliveredAt, readAt } = words;
  return [role, joined, read, upTo, delivered, ownRead, ownUpTo, deliveredAt, readAt].join(' ');
}
