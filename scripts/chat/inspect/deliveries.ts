/** Whom an event of a conversation has reached: members by their marks, devices by theirs, webhooks by their deliveries. */
import { parseMemberWords } from '../../../src/chat/member-words.ts';
import { parseDelivery } from '../../../src/chat/webhooks/stored.ts';
import { eventId } from '../../../src/envelope.ts';
import type { RawEvent } from '../../../src/envelope.ts';
import { userStream } from '../../../src/keys.ts';
import type { StreamRef } from '../../../src/keys.ts';
import { seqOf } from '../../../src/log/log.ts';
import type { Log } from '../../../src/log/log.ts';
import { table, time } from '../printing.ts';

export interface Deliveries {
  readonly members: readonly MemberMark[];
  readonly devices: readonly { user_id: string; device: string; reached: string; has: boolean }[];
  readonly webhooks: readonly {
    owner: string;
    webhook_id: string;
    state: string;
    tries: number;
    result: string | null;
  }[];
  /** Members of a large conversation whose devices and webhooks were not looked at. */
  readonly not_looked_at: number;
}

interface MemberMark {
  readonly user_id: string;
  readonly delivered: boolean;
  readonly read: boolean;
  /** When this member was sent or read anything last. */
  readonly last_delivered_at: string | null;
  readonly last_read_at: string | null;
}

const MOST_MEMBERS = 200;
const MOST_SHOWN = 20;

export async function deliveriesOf(log: Log, stream: StreamRef, event: RawEvent): Promise<Deliveries> {
  const { seq } = eventId(event.id);
  const members = Object.entries(await log.guardAll(stream, 'members')).map(([user_id, value]): MemberMark => {
    const { delivered, upTo, deliveredAt, readAt } = parseMemberWords(value);
    return {
      user_id,
      delivered: Number(delivered) >= seq,
      read: seqOf(upTo) >= seq,
      last_delivered_at: momentOf(deliveredAt),
      last_read_at: momentOf(readAt),
    };
  });
  const looked = members.slice(0, MOST_MEMBERS);
  const each = await Promise.all(
    looked.map(async ({ user_id }) => {
      const user = userStream(user_id);
      const [devices, webhooks] = await Promise.all([log.guardAll(user, 'devices'), log.guardAll(user, 'deliveries')]);
      return { user_id, devices, webhooks };
    }),
  );
  return {
    members,
    devices: each.flatMap(({ user_id, devices }) =>
      Object.entries(devices).flatMap(([name, reached]) => {
        const [device = '', of] = name.split(' ');
        return of === stream.id ? [{ user_id, device, reached, has: seqOf(reached) >= seq }] : [];
      }),
    ),
    webhooks: each.flatMap(({ user_id, webhooks }) =>
      Object.values(webhooks)
        .map(parseDelivery)
        .filter((delivery) => delivery.conversation_id === stream.id && delivery.event_id === event.id)
        .map(({ webhook_id, state, tries, result }) => ({ owner: user_id, webhook_id, state, tries, result })),
    ),
    not_looked_at: members.length - looked.length,
  };
}

export function deliveryTables({ members, devices, webhooks, not_looked_at: rest }: Deliveries): string {
  const count = (holds: (member: MemberMark) => boolean) => members.filter(holds).length;
  const sum = `delivered to ${count((m) => m.delivered)} and read by ${count((m) => m.read)} of ${members.length} members\n`;
  const yes = (is: boolean) => (is ? 'yes' : 'no');
  return [
    `${sum}${table(
      ['member', 'delivered', 'read', 'last delivery', 'last reading'],
      members
        .slice(0, MOST_SHOWN)
        .map((m) => [m.user_id, yes(m.delivered), yes(m.read), m.last_delivered_at, m.last_read_at]),
    )}`,
    table(
      ['device of', 'device', 'has it', 'reached'],
      devices.slice(0, MOST_SHOWN).map(({ user_id, device, has, reached }) => [user_id, device, yes(has), reached]),
    ),
    table(
      ['webhook of', 'webhook', 'state', 'tries', 'result'],
      webhooks.map(({ owner, webhook_id, state, tries, result }) => [owner, webhook_id, state, tries, result]),
    ),
    rest > 0 ? `devices and webhooks of ${rest} more members were not looked at\n` : '',
  ]
    .filter(Boolean)
    .join('\n');
}

/** Marks that were never made have no time. */
const momentOf = (word: string | undefined): string | null => {
  const ms = Number(word);
  return Number.isFinite(ms) && ms > 0 ? time(ms) : null;
};
