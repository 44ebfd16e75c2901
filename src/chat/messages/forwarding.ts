/**
 * What a forwarded message brings along: a copy of what was said, and where it came from as far as any reader may know. Mentions stay
 * behind: they were meant for the people there.
 */
import { standings } from '../access.ts';
import type { Deps } from '../feature.ts';
import type { Forward, MessageSentData } from './contract.ts';

export type Said = Pick<
  MessageSentData,
  'content' | 'message_type' | 'attachments' | 'mentions' | 'mentions_all' | 'forwarded_from'
>;

/** Answers what forwarding a message says; undefined where there is none that this user may see. */
export function forwarding({ log, messages }: Pick<Deps, 'log' | 'messages'>) {
  return async (userId: string, { conversation_id, message_id }: Forward): Promise<Said | undefined> => {
    const [standing] = await standings(log, userId, [conversation_id]);
    const source = standing?.member && (await messages.find(conversation_id, message_id));
    if (!source || source.is_deleted || source.message_type === 'system' || source.message_type === 'poll')
      return undefined;
    const { content, message_type, attachments, sender_id, created_at } = source;
    // Everybody reads the same bytes, so a place that only some can see is told to nobody.
    const place = standing.kind === 'channel' ? { conversation_id, message_id } : NOWHERE;
    const forwarded_from = { ...place, sender_id, created_at };
    return { content, message_type, attachments, mentions: [], mentions_all: false, forwarded_from };
  };
}

const NOWHERE = { conversation_id: null, message_id: null };
