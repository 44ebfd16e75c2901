/** What follows an event in other slots, where one of those cannot be written just now. */
import { expect } from 'chai';
import sinon from 'sinon';
import { membershipsOf } from '../../src/chat/conversations/memberships.ts';
import { events } from '../../src/chat/index.ts';
import { fail } from '../../src/errors.ts';
import { userStream } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { codeOf, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

describe('lists of conversations that cannot be written', () => {
  const world = useWorld();
  afterEach(() => sinon.restore());

  it('of others take no answer away, and the own one leaves it in doubt', async () => {
    const room = new Room(world, 1);
    const { id } = await room.create({ kind: 'channel', roles: ['owner', 'member'] });
    const append = sinon.stub(world.log, 'append').callThrough();
    append
      .withArgs(sinon.match({ stream: sinon.match({ id: user(2) }) } as Partial<Log>))
      .rejects(fail('unavailable', 'its server is gone'));
    const conversationId = room.stream.id;
    const joined = [2, 1].map((n) => ({ userId: user(n), conversationId, change: 'joined' as const }));
    const memberships = membershipsOf(world.log, events);
    await memberships.record(joined, id, user(1));
    expect(await world.log.guardField(userStream(user(1)), 'conversations', conversationId)).to.equal(`${id} joined`);
    expect(await codeOf(memberships.record(joined, id, user(2)))).to.equal('unknown_outcome');
  });
});
