/**
 * Guard state of attachments, as lua/lib/attachments.lua keeps it: a user's uploads, whose user is found by the id of an attachment, and
 * which messages carry them. Of the last the log of the user tells nothing. Pure.
 */
import { guards, NOBODY } from '../../log/guard.ts';
import { UserRegistered } from '../accounts/contract.ts';
import type { MessagePlace } from '../services.ts';
import { AttachmentRemoved, AttachmentUploaded } from './contract.ts';
import type { Uploaded } from './contract.ts';

const HASH = 'uploads';
const OWNERS = 'attachments';

export interface Upload {
  /** Of the event that brought it. */
  readonly eventId: string;
  readonly data: Uploaded;
}

export function parseUpload(value: string): Upload {
  const at = value.indexOf(' ');
  return { eventId: value.slice(0, at), data: JSON.parse(value.slice(at + 1)) as Uploaded };
}

const uploadText = ({ eventId, data }: Upload): string => `${eventId} ${JSON.stringify(data)}`;

export const useText = ({ conversationId, messageId }: MessagePlace): string => `${conversationId} ${messageId}`;

/** Reads an entry of `attached`. */
export function parseUse(entry: string): MessagePlace & { readonly isComing: boolean } {
  const [, conversationId, messageId, mark] = entry.split(' ') as [string, string, string, string?];
  return { conversationId, messageId, isComing: mark === '?' };
}

const ownerEntry = (attachmentId: string, userId: string): string => `${attachmentId}\n${userId}`;

export const attachmentGuards = [
  guards(UserRegistered, (state) => state.set(HASH, NOBODY, '')),
  guards(AttachmentUploaded, (state, { id, user_id = '', data }) => {
    state.set(HASH, data.attachment_id, uploadText({ eventId: id, data }));
    state.list(OWNERS, ownerEntry(data.attachment_id, user_id));
  }),
  guards(AttachmentRemoved, (state, { user_id = '', data: { attachment_id } }) => {
    state.remove(HASH, attachment_id);
    state.unlist(OWNERS, ownerEntry(attachment_id, user_id));
  }),
];
