/** Random things that people do in a room, most of which are allowed, for suites that hold what follows against a model. */
import fc from 'fast-check';
import type { Room } from './rooms.ts';

const who = fc.integer({ min: 1, max: 6 });

/** What somebody does in a room; `n` counts what was done there. */
export type Act = (room: Room, n: number) => Promise<unknown>;
const pair = fc.tuple(who, who);
const emoji = fc.constantFrom('\u{1f44d}', '\u{2764}\u{fe0f}');
export const acts = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: who.map(
        (actor): Act =>
          (room, n) =>
            room.send(actor, n),
      ),
    },
    {
      weight: 2,
      arbitrary: pair.map(
        ([actor, back]): Act =>
          (room, n) =>
            room.send(actor, n, 're', { replyTo: Math.max(0, n - back) }),
      ),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(who, fc.string({ unit: 'grapheme' })).map(
        ([back, text]): Act =>
          async (room, n) =>
            room.edit(await room.writerOf(n - back), Math.max(0, n - back), text),
      ),
    },
    {
      weight: 2,
      arbitrary: pair.map(
        ([actor, back]): Act =>
          (room, n) =>
            room.takeBack(actor, Math.max(0, n - back)),
      ),
    },
    {
      weight: 3,
      arbitrary: who.map(
        (actor): Act =>
          (room) =>
            room.join(actor),
      ),
    },
    {
      weight: 3,
      arbitrary: who.map(
        (actor): Act =>
          (room) =>
            room.leave(actor),
      ),
    },
    pair.map(
      ([actor, back]): Act =>
        (room, n) =>
          room.pin(actor, Math.max(0, n - back)),
    ),
    pair.map(
      ([actor, back]): Act =>
        (room, n) =>
          room.unpin(actor, Math.max(0, n - back)),
    ),
    pair.map(
      ([actor, target]): Act =>
        (room) =>
          room.remove(actor, target),
    ),
    pair.map(
      ([actor, target]): Act =>
        (room) =>
          room.changeRole(actor, target, 'admin'),
    ),
    fc.string({ unit: 'grapheme', minLength: 1 }).map(
      (name): Act =>
        (room) =>
          room.rename(1, name),
    ),
    pair.map(
      ([actor, back]): Act =>
        (room, n) =>
          room.read(actor, Math.max(0, n - back)),
    ),
    pair.map(
      ([actor, back]): Act =>
        (room, n) =>
          room.delivered(actor, Math.max(0, n - back)),
    ),
    {
      weight: 3,
      arbitrary: fc.tuple(who, who, emoji).map(
        ([actor, back, one]): Act =>
          (room, n) =>
            room.react(actor, Math.max(0, n - back), one),
      ),
    },
    fc.tuple(who, who, emoji).map(
      ([actor, back, one]): Act =>
        (room, n) =>
          room.unreact(actor, Math.max(0, n - back), one),
    ),
  ),
  { minLength: 1, maxLength: 30 },
);
