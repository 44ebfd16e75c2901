/**
 * Each user's own list of conversations, kept on the user's stream, which lies in another slot than the conversation. The same
 * idempotent write is made right after an append, so that the acting user's next read has it, and by the projector, so that a crash in
 * between leaves nothing undone. A high-water mark beside the list refuses what is older.
 */
import type { Context, Decode, RawEvent } from '../../envelope.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { seqOf } from '../../log/log.ts';
import { standings } from '../access.ts';
import type { FeatureEvent, Membership } from '../feature.ts';
import type { Memberships } from '../services.ts';

export function membershipsOf(log: Log, decode: Decode, definitions: readonly FeatureEvent[]): Memberships {
  const changing = new Map(definitions.filter((d) => 'membership' in d).map((d) => [d.type, d]));

  async function record(changes: readonly Membership[], seq: number, actorId: string): Promise<void> {
    await Promise.all(
      changes.map(({ userId, conversationId, change }) =>
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
      let changes: Membership[];
      let actor: string;
      try {
        const event = decode(raw);
        changes = definition.membership!(event.data as never, raw.stream.id);
        actor = event.actor_id;
      } catch {
        continue; // the views park it, with the reason
      }
      await record(changes, raw.seq, actor);
    }
  }

  async function of(userId: string): Promise<string[]> {
    const all = await log.guardAll(userStream(userId), 'conversations');
    return Object.keys(all).filter((id) => all[id]!.endsWith(' joined'));
  }

  async function leaveAll({ caller: { userId } }: Context): Promise<void> {
    const ids = await of(userId);
    const found = await standings(log, userId, ids);
    const leaving = ids.filter((_, i) => found[i]?.member && found[i].kind !== 'direct');
    await Promise.all(
      leaving.map(async (id) => {
        const stream = conversationStream(id);
        const appended = await log.append({ script: 'conversation.leave', stream, actorId: userId, args: {} });
        await record([{ userId, conversationId: id, change: 'left' }], seqOf(appended.id), userId);
      }),
    );
  }

  return { of, record, project, leaveAll };
}
