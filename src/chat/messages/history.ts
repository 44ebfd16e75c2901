/**
 * History: a conversation's messages and, as system messages, what is said of the conversation itself, ordered by the seq of their
 * event. Owns the projection `history`; what other features know of a message they contribute to it.
 */
import { leavingOut } from '../../views/packing.ts';
import { when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import { MessageDeleted, MessageEdited, MessageSent } from './contract.ts';
import type { Message } from './contract.ts';
import { messageOf, NEUTRAL, tombstone } from './document.ts';
import { systemLines } from './system-lines.ts';

export const history: Projection<Message> = {
  name: 'history',
  version: 3,
  source: 'conversation',
  shape: 'collection',
  key: (message) => message.id,
  leaves: true,
  packing: leavingOut<Message>('created_at', NEUTRAL),
  handlers: [
    when(MessageSent, (sent) => [{ key: sent.data.message_id, order: sent.seq, put: messageOf(sent) }]),
    when(MessageEdited, ({ at, data: { message_id, content, mentions, mentions_all, revision } }) => [
      {
        key: message_id,
        change: (doc) => ({ ...doc, content, mentions, mentions_all, revision, edited: true, edited_at: at }),
      },
    ]),
    when(MessageDeleted, ({ at, data }) => [{ key: data.message_id, change: (doc) => tombstone(doc, at) }]),
    ...systemLines,
  ],
};
