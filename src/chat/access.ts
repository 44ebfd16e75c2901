/**
 * Who may read a conversation, from the guard state that the append scripts keep: never from a read model, which may be behind. Writes
 * do not come through here: their scripts decide in the same instant as they append.
 */
import { eventId } from '../envelope.ts';
import { fail } from '../errors.ts';
import { conversationStream } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { parseMemberWords } from './member-words.ts';

export interface Member {
  readonly role: string;
  /** Seq of the event by which the member came in. */
  readonly joined: number;
  /** How many of the conversation's messages lie before what is unread for the member. */
  readonly read: number;
  /** Id of the last event before it. */
  readonly readUpTo: string;
  /** How far others see that the member has got. */
  readonly marks: MemberMarks;
}

export interface MemberMarks {
  /** Seqs up to which everything was delivered and read. */
  readonly delivered: number;
  readonly read: number;
  /** Unix ms at which they last moved. */
  readonly deliveredAt: number;
  readonly readAt: number;
}

export interface Standing {
  readonly kind: string;
  /** Id of the conversation's last event. */
  readonly lastEventId: string;
  /** Messages ever sent. */
  readonly messages: number;
  /** Unix ms of the last message, or of the beginning. */
  readonly active: number;
  readonly isDeleted: boolean;
  readonly member: Member | undefined;
}

/** What a member's value in the guard state means; undefined of who is not in. */
export function parseMember(value: string | null): Member | undefined {
  if (value === null) return undefined;
  const { role, joined, read, upTo, delivered, ownRead, ownUpTo, deliveredAt, readAt } = parseMemberWords(value);
  const mark = eventId(upTo);
  // A mark without a time of its own is an event of the member's: the own message, or the one by which they came in.
  const at = readAt === '-' ? mark.ms : Number(readAt);
  const isBack = ownRead !== '-';
  return {
    role,
    joined: Number(joined),
    read: Number(isBack ? ownRead : read),
    readUpTo: isBack ? ownUpTo : upTo,
    marks: {
      delivered: Number(delivered),
      read: mark.seq,
      deliveredAt: deliveredAt === '-' ? at : Number(deliveredAt),
      readAt: at,
    },
  };
}

/** How a user stands to conversations; undefined where there is none or it was deleted. */
export async function standings(log: Log, userId: string, ids: readonly string[]): Promise<(Standing | undefined)[]> {
  return (await allStandings(log, userId, ids)).map((standing) => (standing?.isDeleted ? undefined : standing));
}

/** The same also for deleted ones, in one write. */
export async function allStandings(
  log: Log,
  userId: string,
  ids: readonly string[],
): Promise<(Standing | undefined)[]> {
  const streams = ids.map(conversationStream);
  const [heads, members] = await Promise.all([
    log.heads(streams, ['kind', 'messages', 'active', 'deleted']),
    Promise.all(streams.map((stream) => log.guardField(stream, 'members', userId))),
  ]);
  return heads.map((head, i) => {
    if (!head) return undefined;
    const { kind, id: lastEventId } = head;
    return {
      kind,
      lastEventId,
      messages: Number(head.messages),
      active: Number(head.active),
      isDeleted: head.deleted !== '',
      member: parseMember(members[i]!),
    };
  });
}

/** The standing of a member. Throws `not_found` for a conversation one may not see, `forbidden` for a channel one is not in. */
export async function memberStanding(log: Log, userId: string, id: string): Promise<Standing & { member: Member }> {
  const [standing] = await standings(log, userId, [id]);
  if (standing?.member) return standing as Standing & { member: Member };
  if (standing?.kind === 'channel') throw fail('forbidden', 'Join the channel first');
  throw fail('not_found', 'There is no such conversation');
}

/** There once its owner may read; rejected with what is to be told where not. */
export type Permission = Promise<unknown>;

/**
 * What only members read, asked of Redis in the same turn as whether one is a member, so that both are one round trip. Nobody gets it, or
 * hears what it failed with, before the permission is there; `read` waits for that itself before it does more than look into Redis once.
 */
export async function asMember<T>(
  log: Log,
  userId: string,
  id: string,
  read: (permission: Permission) => Promise<T>,
): Promise<T> {
  const permission = memberStanding(log, userId, id);
  const answer = read(permission);
  answer.catch(() => {}); // it is told below, to who may hear of it
  await permission;
  return answer;
}

/** Where the head keeps that a user is banned; the value begins with the ms of its end, or '-'. */
export const banField = (userId: string): string => `ban ${userId}`;

/** Throws `banned`. */
export async function checkNotBanned(log: Log, userId: string, conversationId: string, now: number): Promise<void> {
  const [until] =
    (await log.guardField(conversationStream(conversationId), 'head', banField(userId)))?.split(' ') ?? [];
  if (until === '-' || now < Number(until)) throw fail('banned');
}
