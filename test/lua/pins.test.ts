/** The scripts that pin messages and take the pins away, against their headers. */
import { expect } from 'chai';
import { parsePins } from '../../src/chat/pins/guard.ts';
import { message, request, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;
const MOST = 50;

describe('scripts of pins', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member'] });
    for (const n of [1, 2, 3]) await room.send(3, n);
  });
  const pins = async () => parsePins((await room.guard('head', 'pins')) ?? '');
  const event = (type: string, n: number): [string, unknown][] => [[type, { message_id: message(n) }]];

  /** Both are for the same people. */
  function isForWhomThePolicyLets(run: (actor: number, n: number) => ReturnType<Room['pin']>): void {
    it('is for members, or for owner and admins, as the policy has it', async () => {
      await room.update(1, { policy: { pin: 'admins' } }, { policy: '= = = admins' });
      expect(await room.refusal(() => run(3, 1))).to.equal('forbidden');
      for (const actor of [1, 2]) expect((await run(actor, actor)).status).to.equal('ok');
      await room.update(1, { policy: { pin: 'members' } }, { policy: '= = = members' });
      expect((await run(3, 3)).status).to.equal('ok');
    });

    it('is not for who is not in, nor for what is not there, nor where the conversation is gone', async () => {
      expect(await room.refusal(() => run(OUTSIDER, 1))).to.equal('not_found');
      expect(await room.refusal(() => run(1, 77))).to.equal('not_found');
      await room.delete(1);
      expect(await room.refusal(() => run(1, 1))).to.equal('not_found');
    });
  }

  describe('message.pin', () => {
    isForWhomThePolicyLets((actor, n) => room.pin(actor, n));

    it('says which message, and remembers them in the order of pinning', async () => {
      const members = await world.log.guardAll(room.stream, 'members');
      await room.appends(() => room.pin(3, 2), event('message.pinned', 2));
      await room.appends(() => room.pin(1, 1), event('message.pinned', 1));
      expect(await pins()).to.deep.equal([message(2), message(1)]);
      expect(await world.log.guardAll(room.stream, 'members')).to.deep.equal(members);
      expect(await room.guard('head', 'messages')).to.equal('3');
    });

    it('twice changes nothing, whoever it is', async () => {
      await room.pin(3, 1);
      for (const actor of [3, 1])
        expect((await room.changesNothing(() => room.pin(actor, 1))).status).to.equal('unchanged');
    });

    it('takes fifty of a conversation, and one more once one of them is gone', async () => {
      for (let n = 10; n < 10 + MOST; n += 1) {
        await room.send(1, n);
        await room.pin(1, n);
      }
      expect(await pins()).to.have.length(MOST);
      expect(await room.refusal(() => room.pin(1, 1))).to.equal('conflict');
      expect((await room.changesNothing(() => room.pin(1, 10))).status).to.equal('unchanged');
      await room.unpin(1, 30);
      expect((await room.pin(1, 1)).status).to.equal('ok');
      expect(await room.refusal(() => room.pin(1, 2))).to.equal('conflict');
      await room.takeBack(1, 20);
      expect((await room.pin(1, 2)).status).to.equal('ok');
      const left = Array.from({ length: MOST }, (_, i) => 10 + i).filter((n) => n !== 20 && n !== 30);
      expect(await pins()).to.deep.equal([...left, 1, 2].map(message));
    });

    it('is not for what was deleted, which loses its pin', async () => {
      for (const n of [1, 2, 3]) await room.pin(1, n);
      await room.appends(() => room.takeBack(3, 2), event('message.deleted', 2));
      expect(await pins()).to.deep.equal([message(1), message(3)]);
      expect(await room.refusal(() => room.pin(1, 2))).to.equal('not_found');
      expect((await room.changesNothing(() => room.unpin(1, 2))).status).to.equal('unchanged');
    });

    it('answers the first event to the same request', async () => {
      const again = (n: number) => room.pin(3, n, { requestId: request(1), body: n });
      const { id } = await again(1);
      expect(await room.changesNothing(() => again(1))).to.deep.equal({ status: 'duplicate', id });
      await room.unpin(3, 1);
      expect(await room.changesNothing(() => again(1))).to.deep.equal({ status: 'duplicate', id });
      expect(await room.refusal(() => again(2))).to.equal('conflict');
    });

    it('in a direct conversation is for both', async () => {
      const direct = new Room(world, 2);
      await direct.create({ kind: 'direct', name: null, roles: ['member', 'member'] });
      await direct.send(1, 1);
      expect((await direct.pin(2, 1)).status).to.equal('ok');
      expect((await direct.unpin(1, 1)).status).to.equal('ok');
      expect(await direct.events()).to.deep.include(['message.pinned', { message_id: message(1) }]);
      expect((await direct.log()).at(-1)!.event).to.include(`"actor_id":"${user(1)}"`);
    });
  });

  describe('message.unpin', () => {
    beforeEach(async () => {
      for (const n of [1, 2, 3]) await room.pin(1, n);
    });
    isForWhomThePolicyLets((actor, n) => room.unpin(actor, n));

    it('says which message, and forgets it alone', async () => {
      await room.appends(() => room.unpin(3, 2), event('message.unpinned', 2));
      expect(await pins()).to.deep.equal([message(1), message(3)]);
      await room.unpin(3, 1);
      await room.unpin(3, 3);
      expect(await pins()).to.deep.equal([]);
    });

    it('twice changes nothing', async () => {
      await room.unpin(3, 1);
      expect((await room.changesNothing(() => room.unpin(1, 1))).status).to.equal('unchanged');
    });

    it('answers the first event to the same request', async () => {
      const again = () => room.unpin(3, 1, { requestId: request(1), body: 1 });
      const { id } = await again();
      await room.pin(3, 1);
      expect(await room.changesNothing(() => again())).to.deep.equal({ status: 'duplicate', id });
    });
  });
});
