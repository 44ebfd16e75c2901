/**
 * Who has got a message, and when. Who is guard state; when is told by the events after the message, of which a bounded number is read.
 * Where many are in, marks are no events: then only the message's sender is answered, and with the time of each member's latest mark.
 */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import type { ChatEvent, Decode, RawEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import { seqOf } from '../../log/log.ts';
import { memberStanding, parseMember } from '../access.ts';
import type { MemberMarks } from '../access.ts';
import { listAnswer, query } from '../feature.ts';
import type { Deps, Query } from '../feature.ts';
import { parseMessageFacts } from '../message-facts.ts';
import type { MessageFacts } from '../message-facts.ts';
import { MessageSent } from '../messages/contract.ts';
import { AsOfTime, Cursor, decodeCursor, encodeCursor, Limit, listOf } from '../paging.ts';
import { ReceiptAnswer, ReceiptDelivered, ReceiptRead } from './contract.ts';
import { lowestMarks } from './marks.ts';

/** Events after a message that are read for the times of its receipts. */
const MAX_EVENTS = 2_000;
/** Members that are looked at in one request at most, in steps of as many: a page may be short, and has more behind it. */
const MAX_MEMBERS = 2_000;
const STEP = 500;

export function receiptsQuery(deps: Deps): Query {
  const { log, participants, messages, blocks } = deps;

  async function find(caller: string, id: string, messageId: string, asOf: string | undefined): Promise<MessageFacts> {
    await memberStanding(log, caller, id);
    const facts = parseMessageFacts(await log.guardField(conversationStream(id), 'messages', messageId));
    if (!facts) throw fail('not_found', 'There is no such message');
    // Throws where it was not there yet.
    if (asOf !== undefined) await messages.seenBy(caller, id, messageId, asOf);
    return facts;
  }

  return query({
    name: 'receipts.list',
    about:
      'Who else has got a message and who has read it, in the order of joining. A time is exact where the member was there within the ' +
      `${MAX_EVENTS} events after the message; otherwise it is that of the member's latest mark. In a conversation of more than 200 ` +
      'members only the sender is answered, and every time is that of the latest mark. As of then, only receipts in the log are known',
    data: Type.Object(
      {
        conversation_id: Id,
        message_id: Id,
        limit: Limit,
        cursor: Type.Optional(Cursor),
        as_of: Type.Optional(AsOfTime),
      },
      { additionalProperties: false },
    ),
    answer: listAnswer(ReceiptAnswer),
    route: { method: 'GET', path: '/conversations/{conversation_id}/messages/{message_id}/receipts' },
    async run({ caller }, { conversation_id: id, message_id, limit, cursor, as_of }) {
      const stream = conversationStream(id);
      const [from] = cursor === undefined ? [0] : decodeCursor(cursor, [0] as [number]);
      const message = await find(caller.userId, id, message_id, as_of);
      const { areMany } = await lowestMarks(deps, id);
      if (areMany && message.senderId !== caller.userId)
        throw fail('forbidden', 'In so large a conversation only the sender is told');
      const sent = seqOf(message.eventId);
      const told = areMany ? new Map<string, Times>() : await timesAfter(deps, stream, message.eventId, as_of);

      const items: string[] = [];
      let last = from;
      for (let looked = 0; looked < MAX_MEMBERS; looked += STEP) {
        const page = await participants.page(id, last, STEP, as_of);
        const ids = page.map(({ userId }) => userId);
        const [members, hidden] = await Promise.all([
          as_of === undefined ? log.guardFields(stream, 'members', ids) : [],
          blocks.between(caller.userId, ids),
        ]);
        for (const [i, { userId, place }] of page.entries()) {
          const marks = parseMember(members[i] ?? null)?.marks;
          // Who came in after the message was never to get it.
          const isOne = place < sent && userId !== message.senderId && !hidden.has(userId);
          const receipt = isOne && receiptOf(sent, told.get(userId), marks);
          if (receipt) {
            if (items.length === limit) return listOf(items, encodeCursor([last]));
            items.push(JSON.stringify({ user_id: userId, ...receipt }));
          }
          last = place;
        }
        if (page.length < STEP || last > sent) return listOf(items, null);
      }
      return listOf(items, encodeCursor([last]));
    },
  });
}

/** RFC 3339 times at which a member first had a message; undefined where that is not told. */
interface Times {
  readonly delivered: string;
  readonly read?: string;
}

/** What the events after a message tell. */
async function timesAfter(
  { log, reading, decode }: Deps,
  stream: StreamRef,
  sentId: string,
  asOf: string | undefined,
): Promise<Map<string, Times>> {
  const times = new Map<string, Times>();
  const take = (events: readonly RawEvent[]) => {
    for (const raw of events) {
      const mark = markOf(raw, decode);
      if (!mark || mark.upTo < seqOf(sentId)) continue;
      const before = times.get(mark.userId);
      const read = before?.read ?? (mark.isRead ? mark.at : undefined);
      times.set(mark.userId, { delivered: before?.delivered ?? mark.at, ...(read === undefined ? {} : { read }) });
    }
  };
  if (asOf !== undefined) {
    await reading.eventsThen(stream, sentId, asOf, take);
    return times;
  }
  let left = MAX_EVENTS;
  for await (const events of log.readAll(stream, sentId)) {
    take(events);
    left -= events.length;
    if (left <= 0) break;
  }
  return times;
}

interface Mark {
  readonly userId: string;
  readonly upTo: number;
  readonly isRead: boolean;
  readonly at: string;
}

/** How far somebody is by an event; who posts has read what came before. One that cannot be read tells nothing. */
function markOf(raw: RawEvent, decode: Decode): Mark | undefined {
  const isSent = raw.type === MessageSent.type;
  if (!isSent && raw.type !== ReceiptRead.type && raw.type !== ReceiptDelivered.type) return undefined;
  let event: ChatEvent;
  try {
    event = decode(raw);
  } catch {
    return undefined;
  }
  const upTo = isSent ? raw.seq : seqOf((event.data as { up_to: string }).up_to);
  return { userId: event.actor_id, upTo, isRead: raw.type !== ReceiptDelivered.type, at: event.at };
}

/** What is known of one member: by events, else by where the marks stand now. */
function receiptOf(sent: number, told: Times | undefined, marks: MemberMarks | undefined) {
  const latest = (ms: number) => new Date(ms).toISOString();
  const read_at = told?.read ?? (marks && marks.read >= sent ? latest(marks.readAt) : null);
  const delivered_at = told?.delivered ?? (marks && marks.delivered >= sent ? latest(marks.deliveredAt) : null);
  if (delivered_at === null) return undefined;
  return { delivered_at: read_at !== null && read_at < delivered_at ? read_at : delivered_at, read_at };
}
