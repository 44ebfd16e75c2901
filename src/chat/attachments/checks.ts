/**
 * That what attachments need in other slots is there, for proofs: who uploaded a file holds its bytes, and who sent a message with files has
 * each of them kept for it. Both were so before the event was written; what goes comes late, and is nothing wrong.
 */
import type { ChatEvent } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import type { Check, WrongKey } from '../../log/guard.ts';
import { ConversationDeleted } from '../conversations/contract.ts';
import { MessageDeleted, MessageSent } from '../messages/contract.ts';
import type { MessageSentData } from '../messages/contract.ts';
import { AttachmentAccess, hasEntry } from './access.ts';
import { AttachmentRemoved, AttachmentUploaded, filesOf } from './contract.ts';
import type { Uploaded } from './contract.ts';
import { useText } from './guard.ts';

/** What looks wrong may have gone since the log was read. */
async function twice(look: () => Promise<WrongKey[]>): Promise<WrongKey[]> {
  const wrong = await look();
  return wrong.length === 0 ? wrong : look();
}

const held: Check = {
  name: 'files',
  source: 'user',
  types: [AttachmentUploaded.type, AttachmentRemoved.type],
  wrong: (log, _stream, read) =>
    twice(async () => {
      const living = new Map<string, ChatEvent<Uploaded>>();
      for (const event of await read()) {
        const { attachment_id } = event.data as Uploaded;
        if (event.type === AttachmentRemoved.type) living.delete(attachment_id);
        else living.set(attachment_id, event as ChatEvent<Uploaded>);
      }
      const wrong: WrongKey[] = [];
      for (const { id: event_id, data } of living.values()) {
        for (const { sha256, word } of filesOf(data)) {
          const owner = { kind: 'file', id: sha256 } as const;
          const needed = [`${sha256} holder ${data.attachment_id}`, `${sha256} key ${word}`];
          const found = await Promise.all(needed.map((entry) => hasEntry(log, owner, 'files', entry)));
          const reason = `lacks ${needed.filter((_, i) => !found[i]).join(' and ')}`;
          if (found.includes(false)) wrong.push({ key: log.keys.of(owner, 'files'), event_id, reason });
        }
      }
      return wrong;
    }),
};

const carried: Check = {
  name: 'attached',
  source: 'conversation',
  types: [MessageSent.type, MessageDeleted.type, ConversationDeleted.type],
  wrong: (log, stream, read) =>
    twice(async () => {
      const living = new Map<string, ChatEvent<MessageSentData>>();
      for (const event of await read()) {
        if (event.type === ConversationDeleted.type) return [];
        const { message_id, attachments } = event.data as MessageSentData;
        if (event.type === MessageDeleted.type) living.delete(message_id);
        else if (attachments.length > 0) living.set(message_id, event as ChatEvent<MessageSentData>);
      }
      const access = new AttachmentAccess(log);
      const wrong: WrongKey[] = [];
      for (const { id: event_id, data } of living.values()) {
        for (const { id } of data.attachments) {
          const ownerId = await access.ownerOf(id);
          const owner = userStream(ownerId ?? stream.id);
          const entry = `${id} ${useText({ conversationId: stream.id, messageId: data.message_id })}`;
          if (ownerId !== undefined && (await hasEntry(log, owner, 'attached', entry))) continue;
          wrong.push({ key: log.keys.of(owner, 'attached'), event_id, reason: `lacks ${entry}` });
        }
      }
      return wrong;
    }),
};

export const attachmentChecks: readonly Check[] = [held, carried];
