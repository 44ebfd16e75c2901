/** Sending messages: what a client wrote is checked here once, then one script decides and appends. */
import type { Static } from 'typebox';
import { eventId, invalid } from '../../envelope.ts';
import type { ChatEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { isDerivedMessageId } from '../derived-id.ts';
import { command, projection } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { changingCommands } from './changing.ts';
import { checkContent } from './content.ts';
import { MessageAnswer, MessageDeleted, MessageEdited, MessageSent, SendMessage } from './contract.ts';
import type { Message, MessageSentData } from './contract.ts';
import { messageOf } from './document.ts';
import { history } from './history.ts';
import { revisionsQuery } from './revisions.ts';
import { messageQueries } from './view.ts';

const MAX_METADATA_BYTES = 4_096;

export const messages: Feature = {
  events: [MessageSent, MessageEdited, MessageDeleted],
  projections: [projection(history)],
  serve: (deps) => ({
    commands: [sendMessage(deps), ...changingCommands(deps)],
    queries: [...messageQueries(deps), revisionsQuery(deps)],
  }),
};

/** What a script takes for a message that nobody has. */
const NO_MESSAGE = 'none';

function sendMessage({ log, reading, config, decode, messages }: Deps): Command {
  /** The guard knows what people wrote; one of the server's own messages is looked for in history, for who may see it. */
  async function answered(userId: string, conversationId: string, replyTo: string | null): Promise<string> {
    if (replyTo === null || !isDerivedMessageId(replyTo)) return replyTo ?? '';
    const stream = conversationStream(conversationId);
    const isMember = (await log.guardField(stream, 'members', userId)) !== null;
    const isThere = isMember && (await reading.byKeys(history, stream, [replyTo])).has(replyTo);
    return isThere ? replyTo : NO_MESSAGE;
  }

  return command({
    type: 'message.send',
    about: 'Posts a message. With an id chosen by the client it is safe to repeat for ever',
    data: SendMessage,
    answer: MessageAnswer,
    route: { method: 'POST', path: '/conversations/{conversation_id}/messages', status: 201 },
    socket: true,
    noun: 'message',
    limited: 'message',
    async run({ caller, requestId, newId, now }, written) {
      const { conversation_id, id, content, message_type, reply_to, attachments, metadata } = written;
      const data = sentData(id ?? newId(), written, config.MAX_MESSAGE_LENGTH);
      const stream = conversationStream(conversation_id);
      const appended = await log.append({
        script: 'message.send',
        stream,
        actorId: caller.userId,
        requestId,
        knowsRepeats: true,
        body: [conversation_id, id, content, message_type, reply_to, attachments, metadata],
        args: {
          message_id: data.message_id,
          reply_to: await answered(caller.userId, conversation_id, data.reply_to),
          data: JSON.stringify(data),
        },
      });
      if (appended.status === 'duplicate') {
        const first = await log.readOne(stream, appended.id);
        if (!first) throw fail('unavailable', 'The first answer cannot be read right now');
        const sent = decode(first) as ChatEvent<MessageSentData>;
        if (id !== undefined && !isSame(sent.data, data))
          throw fail('conflict', 'This message id was used for another message');
        const facts = parseMessageFacts(await log.guardField(stream, 'messages', sent.data.message_id));
        // What was taken back since is not said once more.
        const body = facts?.isDeleted
          ? await messages.seenBy(caller.userId, conversation_id, sent.data.message_id)
          : own(messageOf(sent));
        return { body, eventId: appended.id };
      }
      const { ms, seq } = eventId(appended.id);
      const sent = {
        id: appended.id,
        seq,
        at: new Date(ms || now).toISOString(),
        type: 'message.sent',
        version: 1,
        conversation_id,
        actor_id: caller.userId,
        data: appended.told === undefined ? data : { ...data, thread_id: appended.told },
      };
      return { body: own(messageOf(sent)), eventId: appended.id };
    },
  });
}

type Written = Static<typeof SendMessage>;

function sentData(messageId: string, written: Written, maxLength: number): MessageSentData {
  const { content, message_type = 'text', reply_to = null, attachments = [], metadata = {} } = written;
  if (written.id !== undefined && isDerivedMessageId(written.id)) {
    throw invalid([{ pointer: '/id', message: 'must not begin with 7: such ids are given by the server alone' }]);
  }
  if (message_type !== 'text' && attachments.length === 0) {
    throw invalid([{ pointer: '/attachments', message: `must name a file for a message of type ${message_type}` }]);
  }
  if (attachments.length > 0) throw fail('not_found', 'There is no such attachment');
  checkContent(content, maxLength, attachments.length > 0);
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES) {
    throw invalid([{ pointer: '/metadata', message: `must not be larger than ${MAX_METADATA_BYTES} bytes` }]);
  }
  return {
    message_id: messageId,
    content,
    message_type,
    reply_to,
    attachments,
    mentions: [],
    mentions_all: false,
    metadata,
  };
}

/** Whether a repeat under the message's own id says what was said. Under a request id the script has compared the bodies. */
function isSame(first: MessageSentData, again: MessageSentData): boolean {
  const said = ({ content, message_type, reply_to, attachments, metadata }: MessageSentData) =>
    JSON.stringify([content, message_type, reply_to, attachments, metadata]);
  return said(first) === said(again);
}

/** The message as its sender sees it. It gets the field itself: a copy of so many fields costs more than making them. */
function own(message: Message): object {
  return Object.assign(message, { read_status: 'sent' });
}
