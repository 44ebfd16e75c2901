/**
 * How scripts reach Redis, one round trip a command, and what happens when Redis has forgotten a script or a slot has moved. Where
 * replicas must have a write before it is acknowledged, what was asked for meanwhile gathers and leaves as one pipeline that ends with a
 * WAIT, on a connection of its own, since WAIT holds up what comes after it. A WAIT that ends short undoes nothing, so the outcome is
 * unknown and the caller repeats with the same id.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Command } from 'ioredis';
import type { Redis } from 'ioredis';
import keySlot from 'cluster-key-slot';
import { fail, reasonOf } from '../errors.ts';
import { asRedisFailure } from './connection.ts';
import type { Say } from './connection.ts';
import { within } from './deadline.ts';
import type { Script } from './scripts.ts';

export type Reply = [string, ...(string | number | null)[]];
/** What a script that reads answers with. */
export type Bytes = Buffer | null | Bytes[];

interface Call {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

interface Waiting extends Call {
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
/** A server that restarted or failed over has an empty script cache. */
const isForgotten = (error: unknown): boolean => reasonOf(error).startsWith('NOSCRIPT');

export class ScriptRunner {
  private readonly client: Redis | Cluster;
  private readonly acks: number;
  private readonly waiting = new Map<string, Waiting[]>();
  private readonly debug: Say | undefined;
  private inFlight = 0;

  /** `acks` is how many replicas must have what was written; 0 does not wait. `debug` is told of each run. */
  constructor(client: Redis | Cluster, acks: number, debug?: Say) {
    this.client = client;
    this.acks = acks;
    this.debug = debug;
  }

  get waitingNow(): number {
    return this.inFlight;
  }

  async run(script: Script, keys: readonly string[], values: readonly string[]): Promise<Reply> {
    if (this.inFlight === MAX_WAITING) throw fail('unavailable', 'Too many commands are waiting for Redis');
    const call = { script, keys, values };
    const since = performance.now();
    this.inFlight += 1;
    try {
      for (;;) {
        try {
          const reply = await (this.acks === 0 ? this.send(call) : this.sendWithOthers(call));
          this.debug?.('script', {
            script: script.name,
            answer: reply.slice(0, 2).join(' '),
            ms: Math.round((performance.now() - since) * 10) / 10,
          });
          return reply;
        } catch (error) {
          await this.beforeRetry(call, error as Error, performance.now() - since);
        }
      }
    } finally {
      this.inFlight -= 1;
    }
  }

  /** Runs a script that only reads: it waits for no replica, and its reply is left as bytes. */
  async ask(script: Script, keys: readonly string[], values: readonly string[]): Promise<Bytes[]> {
    return (await this.evaluate({ script, keys, values }, null)) as Bytes[];
  }

  close(): void {
    this.client.disconnect();
  }

  /** Throws what cannot be mended by trying again. */
  private async beforeRetry({ script }: Call, error: Error, passedMs: number): Promise<void> {
    const { client } = this;
    if (LOST_ON_THE_WAY.test(reasonOf(error))) throw fail('unknown_outcome', undefined, { cause: error });
    if (passedMs > REDIRECT_MS) throw error;
    if (isForgotten(error)) {
      const masters = client instanceof Cluster ? client.nodes('master') : [client];
      await Promise.allSettled(masters.map((master) => master.script('LOAD', script.source)));
    } else if (REDIRECTED.test(reasonOf(error))) {
      if (client instanceof Cluster) client.refreshSlotsCache();
      await sleep(REDIRECT_PAUSE_MS);
    } else throw error;
  }

  private async send(call: Call): Promise<Reply> {
    if (this.client.status !== 'ready') throw fail('unavailable', 'Redis is not there right now');
    return (await this.evaluate(call, 'utf8')) as Reply;
  }

  /** By its digest; where that is forgotten the source goes out at once, before anything that is asked for later, so the order stays. */
  private async evaluate({ script, keys, values }: Call, replyEncoding: 'utf8' | null): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values];
    const send = (name: string, first: string) =>
      this.client.sendCommand(new Command(name, [first, ...rest], { replyEncoding }));
    try {
      return await send('evalsha', script.sha);
    } catch (error) {
      if (!isForgotten(error)) throw error;
      return send('eval', script.source);
    }
  }

  private sendWithOthers(call: Call): Promise<Reply> {
    const master = this.masterOf(call.keys[0]!);
    return new Promise((resolve, reject) => {
      const waiting = { ...call, resolve, reject };
      const queue = this.waiting.get(master);
      if (queue) queue.push(waiting);
      else {
        this.waiting.set(master, [waiting]);
        setImmediate(() => void this.drain(master));
      }
    });
  }

  /** While a WAIT is under way the queue stays, so that nobody starts a second one behind it. */
  private async drain(master: string): Promise<void> {
    const calls = this.waiting.get(master) ?? [];
    this.waiting.set(master, []);
    try {
      const replies = await this.round(calls);
      for (const [i, call] of calls.entries()) {
        const [error, reply] = replies[i]!;
        if (error) call.reject(asRedisFailure(error));
        else call.resolve(reply as Reply);
      }
    } catch (error) {
      for (const call of calls) call.reject(asRedisFailure(error));
    }
    if (this.waiting.get(master)?.length === 0) this.waiting.delete(master);
    else setImmediate(() => void this.drain(master));
  }

  private async round(calls: readonly Call[]): Promise<[Error | null, unknown][]> {
    if (this.client.status !== 'ready') throw fail('unavailable', 'Redis is not there right now');
    const batch = this.client.pipeline();
    for (const { script, keys, values } of calls) batch.evalsha(script.sha, keys.length, ...keys, ...values);
    // Without a write of this connection WAIT says nothing of a repeat, which writes nothing itself: its first try's write came from
    // another connection and may not have reached a replica.
    const head = calls[0]!.keys.find((key) => key.endsWith(':feed:head'));
    if (head) batch.hset(head, 'written', '1');
    batch.call('WAIT', String(this.acks), String(WAIT_MS));
    // The client's own deadline is for each command; this one is for the case that it loses one of a pipeline with its connection.
    const replies = (await within(PIPELINE_DEADLINE_MS, batch.exec(), () => null)) ?? [];
    if (replies.length < batch.length) throw fail('unknown_outcome');
    const [error, reached] = replies.at(-1)!;
    if (!error && Number(reached) >= this.acks) return replies.slice(0, calls.length);
    // What was refused says more than the WAIT behind it: a primary that came back as a replica answers MOVED, and takes no WAIT.
    const doubt = fail('unknown_outcome', error?.message ?? `${String(reached)} replicas have it, not ${this.acks}`);
    return replies.slice(0, calls.length).map(([refused]) => [refused ?? doubt, undefined]);
  }

  /** Slots of one master and its replicas share a pipeline. */
  private masterOf(key: string): string {
    return this.client instanceof Cluster ? (this.client.slots[keySlot(key)]?.join(';') ?? '') : '';
  }
}
