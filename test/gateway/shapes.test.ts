/** The sockets of one node as the engine tells them apart: more kinds than four make every write to every socket dearer. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { expect } from 'chai';
import { Socket } from '../support/client.ts';
import { handshake } from '../support/handshake.ts';
import { register, useNodes } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('the sockets that a node takes', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const taken: object[] = [];
  const take = (message: unknown) => void taken.push((message as { socket: object }).socket);
  let isSameShape: (a: object, b: object) => boolean;
  before(() => {
    setFlagsFromString('--allow-natives-syntax');
    isSameShape = runInThisContext('(a, b) => %HaveSameMap(a, b)') as typeof isSameShape;
    subscribe('net.server.socket', take);
  });
  after(() => {
    unsubscribe('net.server.socket', take);
    setFlagsFromString('--no-allow-natives-syntax');
  });

  it('are of two shapes, for HTTP and for WebSockets, whatever they have carried', async () => {
    const node = await startNode();
    await fetch(`${node.base}/api/v1/health/live`);
    const ada = await register(node, 'ada');
    await ada.rest.get('/users/me');
    await fetch(`${node.base}/api/v1/health/live`, { headers: { Connection: 'close' } });
    expect((await handshake(node.base, {})).status).to.equal(401);
    const isHttp = taken.length;
    for (let n = 0; n < 2; n += 1) await Socket.open(node.base, ada.token);
    expect(taken.length).to.equal(isHttp + 2);

    const shapes: object[] = [];
    for (const socket of taken) if (!shapes.some((shape) => isSameShape(shape, socket))) shapes.push(socket);
    expect(shapes).to.have.length(2);
  });
});
