/** Entering and leaving conversations, oneself: their scripts decide, the user's own list follows at once. */
import { conversationStream } from '../../keys.ts';
import { seqOf } from '../../log/log.ts';
import type { Appended } from '../../log/log.ts';
import { standings } from '../access.ts';
import { command } from '../feature.ts';
import type { Command, Context, Deps, RawJson } from '../feature.ts';
import { conversationsOf } from '../inbox.ts';
import type { Inbox } from '../inbox.ts';
import { Target } from './contract.ts';
import type { ConversationReads } from './view.ts';

export function entering({ log, inbox }: Deps & { readonly inbox: Inbox }, reads: ConversationReads): Command[] {
  async function move(context: Context, id: string, script: string, change: 'joined' | 'left'): Promise<Appended> {
    const { caller, requestId } = context;
    const stream = conversationStream(id);
    const appended = await log.append({ script, stream, actorId: caller.userId, requestId, body: id, args: {} });
    if (appended.id)
      await inbox.record([{ userId: caller.userId, conversationId: id, change }], seqOf(appended.id), caller.userId);
    return appended;
  }

  const join = command({
    type: 'conversation.join',
    about: 'Enters a public channel',
    data: Target,
    route: { method: 'POST', path: '/conversations/{conversation_id}/join' },
    socket: true,
    noun: 'conversation',
    async run(context, { conversation_id: id }): Promise<{ body: RawJson; eventId: string }> {
      const { id: event } = await move(context, id, 'conversation.join', 'joined');
      return { body: await reads.one(context.caller.userId, id), eventId: event };
    },
  });

  const leave = command({
    type: 'conversation.leave',
    about: 'Leaves a conversation; an owner hands it to the admin, else the member, who joined first',
    data: Target,
    route: { method: 'POST', path: '/conversations/{conversation_id}/leave', status: 204 },
    socket: true,
    async run(context, { conversation_id: id }) {
      return { eventId: (await move(context, id, 'conversation.leave', 'left')).id };
    },
  });

  return [join, leave];
}

/** Takes a user out of every conversation that can be left, before the account ends. Safe to repeat. */
export async function leaveAll({ log }: Deps, inbox: Inbox, { caller }: Context): Promise<void> {
  const ids = await conversationsOf(log, caller.userId);
  const found = await standings(log, caller.userId, ids);
  const leaving = ids.filter((_, i) => found[i]?.member && found[i].kind !== 'direct');
  await Promise.all(
    leaving.map(async (id) => {
      const stream = conversationStream(id);
      const appended = await log.append({ script: 'conversation.leave', stream, actorId: caller.userId, args: {} });
      await inbox.record(
        [{ userId: caller.userId, conversationId: id, change: 'left' }],
        seqOf(appended.id),
        caller.userId,
      );
    }),
  );
}
