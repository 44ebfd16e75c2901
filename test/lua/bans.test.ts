/** The scripts that ban and lift bans, against their headers, and that a ban holds wherever somebody comes in. */
import { expect } from 'chai';
import { banText } from '../../src/chat/bans/guard.ts';
import { request, Room, setClock, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const [OWNER, ADMIN, MEMBER, OTHER_ADMIN, OUTSIDER] = [1, 2, 3, 4, 9];
const SOON = '2999-01-01T00:00:00.000Z';

describe('scripts of bans', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ kind: 'channel', roles: ['owner', 'admin', 'member', 'admin'] });
  });
  const banned = (n: number, about = {}): [string, unknown] => [
    'ban.added',
    { user_id: user(n), until: null, reason: null, ...about },
  ];
  const removed = (n: number): [string, unknown] => ['participant.removed', { user_id: user(n), reason: 'banned' }];
  const guard = (n: number) => room.guard('head', `ban ${user(n)}`);

  describe('ban.add', () => {
    it('takes a member out, who hears the ban before; the answer is the ban, and names the going', async () => {
      const about = { until: SOON, reason: 'too "loud" * ' };
      const done = await room.appends(() => room.ban(ADMIN, MEMBER, about), [banned(MEMBER, about), removed(MEMBER)]);
      const [, ban, going] = await room.log();
      expect(done).to.deep.equal({ status: 'ok', id: ban!.id, told: going!.id });
      expect(await room.member(MEMBER)).to.equal(undefined);
      expect(await guard(MEMBER)).to.equal(banText(about));
    });

    it('keeps out who was not in; the same again changes nothing, another end or reason does', async () => {
      await room.appends(() => room.ban(ADMIN, OUTSIDER), [banned(OUTSIDER)]);
      expect((await room.changesNothing(() => room.ban(OWNER, OUTSIDER))).status).to.equal('unchanged');
      await room.appends(() => room.ban(ADMIN, OUTSIDER, { until: SOON }), [banned(OUTSIDER, { until: SOON })]);
      const why = { until: SOON, reason: 'why' };
      await room.appends(() => room.ban(ADMIN, OUTSIDER, why), [banned(OUTSIDER, why)]);
    });

    it('is for admins, against members; against admins for the owner; against no owner and not oneself', async () => {
      const table: Record<string, string> = {
        [`${MEMBER} ${OUTSIDER}`]: 'forbidden',
        [`${OUTSIDER} ${MEMBER}`]: 'not_found',
        [`${ADMIN} ${OTHER_ADMIN}`]: 'forbidden',
        [`${ADMIN} ${OWNER}`]: 'forbidden',
        [`${ADMIN} ${ADMIN}`]: 'forbidden',
        [`${OWNER} ${OWNER}`]: 'forbidden',
      };
      for (const [pair, code] of Object.entries(table)) {
        const [actor, target] = pair.split(' ').map(Number);
        expect(await room.refusal(() => room.ban(actor!, target!)), pair).to.equal(code);
      }
      await room.appends(() => room.ban(OWNER, ADMIN), [banned(ADMIN), removed(ADMIN)]);
      await room.delete(OWNER);
      expect(await room.refusal(() => room.ban(OWNER, MEMBER))).to.equal('not_found');
    });

    it('bans nobody from a direct conversation', async () => {
      const direct = new Room(world, 2);
      await direct.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await direct.refusal(() => direct.ban(1, 2))).to.equal('forbidden');
      expect(await direct.refusal(() => direct.unban(1, 2))).to.equal('forbidden');
    });

    it('is done once per request', async () => {
      const once = { requestId: request(1), body: 'ban' };
      const first = await room.ban(ADMIN, MEMBER, {}, once);
      await room.unban(ADMIN, MEMBER);
      await room.join(MEMBER);
      const again = await room.changesNothing(() => room.ban(ADMIN, MEMBER, {}, once));
      expect(again).to.deep.equal({ status: 'duplicate', id: first.id });
      expect(await room.refusal(() => room.ban(ADMIN, MEMBER, {}, { ...once, body: 'x' }))).to.equal('conflict');
    });
  });

  describe('ban.remove', () => {
    it('lets a user come again, and brings nobody in; where there is no ban it changes nothing', async () => {
      await room.ban(ADMIN, MEMBER);
      await room.appends(() => room.unban(ADMIN, MEMBER), [['ban.removed', { user_id: user(MEMBER) }]]);
      expect([await guard(MEMBER), await room.member(MEMBER)]).to.deep.equal([null, undefined]);
      expect((await room.changesNothing(() => room.unban(OWNER, MEMBER))).status).to.equal('unchanged');
      expect((await room.join(MEMBER)).status).to.equal('ok');
    });

    it('is for admins', async () => {
      await room.ban(ADMIN, OUTSIDER);
      expect(await room.refusal(() => room.unban(MEMBER, OUTSIDER))).to.equal('forbidden');
      expect(await room.refusal(() => room.unban(OUTSIDER, OUTSIDER))).to.equal('not_found');
    });
  });

  it('who is banned neither joins nor is added, nor anybody along with them', async () => {
    await room.ban(ADMIN, OUTSIDER);
    expect(await room.refusal(() => room.join(OUTSIDER))).to.equal('banned');
    expect(await room.refusal(() => room.add(OWNER, [7, OUTSIDER]))).to.equal('banned');
    await room.update(OWNER, { policy: { add: 'members' } }, { policy: 'members = = =' });
    expect(await room.refusal(() => room.add(MEMBER, [OUTSIDER]))).to.equal('banned');
  });

  it('a ban ends by the clock of Redis, and not before', async () => {
    const ends = Date.parse(SOON);
    await room.ban(ADMIN, OUTSIDER, { until: SOON });
    await setClock(world, room.stream, ends - 1);
    expect(await room.refusal(() => room.join(OUTSIDER))).to.equal('banned');
    await setClock(world, room.stream, ends);
    expect((await room.join(OUTSIDER)).status).to.equal('ok');
    // What has ended is of no matter to a new one.
    await room.appends(
      () => room.ban(ADMIN, OUTSIDER, { until: SOON }),
      [banned(OUTSIDER, { until: SOON }), removed(OUTSIDER)],
    );
  });
});
