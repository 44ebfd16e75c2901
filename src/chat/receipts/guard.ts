/** What the log of a conversation makes of its members' marks. Pure. */
import { eventId } from '../../envelope.ts';
import { guards } from '../../log/guard.ts';
import { laterOf, mark } from '../member-guard.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { ReceiptDelivered, ReceiptRead } from './contract.ts';

export const receiptGuards = [
  guards(ReceiptDelivered, (state, { actor_id, data }) =>
    mark(state, actor_id, () => ({ delivered: String(eventId(data.up_to).seq) })),
  ),
  guards(ReceiptRead, (state, { actor_id, data: { message_id, up_to } }) => {
    const message = parseMessageFacts(state.get('messages', message_id) ?? null);
    mark(state, actor_id, ({ delivered }) => ({
      ...(message ? { read: String(message.number) } : {}),
      upTo: up_to,
      delivered: laterOf(delivered, eventId(up_to).seq),
    }));
  }),
];
