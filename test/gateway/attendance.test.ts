/** What a listener hears of the open sockets: each once and in order, whatever it does itself. */
import { expect } from 'chai';
import sinon from 'sinon';
import { Attendance } from '../../src/gateway/attendance.ts';
import type { OpenSocket, SessionListener } from '../../src/envelope.ts';
import { Gate, settled } from '../support/node-in-memory.ts';

const socket = (connectionId: string): OpenSocket => ({
  caller: { userId: 'u', sessionId: 's' },
  connectionId,
  deviceId: undefined,
});

describe('attendance', () => {
  let told: string[];
  let warnings: string[];
  let clock: sinon.SinonFakeTimers;
  let attendance: Attendance;
  let listener: SessionListener;
  beforeEach(() => {
    told = [];
    warnings = [];
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    listener = {
      opened: async ({ connectionId }) => void told.push(`${connectionId} opened`),
      renewed: async (all) => void told.push(`${all.map((one) => one.connectionId).join(' ')} renewed`),
      closed: async ({ connectionId }) => void told.push(`${connectionId} closed`),
    };
    const forward: SessionListener = {
      opened: (one) => listener.opened(one),
      renewed: (all) => listener.renewed(all),
      closed: (one) => listener.closed(one),
    };
    attendance = new Attendance(forward, (message) => void warnings.push(message));
    attendance.start();
  });
  afterEach(() => clock.restore());

  it('each opening and end once, and all that are open every 15 seconds', async () => {
    const [a, b] = [socket('a'), socket('b')];
    attendance.opened(a);
    attendance.opened(b);
    clock.tick(15_000);
    await settled();
    attendance.closed(a);
    attendance.closed(a);
    attendance.closed(socket('never opened'));
    await settled();
    clock.tick(15_000);
    await settled();
    await attendance.stop();
    clock.tick(60_000);
    expect(told).to.deep.equal(['a opened', 'b opened', 'a b renewed', 'a closed', 'b renewed', 'b closed']);
  });

  it('an end waits for the opening and for a renewal under way, and no renewal begins behind a slow one', async () => {
    const [opening, renewing] = [new Gate(), new Gate()];
    listener = {
      ...listener,
      opened: () => opening.opened.then(() => void told.push('opened')),
      renewed: () => renewing.opened.then(() => void told.push('renewed')),
    };
    const a = socket('a');
    attendance.opened(a);
    clock.tick(15_000);
    clock.tick(15_000);
    attendance.closed(a);
    await settled();
    expect(told).to.deep.equal([]);
    opening.open();
    await settled();
    expect(told).to.deep.equal(['opened']);
    renewing.open();
    await settled();
    expect(told).to.deep.equal(['opened', 'renewed', 'a closed']);
  });

  it('a listener that throws is a warning and nothing more', async () => {
    const broken = () => Promise.reject(new Error('no lease'));
    listener = {
      opened: broken,
      renewed: broken,
      closed: () => {
        throw new Error('no end');
      },
    };
    attendance.opened(socket('a'));
    clock.tick(15_000);
    await settled();
    await attendance.stop();
    expect(warnings.map((text) => text.slice(-8))).to.deep.equal(['no lease', 'no lease', ': no end']);
  });

  it('one that never answers does not keep a node from stopping', async () => {
    listener = { ...listener, closed: () => new Promise(() => {}) };
    attendance.opened(socket('a'));
    await settled();
    const stopped = attendance.stop();
    await settled();
    clock.tick(2_000);
    await stopped;
  });
});
