/** The scripts of participants against their headers. Who may do what to whom is asked for every pair of roles. */
import { expect } from 'chai';
import type { ChatError } from '../../src/errors.ts';
import { request, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;
const OWNER = 1;
const ADMIN = 2;
const MEMBER = 3;
const ROLES = ['owner', 'admin', 'member', 'admin', 'member'];

describe('scripts of participants', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(() => {
    room = new Room(world);
  });
  const added = (n: number, role = 'member'): [string, unknown] => ['participant.added', { user_id: user(n), role }];
  const removed = (n: number): [string, unknown] => ['participant.removed', { user_id: user(n), reason: 'removed' }];
  const changed = (n: number, role: string): [string, unknown] => [
    'participant.role_changed',
    { user_id: user(n), role },
  ];
  const outcome = (work: () => Promise<{ status: string }>): Promise<string> =>
    work().then(
      ({ status }) => status,
      (error: ChatError) => error.code,
    );

  describe('participant.add', () => {
    it('brings in who is not in yet, one event each, with nothing unread', async () => {
      await room.create({ roles: ROLES });
      await room.send(MEMBER, 1);
      const { id } = await room.appends(() => room.add(ADMIN, [7, MEMBER, 8]), [added(7), added(8)]);
      expect(await room.guard('members', user(7))).to.match(/^member 3 1 \d+-3 3 - - - -$/);
      expect(await room.guard('members', user(8))).to.equal(`member 4 1 ${id} 4 - - - -`);
    });

    it('changes nothing when all are in', async () => {
      await room.create({ roles: ROLES });
      const answer = await room.changesNothing(() => room.add(OWNER, [MEMBER, ADMIN], 'admin'));
      expect(answer).to.deep.equal({ status: 'unchanged', id: '' });
      expect(await room.member(MEMBER)).to.equal('member');
    });

    it('does not do later what a request found done', async () => {
      await room.create({ roles: ROLES });
      const once = { requestId: request(1), body: 'add' };
      expect((await room.add(OWNER, [MEMBER], 'member', once)).status).to.equal('unchanged');
      await room.remove(OWNER, MEMBER);
      const again = await room.changesNothing(() => room.add(OWNER, [MEMBER], 'member', once));
      expect(again).to.deep.equal({ status: 'unchanged', id: '' });
      expect(await room.refusal(() => room.add(OWNER, [MEMBER], 'member', { ...once, body: 'x' }))).to.equal(
        'conflict',
      );
    });

    it('adds a name that stands twice once', async () => {
      await room.create();
      await room.appends(() => room.add(OWNER, [7, 7]), [added(7)]);
    });

    it('is for admins, or for everyone, as the policy says; roles come from the owner', async () => {
      await room.create({ roles: ROLES });
      expect(await room.refusal(() => room.add(MEMBER, [7]))).to.equal('forbidden');
      expect(await room.refusal(() => room.add(ADMIN, [7], 'admin'))).to.equal('forbidden');
      expect(await room.refusal(() => room.add(OUTSIDER, [7]))).to.equal('not_found');
      await room.appends(() => room.add(OWNER, [7], 'admin'), [added(7, 'admin')]);
      await room.update(OWNER, {}, { policy: 'members = = =' });
      await room.appends(() => room.add(MEMBER, [8]), [added(8)]);
      expect(await room.refusal(() => room.add(MEMBER, [9], 'admin'))).to.equal('forbidden');
    });

    it('leaves a direct conversation between two', async () => {
      expect(await room.refusal(() => room.add(1, [3]))).to.equal('not_found');
      await room.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await room.refusal(() => room.add(1, [3]))).to.equal('forbidden');
    });

    it('is done once per request, whose answer is the last event', async () => {
      await room.create();
      const again = { requestId: request(1), body: [7, 8] };
      const first = await room.add(OWNER, [7, 8], 'member', again);
      expect(first.id).to.match(/-3$/);
      await room.leave(7);
      expect(await room.changesNothing(() => room.add(OWNER, [7, 8], 'member', again))).to.deep.equal({
        ...first,
        status: 'duplicate',
      });
      expect(await room.refusal(() => room.add(OWNER, [7], 'member', { ...again, body: [7] }))).to.equal('conflict');
    });
  });

  describe('participant.remove', () => {
    it('takes a member out', async () => {
      await room.create({ roles: ROLES });
      await room.appends(() => room.remove(ADMIN, MEMBER), [removed(MEMBER)]);
      expect(await room.member(MEMBER)).to.equal(undefined);
      expect(await room.refusal(() => room.remove(ADMIN, MEMBER))).to.equal('not_found');
    });

    // [who acts, on whom] → the answer; 4 and 5 are a second admin and a second member.
    const matrix: Record<string, string> = {
      '1 2': 'ok',
      '1 3': 'ok',
      '1 9': 'not_found',
      '2 1': 'forbidden',
      '2 4': 'forbidden',
      '2 3': 'ok',
      '3 1': 'forbidden',
      '3 2': 'forbidden',
      '3 5': 'forbidden',
      '9 3': 'not_found',
    };
    it('asks the roles of both', async () => {
      for (const [pair, expected] of Object.entries(matrix)) {
        const fresh = new Room(world, Object.keys(matrix).indexOf(pair) + 10);
        await fresh.create({ roles: ROLES });
        const [actor, target] = pair.split(' ').map(Number);
        const work = () => fresh.remove(actor!, target!);
        if (expected === 'ok') await fresh.appends(work, [removed(target!)]);
        else expect(await fresh.refusal(work), pair).to.equal(expected);
      }
    });

    it('takes nobody out of a direct conversation', async () => {
      await room.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await room.refusal(() => room.remove(1, 2))).to.equal('forbidden');
    });

    it('is done once per request, also when the user came back', async () => {
      await room.create({ kind: 'channel' });
      const again = { requestId: request(1), body: 2 };
      const first = await room.remove(OWNER, 2, again);
      await room.join(2);
      expect(await room.changesNothing(() => room.remove(OWNER, 2, again))).to.deep.equal({
        ...first,
        status: 'duplicate',
      });
      expect(await room.refusal(() => room.remove(OWNER, 3, { ...again, body: 3 }))).to.equal('conflict');
    });
  });

  describe('participant.change_role', () => {
    beforeEach(() => room.create({ roles: ROLES }));

    it('gives a role and takes it back', async () => {
      await room.appends(() => room.changeRole(OWNER, MEMBER, 'admin'), [changed(MEMBER, 'admin')]);
      await room.appends(() => room.changeRole(OWNER, MEMBER, 'member'), [changed(MEMBER, 'member')]);
    });

    it('hands the conversation over in one step: there is one owner at any time', async () => {
      const { id } = await room.appends(
        () => room.changeRole(OWNER, MEMBER, 'owner'),
        [changed(OWNER, 'admin'), changed(MEMBER, 'owner')],
      );
      expect((await room.log()).at(-1)?.id).to.equal(id);
      expect([await room.member(OWNER), await room.member(MEMBER)]).to.deep.equal(['admin', 'owner']);
      expect(await room.refusal(() => room.changeRole(OWNER, ADMIN, 'member'))).to.equal('forbidden');
    });

    it('keeps the read mark of both', async () => {
      await room.send(MEMBER, 1);
      const marks = async () =>
        Promise.all([OWNER, MEMBER].map(async (n) => (await room.guard('members', user(n)))!.split(' ').slice(1)));
      const before = await marks();
      await room.changeRole(OWNER, MEMBER, 'owner');
      expect(await marks()).to.deep.equal(before);
    });

    it('changes nothing when the role is there', async () => {
      for (const [n, role] of [
        [MEMBER, 'member'],
        [ADMIN, 'admin'],
        [OWNER, 'owner'],
      ] as const) {
        const answer = await room.changesNothing(() => room.changeRole(OWNER, n, role));
        expect(answer).to.deep.equal({ status: 'unchanged', id: '' });
      }
    });

    it('does not do later what a request found done', async () => {
      await room.create({ roles: ROLES });
      const once = { requestId: request(1), body: 'role' };
      expect((await room.changeRole(OWNER, MEMBER, 'member', once)).status).to.equal('unchanged');
      await room.changeRole(OWNER, MEMBER, 'admin');
      await room.changesNothing(() => room.changeRole(OWNER, MEMBER, 'member', once));
      expect(await room.member(MEMBER)).to.equal('admin');
    });

    it('is for the owner, who may not give the own role up', async () => {
      expect(await room.refusal(() => room.changeRole(ADMIN, MEMBER, 'admin'))).to.equal('forbidden');
      expect(await room.refusal(() => room.changeRole(MEMBER, MEMBER, 'owner'))).to.equal('forbidden');
      expect(await room.refusal(() => room.changeRole(OWNER, OWNER, 'admin'))).to.equal('forbidden');
      expect(await room.refusal(() => room.changeRole(OWNER, OUTSIDER, 'admin'))).to.equal('not_found');
      expect(await room.refusal(() => room.changeRole(OUTSIDER, MEMBER, 'admin'))).to.equal('not_found');
      const direct = new Room(world, 2);
      await direct.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await direct.refusal(() => direct.changeRole(1, 2, 'admin'))).to.equal('forbidden');
    });

    it('is done once per request', async () => {
      const again = { requestId: request(1), body: 'x' };
      const first = await room.changeRole(OWNER, MEMBER, 'admin', again);
      await room.changeRole(OWNER, MEMBER, 'member');
      const repeat = await room.changesNothing(() => room.changeRole(OWNER, MEMBER, 'admin', again));
      expect(repeat).to.deep.equal({ ...first, status: 'duplicate' });
      expect(await room.refusal(() => room.changeRole(OWNER, MEMBER, 'admin', { ...again, body: 'y' }))).to.equal(
        'conflict',
      );
    });
  });

  it('one owner whatever happens at once', async () => {
    await room.create({ roles: ROLES });
    const outcomes = await Promise.all([
      outcome(() => room.changeRole(OWNER, ADMIN, 'owner')),
      outcome(() => room.changeRole(OWNER, MEMBER, 'owner')),
      outcome(() => room.leave(OWNER)),
      outcome(() => room.remove(ADMIN, MEMBER)),
    ]);
    expect(outcomes).to.include('ok');
    const roles = Object.values(await world.log.guardAll(room.stream, 'members')).map((value) => value.split(' ')[0]);
    expect(roles.filter((role) => role === 'owner')).to.have.length(1);
    await room.holds();
  });
});
