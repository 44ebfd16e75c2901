/**
 * Reactions: every member who may read may react, each with each emoji once. The scripts decide; an emoji comes to them in one spelling,
 * so that one cannot stand there twice.
 */
import type { Context } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import { command, projection } from '../feature.ts';
import type { Answer, Command, Deps, Feature } from '../feature.ts';
import { MessageAnswer } from '../messages/contract.ts';
import { React, ReactionAdded, ReactionRemoved } from './contract.ts';
import { checkedEmoji } from './emoji.ts';
import { reactionGuards } from './guard.ts';
import { onMessages, reactors, reactorsQuery } from './view.ts';

export const reactions: Feature = {
  events: [ReactionAdded, ReactionRemoved],
  projections: [projection(reactors)],
  contributions: [onMessages],
  guards: reactionGuards,
  serve: (deps) => ({ commands: reactionCommands(deps), queries: [reactorsQuery(deps)] }),
};

const PATH = '/conversations/{conversation_id}/messages/{message_id}/reactions/{emoji}';

function reactionCommands({ log, messages }: Deps): Command[] {
  const react =
    (script: 'reaction.add' | 'reaction.remove') =>
    async (context: Context, data: { conversation_id: string; message_id: string; emoji: string }): Promise<Answer> => {
      const { caller } = context;
      const { conversation_id: id, message_id } = data;
      const emoji = checkedEmoji(data.emoji);
      const appended = await log.append({
        script,
        stream: conversationStream(id),
        by: context,
        body: [id, message_id, emoji],
        args: { message_id, emoji },
      });
      return { body: await messages.seenBy(caller.userId, id, message_id), eventId: appended.id };
    };

  return [
    command({
      type: 'reaction.add',
      about: 'Reacts to a message with an emoji; again changes nothing. A message has at most 20 different ones',
      data: React,
      answer: MessageAnswer,
      route: { method: 'PUT', path: PATH },
      socket: true,
      limited: 'reaction',
      noun: 'message',
      run: react('reaction.add'),
    }),
    command({
      type: 'reaction.remove',
      about: 'Takes the own reaction back; one that is not there changes nothing',
      data: React,
      answer: MessageAnswer,
      route: { method: 'DELETE', path: PATH },
      socket: true,
      limited: 'reaction',
      noun: 'message',
      run: react('reaction.remove'),
    }),
  ];
}
