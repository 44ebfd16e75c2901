/**
 * Sends what is due, through the same door as everything else, so that whoever may not post any more, or not this, is refused. The message
 * has the id of its plan: sent twice, after a crash between the two partitions, it is one message. What is refused is told to its sender.
 */
import { ChatError, fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import { derivedId } from '../derived-id.ts';
import type { Deps, Timer } from '../feature.ts';
import { wordsOf } from './stored.ts';

export function sending({ log, perform }: Deps): Timer {
  /** '' where it was sent, else the code of the refusal. Throws `unavailable` where it is worth trying again. */
  async function send(userId: string, id: string, dueAt: number, [conversation_id, word]: string[]): Promise<string> {
    const caller = { userId, sessionId: '' };
    const context = { caller, requestId: undefined, now: dueAt, newId: () => id, ip: '', userAgent: '' };
    try {
      await perform('message.send', context, { conversation_id, id, ...wordsOf(word!) });
      return '';
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.status >= 500 || error.code === 'rate_limited')
        throw fail('unavailable', error.message, { cause: error });
      return error.code;
    }
  }

  return {
    kind: 'scheduled',
    async fire(name, dueAt) {
      const [userId, scheduled_id] = name.split('.') as [string, string];
      const stream = userStream(userId);
      const [status, ...plan] = await log.run('scheduled.begin', stream, { scheduled_id, due: String(dueAt) });
      if (status !== 'ok') return;
      const code = await send(userId, scheduled_id, dueAt, plan.map(String));
      const notification = derivedId('notification', userId, 'scheduled', scheduled_id);
      await log.append({
        script: 'scheduled.end',
        stream,
        actorId: userId,
        knowsRepeats: true,
        args: {
          scheduled_id,
          code,
          notification,
          data: JSON.stringify({
            notification_id: notification,
            kind: 'not_sent',
            conversation_id: String(plan[0]),
            message_id: scheduled_id,
            actor_id: userId,
            reason: code,
          }),
        },
      });
    },
  };
}
