/**
 * Each user's own list of conversations, kept on the user's stream, which lies in another slot than the conversation. The same
 * idempotent write is made right after an append, so that the acting user's next read has it, and by the projector, so that a crash in
 * between leaves nothing undone. A high-water mark beside the list refuses what is older.
 */
import type { Decode, RawEvent } from '../envelope.ts';
import { userStream } from '../keys.ts';
import type { Log } from '../log/log.ts';
import type { FeatureEvent, Membership } from './feature.ts';

export interface Inbox {
  /** Brings users' lists up to the event of a conversation that stands at `seq`. */
  record(memberships: readonly Membership[], seq: number, actorId: string): Promise<void>;
  /** The same for every event of a projector's batch that changes who is in. */
  project(events: readonly RawEvent[]): Promise<void>;
}

export function inbox(log: Log, decode: Decode, definitions: readonly FeatureEvent[]): Inbox {
  const changing = new Map(definitions.filter((d) => 'membership' in d).map((d) => [d.type, d]));

  async function record(memberships: readonly Membership[], seq: number, actorId: string): Promise<void> {
    await Promise.all(
      memberships.map(({ userId, conversationId, change }) =>
        log.append({
          script: 'inbox.update',
          stream: userStream(userId),
          actorId,
          knowsRepeats: true,
          args: { conversation: conversationId, seq: String(seq), state: change },
        }),
      ),
    );
  }

  async function project(events: readonly RawEvent[]): Promise<void> {
    for (const raw of events) {
      const definition = changing.get(raw.type);
      if (!definition) continue;
      let memberships: Membership[];
      let actor: string;
      try {
        const event = decode(raw);
        memberships = definition.membership!(event.data as never, raw.stream.id);
        actor = event.actor_id;
      } catch {
        continue; // the views park it, with the reason
      }
      await record(memberships, raw.seq, actor);
    }
  }

  return { record, project };
}

/** Ids of the conversations that a user is in. */
export async function conversationsOf(log: Log, userId: string): Promise<string[]> {
  const all = await log.guardAll(userStream(userId), 'conversations');
  return Object.keys(all).filter((id) => all[id]!.endsWith(' joined'));
}
