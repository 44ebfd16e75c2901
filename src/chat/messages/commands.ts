/** Sending messages: what a client wrote is checked here once, then one script decides and appends. */
import type { Static } from 'typebox';
import { eventId, invalid } from '../../envelope.ts';
import type { ChatEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { command, projection } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import { isBlank } from '../text.ts';
import { MessageAnswer, MessageSent, SendMessage } from './contract.ts';
import type { Message, MessageSentData } from './contract.ts';
import { history, messageOf, messageQueries } from './view.ts';

const MAX_METADATA_BYTES = 4_096;

export const messages: Feature = {
  events: [MessageSent],
  projections: [projection(history)],
  serve: (deps) => ({ commands: [sendMessage(deps)], queries: messageQueries(deps) }),
};

function sendMessage({ log, config, decode }: Deps): Command {
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
        args: { message_id: data.message_id, reply_to: data.reply_to ?? '', data: JSON.stringify(data) },
      });
      if (appended.status === 'duplicate') {
        const first = await log.readOne(stream, appended.id);
        if (!first) throw fail('unavailable', 'The first answer cannot be read right now');
        const sent = decode(first) as ChatEvent<MessageSentData>;
        if (!isSame(sent.data, data, id)) throw fail('conflict', 'This message id was used for another message');
        return { body: own(messageOf(sent)), eventId: appended.id };
      }
      const { ms, seq } = eventId(appended.id);
      const at = new Date(ms || now).toISOString();
      const sent = {
        id: appended.id,
        seq,
        at,
        type: 'message.sent',
        version: 1,
        conversation_id,
        actor_id: caller.userId,
        data,
      };
      return { body: own(messageOf(sent)), eventId: appended.id };
    },
  });
}

/** Code points, as a schema's maxLength counts them. */
const characters = (text: string): number => Array.from(text).length;

type Written = Static<typeof SendMessage>;

function sentData(messageId: string, written: Written, maxLength: number): MessageSentData {
  const { content, message_type = 'text', reply_to = null, attachments = [], metadata = {} } = written;
  if (message_type !== 'text' && attachments.length === 0) {
    throw invalid([{ pointer: '/attachments', message: `must name a file for a message of type ${message_type}` }]);
  }
  if (attachments.length > 0) throw fail('not_found', 'There is no such attachment');
  if (isBlank(content)) throw invalid([{ pointer: '/content', message: 'must say something' }]);
  // A string is never shorter in code units than in characters, so the count is only made where it can matter.
  if (content.length > maxLength && characters(content) > maxLength) {
    throw invalid([{ pointer: '/content', message: `must not be longer than ${maxLength} characters` }]);
  }
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

/** Under a request id the script compared the bodies already; under a message id the log itself says what was sent. */
function isSame(first: MessageSentData, again: MessageSentData, chosenId: string | undefined): boolean {
  return (
    JSON.stringify(first) ===
    JSON.stringify(chosenId === undefined ? { ...again, message_id: first.message_id } : again)
  );
}

/** The message as its sender sees it. It gets the field itself: a copy of so many fields costs more than making them. */
function own(message: Message): object {
  return Object.assign(message, { read_status: 'sent' });
}
