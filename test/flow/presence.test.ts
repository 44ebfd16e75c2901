/** Coming and going as those who watch are told of it, by whole nodes: reloads, a second device, a text's end, a node that is killed. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import { until } from '../../src/redis/redis-server.ts';
import { Socket } from '../support/client.ts';
import type { Frame } from '../support/client.ts';
import { allTimers, passTime } from '../support/passing.ts';
import { startProgram } from '../support/process.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';

describe('coming and going', function () {
  this.timeout(60_000);
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  /** Ada's, who watches Bob. */
  let watching: Socket;
  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    await group(ada, bob);
    watching = await ada.socket();
    await watching.command('presence.watch', { user_ids: [bob.id] });
  });

  const isOfBob = ({ type, user_id }: Frame) => type === 'presence.changed' && user_id === bob.id;
  const told = () =>
    watching.frames.filter(isOfBob).map(({ data }) => `${String(data['status'])} ${String(data['status_text'])}`);
  const untilTold = async (...expected: string[]) => {
    await watching.until(() => told().length >= expected.length, expected.at(-1)!);
    expect(told()).to.deep.equal(expected);
  };
  const field = (name: string) =>
    world.log.connection.commands.hget(world.log.keys.of(userStream(bob.id), 'presence'), name);
  /** Until it is known that no socket of Bob is open any more. */
  const untilGone = () => until('bob has gone', async () => Boolean(await field('left')));
  const untilBack = () => until('bob is back', async () => (await field('left')) === '');
  let spared: Set<string>;
  beforeEach(() => (spared = new Set()));
  const pass = (ms: number) => passTime(world, ms, { userIds: [bob.id], spared });

  it('a reload makes no noise, a second device none, and the last one that goes is told once', async () => {
    const first = await bob.socket();
    await untilTold('online null');
    await first.close();
    await untilGone();
    const again = await bob.socket();
    await untilBack();
    const other = await bob.socket('', await startNode());
    await again.close();
    await other.close();
    await untilGone();
    await pass(6_000);
    await untilTold('online null', 'offline null');
    expect((await ada.rest.get(`/users/${bob.id}`)).body).to.have.nested.property('presence.status', 'offline');
    await bob.socket();
    await untilTold('online null', 'offline null', 'online null');
  });

  it('a text ends at its time, in what is asked as well as by an event', async () => {
    await bob.socket();
    await untilTold('online null');
    const status_until = new Date(Date.now() + 60_000).toISOString();
    await bob.rest.call('PUT', '/users/me/status', { status: 'busy', status_text: 'lunch', status_until });
    await untilTold('online null', 'busy lunch');
    await pass(61_000);
    await untilTold('online null', 'busy lunch', 'busy null');
    const own = { status: 'busy', status_text: null, status_until: null };
    expect((await bob.rest.get('/users/me/status')).body).to.deep.equal(own);
  });

  it('a node that is killed takes its sockets with it when its word runs out, and a socket elsewhere keeps its user there', async () => {
    const eve = await register(node);
    await group(ada, eve);
    const eves = await eve.socket();
    await eves.frame(({ type }) => type === 'presence.changed');
    spared = new Set(await allTimers(world));
    const program = await startProgram({ ROLES: 'gateway', ...world.environment });
    await Socket.open(program.base, eve.token);
    await Socket.open(program.base, bob.token);
    await untilTold('online null');
    program.signal('SIGKILL');
    await program.exited;
    await pass(39_000);
    await watching.command('ping');
    expect(told()).to.deep.equal(['online null']);
    await pass(2_000);
    await untilTold('online null', 'offline null');
    expect((await ada.rest.get(`/users/${eve.id}`)).body).to.have.nested.property('presence.status', 'online');
  });
});
