/**
 * That users' lists of conversations and the conversations' logs agree, for proofs: every entry of a list names the event that made it so,
 * and everyone whom a log lets in or out has it in their list, unless the group that brings it there has not come so far.
 */
import { compareEventIds, eventId, parseEventId, START } from '../../envelope.ts';
import type { ChatEvent, Decode } from '../../envelope.ts';
import { ChatError } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import { isInGroup } from '../../log/effects.ts';
import type { Check, WrongKey } from '../../log/guard.ts';
import type { Log } from '../../log/log.ts';
import type { FeatureEvent, Membership } from '../feature.ts';
import { ConversationDeleted, ConversationJoined, ConversationLeft } from './contract.ts';
import { LISTS } from './memberships.ts';

/** What looks wrong may have moved between two reads. */
const LOOKS = 3;
const AT_ONCE = 500;

export function listChecks(definitions: readonly FeatureEvent[], decode: Decode): Check[] {
  const changing = new Map(definitions.filter((d) => 'membership' in d).map((d) => [d.type, d]));
  const changesBy = (event: ChatEvent, conversationId: string): Membership[] =>
    changing.get(event.type)?.membership!(event.data as never, conversationId) ?? [];

  const inConversations: Check = {
    name: LISTS,
    source: 'conversation',
    types: [...changing.keys(), ConversationDeleted.type],
    wrong: (log, stream, read) =>
      lookedAtAgain(async () => {
        const reached = await reachedBy(log, stream);
        const last = new Map<string, string>();
        for (const event of await read()) {
          for (const { userId, change } of changesBy(event, stream.id)) last.set(userId, `${event.id} ${change}`);
          if (event.type !== ConversationDeleted.type) continue;
          for (const [userId, state] of last) if (state.endsWith(' joined')) last.set(userId, `${event.id} left`);
        }
        return wrongIn(log, stream, last, reached);
      }),
  };

  /** The event that an entry names must be there, and be about this user. */
  async function isTold(log: Log, userId: string, conversationId: string, entry: string): Promise<boolean> {
    const [id = '', state] = entry.split(' ');
    // An older program kept the seq alone.
    if (!id.includes('-')) return true;
    const raw = parseEventId(id) && (await log.readOne(conversationStream(conversationId), id));
    if (raw?.type === ConversationDeleted.type) return state === 'left';
    if (!raw || !changing.has(raw.type)) return false;
    return changesBy(decode(raw), conversationId).some((m) => m.userId === userId && m.change === state);
  }

  const inUsers: Check = {
    name: LISTS,
    source: 'user',
    types: [ConversationJoined.type, ConversationLeft.type],
    wrong: (log, stream, read) =>
      lookedAtAgain(async () => {
        const told = new Map<string, ChatEvent>();
        for (const event of await read()) told.set((event.data as { conversation_id: string }).conversation_id, event);
        const key = log.keys.of(stream, 'conversations');
        const list = await log.guardAll(stream, 'conversations').catch((error: unknown) => {
          if (error instanceof ChatError) throw error;
          return undefined;
        });
        if (!list) return [{ key, event_id: undefined, reason: 'is no list' }];
        const wrong: WrongKey[] = [];
        for (const id of new Set([...told.keys(), ...Object.keys(list)])) {
          const entry = list[id];
          const event = told.get(id);
          const state = event?.type === ConversationJoined.type ? 'joined' : 'left';
          const isRight = entry?.endsWith(` ${state}`) && (await isTold(log, stream.id, id, entry));
          const reason = `${id}: the user's log says ${state}, the list ${entry ?? 'nothing'}`;
          if (!isRight) wrong.push({ key, event_id: event?.id, reason });
        }
        return wrong;
      }),
  };
  return [inConversations, inUsers];
}

async function lookedAtAgain(look: () => Promise<WrongKey[]>): Promise<WrongKey[]> {
  let wrong: WrongKey[] = [];
  for (let i = 0; i < LOOKS; i += 1) {
    wrong = await look();
    if (wrong.length === 0) break;
  }
  return wrong;
}

/** Whether the group has certainly come past an event of this stream. */
async function reachedBy(log: Log, stream: StreamRef): Promise<(id: string) => boolean> {
  const { head, checkpoints } = await log.progress(log.keys.partitionOf(stream.id));
  const group = Object.keys(checkpoints).find((name) => isInGroup(LISTS, name)) ?? '';
  const checkpoint = eventId(checkpoints[group] ?? START);
  const isUp = compareEventIds(checkpoint, eventId(head)) >= 0;
  // The feed numbers the events of all streams, each with the time of its event.
  return (id) => eventId(id).ms < checkpoint.ms || (isUp && eventId(id).ms <= checkpoint.ms);
}

/** A list that is none is told as what it is. */
async function orTrouble(entry: Promise<string | null>): Promise<string | null> {
  try {
    return await entry;
  } catch (error) {
    if (error instanceof ChatError) throw error;
    return (error as Error).message;
  }
}

async function wrongIn(
  log: Log,
  { id: conversationId }: StreamRef,
  last: ReadonlyMap<string, string>,
  isReached: (id: string) => boolean,
): Promise<WrongKey[]> {
  const all = [...last];
  const wrong: WrongKey[] = [];
  for (let i = 0; i < all.length; i += AT_ONCE) {
    const some = all.slice(i, i + AT_ONCE);
    const entries = await Promise.all(
      some.map(([userId]) => orTrouble(log.guardField(userStream(userId), 'conversations', conversationId))),
    );
    for (const [n, [userId, should]] of some.entries()) {
      const [id = ''] = should.split(' ');
      if (entries[n] === should || !isReached(id)) continue;
      const reason = `${conversationId}: the conversation's log says ${should}, the list ${entries[n] ?? 'nothing'}`;
      wrong.push({ key: log.keys.of(userStream(userId), 'conversations'), event_id: id, reason });
    }
  }
  return wrong;
}
