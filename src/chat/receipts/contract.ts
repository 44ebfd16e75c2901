/** Receipts: the events, and what a client sends. Watermarks, never one event per message. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

export const ReceiptRead = event({
  type: 'receipt.read',
  version: 1,
  data: Type.Object({ up_to: Type.String(), message_id: Id }),
});

export const MarkRead = Type.Object(
  {
    conversation_id: Id,
    up_to: Type.Optional(
      Type.String({
        minLength: 3,
        maxLength: 40,
        description: 'A message id or an event id; absent: the newest message',
      }),
    ),
  },
  { additionalProperties: false },
);
