/** With replicas asked for, an acknowledgement means that they have the write; one that cannot be sure says so, and is repeated. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { Log } from '../src/log/log.ts';
import { startRedis, until } from '../src/redis/redis-server.ts';
import type { RedisProcess } from '../src/redis/redis-server.ts';
import { codeOf, message, request, Room } from './support/rooms.ts';

describe('an acknowledgement that waits for a replica', () => {
  let primary: RedisProcess;
  let replica: RedisProcess;
  let log: Log;
  before(async function () {
    this.timeout(30_000);
    primary = await startRedis({ settings: { 'repl-diskless-sync-delay': '0', 'repl-ping-replica-period': '1' } });
    replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${primary.port}` } });
    const options = { partitions: 4, newSalt: () => randomBytes(8).toString('hex'), warn: () => {} };
    log = await Log.open({ redis: { url: primary.url }, replicationAcks: 1, ...options });
    await replicaIsThere();
  });
  after(async () => {
    log.close();
    await Promise.all([primary.stop(), replica.stop()]);
  });
  const replicaIsThere = () =>
    until('the replica follows', async () =>
      /state=online/.test(await log.connection.masters()[0]!.info('replication')),
    );

  it('is given when the replica has it, says so when it cannot, and a repeat gets the first answer', async () => {
    const room = new Room({ log });
    expect(log.durability).to.equal('replicated');
    await room.create();
    const first = await room.send(1, 1);
    expect(first.status).to.equal('ok');
    const many = await Promise.all(Array.from({ length: 50 }, (_, n) => room.send(2, n + 100)));
    expect(new Set(many.map(({ status }) => status))).to.deep.equal(new Set(['ok']));

    // Also when the script had to be sent first, the call itself is waited for.
    const master = log.connection.masters()[0]!;
    const waits = async () => Number(/cmdstat_wait:calls=(\d+)/.exec(await master.info('commandstats'))?.[1]);
    const before = await waits();
    await master.script('FLUSH');
    expect((await room.send(1, 200)).status).to.equal('ok');
    expect(await waits()).to.equal(before + 2);

    // A primary that was killed comes back as a replica, and who has not heard of it yet still asks it: it does nothing.
    await master.replicaof('127.0.0.1', 1);
    expect(await codeOf(room.send(1, 300))).to.equal('unavailable');
    await master.replicaof('NO', 'ONE');
    await replicaIsThere();
    expect((await room.send(1, 300)).status).to.equal('ok');

    await replica.kill();
    const again = { requestId: request(2), body: 2 };
    const outcomes = [codeOf(room.send(1, 2, 'x', again)), codeOf(room.send(1, 1))];
    expect(await Promise.all(outcomes)).to.deep.equal(['unknown_outcome', 'unknown_outcome']);

    replica = await startRedis(replica.options);
    await replicaIsThere();
    const repeat = await room.send(1, 2, 'x', again);
    expect(repeat.status).to.equal('duplicate');
    expect(repeat.id).to.equal((await room.guard('messages', message(2)))?.split(' ')[0]);
    await room.holds();
    expect((await room.events()).filter(([type]) => type === 'message.sent')).to.have.length(54);
  });
});
