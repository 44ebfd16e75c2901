/**
 * Files that a message brings along: own uploads by their ids, those of a message that it forwards, or one that stands in its text as older
 * clients send it. They are claimed before the message is sent, and let go of where it is refused.
 */
import type { Static } from 'typebox';
import type { Context } from '../../envelope.ts';
import { ChatError, isRefusal } from '../../errors.ts';
import { standings } from '../access.ts';
import type { Attached } from '../attachments/contract.ts';
import type { Deps } from '../feature.ts';
import type { MessagePlace } from '../services.ts';
import type { SendMessage } from './contract.ts';

type Written = Pick<Static<typeof SendMessage>, 'content' | 'message_type' | 'attachments'>;

/** The kind of file that is the whole text of a message. */
export function kindInText({ content = '', message_type, attachments = [] }: Written): 'image' | 'audio' | undefined {
  const isFile = attachments.length === 0 && /^data:/i.test(content);
  return isFile && (message_type === 'image' || message_type === 'audio') ? message_type : undefined;
}

export function bringing({ log, attachments }: Pick<Deps, 'log' | 'attachments'>) {
  /** Undefined where one of them is not there. */
  async function claimed(
    userId: string,
    ids: readonly string[],
    place: MessagePlace,
    from?: MessagePlace,
  ): Promise<Attached[] | undefined> {
    if (ids.length === 0) return [];
    try {
      return await attachments.claim(userId, ids, place, from);
    } catch (error) {
      if (error instanceof ChatError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  return {
    claimed,

    /** Text and files of what was written; undefined where a file is not there, or the writer has no part in the conversation. */
    async written(
      context: Context,
      place: MessagePlace,
      written: Written,
    ): Promise<{ content: string; attachments: Attached[] } | undefined> {
      const { content = '', attachments: ids = [] } = written;
      const kind = kindInText(written);
      if (ids.length === 0 && kind === undefined) return { content, attachments: [] };
      const { userId } = context.caller;
      const [standing] = await standings(log, userId, [place.conversationId]);
      if (!standing?.member) return undefined;
      if (kind === undefined) {
        const found = await claimed(userId, ids, place);
        return found && { content, attachments: found };
      }
      const { messageId } = place;
      const id = await attachments.fromText(context, { messageId, kind, address: content });
      const found = await claimed(userId, [id], place);
      return found && { content: '', attachments: found };
    },

    /** The message will not carry them. What is not known to be refused may have come. */
    async unlessSent<T>(files: readonly Attached[], place: MessagePlace, send: () => Promise<T>): Promise<T> {
      try {
        return await send();
      } catch (error) {
        if (files.length > 0 && isRefusal(error)) {
          const ids = files.map(({ id }) => id);
          await attachments.unclaim(ids, place);
        }
        throw error;
      }
    },
  };
}
