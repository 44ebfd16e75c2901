/**
 * The log: the only user of streams and scripts. Runs commands as scripts (one round trip each), reads logs by id, and names the
 * feeds for those who follow. Refuses to know any feature: it sees owners, script names and opaque JSON.
 */
import { createHash } from 'node:crypto';
import { eventId, START } from '../envelope.ts';
import type { RawEntry, RawEvent } from '../envelope.ts';
import { Keys, PARTITIONS_KEY, streamOfKey } from '../keys.ts';
import type { Owner, StreamRef } from '../keys.ts';
import { Connection, translated } from './connection.ts';
import type { Durability, RedisAddress, Say, Warn } from './connection.ts';
import { onlyEvents } from './entries.ts';
import { entryPage, mergedPage } from './entry-page.ts';
import type { EntryPage } from './entry-page.ts';
import { partitionsOf } from './kept.ts';
import { loadScripts } from './scripts.ts';
import type { Script } from './scripts.ts';
import { ScriptRunner } from './script-runner.ts';
import type { Bytes, Reply } from './script-runner.ts';
import { NOBODY } from './guard.ts';
import { refusalOf } from './refusal.ts';
import { idBefore } from './seek.ts';

export interface LogOptions {
  readonly redis: RedisAddress;
  /** How many a server is set to use, or as this Redis was first used by one. */
  readonly partitions: number | 'as it was first used';
  readonly replicationAcks: number;
  /** 16 or more random characters: what hides an erased text from being guessed by its digest. */
  readonly newSalt: () => string;
  readonly warn: Warn;
  /** How long it is tried to reach Redis, where somebody waits for it. */
  readonly connectWithinMs?: number;
  /** Told of each run of a script, where somebody wants to know. */
  readonly debug?: Say | undefined;
}

/** A command of a feature, ready for its script. */
export interface Append {
  readonly script: string;
  readonly stream: StreamRef;
  readonly actorId: string;
  /** The client's own id of the request; the same one with the same `body` is done once. */
  readonly requestId?: string | undefined;
  readonly body?: unknown;
  /** The script itself knows a repeat, by a message id or because the state is there already; then no request is remembered for it. */
  readonly knowsRepeats?: true;
  /** Values of the script's further ARGV, by name; a list for one that ends in `...`. */
  readonly args: Readonly<Record<string, string | readonly string[]>>;
}

/** `unchanged` has the id '': the state asked for was there already. `stale`: what it was made by is not the newest, which is `id`. */
export interface Appended {
  readonly status: 'ok' | 'duplicate' | 'unchanged' | 'stale';
  readonly id: string;
  /** What else the script decided and has to say. */
  readonly told?: string;
}

/** Events read at a time when a whole log or its tail is read. */
const PAGE = 500;

export class Log {
  readonly keys: Keys;
  readonly connection: Connection;
  readonly durability: Durability;
  readonly scripts: ReadonlyMap<string, Script>;
  private readonly options: LogOptions;
  private readonly runner: ScriptRunner;
  /** For what writes events, where an ack waits for replicas. */
  private readonly replicated: ScriptRunner | undefined;

  private constructor(
    options: LogOptions,
    connection: Connection,
    keys: Keys,
    durability: Durability,
    replicated?: ScriptRunner,
  ) {
    this.options = options;
    this.connection = connection;
    this.keys = keys;
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
    const { stream, actorId, requestId } = command;
    const salt = this.options.newSalt();
    // The client repeats a command by itself after a lost connection: without an id of the caller's it gets one of its own.
    const ownId = command.knowsRepeats ? '' : `${actorId}:${salt}`;
    const request = requestId === undefined ? ownId : `${actorId}:${requestId}`;
    const [status, id, told] = await this.run(command.script, stream, {
      request,
      fingerprint: requestId === undefined ? '-' : fingerprintOf(command),
      salt,
      envelope:
        `"${stream.kind}_id":"${stream.id}","actor_id":"${actorId}"` +
        (requestId === undefined ? '' : `,"request_id":"${requestId}"`),
      actor: actorId,
      ...command.args,
    });
    const appended = { status: status as Appended['status'], id: String(id ?? '') };
    return told === undefined ? appended : { ...appended, told: String(told) };
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

  /** Events of a stream after an id, oldest first, at most `count`. */
  async readAfter(stream: StreamRef, after: string, count = PAGE): Promise<RawEvent[]> {
    return this.range(stream, after === START ? '-' : `(${after}`, '+', count);
  }

  /** Events before an id, newest first, at most `count`. `before` may be '+' for the newest. */
  async readBefore(stream: StreamRef, before: string, count = PAGE): Promise<RawEvent[]> {
    const key = this.keys.of(stream, 'log');
    const read = (end: string, most: number) =>
      this.connection.commands.xrevrangeBuffer(key, end, '-', 'COUNT', most) as Promise<RawEntry[]>;
    return onlyEvents(read, before === '+' ? '+' : `(${before}`, count);
  }

  /**
   * Events after a reader's cursor, or undefined when the log does not know the cursor: the entry itself is read too, and must be
   * there with the same milliseconds, since a restored or failed-over Redis uses the same seq again.
   */
  async readFromCursor(stream: StreamRef, cursor: string, count = PAGE): Promise<RawEvent[] | undefined> {
    if (cursor === START) return this.readAfter(stream, START, count);
    const rows = await this.range(stream, cursor, '+', count + 1);
    return rows[0]?.id === cursor ? rows.slice(1) : undefined;
  }

  /** One event by its id, or undefined. */
  async readOne(stream: StreamRef, id: string): Promise<RawEvent | undefined> {
    return (await this.range(stream, id, id, 1))[0];
  }

  /** Id of the event at a seq; the start when there is none. What is asked for is mostly near the end. */
  async idAtSeq(stream: StreamRef, seq: number): Promise<string> {
    const page = await this.readBefore(stream, '+');
    const oldest = page.at(-1);
    if (!oldest || oldest.seq <= seq) return page.find((event) => event.seq === seq)?.id ?? START;
    return idBefore((after, count) => this.readAfter(stream, after, count), seq, oldest);
  }

  /** Every event after an id, in pages. */
  async *readAll(stream: StreamRef, after: string, count = PAGE): AsyncGenerator<RawEvent[]> {
    for (let from = after; ;) {
      const page = await this.readAfter(stream, from, count);
      if (page.length > 0) yield page;
      if (page.length < count) return;
      from = page.at(-1)!.id;
    }
  }

  /** A log's entries after an id, with their proofs, for whoever checks them. */
  async *readProofs(
    stream: StreamRef,
    after: string,
  ): AsyncGenerator<{ id: string; type: string; event: string; proof: string }[]> {
    for (let from = after === START ? '-' : `(${after}`; ;) {
      const rows = await this.connection.commands.xrange(this.keys.of(stream, 'log'), from, '+', 'COUNT', PAGE);
      yield rows.map(([id, [, type = '', , event = '', , proof = '']]) => ({ id, type, event, proof }));
      if (rows.length < PAGE) return;
      from = `(${rows.at(-1)![0]}`;
    }
  }

  /** Fields of the heads (guard state) of many streams, in one write; undefined for a stream that does not exist. */
  async heads<F extends string>(
    streams: readonly StreamRef[],
    fields: readonly F[],
  ): Promise<(Record<F | 'id', string> | undefined)[]> {
    const rows = await Promise.all(
      streams.map((s) => this.connection.commands.hmget(this.keys.of(s, 'head'), 'id', ...fields)),
    );
    return rows.map(([id, ...values]) =>
      id
        ? (Object.fromEntries([['id', id], ...fields.map((f, i) => [f, values[i] ?? ''])]) as Record<F | 'id', string>)
        : undefined,
    );
  }

  /** A field of a guard hash of an owner, or null. */
  guardField(owner: Owner, name: string, field: string): Promise<string | null> {
    return this.connection.commands.hget(this.keys.of(owner, name), field);
  }

  /** Fields of a guard hash of an owner. */
  guardFields(owner: Owner, name: string, fields: readonly string[]): Promise<(string | null)[]> {
    if (fields.length === 0) return Promise.resolve([]);
    return this.connection.commands.hmget(this.keys.of(owner, name), ...fields);
  }

  /** How many fields a guard hash of an owner has. */
  guardCount(owner: Owner, name: string): Promise<number> {
    return this.connection.commands.hlen(this.keys.of(owner, name));
  }

  /** The members of a guard set of an owner with their scores. */
  async guardScores(owner: Owner, name: string): Promise<ReadonlyMap<string, number>> {
    const found = await this.connection.commands.zrange(this.keys.of(owner, name), '0', '-1', 'WITHSCORES');
    return new Map(found.flatMap((member, i) => (i % 2 === 0 ? [[member, Number(found[i + 1])] as const] : [])));
  }

  /** Members of a guard set of an owner, all of one score, in byte order: those that begin with `prefix`, after `after`. */
  guardEntries(owner: Owner, name: string, page: EntryPage): Promise<string[]> {
    return entryPage(this.connection.commands, this.keys.of(owner, name), page);
  }

  /** Notes that something could not be done for a stream, where what stands still is looked for. The rest goes on. */
  async park(stream: StreamRef, by: string, { id, type }: { id: string; type: string }, error: Error): Promise<void> {
    const why = { event_id: id, type, error: error.message };
    const key = this.keys.at(this.keys.partitionOf(stream.id), 'parked');
    await this.connection.commands.hset(key, `${by} ${stream.kind} ${stream.id}`, JSON.stringify(why));
  }

  /** A whole guard hash of an owner, without what only keeps its key in being. */
  async guardAll(owner: Owner, name: string): Promise<Record<string, string>> {
    const { [NOBODY]: _, ...all } = await this.connection.commands.hgetall(this.keys.of(owner, name));
    return all;
  }

  /** A page of a directory (entries `<name>\n<id>`) merged over all partitions in byte order, after `after`, beginning with `prefix`. */
  async directoryPage(
    name: string,
    prefix: string,
    after: string,
    limit: number,
  ): Promise<{ entries: string[]; more: boolean }> {
    const page = { prefix, after, limit: limit + 1 };
    const parts = await Promise.all(
      Array.from({ length: this.keys.partitions }, (_, partition) => this.directoryPart(partition, name, page)),
    );
    return mergedPage(parts, limit);
  }

  /** A page of one partition's directory. */
  directoryPart(partition: number, name: string, page: EntryPage): Promise<string[]> {
    return entryPage(this.connection.commands, this.keys.at(partition, name), page);
  }

  /** Where a partition's feed ends, and where each projector group stands in it. */
  async progress(partition: number): Promise<{ head: string; checkpoints: Record<string, string> }> {
    const { commands } = this.connection;
    const [head, checkpoints] = await Promise.all([
      commands.hget(this.keys.at(partition, 'feed_head'), 'id'),
      commands.hgetall(this.keys.at(partition, 'checkpoints')),
    ]);
    delete checkpoints[NOBODY];
    return { head: head ?? START, checkpoints };
  }

  /** Id of the last entry of each of these feeds, which are of one server; '' for one that has none. */
  async feedHeads(partitions: readonly number[]): Promise<string[]> {
    const heads = partitions.map((partition) => this.keys.at(partition, 'feed_head'));
    const [, ...ids] = await this.runAt('feed.heads', partitions[0]!, {}, heads);
    return ids.map(String);
  }

  /** Every stream that has a log, each once, in any order; of one partition, or of all. For operators and recovery: it scans the keys. */
  async *streams(partition?: number): AsyncGenerator<StreamRef> {
    // A scan may bring a key twice.
    const seen = new Set<string>();
    for await (const keys of this.scan(this.keys.logPattern(partition))) {
      for (const key of keys) {
        const stream = streamOfKey(key);
        if (stream && !seen.has(key)) yield stream;
        seen.add(key);
      }
    }
  }

  /** Keys by a pattern, some at a time, perhaps one twice. For operators and recovery: it goes through all keys. */
  async *scan(pattern: string): AsyncGenerator<string[]> {
    for (const master of await this.connection.mastersNow()) {
      let cursor = '0';
      do {
        const [next, keys] = await translated(master.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000));
        cursor = next;
        yield keys;
      } while (cursor !== '0');
    }
  }

  private script(name: string): Script {
    const script = this.scripts.get(name);
    if (!script) throw new Error(`there is no script ${name}`);
    return script;
  }

  private async call(script: Script, keys: readonly string[], values: readonly string[]): Promise<Reply> {
    // Only what writes an event is worth waiting for: the rest can be done again.
    const runner = script.emits.length > 0 ? (this.replicated ?? this.runner) : this.runner;
    const reply = await runner.run(script, keys, values);
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

  private async range(stream: StreamRef, from: string, to: string, count: number): Promise<RawEvent[]> {
    const key = this.keys.of(stream, 'log');
    const read = (start: string, most: number) =>
      this.connection.commands.xrangeBuffer(key, start, to, 'COUNT', most) as Promise<RawEntry[]>;
    return onlyEvents(read, from, count);
  }
}

function fingerprintOf({ script, body }: Append): string {
  return createHash('sha1')
    .update(JSON.stringify([script, body]))
    .digest('base64url')
    .slice(0, 16);
}

/** The seq of an id of ours; 0 for the start. */
export const seqOf = (id: string): number => (id === START || id === '' ? 0 : eventId(id).seq);
