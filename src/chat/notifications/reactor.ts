/**
 * Who is to be notified of what: a reactor, so never in the way of a send. Of one message each person hears once: that they were mentioned,
 * else that somebody answered them, else that it came to them alone. Nobody hears of what they did themselves or have read already, of a
 * conversation that they muted, or of somebody with whom there is a block. One recipient's trouble keeps nothing from the others.
 */
import { eventId } from '../../envelope.ts';
import type { ChatEvent, RawEvent } from '../../envelope.ts';
import { ChatError } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import { parseMember } from '../access.ts';
import { derivedId } from '../derived-id.ts';
import type { Deps, Reactor } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { MessageEdited, MessageSent, threadOf } from '../messages/contract.ts';
import type { MessageEditedData, MessageSentData } from '../messages/contract.ts';
import { ReactionAdded } from '../reactions/contract.ts';
import type { Kind } from './contract.ts';

/** `@all` in a larger conversation notifies nobody: an unread count says as much. */
const MOST_FOR_ALL = 1_000;
const RECIPIENTS_AT_ONCE = 50;
/** Conversations that are remembered as being between more than two. */
const MAX_KNOWN = 10_000;

type Recipients = Map<string, Kind>;

export function notifying(deps: Deps): Reactor {
  const { log, blocks, settings } = deps;
  /** What a conversation is never changes, so that most messages, which are for nobody in particular, cost no question. */
  const notDirect = new Set<string>();

  async function isDirect(stream: StreamRef): Promise<boolean> {
    if (notDirect.has(stream.id)) return false;
    const [head] = await log.heads([stream], ['kind']);
    if (!head || head.kind === 'direct') return head !== undefined;
    if (notDirect.size === MAX_KNOWN) notDirect.clear();
    notDirect.add(stream.id);
    return false;
  }

  const asked = { ...deps, isDirect };

  async function react(event: ChatEvent, stream: StreamRef): Promise<void> {
    const { message_id } = event.data as { message_id: string };
    const found = await recipientsOf(asked, event, stream);
    found.delete(event.actor_id);
    if (found.size === 0) return;
    const ids = [...found.keys()];
    for (let i = 0; i < ids.length; i += RECIPIENTS_AT_ONCE) {
      const wanting = await whoWants(event, stream, message_id, ids.slice(i, i + RECIPIENTS_AT_ONCE));
      await notify(event, stream, message_id, wanting, found);
    }
  }

  /** Those who are in, have not read it, have not muted it, and have no block with the actor. */
  async function whoWants(event: ChatEvent, stream: StreamRef, messageId: string, ids: string[]): Promise<string[]> {
    const { actor_id, id, type } = event;
    const [members, facts, hidden, own] = await Promise.all([
      log.guardFields(stream, 'members', ids),
      log.guardField(stream, 'messages', messageId),
      blocks.between(actor_id, ids),
      Promise.all(ids.map((user) => settings.of(user, [stream.id]))),
    ]);
    const message = parseMessageFacts(facts);
    if (!message || message.isDeleted) return [];
    return ids.filter((user, i) => {
      const member = parseMember(members[i] ?? null);
      const isRead = type === MessageSent.type && (member?.marks.read ?? 0) >= eventId(id).seq;
      const isMuted = (own[i]!.get(stream.id)!.mutedUntil ?? 0) > eventId(id).ms;
      return member && !isRead && !isMuted && !hidden.has(user);
    });
  }

  async function notify(
    event: ChatEvent,
    stream: StreamRef,
    message_id: string,
    users: readonly string[],
    kinds: Recipients,
  ): Promise<void> {
    const done = await Promise.allSettled(
      users.map((user) => {
        const notification_id = derivedId('notification', user, stream.id, event.id);
        const about = { kind: kinds.get(user), conversation_id: stream.id, message_id, actor_id: event.actor_id };
        return log.append({
          script: 'notification.add',
          stream: userStream(user),
          actorId: event.actor_id,
          knowsRepeats: true,
          args: {
            conversation: stream.id,
            source: event.id,
            notification: notification_id,
            data: JSON.stringify({ notification_id, ...about }),
          },
        });
      }),
    );
    const failures = done.flatMap((one, i) =>
      one.status === 'rejected' ? [{ user: users[i]!, reason: one.reason as Error }] : [],
    );
    const passing = failures.find(({ reason }) => reason instanceof ChatError && reason.status >= 500);
    if (passing) throw passing.reason;
    await Promise.all(
      failures
        .filter(({ reason }) => !(reason instanceof ChatError))
        .map(({ user, reason }) => log.park(userStream(user), NAME, event, reason)),
    );
  }

  return {
    name: NAME,
    since: 'now',
    types: [MessageSent.type, MessageEdited.type, ReactionAdded.type],
    sift: (events) => Promise.resolve(events.filter((event) => !notDirect.has(event.stream.id) || !isForAll(event))),
    react,
  };
}

const NAME = 'notifications';

const REPLY_TO = Buffer.from(',"reply_to":');
const NONE = Buffer.from('null');
const MENTIONS = Buffer.from(',"mentions":');
const NOBODY = Buffer.from('[],"mentions_all":false');

/**
 * Whether a message certainly answers and mentions nobody, by its bytes. The first fields of these names are the message's own: before them
 * stand only texts, in which every quote has a backslash, and files; what else a client may name comes behind.
 */
const isForAll = ({ type, json }: RawEvent): boolean =>
  type === MessageSent.type && isFirst(json, REPLY_TO, NONE) && isFirst(json, MENTIONS, NOBODY);

function isFirst(json: Buffer, field: Buffer, value: Buffer): boolean {
  const from = json.indexOf(field) + field.length;
  return from >= field.length && json.subarray(from, from + value.length).equals(value);
}

/** Everybody whom an event concerns, and why; whether they want to hear of it is another question. */
async function recipientsOf(
  deps: Deps & { isDirect(stream: StreamRef): Promise<boolean> },
  event: ChatEvent,
  stream: StreamRef,
): Promise<Recipients> {
  if (event.type === ReactionAdded.type) {
    const author = await authorOf(deps, stream, (event.data as { message_id: string }).message_id);
    return new Map(author === undefined ? [] : [[author, 'reaction']]);
  }
  if (event.type === MessageEdited.type) return newlyMentioned(deps, event as ChatEvent<MessageEditedData>, stream);
  const { data } = event as ChatEvent<MessageSentData>;
  const found: Recipients = new Map();
  if (await deps.isDirect(stream)) for (const user of await everybody(deps, stream)) found.set(user, 'direct');
  const answered = [...new Set([data.reply_to, threadOf(data)])].filter((id) => id !== null);
  for (const id of answered) {
    const author = await authorOf(deps, stream, id);
    if (author !== undefined) found.set(author, 'reply');
  }
  for (const user of await mentionedIn(deps, data, stream)) found.set(user, 'mention');
  return found;
}

async function newlyMentioned(
  deps: Deps,
  { data }: ChatEvent<MessageEditedData>,
  stream: StreamRef,
): Promise<Recipients> {
  const now = await mentionedIn(deps, data, stream);
  if (now.length === 0) return new Map();
  const before = await textBefore(deps, data, stream);
  const known = new Set(before ? await mentionedIn(deps, before, stream) : []);
  return new Map(now.filter((user) => !known.has(user)).map((user) => [user, 'mention']));
}

/** What the message said before this revision. */
async function textBefore(
  { log, decode }: Deps,
  { message_id, revision }: MessageEditedData,
  stream: StreamRef,
): Promise<Pick<MessageSentData, 'mentions' | 'mentions_all'> | undefined> {
  const earlier = revision - 1;
  const id =
    earlier === 1
      ? parseMessageFacts(await log.guardField(stream, 'messages', message_id))?.eventId
      : await log.guardField(stream, 'messages', `${message_id}:${earlier}`);
  const raw = id ? await log.readOne(stream, id) : undefined;
  return raw && (decode(raw).data as MessageSentData);
}

async function mentionedIn(
  deps: Deps,
  { mentions, mentions_all }: Pick<MessageSentData, 'mentions' | 'mentions_all'>,
  stream: StreamRef,
): Promise<string[]> {
  if (!mentions_all) return mentions;
  const all = await everybody(deps, stream);
  return all.length > MOST_FOR_ALL ? mentions : all;
}

async function everybody({ log }: Deps, stream: StreamRef): Promise<string[]> {
  return Object.keys(await log.guardAll(stream, 'members'));
}

async function authorOf({ log }: Deps, stream: StreamRef, messageId: string): Promise<string | undefined> {
  return parseMessageFacts(await log.guardField(stream, 'messages', messageId))?.senderId;
}
