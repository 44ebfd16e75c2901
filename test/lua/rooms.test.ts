/** What scripts refuse in slow mode and in an archived conversation, and what still goes. */
import { expect } from 'chai';
import { ChatError } from '../../src/errors.ts';
import { message, request, Room, setClock, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const [OWNER, ADMIN, MEMBER, OTHER, OUTSIDER] = [1, 2, 3, 4, 9];

describe('message.send in slow mode', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member', 'member'] });
  });
  const posted = (n: number) => room.guard('head', `posted ${user(n)}`);
  const msOf = (id: string) => Number(id.split('-')[0]);
  const waits = async (n: number): Promise<number | undefined> => {
    const error: unknown = await room.send(MEMBER, n).catch((e: unknown) => e);
    expect((error as ChatError).code).to.equal('rate_limited');
    return (error as ChatError).retryAfter;
  };

  it('a member waits so long after each message, and is told how long; who else posts is no matter', async () => {
    await room.slowMode(ADMIN, 30);
    const { id } = await room.send(MEMBER, 1);
    expect(await posted(MEMBER)).to.equal(String(msOf(id)));
    expect((await room.send(OTHER, 2)).status).to.equal('ok');
    expect(await room.refusal(() => room.send(MEMBER, 3))).to.equal('rate_limited');
    expect(await waits(3)).to.be.within(29, 30);
    await setClock(world, room.stream, msOf(id) + 29_001);
    expect(await waits(3)).to.equal(1);
    await setClock(world, room.stream, msOf(id) + 30_000);
    expect((await room.send(MEMBER, 3)).status).to.equal('ok');
  });

  it('owner and admins do not wait; whoever is an admin no more does', async () => {
    await room.slowMode(ADMIN, 30);
    for (const [i, who] of [OWNER, ADMIN, OWNER, ADMIN].entries()) await room.send(who, i + 1);
    await room.changeRole(OWNER, ADMIN, 'member');
    expect(await room.refusal(() => room.send(ADMIN, 9))).to.equal('rate_limited');
  });

  it('a repeat is answered at once, leaving and coming back helps nobody, and switching it off helps all', async () => {
    await room.update(OWNER, { policy: { add: 'members' } }, { policy: 'members = = =' });
    await room.slowMode(ADMIN, 30);
    const first = await room.send(MEMBER, 1);
    expect(await room.changesNothing(() => room.send(MEMBER, 1))).to.deep.equal({ ...first, status: 'duplicate' });
    await room.leave(MEMBER);
    await room.add(ADMIN, [MEMBER]);
    expect(await room.refusal(() => room.send(MEMBER, 2))).to.equal('rate_limited');
    await room.slowMode(ADMIN, 0);
    for (const n of [2, 3]) expect((await room.send(MEMBER, n)).status).to.equal('ok');
    expect(await posted(OTHER)).to.equal(null);
  });

  it('is set by admins, whoever may edit', async () => {
    await room.update(OWNER, { policy: { edit_info: 'members' } }, { policy: '= = members =' });
    expect(await room.refusal(() => room.slowMode(MEMBER, 5))).to.equal('forbidden');
    expect(await room.refusal(() => room.archive(MEMBER))).to.equal('forbidden');
    const set: [string, unknown][] = [['conversation.updated', { slow_mode_seconds: 5 }]];
    await room.appends(() => room.slowMode(ADMIN, 5), set);
    await room.rename(MEMBER, 'another name');
    expect(await room.guard('head', 'slow')).to.equal('5');
  });
});

describe('an archived conversation, by conversation.update', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ kind: 'channel', roles: ['owner', 'admin', 'member', 'member'] });
    for (const n of [1, 2]) await room.send(MEMBER, n);
    await room.pin(MEMBER, 1);
    await room.react(OTHER, 1, '\u{1f44d}');
    await room.invite(ADMIN, 1);
    await room.invite(ADMIN, 2);
    await room.appends(() => room.archive(ADMIN), [['conversation.updated', { is_archived: true }]]);
  });

  it('takes nothing new', async () => {
    const tries: Record<string, () => Promise<unknown>> = {
      'message.send': () => room.send(OWNER, 3),
      'message.edit': () => room.edit(MEMBER, 1),
      'message.pin': () => room.pin(OWNER, 2),
      'reaction.add': () => room.react(OWNER, 1, '\u{1f44d}'),
      'participant.add': () => room.add(OWNER, [OUTSIDER]),
      'conversation.join': () => room.join(OUTSIDER),
      'conversation.update': () => room.rename(OWNER, 'another name'),
      'invite.create': () => room.invite(OWNER, 3),
      'invite.accept': () => room.accept(OUTSIDER, 1),
    };
    for (const [what, attempt] of Object.entries(tries))
      expect(await room.refusal(attempt), what).to.equal('forbidden');
    const signals = 'PUBLISH none';
    expect(await room.refusal(() => room.run('typing.start', OWNER, { signals }))).to.equal('forbidden');
  });

  it('lets everything be taken away, roles be given and people go', async () => {
    const done: [string, () => Promise<{ status: string }>][] = [
      ['receipt.read', () => room.read(OTHER)],
      ['message.unpin', () => room.unpin(OWNER, 1)],
      ['reaction.remove', () => room.unreact(OTHER, 1, '\u{1f44d}')],
      ['message.delete', () => room.takeBack(MEMBER, 1)],
      ['invite.revoke', () => room.revoke(ADMIN, 1)],
      ['participant.change_role', () => room.changeRole(OWNER, MEMBER, 'admin')],
      ['participant.remove', () => room.remove(OWNER, MEMBER)],
      ['ban.add', () => room.ban(OWNER, OUTSIDER)],
      ['ban.remove', () => room.unban(OWNER, OUTSIDER)],
      ['conversation.leave', () => room.leave(OTHER)],
    ];
    for (const [what, work] of done) expect((await work()).status, what).to.equal('ok');
    expect((await room.delete(OWNER)).status).to.equal('ok');
  });

  it('comes back as it was, also along with other changes', async () => {
    const again = room.update(
      OWNER,
      { is_archived: false, name: 'again' },
      { archived: '0', directory: `again\n${room.stream.id}` },
    );
    expect((await again).status).to.equal('ok');
    expect((await room.send(MEMBER, 3)).status).to.equal('ok');
    expect((await room.join(OUTSIDER)).status).to.equal('ok');
  });

  it('answers a repeat of what was sent before', async () => {
    expect((await room.changesNothing(() => room.send(MEMBER, 1))).status).to.equal('duplicate');
    const once = { requestId: request(1), body: message(9) };
    await room.archive(ADMIN, false);
    const sent = await room.send(MEMBER, 9, 'once', once);
    await room.archive(ADMIN);
    expect(await room.changesNothing(() => room.send(MEMBER, 9, 'once', once))).to.deep.equal({
      ...sent,
      status: 'duplicate',
    });
  });
});
