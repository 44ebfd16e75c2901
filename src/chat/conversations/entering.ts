/** Entering and leaving conversations, oneself: their scripts decide, the user's own list follows at once. */
import type { Context } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import type { Appended } from '../../log/log.ts';
import { command } from '../feature.ts';
import type { Command, Deps, RawJson } from '../feature.ts';
import { ConversationAnswer, Target } from './contract.ts';
import type { ConversationReads } from './view.ts';

export function entering({ log, memberships }: Deps, reads: ConversationReads): Command[] {
  async function move(context: Context, id: string, script: string, change: 'joined' | 'left'): Promise<Appended> {
    const { caller } = context;
    const stream = conversationStream(id);
    const appended = await log.append({ script, stream, by: context, body: id, args: {} });
    if (appended.id)
      await memberships.record([{ userId: caller.userId, conversationId: id, change }], appended.id, caller.userId);
    return appended;
  }

  const join = command({
    type: 'conversation.join',
    about: 'Enters a public channel',
    data: Target,
    answer: ConversationAnswer,
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
    answer: null,
    route: { method: 'POST', path: '/conversations/{conversation_id}/leave', status: 204 },
    socket: true,
    async run(context, { conversation_id: id }) {
      return { eventId: (await move(context, id, 'conversation.leave', 'left')).id };
    },
  });

  return [join, leave];
}
