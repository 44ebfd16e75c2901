/** What only time ends: tokens and hearts that stop. All of it at once, since it takes seconds. */
import { expect } from 'chai';
import { Socket } from '../support/client.ts';
import { tokenOf } from '../support/handshake.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { register, useNodes } from '../support/server.ts';
import type { World } from '../support/world.ts';

export function clockSuite(world: World): void {
  describe('time', () => {
    const startNode = useNodes(world);

    it('closes who is silent and whose token has expired, and nobody else', async () => {
      const node = await startNode({ WS_HEARTBEAT_INTERVAL: '1' });
      const ada = await register(node);
      const alive = await ada.socket();
      const [silent, expiring] = [
        await RawSocket.open(node.base, ada.token),
        Socket.connect(node.base, tokenOf(ada, 2)),
      ];
      const pings: number[] = [];
      alive.ws.on('ping', () => pings.push(Date.now()));
      expect(await expiring.closed).to.deep.equal({ code: 4401, reason: 'the access token has expired' });
      expect((await silent.closed).code).to.equal(4408);
      expect(pings).to.have.length.of.at.least(2);
      expect(pings.every((at, i) => i === 0 || at - pings[i - 1]! > 500)).to.equal(true);
      expect((await alive.ask('ping')).type).to.equal('pong');
    });

    it('asks for a sign of life once an interval, not more often', async () => {
      const node = await startNode({ WS_HEARTBEAT_INTERVAL: '30' });
      const ada = await register(node);
      const socket = await ada.socket();
      let pings = 0;
      socket.ws.on('ping', () => (pings += 1));
      const expiring = Socket.connect(node.base, tokenOf(ada, 3));
      await expiring.closed;
      expect(pings).to.be.at.most(1);
    });
  });
}
