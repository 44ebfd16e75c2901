/**
 * The log: the only user of streams and scripts. Runs commands as scripts (one round trip each); what it reads without one is in
 * stored-log.ts. Refuses to know any feature: it sees owners, script names and opaque JSON.
 */
import { createHash } from 'node:crypto';
import { eventId, START } from '../envelope.ts';
import type { Context, Durability } from '../envelope.ts';
import { Keys, PARTITIONS_KEY } from '../keys.ts';
import type { Owner, StreamRef } from '../keys.ts';
import { traced } from '../trace.ts';
import type { BeginSpan } from '../trace.ts';
import { Connection } from './connection.ts';
import type { RedisAddress, Say } from './connection.ts';
import { withFacts } from './archive/facts.ts';
import { partitionsOf } from './kept.ts';
import { loadScripts } from './scripts.ts';
import type { Script } from './scripts.ts';
import { ScriptRunner } from './script-runner.ts';
import type { Bytes, Reply } from './script-runner.ts';
import { refusalOf } from './refusal.ts';
import { StoredLog } from './stored-log.ts';
import type { StoredLogOptions } from './stored-log.ts';

export interface LogOptions extends StoredLogOptions {
  readonly redis: RedisAddress;
  /** How many a server is set to use, or as this Redis was first used by one. */
  readonly partitions: number | 'as it was first used';
  readonly replicationAcks: number;
  /** 16 or more random characters: what hides an erased text from being guessed by its digest. */
  readonly newSalt: () => string;
  /** How long it is tried to reach Redis, where somebody waits for it. */
  readonly connectWithinMs?: number;
  /** Told of each run of a script, where somebody wants to know. */
  readonly debug?: Say | undefined;
  /** Told of each answer to a script that writes events, and how many seconds it took. */
  readonly onAppend?: ((seconds: number) => void) | undefined;
  /** Where spans are collected. */
  readonly trace?: BeginSpan | undefined;
}

/** What a script is to append, in whose name. */
export type Append = Work & (Asked | Acted);

interface Work {
  readonly script: string;
  readonly stream: StreamRef;
  /** What a repeat of the request must say too. */
  readonly body?: unknown;
  /** The script itself knows a repeat, by a message id or because the state is there already; then no request is remembered for it. */
  readonly knowsRepeats?: true;
  /** Values of the script's further ARGV, by name; a list for one that ends in `...`. */
  readonly args: Readonly<Record<string, string | readonly string[]>>;
}

/** In the name of who calls; the same request id with the same `body` is done once. */
interface Asked {
  /** The command that asks for it: from now on it is known of it that something was appended. */
  readonly by: Asking;
  readonly actorId?: undefined;
  readonly requestId?: undefined;
}

/** In the name of somebody else, or of nobody who asks. */
interface Acted {
  readonly by?: Asking;
  readonly actorId: string;
  readonly requestId?: string | undefined;
}

type Asking = Pick<Context, 'caller' | 'requestId' | 'traceparent'>;

/** `unchanged` has the id '': the state asked for was there already. `stale`: what it was made by is not the newest, which is `id`. */
export interface Appended {
  readonly status: 'ok' | 'duplicate' | 'unchanged' | 'stale';
  readonly id: string;
  /** What else the script decided and has to say. */
  readonly told?: string;
}

export class Log extends StoredLog {
  readonly durability: Durability;
  readonly scripts: ReadonlyMap<string, Script>;
  private readonly options: LogOptions;
  private readonly runner: ScriptRunner;
  /** The commands for which something was appended. */
  private readonly answered = new WeakSet<Asking>();
  /** For what writes events, where an ack waits for replicas. */
  private readonly replicated: ScriptRunner | undefined;

  private constructor(
    options: LogOptions,
    connection: Connection,
    keys: Keys,
    durability: Durability,
    replicated?: ScriptRunner,
  ) {
    super(connection, keys, options);
    this.options = options;
    this.durability = durability;
    this.replicated = replicated;
    this.runner = new ScriptRunner(connection.commands, 0, options.debug);
    this.scripts = loadScripts(new URL('../../lua/', import.meta.url), connection.publishCommand);
  }

  /** Connects and checks the servers. Throws when they could not keep the promises or the partition count is another. */
  static async open(options: LogOptions): Promise<Log> {
    const connection = await Connection.open(options.redis, options.warn, options.connectWithinMs);
    try {
      const durability = await connection.checkServers(options.replicationAcks);
      const stored = await partitionsOf({ connection }, options.partitions);
      const acks = options.replicationAcks;
      const replicated = acks > 0 ? new ScriptRunner(await connection.another(), acks, options.debug) : undefined;
      return new Log(options, connection, new Keys(stored), durability, replicated);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Makes the keys of every partition that scripts name, and the place of groups that begin with what happens from now on. Throws nothing:
   * where one cannot be made, what needs it will say so. For a process that serves; whoever only looks changes nothing.
   */
  async prepare(groups: readonly string[] = []): Promise<void> {
    const all = Array.from({ length: this.keys.partitions }, (_, partition) =>
      this.runAt('feed.prepare', partition, { groups }),
    );
    const failed = (await Promise.allSettled(all)).find((one) => one.status === 'rejected');
    if (failed) this.options.warn(`a partition is not prepared: ${(failed.reason as Error).message}`);
  }

  /** Scripts that wait for their answer. */
  get waiting(): number {
    return this.runner.waitingNow + (this.replicated?.waitingNow ?? 0);
  }

  close(): void {
    this.replicated?.close();
    this.connection.close();
  }

  /** True when Redis answers and has loaded its data. */
  answers(): Promise<boolean> {
    return this.connection.commands.get(PARTITIONS_KEY).then(
      () => true,
      () => false,
    );
  }

  /** Appends by the command's script. Throws the catalogue error that the script refused with. */
  async append(command: Append): Promise<Appended> {
    const { script, stream, by } = command;
    const { actorId, requestId } =
      command.actorId === undefined ? { actorId: command.by.caller.userId, ...command.by } : command;
    const salt = this.options.newSalt();
    // The client repeats a command by itself after a lost connection: without an id of the caller's it gets one of its own.
    const ownId = command.knowsRepeats ? '' : `${actorId}:${salt}`;
    const request = requestId === undefined ? ownId : requestOf(actorId, requestId);
    const span = this.options.trace?.(`append ${script}`, by?.traceparent, {});
    const { traceparent } = span ?? by ?? {};
    const values = {
      request,
      fingerprint: requestId === undefined ? '-' : fingerprintOf(command),
      salt,
      envelope:
        `"${stream.kind}_id":"${stream.id}","actor_id":"${actorId}"` +
        (requestId === undefined ? '' : `,"request_id":"${requestId}"`) +
        (traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`),
      actor: actorId,
      ...command.args,
    };
    const appending = withFacts(this, command, (looked) => this.run(script, stream, { ...values, looked }));
    const [status, id, told] = await (span ? traced(span, appending) : appending);
    if (by) this.answered.add(by);
    const appended = { status: status as Appended['status'], id: String(id ?? '') };
    return told === undefined ? appended : { ...appended, told: String(told) };
  }

  /** Whether a command appended something, or found that its first try had: whatever fails after that, it was done. */
  hasAppended(by: Asking): boolean {
    return this.answered.has(by);
  }

  /** Whether something was done under the caller's request id where the stream lies. Whether it was the same, the script of an append knows. */
  async wasDone({ caller, requestId }: Asking, { id }: Owner): Promise<boolean> {
    if (requestId === undefined) return false;
    const partition = this.keys.partitionOf(id);
    const request = requestOf(caller.userId, requestId);
    const generations = ['requests_0', 'requests_1'].map((name) => this.keys.at(partition, name));
    const seen = await Promise.all(generations.map((key) => this.connection.commands.hexists(key, request)));
    return seen.includes(1);
  }

  /** Runs any script at an owner's partition; keys and arguments are matched by the names in its header. */
  async run(name: string, owner: Owner, args: Append['args'], openKeys: readonly string[] = []): Promise<Reply> {
    const script = this.script(name);
    const values = this.valuesOf(script, this.keys.partitionOf(owner.id), args);
    return this.call(script, [...this.keys.all(owner, script.fixedKeys), ...openKeys], values);
  }

  /** Runs a script that belongs to a partition rather than to an owner. */
  async runAt(name: string, partition: number, args: Append['args'], openKeys: readonly string[] = []): Promise<Reply> {
    const script = this.script(name);
    const keys = script.fixedKeys.map((key) => this.keys.at(partition, key));
    return this.call(script, [...keys, ...openKeys], this.valuesOf(script, partition, args));
  }

  /** Runs a script that only reads, at an owner's partition. Its reply comes as the bytes that Redis has, nothing is decoded. */
  async ask(name: string, owner: Owner, args: Append['args'], openKeys: readonly string[]): Promise<Bytes[]> {
    const script = this.script(name);
    const keys = [...this.keys.all(owner, script.fixedKeys), ...openKeys];
    return this.runner.ask(script, keys, this.valuesOf(script, this.keys.partitionOf(owner.id), args));
  }

  /** Notes that something could not be done for a stream, where what stands still is looked for. The rest goes on. */
  async park(stream: StreamRef, by: string, { id, type }: { id: string; type: string }, error: Error): Promise<void> {
    const why = { event_id: id, type, error: error.message };
    const key = this.keys.at(this.keys.partitionOf(stream.id), 'parked');
    await this.connection.commands.hset(key, `${by} ${stream.kind} ${stream.id}`, JSON.stringify(why));
  }

  /** Id of the last entry of each of these feeds, which are of one server; '' for one that has none. */
  async feedHeads(partitions: readonly number[]): Promise<string[]> {
    const heads = partitions.map((partition) => this.keys.at(partition, 'feed_head'));
    const [, ...ids] = await this.runAt('feed.heads', partitions[0]!, {}, heads);
    return ids.map(String);
  }

  private script(name: string): Script {
    const script = this.scripts.get(name);
    if (!script) throw new Error(`there is no script ${name}`);
    return script;
  }

  private async call(script: Script, keys: readonly string[], values: readonly string[]): Promise<Reply> {
    // Only what writes an event is worth waiting for: the rest can be done again.
    const appends = script.emits.length > 0;
    const since = performance.now();
    const reply = await (appends ? (this.replicated ?? this.runner) : this.runner).run(script, keys, values);
    if (appends) this.options.onAppend?.((performance.now() - since) / 1_000);
    if (reply[0] === 'fail') throw refusalOf(script, reply);
    return reply;
  }

  /** A script's arguments in the order of its header. Where it publishes signals it is told on which channel. */
  private valuesOf(script: Script, partition: number, args: Append['args']): string[] {
    const values: string[] = [];
    for (const name of script.args) {
      const value = args[name.endsWith('...') ? name.slice(0, -3) : name];
      if (typeof value === 'string') values.push(value);
      else if (value) values.push(...value);
      else if (name === 'signals') values.push(this.keys.signals(partition));
      else throw new Error(`${script.name} needs the argument ${name}`);
    }
    return values;
  }
}

const requestOf = (actorId: string, requestId: string): string => `${actorId}:${requestId}`;

function fingerprintOf({ script, body }: Append): string {
  return createHash('sha1')
    .update(JSON.stringify([script, body]))
    .digest('base64url')
    .slice(0, 16);
}

/** The seq of an id of ours; 0 for the start. */
export const seqOf = (id: string): number => (id === START || id === '' ? 0 : eventId(id).seq);
