/** `chat inspect message ID`: where a message went. The command, its event, what came after, each view, each group, each who got it. */
import { parseMessageFacts } from '../../../src/chat/message-facts.ts';
import type { MessageFacts } from '../../../src/chat/message-facts.ts';
import { history } from '../../../src/chat/messages/history.ts';
import { eventId } from '../../../src/envelope.ts';
import type { ChatEvent, RawEvent } from '../../../src/envelope.ts';
import { conversationStream } from '../../../src/keys.ts';
import type { StreamRef } from '../../../src/keys.ts';
import type { Log } from '../../../src/log/log.ts';
import { traceparentIn } from '../../../src/trace.ts';
import { Reading } from '../../../src/views/reading.ts';
import { foldOptions } from '../folding.ts';
import { facts, shortened, time } from '../printing.ts';
import type { Shown } from '../printing.ts';
import { Problem } from '../problem.ts';
import type { Progress } from '../progress.ts';
import { deliveriesOf, deliveryTables } from './deliveries.ts';
import { groupStandings, placeInFeed, standingTables, viewStandings } from './standing.ts';
import { eventTable } from './stream.ts';

export interface MessagePlace {
  readonly stream: StreamRef;
  readonly facts: MessageFacts;
}

const AT_ONCE = 500;
/** Of what came after a message that so many are told. */
const MOST_LATER = 50;

/** The conversation that has a message: asked of each, where nobody says which. */
export async function findMessage(
  log: Log,
  id: string,
  { conversation, progress }: { conversation: string | undefined; progress: Progress },
): Promise<MessagePlace> {
  const inSome = async (streams: readonly StreamRef[]) => {
    const found = await Promise.all(streams.map((stream) => log.guardField(stream, 'messages', id)));
    const at = found.findIndex((value) => value !== null);
    const parsed = at < 0 ? undefined : parseMessageFacts(found[at]!);
    return parsed && { stream: streams[at]!, facts: parsed };
  };
  if (conversation !== undefined) {
    const place = await inSome([conversationStream(conversation)]);
    if (place) return place;
    throw new Problem('not_found', `conversation ${conversation} has no message ${id}`);
  }
  let batch: StreamRef[] = [];
  let looked = 0;
  for await (const stream of log.streams()) {
    if (stream.kind === 'conversation') batch.push(stream);
    if (batch.length < AT_ONCE) continue;
    const place = await inSome(batch);
    if (place) return place;
    progress.at((looked += batch.length));
    batch = [];
  }
  const place = await inSome(batch);
  if (place) return place;
  throw new Problem('not_found', `no conversation has a message ${id}, or it is one of the server's own`);
}

export async function inspectMessage(
  log: Log,
  id: string,
  place: MessagePlace,
  asOf: string | undefined,
): Promise<Shown> {
  const { stream } = place;
  const event = await log.readOne(stream, place.facts.eventId);
  if (!event) throw new Problem('not_found', `the log has lost the event ${place.facts.eventId} of message ${id}`);
  const { ms, seq } = eventId(event.id);
  const sent = JSON.parse(event.json.toString()) as ChatEvent;
  const partition = log.keys.partitionOf(stream.id);
  const inFeed = await placeInFeed(log, stream, event.id);
  const reading = new Reading(foldOptions(log));
  const [later, views, groups, deliveries, documents] = await Promise.all([
    laterAbout(log, event, id),
    viewStandings(log, stream, event.id),
    groupStandings(log, partition, inFeed),
    deliveriesOf(log, stream, event),
    reading.byKeys(history, stream, [id], asOf),
  ]);
  // Where the feed was cut off behind it, every group had done with it.
  const done = inFeed === undefined ? groups.map(({ group }) => ({ group, behind: 0 })) : groups;
  const document = documents.get(id)?.doc ?? null;
  const traceparent = traceparentIn(event) ?? null;
  const command = { type: 'message.send', actor_id: sent.actor_id, request_id: sent.request_id ?? null, traceparent };
  return {
    json: {
      message_id: id,
      conversation_id: stream.id,
      partition,
      command,
      event: sent,
      feed_id: inFeed ?? null,
      later: later.map(({ json }) => JSON.parse(json.toString()) as unknown),
      views,
      groups: done,
      deliveries,
      as_of: asOf ?? null,
      document,
    },
    text: [
      facts([
        ['message', id],
        ['conversation', `${stream.id} (partition ${partition})`],
        ['command', `message.send by ${command.actor_id} at ${time(ms)}`],
        ['request', command.request_id ?? undefined],
        ['trace', traceparent ?? undefined],
        ['event', `${event.id}, seq ${seq}, in ${log.keys.of(stream, 'log')}`],
        ['feed', inFeed ?? 'cut off: every group has done with it'],
        [
          asOf === undefined ? 'reads as' : `read at ${asOf}`,
          document ? shortened(JSON.stringify(document), 160) : 'nothing',
        ],
      ]),
      later.length > 0 ? `after it\n${eventTable(later)}` : '',
      standingTables(views, done),
      deliveryTables(deliveries),
    ]
      .filter(Boolean)
      .join('\n'),
  };
}

/** Events that name the message: edits, reactions, pins, its deletion. */
async function laterAbout(log: Log, { stream, id: after }: RawEvent, messageId: string): Promise<RawEvent[]> {
  const found: RawEvent[] = [];
  for await (const page of log.readAll(stream, after)) {
    found.push(...page.filter(({ json }) => json.includes(`"message_id":"${messageId}"`)));
    if (found.length >= MOST_LATER) return found.slice(0, MOST_LATER);
  }
  return found;
}
