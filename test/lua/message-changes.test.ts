/** The scripts that change messages after they were sent, against their headers. */
import { expect } from 'chai';
import { parseMessageFacts } from '../../src/chat/message-facts.ts';
import { message, request, Room, setClock, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;

describe('scripts of changed messages', () => {
  const world = useWorld();
  let room: Room;
  let sentAt: number;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member', 'member'] });
    await room.send(3, 0);
    sentAt = Number((await room.send(3, 1)).id.split('-')[0]);
  });
  const facts = async (n: number) => parseMessageFacts(await room.guard('messages', message(n)));
  const pass = (ms: number) => setClock(world, room.stream, sentAt + ms);

  describe('message.edit', () => {
    const edited = (content: string, revision: number): [string, unknown][] => [
      ['message.edited', { message_id: message(1), content, mentions: [], mentions_all: false, revision }],
    ];

    it('says the new text and which revision it is, and remembers where each stands', async () => {
      const before = await facts(1);
      const second = await room.appends(() => room.edit(3, 1, 'a "text" }'), edited('a "text" }', 2));
      const third = await room.appends(() => room.edit(3, 1, 'a third'), edited('a third', 3));
      expect(await facts(1)).to.deep.equal({ ...before, revision: 3 });
      expect(await room.guard('messages', `${message(1)}:2`)).to.equal(second.id);
      expect(await room.guard('messages', `${message(1)}:3`)).to.equal(third.id);
      expect((await facts(0))?.revision).to.equal(1);
    });

    it('counts as no message: nothing is unread by it', async () => {
      const before = await world.log.guardAll(room.stream, 'members');
      await room.edit(3, 1);
      expect(await world.log.guardAll(room.stream, 'members')).to.deep.equal(before);
      expect(await room.guard('head', 'messages')).to.equal('2');
    });

    it('is for who wrote it, whatever their role', async () => {
      for (const other of [1, 2, 4]) expect(await room.refusal(() => room.edit(other, 1))).to.equal('forbidden');
      expect(await room.refusal(() => room.edit(OUTSIDER, 1))).to.equal('not_found');
      expect(await room.refusal(() => room.edit(3, 7))).to.equal('not_found');
      await room.leave(3);
      expect(await room.refusal(() => room.edit(3, 1))).to.equal('not_found');
    });

    it('ends with its window, which 0 leaves open', async () => {
      await pass(10_000);
      expect((await room.edit(3, 1, 'just in time', { window: 10 })).status).to.equal('ok');
      await pass(10_001);
      expect(await room.refusal(() => room.edit(3, 1, 'late', { window: 10 }))).to.equal('edit_window_closed');
      expect((await room.edit(3, 1, 'late', { window: 0 })).status).to.equal('ok');
    });

    it('is not for what was deleted, nor where the conversation was', async () => {
      await room.takeBack(3, 1);
      expect(await room.refusal(() => room.edit(3, 1))).to.equal('not_found');
      await room.delete(1);
      expect(await room.refusal(() => room.edit(3, 0))).to.equal('not_found');
    });

    it('changes nothing where the text is the same', async () => {
      const same = () =>
        room.run('message.edit', 3, { message_id: message(1), window: '0', rules: '', broken: '', data: '' });
      expect(await room.changesNothing(same)).to.deep.equal({ status: 'unchanged', id: '' });
    });

    it('answers the first event to the same request, whatever came since', async () => {
      const again = (text: string) => room.edit(3, 1, text, { requestId: request(1), body: text });
      const { id } = await again('a');
      await room.edit(3, 1, 'b');
      expect(await room.changesNothing(() => again('a'))).to.deep.equal({ status: 'duplicate', id });
      expect(await room.refusal(() => again('c'))).to.equal('conflict');
      await room.takeBack(3, 1);
      expect(await room.changesNothing(() => again('a'))).to.deep.equal({ status: 'duplicate', id });
    });

    it('gives each of many at once a revision of its own', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => room.edit(3, 1, `${i}`)));
      const revisions = (await room.log()).slice(3).map(({ data }) => (data as { revision: number }).revision);
      expect(revisions).to.deep.equal(Array.from({ length: 20 }, (_, i) => i + 2));
      await room.holds();
    });
  });

  describe('message.delete', () => {
    const deleted: [string, unknown][] = [['message.deleted', { message_id: message(1) }]];

    it('says which message went, and leaves its place', async () => {
      const before = await facts(1);
      const members = await world.log.guardAll(room.stream, 'members');
      await room.appends(() => room.takeBack(3, 1), deleted);
      expect(await facts(1)).to.deep.equal({ ...before, isDeleted: true });
      expect(await room.guard('head', 'messages')).to.equal('2');
      expect(await world.log.guardAll(room.stream, 'members')).to.deep.equal(members);
    });

    it('is calm about what is gone already', async () => {
      await room.takeBack(3, 1);
      for (const actor of [3, 1, 2])
        expect((await room.changesNothing(() => room.takeBack(actor, 1))).status).to.equal('unchanged');
      expect(await room.refusal(() => room.takeBack(4, 1))).to.equal('forbidden');
    });

    it('is for who wrote it, and for owner and admins', async () => {
      expect(await room.refusal(() => room.takeBack(4, 1))).to.equal('forbidden');
      expect(await room.refusal(() => room.takeBack(OUTSIDER, 1))).to.equal('not_found');
      expect(await room.refusal(() => room.takeBack(1, 7))).to.equal('not_found');
      for (const actor of [1, 2, 3]) {
        await room.send(3, 10 + actor);
        expect((await room.takeBack(actor, 10 + actor)).status).to.equal('ok');
      }
      await room.leave(3);
      expect(await room.refusal(() => room.takeBack(3, 1))).to.equal('not_found');
    });

    it('in a direct conversation each has a say over their own', async () => {
      const direct = new Room(world, 2);
      await direct.create({ kind: 'direct', name: null, roles: ['member', 'member'] });
      await direct.send(1, 1);
      expect(await direct.refusal(() => direct.takeBack(2, 1))).to.equal('forbidden');
      expect((await direct.takeBack(1, 1)).status).to.equal('ok');
    });

    it('ends with its window for members, and never for admins', async () => {
      await room.send(2, 2);
      await pass(60_000);
      expect(await room.refusal(() => room.takeBack(3, 1, { window: 10 }))).to.equal('delete_window_closed');
      expect((await room.takeBack(2, 2, { window: 10 })).status).to.equal('ok');
      expect((await room.takeBack(1, 1, { window: 10 })).status).to.equal('ok');
      expect((await room.changesNothing(() => room.takeBack(3, 1, { window: 10 }))).status).to.equal('unchanged');
      expect((await room.takeBack(3, 0, { window: 0 })).status).to.equal('ok');
    });

    it('takes no reply and no conversation that is gone', async () => {
      await room.takeBack(3, 1);
      expect(await room.refusal(() => room.send(4, 2, 'to whom', { replyTo: 1 }))).to.equal('not_found');
      await room.delete(1);
      expect(await room.refusal(() => room.takeBack(3, 0))).to.equal('not_found');
    });

    it('answers the first event to the same request', async () => {
      const again = (n: number) => room.takeBack(3, n, { requestId: request(1), body: n });
      const { id } = await again(1);
      expect(await room.changesNothing(() => again(1))).to.deep.equal({ status: 'duplicate', id });
      expect(await room.refusal(() => again(0))).to.equal('conflict');
    });

    it('keeps the thread: what answered a reply still belongs to it', async () => {
      await room.send(4, 2, 'a reply', { replyTo: 1 });
      await room.takeBack(3, 1);
      await room.send(4, 3, 'and on', { replyTo: 2 });
      expect((await facts(3))?.threadId).to.equal(message(1));
      expect((await facts(1))?.senderId).to.equal(user(3));
    });
  });

  describe('message.erase', () => {
    const gone = (n: number): [string, unknown] => ['message.deleted', { message_id: message(n) }];
    const erase = (actor: number, ...ns: number[]) =>
      room.run('message.erase', actor, { message_ids: ns.map(message) }, { knowsRepeats: true });

    it('takes away what the actor wrote of all that is named, also after they left, and of nobody else', async () => {
      await room.send(2, 2);
      await room.pin(3, 1);
      await room.pin(3, 2);
      await room.leave(3);
      await room.appends(() => erase(3, 0, 1, 2, 7), [gone(0), gone(1)]);
      expect([(await facts(0))?.isDeleted, (await facts(1))?.isDeleted, (await facts(2))?.isDeleted]).to.deep.equal([
        true,
        true,
        false,
      ]);
      expect(await room.guard('head', 'pins')).to.equal(` ${message(2)}`);
    });

    it('changes nothing when it is repeated, nor where the conversation has ended or never was', async () => {
      await erase(3, 0);
      expect((await room.changesNothing(() => erase(3, 0))).status).to.equal('unchanged');
      await room.delete(1);
      expect((await room.changesNothing(() => erase(3, 1))).status).to.equal('unchanged');
      const nowhere = () =>
        new Room(world, 7).run('message.erase', 3, { message_ids: [message(1)] }, { knowsRepeats: true });
      expect((await room.changesNothing(nowhere)).status).to.equal('unchanged');
    });
  });
});
