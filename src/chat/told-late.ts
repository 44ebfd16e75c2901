/**
 * Events as who reads a log late is told them: of messages that were deleted since only the place is left, and nothing that was said. The
 * log itself keeps the words. One function for every reader, so that all of them get the same bytes.
 */
import type { Static } from 'typebox';
import { withheldEvent } from '../envelope.ts';
import type { ChatEvent, Decode, RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from '../log/log.ts';
import { parseMessageFacts } from './message-facts.ts';
import { MessageEdited, MessageSent } from './messages/contract.ts';
import type { MessageEditedData, MessageSentData } from './messages/contract.ts';
import { PollCreated } from './polls/contract.ts';

const TEXTS: readonly string[] = [MessageSent.type, MessageEdited.type, PollCreated.type];
/** Whose words an event has stands first in its data, as our scripts and commands write it: looked up without reading the words. */
const OF_MESSAGE = /^\{[^{]*"data":\{"(?:message|poll)_id":"([0-9A-Z]{26})"/;
const HEAD_BYTES = 512;

type Said = MessageSentData | MessageEditedData;
type PollCreatedData = Static<typeof PollCreated.data>;

/** One more round trip, where there are messages among the events. */
export async function toldLate(
  { log, decode }: { readonly log: Pick<Log, 'guardFields'>; readonly decode: Decode },
  stream: StreamRef,
  events: readonly RawEvent[],
): Promise<readonly RawEvent[]> {
  const messages = new Map(
    events.flatMap((event) => {
      const messageId = TEXTS.includes(event.type) ? messageOf(event, decode) : undefined;
      return messageId === undefined ? [] : [[event, messageId] as const];
    }),
  );
  if (messages.size === 0) return events;
  const ids = [...new Set(messages.values())];
  const facts = await log.guardFields(stream, 'messages', ids);
  const deleted = new Set(ids.filter((_, i) => parseMessageFacts(facts[i] ?? null)?.isDeleted));
  if (deleted.size === 0) return events;
  return events.map((event) => (deleted.has(messages.get(event) ?? '') ? emptied(event, decode) : event));
}

/** Where it cannot be told there is nothing to look up: what cannot be read says nothing to its readers either. */
function messageOf(raw: RawEvent, decode: Decode): string | undefined {
  const found = OF_MESSAGE.exec(raw.json.toString('latin1', 0, HEAD_BYTES))?.[1];
  if (found !== undefined) return found;
  try {
    const data = decode(raw).data as Said | PollCreatedData;
    return 'poll_id' in data ? data.poll_id : data.message_id;
  } catch {
    return undefined;
  }
}

function emptied(raw: RawEvent, decode: Decode): RawEvent {
  return { ...raw, json: Buffer.from(emptiedJson(raw, decode)) };
}

function emptiedJson(raw: RawEvent, decode: Decode): string {
  let event: ChatEvent<Said | PollCreatedData>;
  try {
    event = decode(raw) as ChatEvent<Said | PollCreatedData>;
  } catch {
    return withheldEvent(raw);
  }
  const { data } = event;
  if ('poll_id' in data)
    return JSON.stringify({ ...event, data: { ...data, question: '', options: data.options.map(() => '') } });
  const rest = { ...data, content: '', mentions: [], mentions_all: false };
  if (!('metadata' in rest)) return JSON.stringify({ ...event, data: rest });
  const { forwarded_from: _forwarded, ...sent } = rest;
  return JSON.stringify({ ...event, data: { ...sent, attachments: [], metadata: {} } });
}
