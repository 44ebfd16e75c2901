/** Projectors and reactors for suites, and conversations for them to work on. Waits for positions. */
import { directoryEntry } from '../../src/chat/directory.ts';
import { START } from '../../src/envelope.ts';
import { events, projections } from '../../src/chat/index.ts';
import { membershipsOf } from '../../src/chat/conversations/memberships.ts';
import { userStream } from '../../src/keys.ts';
import type { Reactor } from '../../src/log/effects.ts';
import type { Log } from '../../src/log/log.ts';
import { seqOf } from '../../src/log/log.ts';
import { ConsumerGroup } from '../../src/log/consumer-group.ts';
import { Partition } from '../../src/projector/partition.ts';
import { Projecting, projector } from '../../src/projector/projector.ts';
import type { ProjectorOptions } from '../../src/projector/projector.ts';
import { VersionWork } from '../../src/projector/versions.ts';
import { reactorWorker } from '../../src/projector/reactor.ts';
import type { Worker } from '../../src/projector/worker.ts';
import { viewName } from '../../src/views/projection.ts';
import type { Projection } from '../../src/views/projection.ts';
import { Views } from '../../src/views/store.ts';
import { until } from '../../src/redis/redis-server.ts';
import { decode } from './folds.ts';
import { Polls } from './poll-scripts.ts';
import { Room, user } from './rooms.ts';
import type { World } from './world.ts';

export interface Projectors {
  /** Starts one; it is stopped after the test. */
  start(options?: Partial<ProjectorOptions>): Promise<Worker>;
  /** The same for a reactor; the users' own lists when none is given. */
  react(options?: Partial<ProjectorOptions>, reactor?: Reactor): Promise<Worker>;
  /** One partition in the hands of a worker that holds its lease, without loops of its own. */
  partition(number: number, worker: string, options?: Partial<ProjectorOptions>): Promise<Partition>;
  readonly warnings: string[];
}

const LONG_LEASE_MS = 30_000;
let workers = 0;

export function useProjectors(world: World): Projectors {
  const running: Worker[] = [];
  const warnings: string[] = [];
  beforeEach(() => void warnings.splice(0));
  afterEach(async () => {
    await Promise.all(running.splice(0).map((worker) => worker.stop()));
  });

  function optionsOf(more: Partial<ProjectorOptions>): ProjectorOptions {
    const log = more.log ?? world.log;
    return {
      log,
      views: new Views(log),
      decode,
      projections,
      warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields ?? {})}`),
      groupName: 'views',
      worker: `worker-${(workers += 1)}`,
      batchSize: 64,
      leaseMs: LONG_LEASE_MS,
      gatherMs: 20,
      keepFeedMs: 1_000_000,
      ...more,
    };
  }

  async function run(worker: Worker): Promise<Worker> {
    running.push(worker);
    await worker.start();
    return worker;
  }

  return {
    warnings,
    start: (more = {}) => run(projector(optionsOf(more))),
    react(more = {}, reactor) {
      const options = optionsOf(more);
      const only = reactor ?? membershipsOf(options.log, events).lists;
      return run(reactorWorker(options, { name: only.name, reads: 'now and then', reactors: [only] }));
    },
    async partition(number, worker, more = {}) {
      const options = optionsOf({ ...more, worker });
      const group = new ConsumerGroup(options.log, options.groupName, worker);
      const fence = await group.seize(number, LONG_LEASE_MS);
      const effect = new Projecting(options, number, new VersionWork(options.log));
      return new Partition({ ...options, group, since: 'beginning', effect }, number, fence);
    },
  };
}

/** How many events a group is behind in each partition. */
export async function lags(log: Log, group = 'views'): Promise<number[]> {
  const all = Array.from({ length: log.keys.partitions }, async (_, partition) => {
    const { head, checkpoints } = await log.progress(partition);
    return seqOf(head) - seqOf(checkpoints[group] ?? START);
  });
  return Promise.all(all);
}

/** Resolves when everything is applied: twice, since what is applied in one partition may write to another. */
export async function caughtUp(log: Log, group = 'views', within = 8_000): Promise<void> {
  const isUp = async () => (await lags(log, group)).every((lag) => lag === 0);
  await until(`${group} has caught up`, async () => (await isUp()) && (await isUp()), within);
}

/** Resolves when these views hold every stream, and no partition has anything left of older ones. */
export async function built(log: Log, views: readonly Projection[] = projections): Promise<void> {
  const names = views.map(viewName);
  const isDone = async (partition: number) => {
    const notes = await log.connection.commands.hgetall(log.keys.at(partition, 'views'));
    const older = Object.keys(notes).filter((view) => views.some((p) => view.startsWith(`${p.name}:v`)));
    return names.every((name) => notes[name] === 'complete') && older.length === names.length;
  };
  const partitions = Array.from({ length: log.keys.partitions }, (_, i) => i);
  await until('the views are built', async () => (await Promise.all(partitions.map(isDone))).every(Boolean), 8_000);
}

export const rooms = (world: World, count = 6): Room[] =>
  Array.from({ length: count }, (_, n) => new Room(world, n + 1));

/** A conversation in which everything happens that views care about, members going and coming back at once among it. */
export async function converse(room: Room, round = 0): Promise<void> {
  const n = round * 100;
  if (round === 0) await room.create({ kind: 'channel', roles: ['owner', 'admin', 'member'] });
  await room.send(1, n + 1);
  await room.send(2, n + 2, 'a reply', { replyTo: n + 1 });
  await room.join(7);
  await room.leave(7);
  await room.join(7);
  await room.send(7, n + 3, 'another', { replyTo: n + 1 });
  await room.rename(1, `round ${round}`);
  await room.changeRole(1, 7, 'admin');
  await room.remove(1, 7);
  await room.read(3, n + 2);
  for (const who of [1, 2, 3]) await room.react(who, n + 2, '\u{1f44d}');
  await room.unreact(2, n + 2, '\u{1f44d}');
  await room.send(1, n + 4, 'to a reply', { replyTo: n + 2 });
  await room.pin(1, n + 3);
  await room.pin(2, n + 4);
  await room.unpin(3, n + 3);
  await room.send(1, n + 5);
  await room.pin(1, n + 5);
  await room.takeBack(1, n + 5);
  await room.join(8);
  await room.ban(1, 8, { reason: 'too loud' });
  await room.ban(2, 9, { until: '2999-01-01T00:00:00.000Z' });
  await room.unban(1, 9);
  await room.unban(1, 8);
  await room.invite(1, n + 1);
  await room.invite(2, n + 2, { maxUses: 1 });
  await room.invite(2, n + 3, { expiresIn: 1_000, maxUses: 2 });
  await room.accept(n + 30, n + 2);
  await room.accept(n + 31, n + 3);
  await room.revoke(1, n + 1);
  const polls = new Polls(room);
  await polls.ask(2, n + 7, { multiple: true });
  await polls.vote(1, n + 7, [0, 2]);
  await polls.vote(2, n + 7, [1]);
  await polls.vote(1, n + 7, [2]);
  await polls.vote(2, n + 7, []);
  await polls.close(2, n + 7);
  await polls.ask(1, n + 8);
  await polls.vote(3, n + 8, [1]);
  await room.takeBack(1, n + 8);
  await room.slowMode(1, 1 + round);
  await room.send(1, n + 6);
  await room.archive(1);
  await room.archive(1, false);
  await room.slowMode(1, 0);
  await room.ban(1, 15, { reason: `round ${round}` });
}

/** Users in the profiles. */
export async function register(log: Log, n: number): Promise<void> {
  const id = user(n);
  const name = `name-${n}`;
  await log.append({
    script: 'user.register',
    stream: userStream(id),
    actorId: id,
    args: {
      claimed: String(Date.now()),
      username: name,
      email: '',
      password: 'hash',
      session: user(n),
      details: 'e30',
      welcome: '',
      data: JSON.stringify({ username: name, display_name: name, avatar_url: null }),
      entries: [`${name}\n${id}`, `${name}\n${id}`],
    },
  });
  const renamed = { entry: directoryEntry('other: "é" ', id), data: '{"display_name":"other: \\"\\u00e9\\" "}' };
  await log.append({ script: 'user.update', stream: userStream(id), actorId: id, args: renamed });
}
