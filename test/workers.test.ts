/** Several processes behind one port: every socket sees one order, one that dies is started anew and loses nothing, all end together. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { UNLIMITED } from '../scripts/unlimited.ts';
import { until } from '../src/redis/redis-server.ts';
import { Rest, Socket } from './support/client.ts';
import type { Json } from './support/client.ts';
import { startProgram } from './support/process.ts';
import type { Program } from './support/process.ts';
import { seqsFrom } from './support/writing.ts';

const SOCKETS = 8;

describe('a server of two workers', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rill-workers-'));
  let program: Program;
  before(async function () {
    this.timeout(40_000);
    program = await startProgram({ ...UNLIMITED, WORKERS: '2', DATA_DIR: dataDir, SECRET_KEY: '' });
  });
  after(async () => {
    program.signal('SIGTERM');
    await program.exited;
    rmSync(dataDir, { recursive: true, force: true });
  });

  const childrenOf = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  const workers = () =>
    childrenOf(program.pid).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.ts'));

  it('has one order for all, also when one of them is killed, and ends as one', async function () {
    this.timeout(60_000);
    const { body } = await new Rest(program.base).post<Json>('/auth/register', {
      username: 'ada',
      password: 'correct horse',
    });
    const token = String(body['access_token']);
    const ada = new Rest(program.base, token);
    const { body: room } = await ada.post<{ id: string }>('/conversations', { type: 'group', name: 'all' });
    const path = `/conversations/${room.id}/messages`;
    const say = async (count: number) => {
      const sent = await Promise.all(Array.from({ length: count }, (_, n) => ada.post(path, { content: `word ${n}` })));
      expect(new Set(sent.map(({ status }) => status))).to.deep.equal(new Set([201]));
    };
    const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => Socket.open(program.base, token)));
    const stats = await (await fetch(`${program.base}/stats`)).json();
    expect(stats).to.include({ active_connections: SOCKETS });
    await say(40);
    const metrics = await (await fetch(`${program.base}/metrics`)).text();
    expect(metrics).to.include('\nchat_messages_sent_total 40\n').and.include(`\nchat_active_connections ${SOCKETS}\n`);
    expect(metrics).to.match(/\nchat_redis_up\{server="[^"]+"\} 1\n/);
    for (const socket of sockets) {
      await socket.reached(room.id, 41);
      expect(socket.seqs(room.id)).to.deep.equal(seqsFrom(2, 41));
    }

    const closed = new Set<Socket>();
    for (const socket of sockets) void socket.closed.then(() => closed.add(socket));
    const [first, second] = workers();
    process.kill(first!, 'SIGKILL');
    await until('its sockets are cut', () => closed.size > 0);
    await until('there are two again', () => workers().length === 2 && !workers().includes(first!), 20_000);
    expect(workers()).to.include(second);
    expect(program.output()).to.include('a worker has ended');
    await say(10);
    for (const socket of sockets.filter((one) => !closed.has(one))) await socket.reached(room.id, 51);
    expect(closed.size).to.be.within(1, SOCKETS - 1);
    const back = await Socket.open(program.base, token, '?resume=1');
    await back.command('session.resume', { cursors: { [room.id]: sockets[0]!.events(room.id)[39]!.id } });
    await back.reached(room.id, 51);
    expect(back.seqs(room.id)).to.deep.equal(seqsFrom(42, 51));

    const all = childrenOf(program.pid);
    program.signal('SIGTERM');
    expect(await program.exited).to.deep.equal({ code: 0, signal: null });
    for (const pid of all) expect(() => process.kill(pid, 0), String(pid)).to.throw('ESRCH');
  });
});
