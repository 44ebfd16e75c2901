/**
 * The read models as they lie in Redis, looked at from the outside: dumped canonically, thrown away, made again by the product's own
 * rebuild or by a projector of this process with a batch size of the story's, and proved against the logs.
 */
import { randomBytes } from 'node:crypto';
import { chat, checks, guards, projections } from '../../src/chat/index.ts';
import { readConfig } from '../../src/config.ts';
import type { Decode } from '../../src/envelope.ts';
import { Log } from '../../src/log/log.ts';
import { projector } from '../../src/projector/projector.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import { lineOf, verify } from '../../src/projector/verify.ts';
import type { Worker } from '../../src/projector/worker.ts';
import { Views } from '../../src/views/store.ts';
import type { Random } from './random.ts';
import { eventually } from './story.ts';
import type { Truth } from './truth.ts';
import { SECRET_KEY } from './world.ts';

export const GROUP = 'views';

export interface ProjectorSettings {
  readonly worker: string;
  readonly batchSize: number;
  readonly leaseMs: number;
  /** Little when absent, for a story that waits for it. */
  readonly gatherMs?: number;
  readonly warn?: (message: string, fields?: Record<string, unknown>) => void;
}

export class ReadModels {
  readonly log: Log;
  private readonly decode: Decode;
  private readonly views: Views;

  private constructor(log: Log, partitions: number) {
    this.log = log;
    this.views = new Views(log);
    this.decode = chat(log, this.views, readConfig({ SECRET_KEY, PARTITIONS: String(partitions) })).decode;
  }

  static async open(url: string, partitions: number): Promise<ReadModels> {
    const newSalt = () => randomBytes(8).toString('hex');
    const log = await Log.open({ redis: { url }, partitions, replicationAcks: 0, newSalt, warn: () => {} });
    return new ReadModels(log, partitions);
  }

  close(): void {
    this.log.close();
  }

  /** A projector of this process, as a node has one. */
  projector({ worker, batchSize, leaseMs, gatherMs = 20, warn = () => {} }: ProjectorSettings): Worker {
    return projector({
      ...this.fold(),
      warn,
      groupName: GROUP,
      worker,
      batchSize,
      leaseMs,
      gatherMs,
      keepFeedMs: 3_600_000,
    });
  }

  /** The product's own rebuild: to the other sides and back, so that keys are called as before. */
  async rebuild(random: Random): Promise<void> {
    for (const how of ['anew', 'anew', 'drop'] as const)
      await rebuild({ ...this.fold(), groupName: GROUP, worker: random.ulid(), how });
  }

  /** What the product's own proof finds. */
  async differences(): Promise<string[]> {
    return (await verify({ ...this.fold(), guards, checks })).differences.map(lineOf);
  }

  /** Forgets every view, what is parked, and how far the projectors were, so that they begin at the beginning. */
  async forget(truth: Truth): Promise<void> {
    for (const pattern of [
      'chat:{*}:view:*',
      'chat:{*}:views',
      'chat:{*}:parked',
      'chat:{*}:checkpoints',
      'chat:{*}:leases',
    ])
      for (const key of await truth.keys(pattern)) await truth.client.unlink(key);
    for (const feed of await truth.keys('chat:{*}:feed')) await truth.client.xgroup('DESTROY', feed, GROUP);
  }

  /** Forgets how far the projectors were, and keeps the views: every event comes a second time. */
  async deliverAgain(truth: Truth): Promise<void> {
    for (const key of await truth.keys('chat:{*}:checkpoints')) await truth.client.hset(key, GROUP, '0-0');
    for (const feed of await truth.keys('chat:{*}:feed')) await truth.client.xgroup('SETID', feed, GROUP, '0-0');
  }

  /** Runs a projector of this process until it has everything; false when it does not get there. */
  async project(truth: Truth, settings: ProjectorSettings): Promise<boolean> {
    const worker = this.projector(settings);
    await worker.start();
    const done = await eventually(() => truth.isProjected(GROUP), 60_000);
    await worker.stop();
    return done;
  }

  private fold() {
    return { log: this.log, views: this.views, projections, decode: this.decode };
  }
}

/** Every view key with its content, in an order that does not depend on how it was written. */
export async function dumpViews(truth: Truth): Promise<Map<string, string>> {
  const dump = new Map<string, string>();
  for (const key of await truth.keys('chat:{*}:view:*')) {
    const type = await truth.client.type(key);
    if (type === 'hash') dump.set(key, JSON.stringify(sorted(await truth.client.hgetall(key))));
    else if (type === 'zset')
      dump.set(key, JSON.stringify(await truth.client.call('ZRANGE', key, '0', '-1', 'WITHSCORES')));
    else dump.set(key, `a ${type}, which no view is`);
  }
  return dump;
}

const sorted = (hash: Record<string, string>): [string, string][] =>
  Object.entries(hash).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Keys that two dumps do not have in common, with both contents cut short. */
export function differencesOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys]
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => `${key}: ${before.get(key)?.slice(0, 200)} became ${after.get(key)?.slice(0, 200)}`);
}
