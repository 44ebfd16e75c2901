/**
 * What happens to a message after it was sent: another text, and its end for everyone. The scripts decide who may and until when; the
 * answers are read from history, where all that belongs to a message comes together.
 */
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { isDerivedMessageId } from '../derived-id.ts';
import { command } from '../feature.ts';
import type { Command, Deps } from '../feature.ts';
import { unlessDone } from '../repeats.ts';
import { checkContent } from '../text.ts';
import { EditMessage, MessageAnswer, MessageTarget } from './contract.ts';
import type { Message, MessageEditedData } from './contract.ts';
import { mentioning, textOf } from './mentions.ts';
import type { Mentioned } from './mentions.ts';

const NOBODY: Mentioned = { mentions: [], mentions_all: false };
const PATH = '/conversations/{conversation_id}/messages/{message_id}';

export function changingCommands(deps: Deps): Command[] {
  const { log, config, messages, rules } = deps;
  const mentioned = mentioning(deps);

  /** The message, for whoever may see it. Throws `forbidden` for one of the server's own, which no script knows. */
  async function seen(userId: string, conversationId: string, messageId: string): Promise<Message | undefined> {
    const member = await log.guardField(conversationStream(conversationId), 'members', userId);
    const found = member === null ? undefined : await messages.find(conversationId, messageId);
    if (found && isDerivedMessageId(found.id)) throw fail('forbidden', 'The server’s own messages stay as they are');
    return found;
  }

  const edit = command({
    type: 'message.edit',
    about: 'Gives one’s own message another text, for a while after it was sent; the earlier ones stay readable',
    data: EditMessage,
    answer: MessageAnswer,
    route: { method: 'PATCH', path: PATH, also: ['PUT'] },
    socket: true,
    noun: 'message',
    limited: 'message',
    async run(context, { conversation_id, message_id, content }) {
      const { caller } = context;
      const now = await seen(caller.userId, conversation_id, message_id);
      // It stands there with the name of who wrote it, who did not write it anew.
      if (now?.forwarded_from) throw fail('forbidden', 'A forwarded message stays as it is');
      const stream = conversationStream(conversation_id);
      // Its files are gone where it was deleted since.
      await unlessDone({ log, context, stream }, async () =>
        checkContent(content, config.MAX_MESSAGE_LENGTH, now !== undefined && now.attachments.length > 0),
      );
      const isSame = now?.content === content;
      // Where there is nothing to change or to see, the script has no use for what the text says.
      const who = now && !isSame ? await mentioned(conversation_id, caller.userId, content) : NOBODY;
      const data: Omit<MessageEditedData, 'revision'> = { message_id, content, ...who };
      const append = (verdict: object) =>
        log.append({
          script: 'message.edit',
          stream,
          by: context,
          body: [conversation_id, message_id, content],
          args: {
            message_id,
            window: String(config.EDIT_WINDOW_SECONDS),
            ...verdict,
            data: isSame ? '' : JSON.stringify(data),
          },
        });
      const appended = await rules.guarded(conversation_id, textOf(data), append);
      return { body: await messages.seenBy(caller.userId, conversation_id, message_id), eventId: appended.id };
    },
  });

  const remove = command({
    type: 'message.delete',
    about:
      'Takes a message away for everyone: one’s own for a while after it was sent, any as an admin. Its place stays',
    data: MessageTarget,
    answer: MessageAnswer,
    route: { method: 'DELETE', path: PATH, status: 204 },
    socket: true,
    noun: 'message',
    async run(context, { conversation_id, message_id }) {
      const { caller } = context;
      if (isDerivedMessageId(message_id)) await seen(caller.userId, conversation_id, message_id);
      const appended = await log.append({
        script: 'message.delete',
        stream: conversationStream(conversation_id),
        by: context,
        body: [conversation_id, message_id],
        args: { message_id, window: String(config.DELETE_WINDOW_SECONDS) },
      });
      return { body: await messages.seenBy(caller.userId, conversation_id, message_id), eventId: appended.id };
    },
  });

  return [edit, remove];
}
