/**
 * Typing: signals that stand in no log and no feed. One script asks who may, keeps who is typing for ten seconds, and tells the others,
 * in one round trip. Refuses whoever may not post; a message of one's own ends it.
 */
import type { Context } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { command, query } from '../feature.ts';
import type { Answer, Command, Deps, Feature, Query } from '../feature.ts';
import { SetTyping, Target, TypingAnswer, TypingStarted, TypingStopped } from './contract.ts';

export const typing: Feature = {
  signals: [TypingStarted, TypingStopped],
  serve: (deps) => ({ commands: typingCommands(deps), queries: [whoTypes(deps)] }),
};

function typingCommands({ log }: Deps): Command[] {
  async function tell(context: Context, id: string, script: 'typing.start' | 'typing.stop'): Promise<Answer> {
    const stream = conversationStream(id);
    await log.append({ script, stream, by: context, knowsRepeats: true, body: id, args: {} });
    return {};
  }

  return [
    command({
      type: 'typing.start',
      about: 'Says that the caller is typing; ends by itself after 10 seconds',
      data: Target,
      answer: null,
      socket: true,
      limited: 'typing',
      run: (context, { conversation_id }) => tell(context, conversation_id, 'typing.start'),
    }),
    command({
      type: 'typing.stop',
      about: 'Says that the caller no longer types',
      data: Target,
      answer: null,
      socket: true,
      limited: 'typing',
      run: (context, { conversation_id }) => tell(context, conversation_id, 'typing.stop'),
    }),
    command({
      type: 'typing.set',
      about:
        'Says that the caller is typing, for 10 seconds, or no longer is; the others hear of it once in 3 seconds at most',
      data: SetTyping,
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/typing', status: 204 },
      socket: false,
      limited: 'typing',
      run: (context, { conversation_id, is_typing }) =>
        tell(context, conversation_id, is_typing ? 'typing.start' : 'typing.stop'),
    }),
  ];
}

function whoTypes({ log, blocks }: Deps): Query {
  return query({
    name: 'typing.list',
    about: 'Who else is typing in a conversation',
    data: Target,
    answer: TypingAnswer,
    route: { method: 'GET', path: '/conversations/{conversation_id}/typing' },
    async run({ caller }, { conversation_id: id }) {
      await memberStanding(log, caller.userId, id);
      const [, ...found] = await log.run('typing.list', conversationStream(id), {});
      const typing = found.flatMap((user, i) =>
        i % 2 === 1 || user === caller.userId
          ? []
          : [{ user_id: String(user), expires_at: new Date(Number(found[i + 1])).toISOString() }],
      );
      const hidden = await blocks.between(
        caller.userId,
        typing.map(({ user_id }) => user_id),
      );
      return { items: typing.filter(({ user_id }) => !hidden.has(user_id)) };
    },
  });
}
