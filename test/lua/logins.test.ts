/** The scripts of login names and tickets, which have no log: what they answer, and that a refusal changes nothing. */
import { expect } from 'chai';
import { ChatError } from '../../src/errors.ts';
import type { Owner } from '../../src/keys.ts';
import { topologies, useWorld } from '../support/world.ts';

const ANN = '01K00000000000000000000ANN';
const BEN = '01K00000000000000000000BEN';
const annsName: Owner = { kind: 'login', id: 'ann' };

for (const topology of topologies) {
  describe(`scripts of logins and tickets on ${topology}`, () => {
    const world = useWorld(topology);
    const redis = () => world.log.connection.commands;
    const refusal = (work: () => Promise<unknown>): Promise<string> =>
      work().then(
        () => 'not refused',
        (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
      );

    describe('login.*', () => {
      const claim = (user: string, instead = '') => world.log.run('login.claim', annsName, { user, instead });
      const release = (user: string) => world.log.run('login.release', annsName, { user });

      it('claims for the first, releases for the holder only, and can be taken over by naming the holder', async () => {
        const [status, since] = await claim(ANN);
        expect(status).to.equal('ok');
        expect(await claim(ANN)).to.deep.equal(['ok', since]);
        expect((await claim(BEN)).slice(0, 2)).to.deep.equal(['taken', ANN]);
        expect(Number((await claim(BEN))[2])).to.be.within(0, 5_000);
        expect((await claim(BEN, BEN)).slice(0, 2)).to.deep.equal(['taken', ANN]);
        await release(BEN);
        expect((await claim(BEN))[0]).to.equal('taken');
        expect((await claim(BEN, ANN))[0]).to.equal('ok');
        expect((await claim(ANN, ANN)).slice(0, 2)).to.deep.equal(['taken', BEN]);
        await release(BEN);
        expect((await claim(ANN))[0]).to.equal('ok');
      });
    });

    describe('ticket.*', () => {
      const ticket: Owner = { kind: 'ticket', id: 'a'.repeat(64) };

      it('answers what was kept, once, and not after its time', async () => {
        const redeem = () => world.log.run('ticket.redeem', ticket, {});
        expect(await refusal(redeem)).to.equal('unauthenticated');
        await world.log.run('ticket.issue', ticket, { value: 'a b c', lifetime: '30000' });
        expect(await redis().pttl(world.log.keys.of(ticket, 'self'))).to.be.within(1, 30_000);
        expect(await redeem()).to.deep.equal(['ok', 'a b c']);
        expect(await refusal(redeem)).to.equal('unauthenticated');
      });
    });
  });
}
