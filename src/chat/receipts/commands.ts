/** Read marks: how far a member has read. The script only moves a mark forward, so a repeat or a late one changes nothing. */
import Type from 'typebox';
import { Id, invalid, isUlid, parseEventId } from '../../envelope.ts';
import { ChatError, fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { command } from '../feature.ts';
import type { Answer, Context, Deps, Feature } from '../feature.ts';
import { history } from '../messages/view.ts';
import type { Message } from '../messages/contract.ts';
import { MarkRead } from './contract.ts';

export function receipts({ log, reading }: Deps): Feature {
  /** The newest message that a person wrote, at or before a seq. */
  async function messageAt(conversationId: string, seq: number | undefined): Promise<string | undefined> {
    const stream = conversationStream(conversationId);
    for (let from = seq === undefined ? undefined : seq + 1; ;) {
      const rows = await reading.page(history, stream, { direction: 'down', from, limit: 20 }, undefined);
      const found = rows
        .map((row) => JSON.parse(row.json.toString()) as Message)
        .find((m) => m.message_type !== 'system');
      if (found || rows.length < 20) return found?.id;
      from = rows.at(-1)!.order;
    }
  }

  /** The message that stands for an event, for a system message or for the end. */
  async function resolve(userId: string, id: string, upTo: string | undefined): Promise<string | undefined> {
    const at = upTo === undefined ? undefined : parseEventId(upTo);
    if (upTo !== undefined && !at && !isUlid(upTo))
      throw invalid([{ pointer: '/up_to', message: 'must be a message id or an event id' }]);
    await memberStanding(log, userId, id);
    if (upTo === undefined || at) return messageAt(id, at?.seq);
    const found = (await reading.byKeys(history, conversationStream(id), [upTo])).get(upTo);
    if (!found) throw fail('not_found', 'There is no such message');
    return messageAt(id, found.doc.seq);
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

  return {
    commands: [
      command({
        type: 'receipt.read',
        about: 'Moves the read mark up to a message, or to the newest',
        data: MarkRead,
        route: { method: 'POST', path: '/conversations/{conversation_id}/read', status: 204 },
        socket: true,
        run: (context, { conversation_id, up_to }) => mark(context, conversation_id, up_to),
      }),
      command({
        type: 'receipt.read_message',
        about: 'Moves the read mark up to this message',
        data: Type.Object({ conversation_id: Id, message_id: Id }, { additionalProperties: false }),
        route: { method: 'POST', path: '/conversations/{conversation_id}/messages/{message_id}/read', status: 204 },
        socket: false,
        run: (context, { conversation_id, message_id }) => mark(context, conversation_id, message_id),
      }),
    ],
    queries: [],
  };
}
