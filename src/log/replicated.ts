/**
 * Writes that are acknowledged only when replicas have them. Owns a connection of its own, since WAIT counts what its connection wrote
 * and holds up what comes after it: the commands of a turn go out together with one WAIT, and the next ones gather meanwhile. A WAIT that
 * ends short undoes nothing, so the outcome is unknown and the caller repeats with the same id.
 */
import { Cluster } from 'ioredis';
import type { ChainableCommander, Redis } from 'ioredis';
import keySlot from 'cluster-key-slot';
import { fail } from '../errors.ts';
import type { Script } from './scripts.ts';

export type Reply = [string, ...(string | number | null)[]];

interface Call {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

const WAIT_MS = 2_000;
/** More than this waiting for one master means that its replicas do not keep up. */
const MAX_WAITING = 10_000;

export class ReplicatedWriter {
  private readonly client: Redis | Cluster;
  private readonly acks: number;
  private readonly waiting = new Map<string, Call[]>();
  private readonly busy = new Set<string>();

  private constructor(client: Redis | Cluster, acks: number) {
    this.client = client;
    this.acks = acks;
  }

  static async open(client: Redis | Cluster, acks: number): Promise<ReplicatedWriter> {
    if (client.status === 'wait') await client.connect();
    else if (client.status !== 'ready') await new Promise((resolve) => client.once('ready', resolve));
    return new ReplicatedWriter(client, acks);
  }

  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<Reply> {
    const master = this.masterOf(keys[0]!);
    const queue = this.waiting.get(master) ?? [];
    if (queue.length >= MAX_WAITING) throw fail('unavailable', 'Replicas do not keep up');
    return new Promise((resolve, reject) => {
      queue.push({ script, keys, values, resolve, reject });
      this.waiting.set(master, queue);
      if (!this.busy.has(master)) {
        this.busy.add(master);
        setImmediate(() => void this.drain(master));
      }
    });
  }

  close(): void {
    this.client.disconnect();
  }

  private async drain(master: string): Promise<void> {
    for (let calls = this.waiting.get(master); calls?.length; calls = this.waiting.get(master)) {
      this.waiting.delete(master);
      await this.send(calls);
    }
    this.busy.delete(master);
  }

  private async send(calls: readonly Call[]): Promise<void> {
    try {
      let replies = await this.round(calls, (batch, { script, keys, values }) =>
        batch.evalsha(script.sha, keys.length, ...keys, ...values),
      );
      if (replies.some(([error]) => error?.message.startsWith('NOSCRIPT'))) {
        // A server that restarted knows no digests; what did run answers as a repeat.
        replies = await this.round(calls, (batch, { script, keys, values }) =>
          batch.eval(script.source, keys.length, ...keys, ...values),
        );
      }
      calls.forEach((call, i) => {
        const [error, reply] = replies[i]!;
        if (error) call.reject(error);
        else call.resolve(reply as Reply);
      });
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }

  /**
   * One pipeline: the calls, a write of this connection, WAIT. Without the write a repeat, which writes nothing itself, would be
   * acknowledged although the first try's write, from another connection, may not have reached a replica.
   */
  private async round(
    calls: readonly Call[],
    add: (batch: ChainableCommander, call: Call) => void,
  ): Promise<[Error | null, unknown][]> {
    const batch = this.client.pipeline();
    for (const call of calls) add(batch, call);
    const [feed] = calls[0]!.keys.filter((key) => key.endsWith(':feed:head'));
    if (feed) batch.hset(feed, 'written', '1');
    batch.call('WAIT', String(this.acks), String(WAIT_MS));
    const replies = (await batch.exec()) ?? [];
    const [error, reached] = replies.at(-1)!;
    if (error) throw error;
    if (Number(reached) < this.acks) throw fail('unknown_outcome', `Only ${Number(reached)} replicas have it`);
    return replies.slice(0, calls.length);
  }

  private masterOf(key: string): string {
    return this.client instanceof Cluster ? (this.client.slots[keySlot(key)]?.[0] ?? '') : '';
  }
}
