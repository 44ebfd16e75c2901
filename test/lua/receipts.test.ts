/** The scripts of marks: forward only, one event each where few are in, none where many are; and the codec of members that both sides share. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseMember } from '../../src/chat/access.ts';
import { MANY, memberWordsText, parseMemberWords } from '../../src/chat/member-words.ts';
import { message, request, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;

describe('scripts of receipts', () => {
  const world = useWorld();
  let room: Room;
  const ids: string[] = [];
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member'] });
    ids.length = 0;
    for (const n of [1, 2, 3]) ids.push((await room.send(1, n)).id);
  });

  const data = (n: number) => ({ up_to: ids[n - 1], message_id: message(n) });
  const seqOf = (n: number) => Number(ids[n - 1]!.split('-')[1]);
  const stands = async (n: number) => parseMember(await room.guard('members', user(n)))!;
  const place = async (n: number) => {
    const { read, readUpTo, marks } = await stands(n);
    return [read, readUpTo, marks.delivered, marks.read];
  };

  it('are read in TypeScript as they are written', async () => {
    const { id } = await room.add(1, [7]);
    const [ms, seq] = id.split('-').map(Number);
    const marks = { delivered: seq, read: seq, deliveredAt: ms, readAt: ms };
    expect(await stands(7)).to.deep.equal({ role: 'member', joined: seq, read: 3, readUpTo: id, marks });
    expect(parseMember('admin 2 9 1700000000000-12 14 5 1690000000000-8 1700000000001 1700000000002')).to.deep.equal({
      role: 'admin',
      joined: 2,
      read: 5,
      readUpTo: '1690000000000-8',
      marks: { delivered: 14, read: 12, deliveredAt: 1_700_000_000_001, readAt: 1_700_000_000_002 },
    });
    expect(parseMember(null)).to.equal(undefined);
    await room.delivered(3, 2);
    await room.read(3, 3);
    await room.markUnread(3, 2);
    for (const value of Object.values(await world.log.guardAll(room.stream, 'members')))
      expect(memberWordsText(parseMemberWords(value))).to.equal(value);
    const library = readFileSync(new URL('../../lua/lib/members.lua', import.meta.url), 'utf8');
    expect(library).to.include(`local MANY = ${MANY}\n`);
  });

  describe('receipt.read', () => {
    it('moves both marks forward to the message', async () => {
      await room.appends(() => room.read(3, 2), [['receipt.read', data(2)]]);
      expect(await place(3)).to.deep.equal([2, ids[1], seqOf(2), seqOf(2)]);
    });

    it('takes the newest message where none is named, or an event that is not before it', async () => {
      await room.appends(() => room.read(3), [['receipt.read', data(3)]]);
      const { id } = await room.rename(1, 'other');
      await room.appends(() => room.read(2, undefined, { event: id }), [['receipt.read', data(3)]]);
    });

    it('leaves an event that is not at the newest message to the node', async () => {
      expect(await room.refusal(() => room.read(3, undefined, { event: ids[1]! }))).to.equal('not_found');
    });

    it('does nothing where nobody has written', async () => {
      const empty = new Room(world, 2);
      await empty.create();
      expect(await empty.changesNothing(() => empty.read(2))).to.deep.equal({ status: 'unchanged', id: '' });
    });

    it('does not move back, nor say twice where it is', async () => {
      await room.read(3, 2);
      for (const n of [1, 2]) {
        expect(await room.changesNothing(() => room.read(3, n))).to.deep.equal({ status: 'unchanged', id: '' });
      }
      expect((await room.read(3, 3)).status).to.equal('ok');
      expect((await room.changesNothing(() => room.read(1, 3))).status).to.equal('unchanged');
    });

    it('counts from the joining for who came late', async () => {
      await room.add(1, [7]);
      expect((await room.changesNothing(() => room.read(7, 3))).status).to.equal('unchanged');
      await room.send(1, 4);
      expect((await room.read(7, 4)).status).to.equal('ok');
    });

    it('stands behind the own message', async () => {
      const { id } = await room.send(3, 4);
      expect(await place(3)).to.deep.equal([4, id, 5, 5]);
    });
  });

  describe('receipt.delivered', () => {
    it('moves its own mark forward, which reading does as well', async () => {
      await room.appends(() => room.delivered(3, 2), [['receipt.delivered', data(2)]]);
      expect((await stands(3)).marks).to.include({ delivered: seqOf(2), read: 1 });
      for (const n of [1, 2]) {
        expect((await room.changesNothing(() => room.delivered(3, n))).status).to.equal('unchanged');
      }
      await room.read(3, 1);
      expect((await stands(3)).marks).to.include({ delivered: seqOf(2), read: seqOf(1) });
      await room.read(3);
      expect((await room.changesNothing(() => room.delivered(3))).status).to.equal('unchanged');
    });
  });

  describe('receipt.mark_unread', () => {
    it('sets back what the member counts, and nothing that others see', async () => {
      await room.read(3);
      const before = (await stands(3)).marks;
      const events = await room.events();
      expect(await room.markUnread(3, 2)).to.deep.equal({ status: 'ok', id: '', told: `${ids[0]} 2` });
      expect(await place(3)).to.deep.equal([1, ids[0], seqOf(3), seqOf(3)]);
      expect((await stands(3)).marks).to.deep.equal(before);
      expect(await room.events()).to.deep.equal(events);
      await room.markUnread(3, 1);
      expect((await stands(3)).readUpTo).to.match(/-1$/);
    });

    it('only ever goes back', async () => {
      await room.read(3, 2);
      expect((await room.changesNothing(() => room.markUnread(3, 3))).status).to.equal('unchanged');
      await room.markUnread(3, 1);
      expect((await room.changesNothing(() => room.markUnread(3, 2))).status).to.equal('unchanged');
    });

    it('ends with the next mark: without an event as long as others know it already', async () => {
      await room.read(3);
      await room.markUnread(3, 1);
      const events = await room.events();
      expect(await room.read(3, 2)).to.deep.equal({ status: 'ok', id: '', told: `${ids[1]} 1` });
      expect((await room.changesNothing(() => room.read(3, 2))).status).to.equal('unchanged');
      expect(await room.read(3, 3)).to.deep.equal({ status: 'ok', id: '', told: `${ids[2]} 0` });
      expect(await room.events()).to.deep.equal(events);
      expect(await room.guard('members', user(3))).to.match(
        new RegExp(`^member 1 3 ${ids[2]} ${seqOf(3)} - - \\d{13} \\d{13}$`),
      );
      await room.markUnread(3, 1);
      const { id } = await room.send(1, 4);
      await room.appends(() => room.read(3), [['receipt.read', { up_to: id, message_id: message(4) }]]);
      expect(await place(3)).to.deep.equal([4, id, 6, 6]);
    });

    it('ends with an own message', async () => {
      await room.markUnread(1, 1);
      const { id } = await room.send(1, 4);
      expect(await place(1)).to.deep.equal([4, id, 5, 5]);
    });
  });

  const commands = {
    'receipt.read': (actor: number, n: number, more = {}) => room.read(actor, n, more),
    'receipt.delivered': (actor: number, n: number, more = {}) => room.delivered(actor, n, more),
    'receipt.mark_unread': (actor: number, n: number, more = {}) => room.markUnread(actor, n, more),
  };
  for (const [name, command] of Object.entries(commands)) {
    describe(name, () => {
      beforeEach(async () => {
        if (name === 'receipt.mark_unread') await room.read(3);
      });

      it('refuses a stranger, a message that is not there, and a conversation that was deleted', async () => {
        expect(await room.refusal(() => command(OUTSIDER, 1))).to.equal('not_found');
        expect(await room.refusal(() => command(3, 9))).to.equal('not_found');
        await room.delete(1);
        expect(await room.refusal(() => command(3, 1))).to.equal('not_found');
      });

      it('is done once under one request, and refused with another body', async () => {
        const again = { requestId: request(1), body: 2 };
        const first = await command(3, 2, again);
        expect(first.status).to.equal('ok');
        const repeat = await room.changesNothing(() => command(3, 2, again));
        expect(repeat).to.deep.equal(first.id ? { ...first, status: 'duplicate' } : { status: 'unchanged', id: '' });
        expect(await room.refusal(() => command(3, 3, { ...again, body: 3 }))).to.equal('conflict');
      });
    });
  }

  describe('where many are in', () => {
    beforeEach(async () => {
      for (const first of [10, 110])
        await room.add(
          1,
          Array.from({ length: 99 }, (_, i) => first + i),
        );
      ids.push((await room.send(1, 4)).id);
    });

    it('200 still tell each other', async () => {
      await room.leave(208);
      await room.appends(() => room.delivered(3), [['receipt.delivered', data(4)]]);
      await room.appends(() => room.read(3), [['receipt.read', data(4)]]);
    });

    it('a mark is no event, moves all the same, and keeps its time', async () => {
      const events = await room.events();
      expect(await room.delivered(3, 3)).to.deep.equal({ status: 'ok', id: '' });
      const { deliveredAt } = (await stands(3)).marks;
      expect(deliveredAt).to.be.at.least(Number(ids[3]!.split('-')[0]));
      expect(await room.read(3, 3)).to.deep.equal({ status: 'ok', id: '', told: `${ids[2]} 1` });
      const { marks } = await stands(3);
      expect(marks).to.include({ delivered: seqOf(3), read: seqOf(3), deliveredAt });
      expect(marks.readAt).to.be.at.least(deliveredAt!);
      await room.read(3);
      const last = (await stands(3)).marks;
      expect(last).to.include({ delivered: seqOf(4), read: seqOf(4) });
      expect(last.deliveredAt).to.equal(last.readAt);
      expect((await room.changesNothing(() => room.read(3))).status).to.equal('unchanged');
      expect(await room.events()).to.deep.equal(events);
    });
  });

  describe('member.marks', () => {
    const lowest = async (...except: number[]) =>
      (await world.log.run('member.marks', room.stream, { except: except.map(user) })).slice(1);

    it('is the lowest of all', async () => {
      expect(await lowest()).to.deep.equal(['few', 1, 1]);
      await room.read(2);
      await room.delivered(3, 2);
      expect(await lowest()).to.deep.equal(['few', seqOf(2), 1]);
      await room.read(3, 1);
      expect(await lowest()).to.deep.equal(['few', seqOf(2), seqOf(1)]);
      expect(await lowest(3, OUTSIDER)).to.deep.equal(['few', 4, 4]);
      expect(await lowest(2, 3)).to.deep.equal(['few', 0, 0]);
      await room.leave(3);
      expect(await lowest()).to.deep.equal(['few', 4, 4]);
    });

    it('is none for one alone, for many, and for a conversation that is not there', async () => {
      await room.leave(3);
      await room.leave(2);
      expect(await lowest()).to.deep.equal(['few', 0, 0]);
      for (const first of [10, 110])
        await room.add(
          1,
          Array.from({ length: 100 }, (_, i) => first + i),
        );
      expect(await lowest()).to.deep.equal(['many', 0, 0]);
      room = new Room(world, 2);
      expect(await lowest()).to.deep.equal(['few', 0, 0]);
    });
  });
});
