/**
 * What is left of the events of messages that were deleted since, for who reads the log: their place, and nothing that was said. The log
 * itself keeps them, since it is never edited.
 */
import type { Decode, RawEvent } from '../../envelope.ts';
import type { Log } from '../../log/log.ts';
import type { StreamRef } from '../../keys.ts';
import { parseMessageFacts } from '../message-facts.ts';
import { MessageEdited, MessageSent } from '../messages/contract.ts';
import type { MessageEditedData, MessageSentData } from '../messages/contract.ts';

const TEXTS: readonly string[] = [MessageSent.type, MessageEdited.type];

type Said = MessageSentData | MessageEditedData;

/** JSON of those of the events that are not to be shown as they are, by event id. One more round trip, where messages are among them. */
export async function emptiedOf(
  { log, decode }: { log: Log; decode: Decode },
  stream: StreamRef,
  events: readonly RawEvent[],
): Promise<ReadonlyMap<string, string>> {
  const texts = events.filter(({ type }) => TEXTS.includes(type)).flatMap((raw) => readable(raw, decode));
  const facts = await log.guardFields(
    stream,
    'messages',
    texts.map(({ data }) => data.message_id),
  );
  return new Map(
    texts.flatMap((event, i) => {
      if (!parseMessageFacts(facts[i]!)?.isDeleted) return [];
      return [[event.id, JSON.stringify({ ...event, data: emptied(event.data) })] as const];
    }),
  );
}

/** What cannot be read says nothing to its readers either. */
function readable(raw: RawEvent, decode: Decode) {
  try {
    return [decode(raw) as ReturnType<Decode> & { data: Said }];
  } catch {
    return [];
  }
}

function emptied(data: Said): object {
  const rest = { ...data, content: '', mentions: [], mentions_all: false };
  if (!('metadata' in rest)) return rest;
  const { forwarded_from: _forwarded, ...sent } = rest;
  return { ...sent, attachments: [], metadata: {} };
}
