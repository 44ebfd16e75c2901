/**
 * Signals: short-lived facts that stand in no log and no feed, such as that somebody is typing. They travel by pub/sub, one channel for
 * each partition, and reach every node that listens at that moment. One that is lost is lost: refuses to promise more, so whatever must
 * be known later is kept elsewhere. Whoever publishes decides beforehand who may.
 *
 * A message is `<stream kind> <stream id> <actor id> <json>`, so that a node finds who it is for without reading the JSON.
 * `lua/lib/signal.lua` writes the same from within a script.
 */
import type { StreamRef } from '../keys.ts';
import { Channels } from './channels.ts';
import type { Warn } from './connection.ts';
import type { Log } from './log.ts';

export interface Signal {
  /** Whom it concerns: the members of the conversation, or the user. */
  readonly stream: StreamRef;
  readonly actorId: string;
  /** The frame for sockets, as it was published. */
  readonly json: Buffer;
}

/** Stands for the actor of a signal on a user's stream that is for the user alone, and not for those who watch the user. */
export const TO_ONESELF = '-';

const SIGNAL_HEAD = /^(conversation|user) (\S+) (\S+) /;
/** Longer than any head. */
const HEAD_BYTES = 160;

export class Signals {
  private readonly log: Log;
  private channels: Channels | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  /** Resolves when Redis has sent it on. Throws `unavailable` or `unknown_outcome`; nobody needs to try again. */
  async publish(stream: StreamRef, actorId: string, json: string): Promise<void> {
    const { connection, keys } = this.log;
    const message = `${stream.kind} ${stream.id} ${actorId} ${json}`;
    const channel = keys.signals(keys.partitionOf(stream.id));
    const { commands } = connection;
    await (connection.isCluster ? commands.spublish(channel, message) : commands.publish(channel, message));
  }

  /** Hears what is published from now on, on any node; what is published while a lost connection comes back is not heard. */
  async start(onSignal: (signal: Signal) => void, warn: Warn): Promise<void> {
    const { connection, keys } = this.log;
    const channels = Array.from({ length: keys.partitions }, (_, partition) => keys.signals(partition));
    const onMessage = (_: string, message: Buffer) => {
      const signal = parseSignal(message);
      if (!signal) return warn('a message on the channel of signals is not one');
      // Nobody above this turn would catch it, and one reader's defect must not end the process.
      try {
        onSignal(signal);
      } catch (error) {
        warn(`signals: ${(error as Error).message}`);
      }
    };
    this.channels = new Channels({ connection, channels, onMessage, warn });
    await this.channels.start();
  }

  async stop(): Promise<void> {
    await this.channels?.stop();
  }
}

function parseSignal(message: Buffer): Signal | undefined {
  const match = SIGNAL_HEAD.exec(message.toString('latin1', 0, HEAD_BYTES));
  if (!match) return undefined;
  const [head, kind, id, actorId] = match;
  return {
    stream: { kind: kind as StreamRef['kind'], id: id! },
    actorId: actorId!,
    json: message.subarray(head.length),
  };
}
