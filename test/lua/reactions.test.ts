/** The scripts of reactions: each member with each emoji once, at most twenty different ones on a message, and nothing on what is gone. */
import { expect } from 'chai';
import { message, request, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;
const THUMB = '\u{1f44d}';
const HEART = '\u{2764}\u{fe0f}';
const ANIMALS = Array.from({ length: 21 }, (_, i) => String.fromCodePoint(0x1f400 + i));

describe('scripts of reactions', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member'], policy: 'admins admins admins admins' });
    await room.send(1, 1);
    await room.send(1, 2);
  });

  const event = (type: string, n: number, emoji: string): [string, unknown] => [
    type,
    { message_id: message(n), emoji, revision: 1 },
  ];
  const facts = async () => {
    const rest = await world.log.guardAll(room.stream, 'reactions');
    return rest;
  };

  describe('reaction.add', () => {
    it('is for every member, also where only admins post', async () => {
      await room.appends(() => room.react(3, 1, THUMB), [event('reaction.added', 1, THUMB)]);
      await room.appends(() => room.react(1, 1, THUMB), [event('reaction.added', 1, THUMB)]);
      await room.appends(() => room.react(3, 1, HEART), [event('reaction.added', 1, HEART)]);
      expect(await facts()).to.deep.equal({
        [`${message(1)}`]: '2',
        [`${message(1)} ${THUMB}`]: '2',
        [`${message(1)} ${HEART}`]: '1',
        [`${message(1)} ${THUMB} ${user(3)}`]: '1',
        [`${message(1)} ${THUMB} ${user(1)}`]: '1',
        [`${message(1)} ${HEART} ${user(3)}`]: '1',
      });
    });

    it('again changes nothing', async () => {
      await room.react(3, 1, THUMB);
      expect(await room.changesNothing(() => room.react(3, 1, THUMB))).to.deep.equal({ status: 'unchanged', id: '' });
    });

    it('takes twenty different ones on a message, each from as many as will', async () => {
      for (const animal of ANIMALS.slice(0, 20)) await room.react(3, 1, animal);
      expect(await room.refusal(() => room.react(2, 1, ANIMALS[20]!))).to.equal('conflict');
      expect((await room.react(2, 1, ANIMALS[7]!)).status).to.equal('ok');
      expect((await room.react(2, 2, ANIMALS[20]!)).status).to.equal('ok');
      await room.unreact(3, 1, ANIMALS[7]!);
      expect(await room.refusal(() => room.react(2, 1, ANIMALS[20]!))).to.equal('conflict');
      await room.unreact(2, 1, ANIMALS[7]!);
      expect((await room.react(2, 1, ANIMALS[20]!)).status).to.equal('ok');
    });
  });

  describe('reaction.remove', () => {
    it('takes the own one back, and leaves no trace of it', async () => {
      await room.react(3, 1, THUMB);
      await room.react(2, 1, THUMB);
      await room.appends(() => room.unreact(3, 1, THUMB), [event('reaction.removed', 1, THUMB)]);
      expect(await facts()).to.deep.equal({
        [`${message(1)}`]: '1',
        [`${message(1)} ${THUMB}`]: '1',
        [`${message(1)} ${THUMB} ${user(2)}`]: '1',
      });
      await room.unreact(2, 1, THUMB);
      expect(await facts()).to.deep.equal({});
    });

    it('of one that is not there changes nothing', async () => {
      await room.react(2, 1, THUMB);
      expect((await room.changesNothing(() => room.unreact(3, 1, THUMB))).status).to.equal('unchanged');
    });
  });

  const commands = {
    'reaction.add': (actor: number, n: number, emoji: string, more = {}) => room.react(actor, n, emoji, more),
    'reaction.remove': (actor: number, n: number, emoji: string, more = {}) => room.unreact(actor, n, emoji, more),
  };
  for (const [name, command] of Object.entries(commands)) {
    describe(name, () => {
      beforeEach(async () => {
        if (name === 'reaction.remove') for (const emoji of [THUMB, HEART]) await room.react(3, 1, emoji);
      });

      it('refuses a stranger, and whatever is not there or no more', async () => {
        expect(await room.refusal(() => command(OUTSIDER, 1, THUMB))).to.equal('not_found');
        expect(await room.refusal(() => command(3, 9, THUMB))).to.equal('not_found');
        await room.takeBack(1, 1);
        expect(await room.refusal(() => command(3, 1, THUMB))).to.equal('not_found');
        await room.delete(1);
        expect(await room.refusal(() => command(3, 2, THUMB))).to.equal('not_found');
      });

      it('names the revision that was seen', async () => {
        await room.edit(1, 1, 'other words');
        await command(3, 1, THUMB);
        expect((await room.log()).at(-1)!.data).to.deep.equal({ message_id: message(1), emoji: THUMB, revision: 2 });
      });

      it('is done once under one request, and refused with another body', async () => {
        const again = { requestId: request(1), body: THUMB };
        const { id } = await command(3, 1, THUMB, again);
        const repeat = await room.changesNothing(() => command(3, 1, THUMB, again));
        expect(repeat).to.deep.equal({ status: 'duplicate', id });
        expect(await room.refusal(() => command(3, 1, HEART, { ...again, body: HEART }))).to.equal('conflict');
      });

      it('is done once however many ask at once', async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => command(3, 1, THUMB)));
        expect(answers.filter(({ status }) => status === 'ok')).to.have.length(1);
        await room.holds();
      });
    });
  }
});
