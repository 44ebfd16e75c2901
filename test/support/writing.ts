/** Many messages at once, by the very script that a node would run, so that a suite about reading need not wait for sockets to write. */
import { ulid } from 'ulid';
import { conversationStream } from '../../src/keys.ts';
import type { User } from './server.ts';
import type { World } from './world.ts';

/** Resolves to the ids of the events, in order. */
export async function write(world: World, user: User, conversationId: string, count = 1): Promise<string[]> {
  const appended = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const message_id = ulid();
      const rest = { reply_to: null, attachments: [], mentions: [], mentions_all: false, metadata: {} };
      const data = { message_id, content: `message ${i}`, message_type: 'text', ...rest };
      return world.log.append({
        script: 'message.send',
        stream: conversationStream(conversationId),
        actorId: user.id,
        args: { message_id, reply_to: '', rules: '', broken: '', data: JSON.stringify(data) },
      });
    }),
  );
  return appended.map(({ id }) => id);
}

export const seqsFrom = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);
