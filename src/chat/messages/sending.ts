/** Sending messages: what a client wrote is checked here once, then one script decides and appends. */
import type { Static } from 'typebox';
import { eventId, invalid } from '../../envelope.ts';
import type { ChatEvent, Context } from '../../envelope.ts';
import type { Config } from '../../config.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { isDerivedMessageId } from '../derived-id.ts';
import { command } from '../feature.ts';
import type { Command, Deps } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { firstEvent } from '../repeats.ts';
import type { MessagePlace } from '../services.ts';
import { checkContent } from '../text.ts';
import { MessageAnswer, SendMessage } from './contract.ts';
import type { Message, MessageSentData } from './contract.ts';
import { messageOf } from './document.ts';
import { bringing, kindInText } from './files.ts';
import { forwarding } from './forwarding.ts';
import type { Said } from './forwarding.ts';
import { mentioning, textOf } from './mentions.ts';

const MAX_METADATA_BYTES = 4_096;
/** What a script takes for a message that nobody has. */
const NO_MESSAGE = 'none';

type Written = Static<typeof SendMessage>;

export function sendMessage(deps: Deps): Command {
  const { log, config, messages, rules } = deps;
  const mentioned = mentioning(deps);
  const forwarded = forwarding(deps);
  const files = bringing(deps);

  /** The guard knows what people wrote; one of the server's own messages is looked for in history, for whoever may see it. */
  async function answered(userId: string, conversationId: string, replyTo: string | null): Promise<string> {
    if (replyTo === null || !isDerivedMessageId(replyTo)) return replyTo ?? '';
    const isMember = (await log.guardField(conversationStream(conversationId), 'members', userId)) !== null;
    return isMember && (await messages.find(conversationId, replyTo)) ? replyTo : NO_MESSAGE;
  }

  /** Undefined where what it would bring along is not there. */
  async function said(context: Context, place: MessagePlace, written: Written): Promise<Said | undefined> {
    const { conversation_id, message_type = 'text', forward } = written;
    const { userId } = context.caller;
    if (forward) {
      const source = await forwarded(userId, forward);
      const ids = source?.attachments.map(({ id }) => id) ?? [];
      const from = { conversationId: forward.conversation_id, messageId: forward.message_id };
      const shared = await files.claimed(userId, ids, place, from);
      return source && shared && { ...source, attachments: shared };
    }
    const brought = await files.written(context, place, written);
    return brought && { ...brought, message_type, ...(await mentioned(conversation_id, userId, brought.content)) };
  }

  /** What a repeat answers: what the first one did. What was taken back since is not said once more. */
  async function repeated(first: ChatEvent<MessageSentData>, userId: string): Promise<object> {
    const { conversation_id = '', data } = first;
    const facts = await log.guardField(conversationStream(conversation_id), 'messages', data.message_id);
    if (parseMessageFacts(facts)?.isDeleted) return messages.seenBy(userId, conversation_id, data.message_id);
    return own(messageOf(first));
  }

  return command({
    type: 'message.send',
    about: 'Posts a message, or forwards one. With an id chosen by the client it is safe to repeat for ever',
    data: SendMessage,
    answer: MessageAnswer,
    route: { method: 'POST', path: '/conversations/{conversation_id}/messages', status: 201 },
    socket: true,
    noun: 'message',
    limited: 'message',
    async run(context, written) {
      const { caller, newId, now } = context;
      checkWritten(written, config);
      const { conversation_id, id, content, message_type, reply_to = null, attachments, metadata = {} } = written;
      const message_id = id ?? newId();
      const stream = conversationStream(conversation_id);
      const place = { conversationId: conversation_id, messageId: message_id };
      const saying = await said(context, place, written);
      const data = saying && sentData(message_id, reply_to, metadata, saying);
      const replyTo = await answered(caller.userId, conversation_id, reply_to);
      const append = (verdict: object) =>
        log.append({
          script: 'message.send',
          stream,
          by: context,
          knowsRepeats: true,
          body: [conversation_id, id, content, message_type, reply_to, attachments, metadata, written.forward],
          args: {
            message_id,
            reply_to: replyTo,
            ...verdict,
            data: data ? JSON.stringify(data) : '',
          },
        });
      const appended = await files.unlessSent(saying?.attachments ?? [], place, () =>
        rules.guarded(conversation_id, textOf(saying), append),
      );
      if (appended.status === 'duplicate' || !data) {
        const first = await firstEvent<MessageSentData>(deps, stream, appended.id);
        // Under a request id the script has compared the bodies.
        if (id !== undefined && !isSame(first.data, written, data))
          throw fail('conflict', 'This message id was used for another message');
        return { body: await repeated(first, caller.userId), eventId: appended.id };
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

/** Throws `validation_failed`. */
function checkWritten(written: Written, { MAX_MESSAGE_LENGTH, MAX_ATTACHMENTS }: Config): void {
  const { id, content, message_type = 'text', attachments = [], metadata = {}, forward } = written;
  const refuse = (field: string, message: string) => invalid([{ pointer: `/${field}`, message }]);
  if (id !== undefined && isDerivedMessageId(id))
    throw refuse('id', 'must not begin with 7: such ids are given by the server alone');
  if (forward) {
    const brought = (['content', 'message_type', 'attachments'] as const).find((field) => written[field] !== undefined);
    if (brought !== undefined) throw refuse(brought, 'comes with the message that is forwarded');
  } else {
    if (content === undefined && attachments.length === 0)
      throw refuse('content', 'is needed, or a file, or a message to forward');
    if (attachments.length > MAX_ATTACHMENTS) throw refuse('attachments', `must not be more than ${MAX_ATTACHMENTS}`);
    const isFile = kindInText(written) !== undefined;
    if (message_type !== 'text' && attachments.length === 0 && !isFile)
      throw refuse('attachments', `must name a file for a message of type ${message_type}`);
    if (!isFile) checkContent(content ?? '', MAX_MESSAGE_LENGTH, attachments.length > 0);
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES)
    throw refuse('metadata', `must not be larger than ${MAX_METADATA_BYTES} bytes`);
}

type Metadata = MessageSentData['metadata'];

/** The fields in the order of the contract. */
function sentData(message_id: string, reply_to: string | null, metadata: Metadata, said: Said): MessageSentData {
  const { content, message_type, attachments, mentions, mentions_all, forwarded_from } = said;
  const data = { message_id, content, message_type, reply_to, attachments, mentions, mentions_all, metadata };
  return forwarded_from ? { ...data, forwarded_from } : data;
}

/**
 * Whether a repeat under the message's own id says what was said. A message that it forwards, or a file that stood in its text, may have
 * changed or gone since.
 */
function isSame(first: MessageSentData, written: Written, again: MessageSentData | undefined): boolean {
  const { message_type = 'text', attachments = [], reply_to = null, metadata = {}, forward } = written;
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const source = again ? again.forwarded_from : first.forwarded_from;
  const files = ({ attachments: all }: MessageSentData) => all.map(({ id }) => id);
  const isFile = kindInText(written) !== undefined;
  const saidAgain = isFile
    ? [again?.content ?? '', message_type, files(again ?? first)]
    : [written.content ?? '', message_type, attachments];
  const isAlike = forward
    ? first.forwarded_from !== undefined && same(first.forwarded_from, source)
    : first.forwarded_from === undefined && same([first.content, first.message_type, files(first)], saidAgain);
  return isAlike && same([first.reply_to, first.metadata], [reply_to, metadata]);
}

/** The message as its sender sees it. It gets the field itself: a copy of so many fields costs more than making them. */
function own(message: Message): object {
  return Object.assign(message, { read_status: 'sent' });
}
