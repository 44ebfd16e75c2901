/** Receipts: the events, and what a client sends. Watermarks, never one event per message. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';
import type { SignalDefinition } from '../feature.ts';

const Mark = Type.Object({ up_to: Type.String(), message_id: Id });

export const ReceiptDelivered = event({ type: 'receipt.delivered', version: 1, data: Mark });
export const ReceiptRead = event({ type: 'receipt.read', version: 1, data: Mark });

/** To the reader's own devices, where their unread changed and no event tells it. */
export const ReceiptMarked: SignalDefinition = {
  type: 'receipt.marked',
  data: Type.Object(
    { conversation_id: Id, read_up_to: Type.String(), unread_count: Type.Integer({ minimum: 0 }) },
    { additionalProperties: false },
  ),
};

const strict = { additionalProperties: false } as const;

const UpTo = Type.String({
  minLength: 3,
  maxLength: 40,
  description: 'A message id or an event id; absent: the newest message',
});

export const SetMark = Type.Object({ conversation_id: Id, up_to: Type.Optional(UpTo) }, strict);
export const OneMessage = Type.Object({ conversation_id: Id, message_id: Id }, strict);
const Time = Type.String({ format: 'date-time' });
export const ReceiptAnswer = Type.Object(
  { user_id: Id, delivered_at: Time, read_at: Type.Union([Time, Type.Null()]) },
  strict,
);

export const MarkUnread = Type.Object(
  { conversation_id: Id, from: Type.String({ ...Id, description: 'The first message that counts as unread again' }) },
  strict,
);
