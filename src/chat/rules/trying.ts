/** What rules would have refused of what was written: looks at logs, and changes nothing. */
import type { ChatEvent, Decode } from '../../envelope.ts';
import { START } from '../../envelope.ts';
import type { StreamRef } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { MessageEdited, MessageSent } from '../messages/contract.ts';
import type { MessageEditedData, MessageSentData } from '../messages/contract.ts';
import type { Broken, Check } from './check.ts';

/** A text that would have been refused. */
export interface Refused {
  readonly conversation_id: string;
  readonly event_id: string;
  readonly message_id: string;
  readonly sender_id: string;
  readonly at: string;
  readonly rule: Broken['rule'];
  readonly content: string;
}

/** Texts of a conversation, and those that would have been refused, in their order, a page at a time. */
export async function* tryRules(
  { log, decode }: { log: Log; decode: Decode },
  stream: StreamRef,
  check: Check,
): AsyncGenerator<{ texts: number; refused: Refused[] }> {
  for await (const page of log.readAll(stream, START)) {
    const written = page.filter(({ type }) => type === MessageSent.type || type === MessageEdited.type);
    const refused = written.flatMap((raw): Refused[] => {
      const event = decode(raw) as ChatEvent<MessageSentData | MessageEditedData>;
      const { message_id, content, mentions, mentions_all } = event.data;
      const broken = check({ content, mentions: mentions.length + (mentions_all ? 1 : 0) });
      if (!broken) return [];
      const { id: event_id, actor_id: sender_id, at } = event;
      return [{ conversation_id: stream.id, event_id, message_id, sender_id, at, rule: broken.rule, content }];
    });
    yield { texts: written.length, refused };
  }
}
