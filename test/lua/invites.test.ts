/** The scripts of invites against their headers; the words in which they keep invites; and one invite under a race. */
import { expect } from 'chai';
import { parseInvites } from '../../src/chat/invites/guard.ts';
import { codeOf, invite, request, Room, setClock, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const [OWNER, ADMIN, MEMBER, OUTSIDER] = [1, 2, 3, 9];

describe('scripts of invites', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member'] });
  });
  const kept = async () => parseInvites((await room.guard('head', 'invites')) ?? '');
  const created = (n: number, expires_at: string | null = null, max_uses: number | null = null): [string, unknown] => [
    'invite.created',
    { invite_id: invite(n), expires_at, max_uses },
  ];
  const added = (who: number, n: number): [string, unknown] => [
    'participant.added',
    { user_id: user(who), role: 'member', invite_id: invite(n) },
  ];
  const msOf = (id: string) => Number(id.split('-')[0]);
  const letMembersAdd = () => room.update(OWNER, { policy: { add: 'members' } }, { policy: 'members = = =' });

  describe('invite.create', () => {
    it('keeps who made it, when, and its ends, and puts no secret into the log', async () => {
      const { id } = await room.appends(() => room.invite(ADMIN, 1), [created(1)]);
      const second = await room.invite(OWNER, 2, { expiresIn: 60, maxUses: 3 });
      const ends = msOf(second.id) + 60_000;
      expect((await room.events()).at(-1)).to.deep.equal(created(2, new Date(ends).toISOString(), 3));
      const first = {
        id: invite(1),
        createdBy: user(ADMIN),
        createdAt: msOf(id),
        endsAt: undefined,
        mostUses: undefined,
      };
      expect(await kept()).to.deep.equal([
        { ...first, uses: 0 },
        { id: invite(2), createdBy: user(OWNER), createdAt: msOf(second.id), endsAt: ends, mostUses: 3, uses: 0 },
      ]);
    });

    it('is for who may add people', async () => {
      expect(await room.refusal(() => room.invite(MEMBER, 1))).to.equal('forbidden');
      expect(await room.refusal(() => room.invite(OUTSIDER, 1))).to.equal('not_found');
      await letMembersAdd();
      expect((await room.invite(MEMBER, 1)).status).to.equal('ok');
      await room.delete(OWNER);
      expect(await room.refusal(() => room.invite(OWNER, 2))).to.equal('not_found');
      const direct = new Room(world, 2);
      await direct.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await direct.refusal(() => direct.invite(1, 1))).to.equal('forbidden');
    });

    it('makes a hundred at most, of those that hold', async () => {
      await room.invite(ADMIN, 1, { expiresIn: 1 });
      for (let n = 2; n <= 100; n += 1) await room.invite(ADMIN, n);
      expect(await room.refusal(() => room.invite(ADMIN, 101))).to.equal('conflict');
      await setClock(world, room.stream, Date.now() + 5_000);
      expect((await room.invite(ADMIN, 101)).status).to.equal('ok');
      const ids = (await kept()).map(({ id }) => id);
      expect([ids.length, ids.includes(invite(1)), ids.at(-1)]).to.deep.equal([100, false, invite(101)]);
    });

    it('is done once per request', async () => {
      const once = { requestId: request(1), body: 1 };
      const first = await room.invite(ADMIN, 1, {}, once);
      const again = await room.changesNothing(() => room.invite(ADMIN, 1, {}, once));
      expect(again).to.deep.equal({ ...first, status: 'duplicate' });
      expect(await room.refusal(() => room.invite(ADMIN, 1, {}, { ...once, body: 2 }))).to.equal('conflict');
    });
  });

  describe('invite.accept', () => {
    it('brings in as a member, by its name, and counts', async () => {
      await room.send(OWNER, 1);
      await room.invite(ADMIN, 1, { maxUses: 2 });
      const { id } = await room.appends(() => room.accept(OUTSIDER, 1), [added(OUTSIDER, 1)]);
      expect(await room.guard('members', user(OUTSIDER))).to.equal(`member 4 1 ${id} 4 - - - -`);
      expect((await kept())[0]!.uses).to.equal(1);
      expect((await room.changesNothing(() => room.accept(OUTSIDER, 1))).status).to.equal('unchanged');
      await room.accept(8, 1);
      expect(await kept()).to.deep.equal([]);
      expect(await room.refusal(() => room.accept(7, 1))).to.equal('not_found');
    });

    it('does not hold once it has ended, was revoked or never was, nor where the conversation is gone', async () => {
      await room.invite(ADMIN, 1, { expiresIn: 60 });
      await room.invite(ADMIN, 2);
      await room.revoke(ADMIN, 2);
      for (const n of [2, 3]) expect(await room.refusal(() => room.accept(OUTSIDER, n))).to.equal('not_found');
      const [first] = await kept();
      await setClock(world, room.stream, first!.endsAt! - 1);
      expect((await room.accept(8, 1)).status).to.equal('ok');
      await setClock(world, room.stream, first!.endsAt!);
      expect(await room.refusal(() => room.accept(OUTSIDER, 1))).to.equal('not_found');
      await room.invite(ADMIN, 4);
      await room.delete(OWNER);
      expect(await room.refusal(() => room.accept(OUTSIDER, 4))).to.equal('not_found');
      expect(await room.refusal(() => new Room(world, 5).accept(OUTSIDER, 4))).to.equal('not_found');
    });

    it('helps nobody who is banned, and is not used up by them', async () => {
      await room.invite(ADMIN, 1, { maxUses: 1 });
      await room.ban(ADMIN, OUTSIDER);
      expect(await room.refusal(() => room.accept(OUTSIDER, 1))).to.equal('banned');
      expect((await room.accept(8, 1)).status).to.equal('ok');
    });

    it('is used up exactly so many times when many want it at once, over two nodes', async () => {
      const other = new Room({ log: await world.another() });
      await room.invite(ADMIN, 1, { maxUses: 7 });
      const wanting = Array.from({ length: 40 }, (_, n) => codeOf((n % 2 ? room : other).accept(100 + n, 1)));
      const codes = await Promise.all(wanting);
      expect(codes.filter((code) => code === 'was not refused')).to.have.length(7);
      expect(codes.filter((code) => code === 'not_found')).to.have.length(33);
      expect(await kept()).to.deep.equal([]);
      await room.holds();
    });

    it('is done once per request, also for who has left since', async () => {
      await room.invite(ADMIN, 1);
      const once = { requestId: request(1), body: 1 };
      const first = await room.accept(OUTSIDER, 1, once);
      await room.leave(OUTSIDER);
      const again = await room.changesNothing(() => room.accept(OUTSIDER, 1, once));
      expect(again).to.deep.equal({ ...first, status: 'duplicate' });
    });
  });

  describe('invite.revoke', () => {
    it('ends it, for who made it and for admins; again changes nothing', async () => {
      await letMembersAdd();
      await room.add(OWNER, [4]);
      for (const n of [1, 2]) await room.invite(MEMBER, n);
      await room.appends(() => room.revoke(MEMBER, 1), [['invite.revoked', { invite_id: invite(1) }]]);
      expect(await room.refusal(() => room.revoke(4, 2))).to.equal('forbidden');
      expect(await room.refusal(() => room.revoke(OUTSIDER, 2))).to.equal('not_found');
      expect((await room.revoke(ADMIN, 2)).status).to.equal('ok');
      expect((await room.changesNothing(() => room.revoke(ADMIN, 2))).status).to.equal('unchanged');
      expect(await room.guard('head', 'invites')).to.equal('');
    });
  });
});
