/**
 * Receipts and `read_status` against a model that only knows the log: whatever a few people send, mark, mark unread, join and leave, who
 * has got what and when is what the events say, now and back in time.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { ulid } from 'ulid';
import { RawJson } from '../src/chat/feature.ts';
import { chat } from '../src/chat/index.ts';
import type { Chat } from '../src/chat/index.ts';
import { readConfig } from '../src/config.ts';
import type { ChatEvent } from '../src/envelope.ts';
import { ChatError } from '../src/errors.ts';
import { Views } from '../src/views/store.ts';
import { SECRET_KEY } from './support/accounts.ts';
import { decode, rawLog } from './support/folds.ts';
import { Room, setClock } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

type Act = (room: Room, n: number) => Promise<unknown>;
const who = fc.integer({ min: 1, max: 5 });
const back = fc.integer({ min: 0, max: 6 });
const on = (act: (room: Room, actor: number, n: number) => Promise<unknown>): fc.Arbitrary<Act> =>
  fc.tuple(who, back).map(
    ([actor, steps]): Act =>
      (room, n) =>
        act(room, actor, Math.max(0, n - steps)),
  );
const acts = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: who.map(
        (actor): Act =>
          (room, n) =>
            room.send(actor, n),
      ),
    },
    { weight: 4, arbitrary: on((room, actor, n) => room.read(actor, n)) },
    { weight: 4, arbitrary: on((room, actor, n) => room.delivered(actor, n)) },
    {
      weight: 1,
      arbitrary: who.map(
        (actor): Act =>
          (room) =>
            room.read(actor),
      ),
    },
    { weight: 2, arbitrary: on((room, actor, n) => room.markUnread(actor, n)) },
    { weight: 1, arbitrary: on((room, actor, n) => room.takeBack(actor, n)) },
    {
      weight: 1,
      arbitrary: who.map(
        (actor): Act =>
          (room) =>
            room.join(actor),
      ),
    },
    {
      weight: 1,
      arbitrary: who.map(
        (actor): Act =>
          (room) =>
            room.leave(actor),
      ),
    },
  ),
  { minLength: 4, maxLength: 40 },
);

interface Sent {
  readonly message: string;
  readonly sender: string;
  readonly seq: number;
}
interface Receipt {
  user_id: string;
  delivered_at: string;
  read_at: string | null;
}
const upToSeq = ({ data }: ChatEvent): number => Number((data as { up_to: string }).up_to.split('-')[1]);

/** Who is in after these events, each with the seq of the event by which they came in, in that order. */
function members(events: readonly ChatEvent[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { type, seq, data } of events) {
    const { participants = [], user_id = '' } = data as { participants?: { user_id: string }[]; user_id?: string };
    for (const participant of participants) found.set(participant.user_id, seq);
    if (type === 'participant.added') found.set(user_id, seq);
    if (type === 'participant.removed') found.delete(user_id);
  }
  return found;
}

/** How far an event says that its actor is; nothing for most. */
function marksBy(event: ChatEvent): { delivered: number; read: number } {
  if (event.type === 'message.sent') return { delivered: event.seq, read: event.seq };
  if (event.type === 'receipt.read') return { delivered: upToSeq(event), read: upToSeq(event) };
  return { delivered: event.type === 'receipt.delivered' ? upToSeq(event) : 0, read: 0 };
}

function receiptsOf({ sender, seq }: Sent, events: readonly ChatEvent[]): Receipt[] {
  const later = events.filter((event) => event.seq > seq);
  return [...members(events)].flatMap(([user_id, joined]) => {
    if (user_id === sender || joined > seq) return [];
    const own = later.filter((event) => event.actor_id === user_id);
    const delivered_at = own.find((event) => marksBy(event).delivered >= seq)?.at;
    const read_at = own.find((event) => marksBy(event).read >= seq)?.at ?? null;
    return delivered_at === undefined ? [] : [{ user_id, delivered_at, read_at }];
  });
}

function statusOf({ sender, seq }: Sent, events: readonly ChatEvent[]): string {
  const others = [...members(events)].filter(([id]) => id !== sender);
  const isPast = (mark: 'delivered' | 'read') =>
    others.length > 0 &&
    others.every(
      ([id, joined]) =>
        joined > seq || events.some((e) => e.actor_id === id && marksBy(e)[mark] >= seq && e.seq > joined),
    );
  return isPast('read') ? 'read' : isPast('delivered') ? 'delivered' : 'sent';
}

describe('receipts by a model', () => {
  const world = useWorld();
  let product: Chat;
  let rooms = 0;
  beforeEach(() => {
    product = chat(world.log, new Views(world.log), readConfig({ SECRET_KEY }));
  });

  async function ask(name: string, userId: string, data: object): Promise<Record<string, unknown>> {
    const context = {
      caller: { userId, sessionId: '' },
      requestId: undefined,
      now: 0,
      newId: ulid,
      ip: '',
      userAgent: '',
    };
    const answer = await product.door.query(name, context, data);
    return (answer instanceof RawJson ? JSON.parse(answer.json.toString()) : answer) as Record<string, unknown>;
  }

  it('are what the log says of who is in, now and then', async () => {
    const property = fc.asyncProperty(acts, fc.integer({ min: 0, max: 100 }), async (all, percent) => {
      const room = new Room(world, (rooms += 1));
      await room.create({ kind: 'channel', roles: ['owner', 'member', 'member'] });
      for (const [n, act] of all.entries()) {
        if (n % 2 === 0) await setClock(world, room.stream, Date.now() + rooms * 100_000 + n * 3);
        await act(room, n).catch((error: unknown) => {
          if (!(error instanceof ChatError)) throw error;
        });
      }
      const events = (await rawLog(world.log, room.stream)).map(decode);
      const sent = events
        .filter(({ type }) => type === 'message.sent')
        .map(({ actor_id, seq, data }) => ({
          sender: actor_id,
          seq,
          message: (data as { message_id: string }).message_id,
        }));
      const reader = [...members(events).keys()][0];
      if (reader === undefined) return;
      const conversation_id = room.stream.id;
      const then = events[Math.floor((percent / 100) * (events.length - 1))]!;
      const past = events.filter(({ seq }) => seq <= then.seq);
      for (const one of sent) {
        const data = { conversation_id, message_id: one.message };
        expect((await ask('receipts.list', reader, data))['items']).to.deep.equal(receiptsOf(one, events));
        if (one.seq > then.seq) continue;
        const before = await ask('receipts.list', reader, { ...data, as_of: then.id });
        expect(before['items'], `as of ${then.id}`).to.deep.equal(receiptsOf(one, past));
      }
      for (const id of members(events).keys()) {
        const page = await ask('messages.list', id, { conversation_id, limit: 100 });
        const shown = (page['items'] as { id: string; read_status?: string }[]).map((m) => [m.id, m.read_status]);
        const own = sent.filter(({ sender }) => sender === id).map((one) => [one.message, statusOf(one, events)]);
        expect(shown.filter(([, status]) => status !== undefined).toReversed()).to.deep.equal(own);
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
