/** Read marks: how far a member has read. The script only moves a mark forward, so a repeat or a late one changes nothing. */
import type { Context } from '../../envelope.ts';
import Type from 'typebox';
import { Id, invalid, isUlid, parseEventId } from '../../envelope.ts';
import { ChatError, fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { command } from '../feature.ts';
import type { Answer, Command, Deps, Feature } from '../feature.ts';
import { MarkRead, ReceiptRead } from './contract.ts';

export const receipts: Feature = { events: [ReceiptRead], serve: (deps) => ({ commands: receiptCommands(deps) }) };

function receiptCommands({ log, messages }: Deps): Command[] {
  /** The message that stands for an event, for a system message or for the end. */
  async function resolve(userId: string, id: string, upTo: string | undefined): Promise<string | undefined> {
    const at = upTo === undefined ? undefined : parseEventId(upTo);
    if (upTo !== undefined && !at && !isUlid(upTo))
      throw invalid([{ pointer: '/up_to', message: 'must be a message id or an event id' }]);
    await memberStanding(log, userId, id);
    if (upTo === undefined || at) return (await messages.newestByPerson(id, at?.seq))?.id;
    const found = await messages.find(id, upTo);
    if (!found) throw fail('not_found', 'There is no such message');
    return (await messages.newestByPerson(id, found.seq))?.id;
  }

  async function mark(context: Context, id: string, upTo: string | undefined): Promise<Answer> {
    const { caller, requestId } = context;
    const append = async (messageId: string | undefined): Promise<Answer> => {
      if (messageId === undefined) return {};
      const appended = await log.append({
        script: 'receipt.read',
        stream: conversationStream(id),
        actorId: caller.userId,
        requestId,
        body: [id, upTo],
        args: { message_id: messageId },
      });
      return { eventId: appended.id };
    };
    if (upTo === undefined || !isUlid(upTo)) return append(await resolve(caller.userId, id, upTo));
    try {
      // Nearly always it is what a person wrote, which the script knows by itself.
      return await append(upTo);
    } catch (error) {
      if (!(error instanceof ChatError && error.code === 'not_found')) throw error;
      return append(await resolve(caller.userId, id, upTo));
    }
  }

  return [
    command({
      type: 'receipt.read',
      about: 'Moves the read mark up to a message, or to the newest',
      data: MarkRead,
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/read', status: 204 },
      socket: true,
      run: (context, { conversation_id, up_to }) => mark(context, conversation_id, up_to),
    }),
    command({
      type: 'receipt.read_message',
      about: 'Moves the read mark up to this message',
      data: Type.Object({ conversation_id: Id, message_id: Id }, { additionalProperties: false }),
      answer: null,
      route: { method: 'POST', path: '/conversations/{conversation_id}/messages/{message_id}/read', status: 204 },
      socket: false,
      run: (context, { conversation_id, message_id }) => mark(context, conversation_id, message_id),
    }),
  ];
}
