/**
 * What goes with what: files with the last message that carries them, bytes with the last attachment that holds them. A reactor, so it
 * happens after any crash, and more than once does no harm.
 */
import { START } from '../../envelope.ts';
import type { ChatEvent, RawEvent } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import { ConversationDeleted } from '../conversations/contract.ts';
import type { Deps, Reactor } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { MessageDeleted, MessageSent } from '../messages/contract.ts';
import type { MessageSentData } from '../messages/contract.ts';
import type { AttachmentAccess } from './access.ts';
import { AttachmentRemoved, filesOf } from './contract.ts';
import type { Uploaded } from './contract.ts';
import { useText } from './guard.ts';
import type { Holding } from './holding.ts';

type Parts = Pick<Deps, 'log' | 'decode'> & { readonly access: AttachmentAccess; readonly holding: Holding };

export function releasing({ log, decode, access, holding }: Parts): Reactor {
  async function releaseOf(sent: RawEvent, conversationId: string): Promise<void> {
    const { message_id: messageId, attachments } = (decode(sent) as ChatEvent<MessageSentData>).data;
    for (const { id: attachment } of attachments) {
      const actorId = await access.ownerOf(attachment);
      if (actorId === undefined) continue;
      await log.append({
        script: 'attachment.release',
        stream: userStream(actorId),
        actorId,
        knowsRepeats: true,
        args: { attachment, use: useText({ conversationId, messageId }) },
      });
    }
  }

  async function ofMessage(stream: StreamRef, messageId: string): Promise<void> {
    const facts = parseMessageFacts(await log.guardField(stream, 'messages', messageId));
    const sent = facts && (await log.readOne(stream, facts.eventId));
    if (sent) await releaseOf(sent, stream.id);
  }

  async function ofConversation(stream: StreamRef): Promise<void> {
    for await (const page of log.readAll(stream, START)) {
      for (const raw of page) if (raw.type === MessageSent.type) await releaseOf(raw, stream.id);
    }
  }

  async function bytes(stream: StreamRef, eventId: string): Promise<void> {
    const raw = await log.readOne(stream, eventId);
    if (!raw) return;
    const uploaded = (decode(raw) as ChatEvent<Uploaded>).data;
    for (const { sha256 } of filesOf(uploaded)) await holding.letGo(sha256, uploaded.attachment_id);
  }

  return {
    name: 'attachments',
    since: 'beginning',
    types: [MessageDeleted.type, ConversationDeleted.type, AttachmentRemoved.type],
    react(event, stream) {
      const data = event.data as { message_id: string; uploaded: string };
      if (event.type === MessageDeleted.type) return ofMessage(stream, data.message_id);
      if (event.type === ConversationDeleted.type) return ofConversation(stream);
      return bytes(stream, data.uploaded);
    },
  };
}
