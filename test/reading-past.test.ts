/** Reads of what was long ago take neither the processor nor the memory from everyone else. */
import { expect } from 'chai';
import { projections } from '../src/chat/index.ts';
import { history } from '../src/chat/messages/history.ts';
import type { ChatError } from '../src/errors.ts';
import { Reading } from '../src/views/reading.ts';
import { Views } from '../src/views/store.ts';
import { decode } from './support/folds.ts';
import { Room } from './support/rooms.ts';
import { useWorld } from './support/world.ts';

describe('the past', () => {
  const world = useWorld();

  it('folds few pasts at once, shares equal ones, and refuses what would wait too long', async () => {
    const limits = { atOnce: 1, waiting: 1 };
    const few = new Reading({ log: world.log, views: new Views(world.log), decode, projections, limits });
    const room = new Room(world, 1);
    await room.create({ kind: 'channel', roles: ['owner'] });
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push((await room.send(1, n)).id);
    const range = { direction: 'down', limit: 10 } as const;
    const ask = (id: string) => few.page(history, room.stream, range, id).then((rows) => rows.length);
    const asked = await Promise.allSettled([ids[0]!, ids[0]!, ids[0]!, ids[1]!, ids[2]!, ids[3]!].map(ask));
    const outcomes = asked.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as ChatError).code));
    expect(outcomes).to.deep.equal([2, 2, 2, 3, 'unavailable', 'unavailable']);
    expect(await ask(ids[3]!)).to.equal(5);
  });
});
