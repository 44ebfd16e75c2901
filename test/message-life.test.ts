/**
 * What history says of messages, against a model that shares nothing with it: three people send, edit and take back in random order, some
 * of it answered, and every message is what was last done to it, now and at any moment before.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { projections } from '../src/chat/index.ts';
import type { Message } from '../src/chat/messages/contract.ts';
import { history } from '../src/chat/messages/history.ts';
import { ChatError } from '../src/errors.ts';
import { Reading } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { decode } from './support/folds.ts';
import { message, Room, user } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

/** What a reader should see of a message. */
interface Seen {
  readonly id: string;
  readonly sender_id: string;
  readonly content: string;
  readonly revision: number;
  readonly is_deleted: boolean;
  readonly reply_to: string | null;
}

type Act = {
  readonly kind: 'send' | 'answer' | 'edit' | 'take back';
  readonly actor: number;
  readonly at: number;
  readonly text: string;
};

const act = fc.record({
  kind: fc.constantFrom<Act['kind']>('send', 'answer', 'edit', 'edit', 'take back'),
  actor: fc.constantFrom(1, 2, 3),
  at: fc.nat({ max: 5 }),
  text: fc.string({ unit: 'grapheme', minLength: 1 }),
});

describe('the life of messages', () => {
  const world = useWorld();
  let rooms = 0;

  const sent = (n: number, actor: number, content: string, reply_to: string | null): Seen => ({
    id: message(n),
    sender_id: user(actor),
    content,
    revision: 1,
    is_deleted: false,
    reply_to,
  });

  /** Does it, and answers what there is to be seen then; the same as before where it must be refused. */
  async function step(room: Room, { kind, actor, at, text }: Act, seen: readonly Seen[]): Promise<readonly Seen[]> {
    const n = seen.length;
    const place = Math.max(0, n - 1 - at);
    const target = seen[place];
    const refused = async (work: Promise<unknown>, code: string) => {
      const error: unknown = await work.then(
        () => undefined,
        (e: unknown) => e,
      );
      expect((error as ChatError | undefined)?.code, `${kind} by ${actor}`).to.equal(code);
      return seen;
    };
    if (kind === 'send' || (kind === 'answer' && !target)) {
      await room.send(actor, n, text);
      return [...seen, sent(n, actor, text, null)];
    }
    if (kind === 'answer') {
      const work = room.send(actor, n, text, { replyTo: place });
      if (target!.is_deleted) return refused(work, 'not_found');
      await work;
      return [...seen, sent(n, actor, text, message(place))];
    }
    const mine = target?.sender_id === user(actor);
    if (kind === 'edit') {
      const work = room.edit(actor, place, text);
      if (!target || target.is_deleted) return refused(work, 'not_found');
      if (!mine) return refused(work, 'forbidden');
      await work;
      return seen.with(place, { ...target, content: text, revision: target.revision + 1 });
    }
    const work = room.takeBack(actor, place);
    if (!target) return refused(work, 'not_found');
    // User 1 owns the room, 2 and 3 are members.
    if (!mine && actor !== 1) return refused(work, 'forbidden');
    await work;
    return seen.with(place, { ...target, content: '', is_deleted: true });
  }

  it('is what was done to them, now and back in time', async () => {
    const reading = new Reading({ log: world.log, views: new Views(world.log), decode, projections });
    const look = async (room: Room, asOf?: string): Promise<Seen[]> => {
      const rows = await reading.page(history, room.stream, { direction: 'up', limit: 100 }, asOf);
      return rows
        .map(({ json }) => JSON.parse(json.toString()) as Message)
        .filter(({ message_type }) => message_type !== 'system')
        .map(({ id, sender_id, content, revision, is_deleted, reply_to }) => ({
          id,
          sender_id,
          content,
          revision,
          is_deleted,
          reply_to,
        }));
    };
    const property = fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
      const room = new Room(world, (rooms += 1));
      await room.create();
      const moments: { id: string; seen: readonly Seen[] }[] = [];
      let seen: readonly Seen[] = [];
      for (const one of acts) {
        seen = await step(room, one, seen);
        moments.push({ id: (await room.guard('head', 'id'))!, seen });
      }
      expect(await look(room)).to.deep.equal(seen);
      for (const moment of moments) expect(await look(room, moment.id)).to.deep.equal(moment.seen);
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
