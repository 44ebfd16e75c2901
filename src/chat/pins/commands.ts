/** Pins: a message marked for everyone, by whom the policy lets. The scripts decide; the answers are read from history. */
import { conversationStream } from '../../keys.ts';
import { command } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import { MessageAnswer } from '../messages/contract.ts';
import { MessagePinned, MessageUnpinned, PinTarget } from './contract.ts';
import { pinGuards } from './guard.ts';
import { onMessages, pinsQuery } from './view.ts';

export const pins: Feature = {
  events: [MessagePinned, MessageUnpinned],
  contributions: [onMessages],
  guards: pinGuards,
  serve: (deps) => ({ commands: pinCommands(deps), queries: [pinsQuery(deps)] }),
};

function pinCommands({ log, messages }: Deps): Command[] {
  const marking = (script: 'message.pin' | 'message.unpin', method: 'PUT' | 'DELETE', about: string): Command =>
    command({
      type: script,
      about,
      data: PinTarget,
      answer: MessageAnswer,
      route: { method, path: '/conversations/{conversation_id}/messages/{message_id}/pin' },
      socket: true,
      noun: 'message',
      async run(context, { conversation_id: id, message_id }) {
        const { caller } = context;
        const appended = await log.append({
          script,
          stream: conversationStream(id),
          by: context,
          body: [id, message_id],
          args: { message_id },
        });
        return { body: await messages.seenBy(caller.userId, id, message_id), eventId: appended.id };
      },
    });

  return [
    marking('message.pin', 'PUT', 'Pins a message for everyone; again changes nothing. A conversation has at most 50'),
    marking('message.unpin', 'DELETE', 'Takes a pin away; one that is not there changes nothing'),
  ];
}
