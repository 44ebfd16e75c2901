/**
 * Marks: how far a member has got. The scripts only move them forward, so a repeat or a late one changes nothing; what a member marks
 * unread again is the member's own and moves no mark that others see. One round trip, but for a mark at an event between two messages.
 */
import type { Context } from '../../envelope.ts';
import { eventId, invalid, isUlid, parseEventId } from '../../envelope.ts';
import { ChatError, fail } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { Appended } from '../../log/log.ts';
import { TO_ONESELF } from '../../log/signals.ts';
import { memberStanding } from '../access.ts';
import { command } from '../feature.ts';
import type { Answer, Command, Deps, Feature } from '../feature.ts';
import type { MessageSentData } from '../messages/contract.ts';
import { MarkUnread, OneMessage, ReceiptDelivered, ReceiptMarked, ReceiptRead, SetMark } from './contract.ts';
import { receiptGuards } from './guard.ts';
import { receiptsQuery } from './view.ts';

export const receipts: Feature = {
  events: [ReceiptDelivered, ReceiptRead],
  signals: [ReceiptMarked],
  guards: receiptGuards,
  serve: (deps) => ({ commands: receiptCommands(deps), queries: [receiptsQuery(deps)] }),
};

type MarkScript = 'receipt.read' | 'receipt.delivered';

function receiptCommands(deps: Deps): Command[] {
  const { log, signals } = deps;

  /** Tells the caller's own devices what the script settled without an event. One that it does not reach learns it with its next read. */
  async function tellOwn(userId: string, id: string, { told }: Appended): Promise<void> {
    const [read_up_to, unread] = told?.split(' ') ?? [];
    if (unread === undefined) return;
    const data = { conversation_id: id, read_up_to, unread_count: Number(unread) };
    const frame = JSON.stringify({ type: ReceiptMarked.type, user_id: userId, actor_id: userId, data });
    await signals.publish(userStream(userId), TO_ONESELF, frame).catch(() => {});
  }

  async function mark(script: MarkScript, context: Context, id: string, upTo: string | undefined): Promise<Answer> {
    const { caller } = context;
    const isEvent = upTo !== undefined && parseEventId(upTo) !== undefined;
    if (upTo !== undefined && !isEvent && !isUlid(upTo))
      throw invalid([{ pointer: '/up_to', message: 'must be a message id or an event id' }]);
    const append = async (message_id: string, event = ''): Promise<Answer> => {
      const appended = await log.append({
        script,
        stream: conversationStream(id),
        by: context,
        body: [id, upTo],
        args: { message_id, event },
      });
      await tellOwn(caller.userId, id, appended);
      return { eventId: appended.id };
    };
    try {
      // Nearly always it is what a person wrote, or what stands at the end, which the script knows by itself.
      return await (isEvent ? append('', upTo) : append(upTo ?? ''));
    } catch (error) {
      if (upTo === undefined || !(error instanceof ChatError && error.code === 'not_found')) throw error;
      await memberStanding(log, caller.userId, id);
      const standing = await messageAt(deps, id, upTo);
      return standing === undefined ? {} : append(standing);
    }
  }

  return [
    command({
      type: 'receipt.read',
      about: 'Moves the read mark up to a message, or to the newest. What is read was delivered',
      data: SetMark,
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/read', status: 204 },
      socket: true,
      run: (context, { conversation_id, up_to }) => mark('receipt.read', context, conversation_id, up_to),
    }),
    command({
      type: 'receipt.read_message',
      about: 'Moves the read mark up to this message',
      data: OneMessage,
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/messages/{message_id}/read', status: 204 },
      socket: false,
      run: (context, { conversation_id, message_id }) => mark('receipt.read', context, conversation_id, message_id),
    }),
    command({
      type: 'receipt.delivered',
      about: 'Moves the delivered mark up to a message, or to the newest',
      data: SetMark,
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/delivered', status: 204 },
      socket: true,
      run: (context, { conversation_id, up_to }) => mark('receipt.delivered', context, conversation_id, up_to),
    }),
    command({
      type: 'receipt.mark_unread',
      about: "The caller's unread begins at this message again, until the next read mark. What others see stays",
      data: MarkUnread,
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/unread', status: 204 },
      socket: true,
      async run(context, { conversation_id: id, from }) {
        const { caller } = context;
        const appended = await log.append({
          script: 'receipt.mark_unread',
          stream: conversationStream(id),
          by: context,
          body: [id, from],
          args: { message_id: from },
        });
        await tellOwn(caller.userId, id, appended);
        return {};
      },
    }),
  ];
}

/**
 * The last message that a person wrote at or before an event or a system message; undefined when there is none. Throws `not_found` for
 * a message that is not there.
 */
async function messageAt({ log, decode, messages }: Deps, id: string, upTo: string): Promise<string | undefined> {
  const at = isUlid(upTo) ? (await messages.find(id, upTo))?.event_id : upTo;
  if (at === undefined) throw fail('not_found', 'There is no such message');
  const { ms, seq } = eventId(at);
  for (let before = `${ms}-${seq + 1}`; ;) {
    const page = await log.readBefore(conversationStream(id), before);
    const sent = page.find(({ type }) => type === 'message.sent');
    if (sent) return (decode(sent).data as MessageSentData).message_id;
    if (page.length === 0) return undefined;
    before = page.at(-1)!.id;
  }
}
