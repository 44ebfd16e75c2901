/**
 * How scripts reach Redis. What one turn of the event loop asks for leaves as one pipeline, in one write to the socket, which is a third
 * of the cost of writing each by itself. Where replicas must have a write before it is acknowledged, the pipeline ends with a WAIT, on a
 * connection of its own, since WAIT holds up what comes after it; the next calls gather meanwhile. A WAIT that ends short undoes
 * nothing, so the outcome is unknown and the caller repeats with the same id.
 */
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import keySlot from 'cluster-key-slot';
import { fail } from '../errors.ts';
import type { Script } from './scripts.ts';

export type Reply = [string, ...(string | number | null)[]];

interface Call {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  readonly since: number;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

const WAIT_MS = 2_000;
const PIPELINE_DEADLINE_MS = 6_000;
/** A slot that moves or a master that fails over is waited for this long. */
const REDIRECT_MS = 15_000;
const REDIRECT_PAUSE_MS = 100;
const MAX_WAITING = 20_000;
/** The Cluster client sends again what a lost connection had carried, and says this when it is too late for that. */
const LOST_ON_THE_WAY = /Cluster isn't ready/;
const REDIRECTED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;

export class ScriptWriter {
  private readonly client: Redis | Cluster;
  private readonly acks: number;
  private readonly waiting = new Map<string, Call[]>();

  /** `acks` is how many replicas must have what was written; 0 does not wait. */
  constructor(client: Redis | Cluster, acks: number) {
    this.client = client;
    this.acks = acks;
  }

  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<Reply> {
    return new Promise((resolve, reject) => this.add({ script, keys, values, since: Date.now(), resolve, reject }));
  }

  close(): void {
    this.client.disconnect();
  }

  private add(call: Call): void {
    const master = this.masterOf(call.keys[0]!);
    const queue = this.waiting.get(master);
    if (!queue) {
      this.waiting.set(master, [call]);
      setImmediate(() => void this.drain(master));
    } else if (queue.length < MAX_WAITING) queue.push(call);
    else call.reject(fail('unavailable', 'Too many commands are waiting for Redis'));
  }

  private async drain(master: string): Promise<void> {
    const calls = this.waiting.get(master) ?? [];
    if (this.acks === 0) {
      this.waiting.delete(master);
      return this.send(calls);
    }
    // While a WAIT is under way the queue stays, so that nobody starts a second one behind it.
    this.waiting.set(master, []);
    await this.send(calls);
    if (this.waiting.get(master)?.length === 0) this.waiting.delete(master);
    else setImmediate(() => void this.drain(master));
  }

  private async send(calls: readonly Call[]): Promise<void> {
    const forgotten: Call[] = [];
    try {
      const replies = await this.round(calls);
      for (const [i, call] of calls.entries()) {
        if (replies[i]![0]?.message.startsWith('NOSCRIPT')) forgotten.push(call);
        else this.settle(call, replies[i]!);
      }
    } catch (error) {
      for (const call of calls) this.settle(call, [error as Error, undefined]);
    }
    if (forgotten.length > 0) await this.sendForgotten(forgotten);
  }

  private settle(call: Call, [error, reply]: [Error | null, unknown]): void {
    if (!error) return call.resolve(reply as Reply);
    if (REDIRECTED.test(error.message) && Date.now() - call.since < REDIRECT_MS) {
      if (this.client instanceof Cluster) this.client.refreshSlotsCache();
      setTimeout(() => this.add(call), REDIRECT_PAUSE_MS);
    } else
      call.reject(LOST_ON_THE_WAY.test(error.message) ? fail('unknown_outcome', undefined, { cause: error }) : error);
  }

  /**
   * A server that restarted or failed over has an empty script cache. The source goes out at once, before anything that is asked for
   * later, so the order stays. Where replicas are waited for nothing goes out meanwhile: there the script is loaded first and the call
   * made again, since made twice it would get the answer to a repeat.
   */
  private async sendForgotten(calls: readonly Call[]): Promise<void> {
    const { client } = this;
    if (this.acks === 0) {
      for (const call of calls) {
        const { script, keys, values } = call;
        client.eval(script.source, keys.length, ...keys, ...values).then(
          (reply) => this.settle(call, [null, reply]),
          (error: Error) => this.settle(call, [error, undefined]),
        );
      }
      return;
    }
    const masters = client instanceof Cluster ? client.nodes('master') : [client];
    const sources = new Set(calls.map(({ script }) => script.source));
    await Promise.allSettled(masters.flatMap((m) => [...sources].map((source) => m.script('LOAD', source))));
    const oldest = Date.now() - REDIRECT_MS;
    for (const call of calls) if (call.since <= oldest) call.reject(fail('unavailable', 'Redis takes no script'));
    const again = calls.filter(({ since }) => since > oldest);
    if (again.length > 0) await this.send(again);
  }

  private async round(calls: readonly Call[]): Promise<[Error | null, unknown][]> {
    if (this.client.status !== 'ready') throw fail('unavailable', 'Redis is not there right now');
    const batch = this.client.pipeline();
    for (const { script, keys, values } of calls) batch.evalsha(script.sha, keys.length, ...keys, ...values);
    if (this.acks > 0) {
      // Without a write of this connection WAIT says nothing of a repeat, which writes nothing itself: its first try's write came from
      // another connection and may not have reached a replica.
      const head = calls[0]!.keys.find((key) => key.endsWith(':feed:head'));
      if (head) batch.hset(head, 'written', '1');
      batch.call('WAIT', String(this.acks), String(WAIT_MS));
    }
    const replies = (await within(batch.exec())) ?? [];
    if (replies.length < batch.length) throw fail('unknown_outcome');
    if (this.acks > 0) {
      const [error, reached] = replies.at(-1)!;
      if (error) throw error;
      if (Number(reached) < this.acks)
        throw fail('unknown_outcome', `${String(reached)} replicas have it, not ${this.acks}`);
    }
    return replies.slice(0, calls.length);
  }

  /** Slots of one master and its replicas share a pipeline. */
  private masterOf(key: string): string {
    return this.client instanceof Cluster ? (this.client.slots[keySlot(key)]?.join(';') ?? '') : '';
  }
}

/** The client's own deadline is for each command; this one is for the case that it loses one of a pipeline with its connection. */
async function within<T>(sent: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(fail('unknown_outcome')), PIPELINE_DEADLINE_MS);
  });
  try {
    return await Promise.race([sent, late]);
  } finally {
    clearTimeout(timer);
  }
}
