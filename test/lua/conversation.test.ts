/** The scripts of conversations against their headers: given events, when one runs, then these events and no others, or a refusal. */
import { expect } from 'chai';
import { message, request, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OPEN = 'members everyone members members';
const CLOSED = 'admins admins admins admins';
const ROLES = ['owner', 'admin', 'member'];
const OUTSIDER = 9;

describe('scripts of conversations', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(() => {
    room = new Room(world);
  });
  const directory = () => world.log.connection.commands.zrange(room.key('channels'), '0', '-1');
  const removed = (n: number, reason: string): [string, unknown] => [
    'participant.removed',
    { user_id: user(n), reason },
  ];
  const roleChanged = (n: number, role: string): [string, unknown] => [
    'participant.role_changed',
    { user_id: user(n), role },
  ];

  describe('conversation.create', () => {
    const created = (type: string): [string, unknown] => [
      'conversation.created',
      {
        type,
        name: 'a room',
        description: null,
        avatar_url: null,
        policy: { add: 'members', post: 'everyone', edit_info: 'members', pin: 'members' },
        participants: ROLES.map((role, i) => ({ user_id: user(i + 1), role })),
      },
    ];

    it('writes the event, its members and its policy', async () => {
      const { id } = await room.appends(() => room.create({ roles: ROLES, policy: OPEN }), [created('group')]);
      expect(id).to.match(/^\d+-1$/);
      for (const [i, role] of ROLES.entries()) {
        expect(await room.guard('members', user(i + 1))).to.equal(`${role} 1 0 ${id} 1 - - - -`);
      }
      const head = await world.log.guardAll(room.stream, 'head');
      expect(head).to.include({ id, created: id, kind: 'group', policy: OPEN, directory: '', messages: '0' });
      expect(head['active']).to.equal(id.split('-')[0]);
      expect(await directory()).to.deep.equal([]);
    });

    it('puts a channel into the directory, and no one else', async () => {
      await room.appends(() => room.create({ kind: 'channel', roles: ROLES, policy: OPEN }), [created('channel')]);
      expect(await directory()).to.deep.equal([`a room\n${room.stream.id}`]);
    });

    it('answers what created it to whoever asks again, and does not change it', async () => {
      const { id } = await room.create();
      const again = () => room.changesNothing(() => room.create({ kind: 'channel', name: 'other' }));
      expect(await again()).to.deep.equal({ status: 'duplicate', id });
      await room.send(2, 1);
      expect(await again()).to.deep.equal({ status: 'duplicate', id });
    });

    it('refuses a request id that stood for another body', async () => {
      const { id } = await room.create({}, { requestId: request(1), body: 'one' });
      const again = (body: string) => room.create({}, { requestId: request(1), body });
      expect(await again('one')).to.deep.equal({ status: 'duplicate', id });
      expect(await room.refusal(() => again('two'))).to.equal('conflict');
    });
  });

  describe('conversation.delete', () => {
    beforeEach(() => room.create({ kind: 'channel', roles: ROLES }));

    it('ends it for everyone: the log stays, nothing more comes into it', async () => {
      await room.send(2, 1);
      await room.appends(() => room.delete(1), [['conversation.deleted', {}]]);
      expect(await directory()).to.deep.equal([]);
      const attempts = [
        () => room.send(2, 2),
        () => room.read(2, 1),
        () => room.join(OUTSIDER),
        () => room.leave(2),
        () => room.add(1, [OUTSIDER]),
        () => room.remove(1, 3),
        () => room.changeRole(1, 2, 'owner'),
        () => room.rename(1, 'x'),
        () => room.delete(1),
      ];
      for (const attempt of attempts) expect(await room.refusal(attempt)).to.equal('not_found');
      expect((await room.send(2, 1)).status).to.equal('duplicate');
      expect((await room.create()).status).to.equal('duplicate');
    });

    it('is for the owner alone', async () => {
      for (const n of [2, 3]) expect(await room.refusal(() => room.delete(n))).to.equal('forbidden');
      expect(await room.refusal(() => room.delete(OUTSIDER))).to.equal('not_found');
    });
  });

  describe('conversation.update', () => {
    it('appends what changed, opaque to the script', async () => {
      await room.create();
      const changes = { name: 'name "quoted" \\ \u{1f600} \u2028', description: null, avatar_url: 'https://x/\u00e9' };
      await room.appends(() => room.update(1, changes), [['conversation.updated', changes]]);
    });

    it('lets members change the name where the policy says so, and the policy only admins', async () => {
      await room.create({ roles: ROLES, policy: OPEN });
      for (const n of [1, 2, 3]) expect((await room.rename(n, `by ${n}`)).status).to.equal('ok');
      expect(await room.refusal(() => room.update(3, {}, { policy: CLOSED }))).to.equal('forbidden');
      await room.update(2, {}, { policy: '= = admins =' });
      expect(await room.guard('head', 'policy')).to.equal('members everyone admins members');
      expect(await room.refusal(() => room.rename(3, 'no'))).to.equal('forbidden');
      expect((await room.rename(2, 'yes')).status).to.equal('ok');
      await room.update(1, {}, { policy: CLOSED });
      expect(await room.guard('head', 'policy')).to.equal(CLOSED);
      await room.update(1, {}, { policy: '= = = =' });
      expect(await room.guard('head', 'policy')).to.equal(CLOSED);
    });

    it('moves the entry of a channel in the directory', async () => {
      await room.create({ kind: 'channel' });
      const before = await directory();
      await room.update(1, { description: 'd' });
      await room.rename(1, 'a room');
      expect(await directory()).to.deep.equal(before);
      await room.rename(1, 'another');
      expect(await directory()).to.deep.equal([`another\n${room.stream.id}`]);
      await room.delete(1);
      expect(await directory()).to.deep.equal([]);
    });

    it('lists no group', async () => {
      await room.create();
      await room.rename(1, 'another');
      expect(await directory()).to.deep.equal([]);
    });

    it('refuses a direct conversation, a stranger, and one that is not there', async () => {
      expect(await room.refusal(() => room.rename(1, 'x'))).to.equal('not_found');
      await room.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await room.refusal(() => room.rename(1, 'x'))).to.equal('forbidden');
      expect(await room.refusal(() => room.rename(OUTSIDER, 'x'))).to.equal('not_found');
    });
  });

  describe('conversation.join', () => {
    it('brings a user into a channel, with nothing unread', async () => {
      await room.create({ kind: 'channel' });
      await room.send(1, 1);
      const { id } = await room.appends(
        () => room.join(OUTSIDER),
        [['participant.added', { user_id: user(OUTSIDER), role: 'member' }]],
      );
      expect(await room.guard('members', user(OUTSIDER))).to.equal(`member 3 1 ${id} 3 - - - -`);
    });

    it('changes nothing for who is in already', async () => {
      await room.create({ kind: 'channel' });
      expect(await room.changesNothing(() => room.join(2))).to.deep.equal({ status: 'unchanged', id: '' });
      await room.join(OUTSIDER);
      expect((await room.changesNothing(() => room.join(OUTSIDER))).status).to.equal('unchanged');
    });

    it('does not bring back who left since, when a request that found them in comes again', async () => {
      await room.create({ kind: 'channel' });
      const once = { requestId: request(1), body: 'join' };
      expect((await room.join(2, once)).status).to.equal('unchanged');
      await room.leave(2);
      expect((await room.changesNothing(() => room.join(2, once))).status).to.equal('unchanged');
    });

    it('does not tell of what is not public', async () => {
      expect(await room.refusal(() => room.join(OUTSIDER))).to.equal('not_found');
      await room.create();
      expect(await room.refusal(() => room.join(OUTSIDER))).to.equal('not_found');
      expect((await room.changesNothing(() => room.join(2))).status).to.equal('unchanged');
    });

    it('is done once per request', async () => {
      await room.create({ kind: 'channel' });
      const again = { requestId: request(1), body: room.stream.id };
      const first = await room.join(OUTSIDER, again);
      expect(await room.changesNothing(() => room.join(OUTSIDER, again))).to.deep.equal({
        ...first,
        status: 'duplicate',
      });
      expect(await room.refusal(() => room.join(OUTSIDER, { ...again, body: 'x' }))).to.equal('conflict');
      // The same id of another user is another request.
      expect((await room.join(8, { ...again, body: 'x' })).status).to.equal('ok');
    });
  });

  describe('conversation.leave', () => {
    it('takes a member out', async () => {
      await room.create();
      await room.appends(() => room.leave(2), [removed(2, 'left')]);
      expect(await room.member(2)).to.equal(undefined);
      expect(await room.refusal(() => room.leave(2))).to.equal('not_found');
      expect(await room.refusal(() => room.send(2, 1))).to.equal('not_found');
    });

    it('leaves nobody in a direct conversation alone, and knows no stranger', async () => {
      await room.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await room.refusal(() => room.leave(1))).to.equal('forbidden');
      expect(await room.refusal(() => room.leave(OUTSIDER))).to.equal('not_found');
    });

    it('answers a repeat with the event that took the owner out', async () => {
      await room.create();
      const again = { requestId: request(1), body: 'x' };
      const { id } = await room.appends(() => room.leave(1, again), [removed(1, 'left'), roleChanged(2, 'owner')]);
      expect((await room.log()).at(-2)?.id).to.equal(id);
      expect(await room.changesNothing(() => room.leave(1, again))).to.deep.equal({ status: 'duplicate', id });
    });

    const successions: [string, readonly string[], (room: Room) => Promise<unknown>, number | undefined][] = [
      ['the admin before any member', ['owner', 'member', 'admin'], async () => {}, 3],
      ['the admin who joined first', ['owner'], (r) => r.add(1, [7], 'admin').then(() => r.add(1, [4], 'admin')), 7],
      ['the member who joined first', ['owner'], (r) => r.add(1, [7]).then(() => r.add(1, [4])), 7],
      ['the lower id of two who joined together', ['owner', 'member', 'member'], async () => {}, 2],
      ['the later admin before an early member', ['owner', 'member'], (r) => r.add(1, [7], 'admin'), 7],
      ['nobody, when nobody is left', ['owner'], async () => {}, undefined],
    ];
    for (const [heir, roles, prepare, expected] of successions) {
      it(`hands an owner's conversation to ${heir}`, async () => {
        await room.create({ roles });
        await prepare(room);
        await room.appends(
          () => room.leave(1),
          [removed(1, 'left'), ...(expected === undefined ? [] : [roleChanged(expected, 'owner')])],
        );
        if (expected === undefined) expect(await room.guard('members', '-')).to.equal('');
        else expect(await room.member(expected)).to.equal('owner');
      });
    }

    it('keeps the messages of who left', async () => {
      await room.create();
      await room.send(2, 1);
      await room.leave(2);
      expect(await room.guard('messages', message(1))).to.match(/^\d+-2 \S+ 1 1 - -$/);
      expect((await room.send(1, 2, 'yes', { replyTo: 1 })).status).to.equal('ok');
    });
  });
});
