/**
 * `rill/consumer`: the log for programs of one's own, as analysts write them. A consumer is a group with a checkpoint of its own: it is given
 * every event of every log at least once, those of one log in their order, first what there was and then what comes, always in the newest
 * shape of its type. Several processes of one name share the work. Whoever stays away loses nothing and holds up nobody: what the feeds
 * do not have any more is read from the logs and their archive.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { events as definitions } from './chat/index.ts';
import { readSettings } from './config.ts';
import { eventId, idBeforeMs } from './envelope.ts';
import { eventDecoder } from './log/decoder.ts';
import type { ChatEvent, Decode, RawEvent } from './envelope.ts';
import { archiveFilesOf } from './files/file-store.ts';
import type { StreamRef } from './keys.ts';
import { groupStates } from './log/groups.ts';
import { Log } from './log/log.ts';
import { CONSUMER } from './log/consumer-group.ts';
import type { Commit, Gap, GroupEffect, Outcome } from './projector/partition.ts';
import { Worker } from './projector/worker.ts';
import { visitedAddress } from './redis/address.ts';

export type { ChatEvent } from './envelope.ts';

export interface ConsumerOptions {
  /** The same for all processes that share the work; up to 40 letters, digits, `-` and `_`. */
  readonly name: string;
  /** Where a name that is new begins. */
  readonly from?: 'beginning' | 'now';
  /** Only these; all where they are not given. */
  readonly types?: readonly string[];
  /**
   * Called with one or more events, and again when that is done. An event is behind the consumer when the promise resolves; after one that
   * rejects, or a crash, the same events are given again: `id` with the conversation or user names an event for ever.
   */
  readonly onEvents: (events: readonly ChatEvent[]) => Promise<void> | void;
  /** What went wrong, and is tried again or was passed over. To stderr where it is not given. */
  readonly onWarning?: (message: string) => void;
  /** As the server's: REDIS_URL or REDIS_CLUSTER_NODES, or the DATA_DIR of its private Redis. The environment's where they are not given. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Consumer {
  /** Events that it has yet to come to, of all types. */
  lag(): Promise<number>;
  /** Resolves when the events in hand are done. */
  stop(): Promise<void>;
}

const NAME = /^[A-Za-z0-9_-]{1,40}$/;
const BATCH = 500;
const LEASE_MS = 10_000;
/** New events are asked for at 0.4 of this. */
const GATHER_MS = 250;

/** Throws where the name is not right, or Redis cannot be reached. */
export async function createConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { name, from = 'beginning', onWarning = (message) => process.stderr.write(`${message}\n`) } = options;
  if (!NAME.test(name)) throw new Error('A consumer is named by up to 40 letters, digits, - and _');
  const config = readSettings(options.settings);
  const visited = await visitedAddress(config);
  if (!visited) throw new Error(`No server has used ${config.DATA_DIR} yet`);
  const group = CONSUMER + name;
  let log: Log | undefined;
  const close = async () => {
    log?.close();
    await visited.stop();
  };
  try {
    log = await Log.open({
      redis: visited.redis,
      partitions: 'as it was first used',
      replicationAcks: 0,
      archive: archiveFilesOf(config),
      newSalt: () => randomBytes(8).toString('hex'),
      warn: onWarning,
    });
    const opened = log;
    const handing = { log: opened, decode: eventDecoder(definitions), onWarning, ...options };
    const work = { log: opened, warn: onWarning, batchSize: BATCH, leaseMs: LEASE_MS, gatherMs: GATHER_MS };
    const worker = new Worker(
      { ...work, worker: randomUUID() },
      { name: group, since: from, reads: 'now and then', effect: () => new Handing(handing) },
    );
    await worker.start();
    return {
      lag: async () => (await groupStates(opened)).find((state) => state.name === group)?.lag ?? 0,
      async stop() {
        await worker.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface HandingOptions extends Pick<ConsumerOptions, 'types' | 'onEvents'> {
  readonly log: Log;
  readonly decode: Decode;
  readonly onWarning: (message: string) => void;
}

/** The checkpoint moves behind events when the consumer is done with them. */
class Handing implements GroupEffect {
  private readonly options: HandingOptions;

  constructor(options: HandingOptions) {
    this.options = options;
  }

  reset(): void {}

  async apply(events: readonly RawEvent[], _strangers: unknown, commit: Commit): Promise<Outcome> {
    await this.hand(events);
    return commit('last', []);
  }

  async fill(stream: StreamRef, { after, upTo }: Gap): Promise<void> {
    const last = eventId(upTo).ms;
    for await (const page of this.options.log.readAll(stream, idBeforeMs(eventId(after).ms), BATCH)) {
      const lost = page.filter(({ id }) => eventId(id).ms <= last);
      await this.hand(lost);
      if (lost.length < page.length) return;
    }
  }

  private async hand(events: readonly RawEvent[]): Promise<void> {
    const { types, onEvents } = this.options;
    const wanted = types ? events.filter(({ type }) => types.includes(type)) : events;
    const read = wanted.flatMap((event) => this.read(event) ?? []);
    if (read.length > 0) await onEvents(read);
  }

  /** One that this program cannot read, as of a newer one, must not keep the others from being read. */
  private read(event: RawEvent): ChatEvent | undefined {
    try {
      return this.options.decode(event);
    } catch (error) {
      this.options.onWarning(`${event.type} ${event.id} is passed over: ${(error as Error).message}`);
      return undefined;
    }
  }
}
