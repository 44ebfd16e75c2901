/**
 * Which webhooks an event is for: a reactor, so never in the way of a send. Each partition has the list of those who want to hear of its
 * conversations, and a count of its changes, so that an event of which nobody wants to hear costs one small read. Who made a webhook must
 * be in the conversation; whether they may see this event is asked when it is delivered.
 */
import { conversationStream, userStream } from '../../keys.ts';
import type { StreamRef } from '../../keys.ts';
import type { ChatEvent, RawEvent } from '../../envelope.ts';
import type { Deps, Reactor } from '../feature.ts';
import { HOOK_EVENTS } from './contract.ts';
import { aboutText, deliveryId, parseWish } from './stored.ts';
import type { Wish } from './stored.ts';

interface Known {
  readonly version: string | null;
  readonly wishes: readonly Wish[];
}

export function enqueuing({ log }: Deps): Reactor {
  /** By partition. */
  const known = new Map<number, Known>();
  const asking = new Map<number, Promise<readonly Wish[]>>();

  /** Events of one batch are asked about side by side, and were all there before the first question: one answer does for all. */
  function wishesIn(stream: StreamRef): Promise<readonly Wish[]> {
    const partition = log.keys.partitionOf(stream.id);
    const asked = asking.get(partition) ?? ask(stream, partition).finally(() => asking.delete(partition));
    asking.set(partition, asked);
    return asked;
  }

  async function ask(stream: StreamRef, partition: number): Promise<readonly Wish[]> {
    const version = await log.guardField(stream, 'hooked', 'version');
    let here = known.get(partition);
    if (!here || here.version !== version) {
      // The count is of the same moment as the list.
      const { version: then = null, ...all } = await log.guardAll(stream, 'hooked');
      here = { version: then, wishes: Object.entries(all).map(([id, value]) => parseWish(id, value)) };
      known.set(partition, here);
    }
    return here.wishes;
  }

  const isFor = ({ conversation, types }: Wish, { type, stream }: Pick<RawEvent, 'type' | 'stream'>): boolean =>
    (conversation === undefined || conversation === stream.id) && types.includes(type);

  return {
    name: 'webhooks',
    since: 'now',
    types: HOOK_EVENTS,
    async sift(events) {
      const wishes = await wishesIn(events[0]!.stream);
      return events.filter((event) => wishes.some((wish) => isFor(wish, event)));
    },
    async react({ id: event_id, type: event_type }: ChatEvent, stream) {
      const wishes = (await wishesIn(stream)).filter((wish) => isFor(wish, { type: event_type, stream }));
      if (wishes.length === 0) return;
      const owners = wishes.map(({ owner }) => owner);
      const members = await log.guardFields(conversationStream(stream.id), 'members', owners);
      const about = { conversation_id: stream.id, event_id, event_type };
      for (const [i, { webhook, owner }] of wishes.entries()) {
        if (members[i] === null) continue;
        const args = { webhook, delivery: deliveryId(webhook, about), about: aboutText(about) };
        const [status] = await log.run('webhook.enqueue', userStream(owner), args);
        // One that was deleted while this partition could not be told.
        if (status === 'gone')
          await log.runAt('webhook.enlist', log.keys.partitionOf(stream.id), { webhook, wish: '' });
      }
    },
  };
}
