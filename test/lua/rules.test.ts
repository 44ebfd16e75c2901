/** The script that sets a conversation's rules, and what the scripts that append a text make of them, against their headers. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { NO_RULES } from '../../src/chat/rules/contract.ts';
import { message, Room, user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

const OUTSIDER = 9;

describe('scripts of rules', () => {
  const world = useWorld();
  let room: Room;
  beforeEach(async () => {
    room = new Room(world);
    await room.create({ roles: ['owner', 'admin', 'member'] });
  });

  describe('rules.change', () => {
    it('says all rules, and the head remembers which event did; none are no rules', async () => {
      const data = { ...NO_RULES, links: false };
      const { id } = await room.appends(() => room.setRules(2, { links: false }), [['rules.changed', data]]);
      expect(await room.guard('head', 'rules')).to.equal(id);
      await room.appends(() => room.setRules(1, {}), [['rules.changed', NO_RULES]]);
      expect(await room.guard('head', 'rules')).to.equal('');
    });

    it('changes nothing where they are so already, nor under one request id twice', async () => {
      const same = () => room.run('rules.change', 1, { state: 'some', data: '' });
      expect((await room.changesNothing(same)).status).to.equal('unchanged');
      const requestId = ulid();
      const { id } = await room.setRules(1, { links: false }, { requestId });
      const again = await room.changesNothing(() => room.setRules(1, { links: false }, { requestId }));
      expect(again).to.deep.include({ status: 'duplicate', id });
      expect(await room.refusal(() => room.setRules(1, {}, { requestId, body: 'other' }))).to.equal('conflict');
    });

    it('is for owner and admins of what is there, and not for a direct conversation', async () => {
      expect(await room.refusal(() => room.setRules(3, { links: false }))).to.equal('forbidden');
      expect(await room.refusal(() => room.setRules(OUTSIDER, { links: false }))).to.equal('not_found');
      const direct = new Room(world, 2);
      await direct.create({ kind: 'direct', roles: ['member', 'member'] });
      expect(await direct.refusal(() => direct.setRules(1, { links: false }))).to.equal('forbidden');
      await room.delete(1);
      expect(await room.refusal(() => room.setRules(1, { links: false }))).to.equal('not_found');
    });
  });

  for (const what of ['message.send', 'message.edit'] as const) {
    describe(what, () => {
      beforeEach(async () => {
        for (const actor of [1, 2, 3]) await room.send(actor, actor);
      });
      let last = 50;
      const write = (actor: number, verdict: { rules?: string; broken?: string }) =>
        what === 'message.send' ? room.send(actor, (last += 1), 'x', verdict) : room.edit(actor, actor, 'y', verdict);

      it('sends back who looked by other rules, and writes nothing', async () => {
        const { id } = await room.setRules(1, { links: false });
        for (const rules of ['', '1-1']) {
          expect(await room.changesNothing(() => write(3, { rules }))).to.deep.equal({ status: 'stale', id });
          expect((await room.changesNothing(() => write(1, { rules, broken: 'own' }))).status).to.equal('stale');
        }
        expect((await write(3, { rules: id })).status).to.equal('ok');
        await room.setRules(1, {});
        expect(await write(2, { rules: id })).to.deep.equal({ status: 'stale', id: '' });
      });

      it('refuses what breaks a rule of the server to all, and one of the conversation to all but owner and admins', async () => {
        const { id: rules } = await room.setRules(1, { links: false });
        for (const actor of [1, 2, 3])
          expect(await room.refusal(() => write(actor, { rules, broken: 'server' }))).to.equal('content_rejected');
        expect(await room.refusal(() => write(3, { rules, broken: 'own' }))).to.equal('content_rejected');
        for (const actor of what === 'message.send' ? [1] : [1, 2])
          expect((await write(actor, { rules, broken: 'own' })).status).to.equal('ok');
      });

      it('says first what one may not see, and answers a repeat of what was taken', async () => {
        const { id: rules } = await room.setRules(1, { links: false });
        expect(await room.refusal(() => write(OUTSIDER, { rules, broken: 'server' }))).to.equal('not_found');
        const requestId = ulid();
        const first = await room.send(3, 60, 'x', { rules, requestId });
        const again = () => room.send(3, 60, 'x', { rules: '', broken: 'server', requestId });
        expect(await room.changesNothing(again)).to.deep.equal({ status: 'duplicate', id: first.id });
        const byItsId = await room.changesNothing(() => room.send(3, 60, 'x', { broken: 'own', knowsRepeats: true }));
        expect(byItsId.status).to.equal('duplicate');
      });
    });
  }

  it('what is only about who wrote and where says no rule', async () => {
    expect(await room.guard('head', 'rules')).to.equal(null);
    expect((await room.send(3, 1)).status).to.equal('ok');
    expect(await room.guard('messages', message(1))).to.include(user(3));
  });
});
