/**
 * Each user's own list of conversations, kept on the user's stream, which lies in another slot than the conversation. The same
 * idempotent write is made right after an append, so that the acting user's next read has it, and by a reactor, so that a crash in
 * between leaves nothing undone. The id of the conversation's event stands beside each entry, and what is older is refused.
 */
import type { Context } from '../../envelope.ts';
import { ChatError } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { standings } from '../access.ts';
import type { FeatureEvent, Membership, Reactor } from '../feature.ts';
import type { Memberships } from '../services.ts';
import { ConversationDeleted } from './contract.ts';

/** What keeps what `record` could not. */
export const LISTS = 'lists';

interface Failed {
  readonly userId: string;
  readonly reason: unknown;
}

/** Lists that are written side by side. */
const AT_ONCE = 200;

export function membershipsOf(log: Log, definitions: readonly FeatureEvent[]): Memberships {
  const changing = new Map(definitions.filter((d) => 'membership' in d).map((d) => [d.type, d]));

  /** One user's trouble keeps nothing from the others. Whose list could not be written, and why. */
  async function write(changes: readonly Membership[], eventId: string, actorId: string): Promise<Failed[]> {
    const done = await Promise.allSettled(
      changes.map(({ userId, conversationId, change }) =>
        log.append({
          script: 'inbox.update',
          stream: userStream(userId),
          actorId,
          knowsRepeats: true,
          args: { conversation: conversationId, event: eventId, state: change },
        }),
      ),
    );
    return done.flatMap((one, i) =>
      one.status === 'rejected' ? [{ userId: changes[i]!.userId, reason: one.reason as unknown }] : [],
    );
  }

  /** It has happened, whatever becomes of the lists: the reactor brings up those of others. */
  async function record(changes: readonly Membership[], eventId: string, actorId: string): Promise<void> {
    const own = (await write(changes, eventId, actorId)).find(({ userId }) => userId === actorId);
    if (own) throw own.reason;
  }

  /** What can be tried again says more than what cannot. */
  async function bringUp(changes: readonly Membership[], eventId: string, actorId: string): Promise<void> {
    const reasons = (await write(changes, eventId, actorId)).map(({ reason }) => reason);
    if (reasons.length > 0) throw reasons.find((reason) => reason instanceof ChatError) ?? reasons[0];
  }

  /** What a crash left undone between the append and the list. */
  const lists: Reactor = {
    name: LISTS,
    since: 'beginning',
    types: [...changing.keys(), ConversationDeleted.type],
    async react(event, stream) {
      const { id, actor_id, type } = event;
      if (type !== ConversationDeleted.type)
        return bringUp(changing.get(type)!.membership!(event.data as never, stream.id), id, actor_id);
      // Whoever was in when it ended: nobody comes in or goes any more.
      const members = Object.keys(await log.guardAll(stream, 'members'));
      for (let i = 0; i < members.length; i += AT_ONCE) {
        const some = members.slice(i, i + AT_ONCE);
        const left = some.map((userId) => ({ userId, conversationId: stream.id, change: 'left' as const }));
        await bringUp(left, id, actor_id);
      }
    },
  };

  async function of(userId: string): Promise<string[]> {
    const all = await log.guardAll(userStream(userId), 'conversations');
    return Object.keys(all).filter((id) => all[id]!.endsWith(' joined'));
  }

  const ever = async (userId: string) => Object.keys(await log.guardAll(userStream(userId), 'conversations'));

  async function leaveAll(userId: string, by: Context): Promise<void> {
    const ids = await of(userId);
    const found = await standings(log, userId, ids);
    const left = ids.filter((_, i) => found[i]?.member && found[i].kind !== 'direct');
    await Promise.all(
      left.map(async (id) => {
        const stream = conversationStream(id);
        const leaving = { script: 'conversation.leave', stream, by, actorId: userId, args: {} };
        const appended = await log.append(leaving);
        await record([{ userId, conversationId: id, change: 'left' }], appended.id, userId);
      }),
    );
  }

  return { of, ever, record, lists, leaveAll };
}
