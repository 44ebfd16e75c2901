/** Under which terms messages are found. Owns the projection `terms`. What is found there may have changed since: the message decides. */
import { when } from '../../views/projection.ts';
import type { Projection } from '../../views/projection.ts';
import type { Termed } from '../../views/leaf.ts';
import { MessageEdited, MessageSent } from '../messages/contract.ts';
import { TERMS_VERSION, termsOf } from './words.ts';

const LINK = /\bhttps?:\/\/[^\s/]/i;
export const hasLink = (text: string): boolean => LINK.test(text);

/** What no word can be. Those with @ and # no edit alters. */
export const LINKED = '+link';
export const ATTACHED = '#attached';
export const sentBy = (userId: string): string => `@${userId}`;
export const ofType = (type: string): string => `#${type}`;

const said = (content: string): string[] => [...termsOf(content), ...(hasLink(content) ? [LINKED] : [])];

export const terms: Projection<Termed> = {
  name: 'terms',
  version: TERMS_VERSION,
  source: 'conversation',
  shape: 'terms',
  placedIn: 'messages',
  key: ({ id }) => id,
  handlers: [
    when(MessageSent, ({ id: at, seq, actor_id, data }) => {
      const { message_id: id, content, message_type, attachments } = data;
      const about = [sentBy(actor_id), ofType(message_type), ...(attachments.length > 0 ? [ATTACHED] : [])];
      return [{ key: id, order: seq, put: { id, at, terms: [...said(content), ...about], added: [] } }];
    }),
    when(MessageEdited, ({ data }) => [
      { key: data.message_id, change: (doc) => ({ ...doc, added: [...doc.added, said(data.content)] }) },
    ]),
  ],
};
