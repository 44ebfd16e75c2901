/**
 * The truth: the logs as XRANGE shows them, read past every part of the product that could be wrong, and what must hold between the
 * keys of a partition. `audit` finds half-written commands: an event in one place and not in the other, a head that lags, a broken chain.
 */
import { createHash } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { seqOf } from './checker.ts';
import type { LoggedEvent } from './checker.ts';
import { digestOf } from './ledger.ts';

export interface RedisTarget {
  readonly url?: string;
  readonly clusterNodes?: readonly { host: string; port: number }[];
}

export interface RawEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, Buffer>>;
}

const LOG_KEY = /^(chat:\{([^}]+)\}:)(?:conversation|user):([^:]+):events$/;
const REQUEST = /^\{[^{]*"request_id":"([0-9A-Z]{26})"/;
const PAGE = 2_000;

/** A plain client to look with, that waits for a server which is just coming up. */
export class Truth {
  readonly client: Redis | Cluster;

  constructor(target: RedisTarget) {
    const redisOptions = { maxRetriesPerRequest: 20, retryStrategy: () => 100 };
    this.client = target.clusterNodes
      ? new Cluster([...target.clusterNodes], { redisOptions, clusterRetryStrategy: () => 100 })
      : new Redis(target.url!, redisOptions);
    this.client.on('error', () => {});
  }

  close(): void {
    this.client.disconnect();
  }

  async keys(pattern: string): Promise<string[]> {
    const found = new Set<string>();
    // SCAN names no key, so no server would say that it is not the one to ask any more.
    const { client } = this;
    if (client instanceof Cluster) await new Promise<void>((resolve) => client.refreshSlotsCache(() => resolve()));
    const masters = this.client instanceof Cluster ? this.client.nodes('master') : [this.client];
    for (const master of masters) {
      let cursor = '0';
      do {
        const [next, keys] = await master.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
        cursor = next;
        for (const key of keys) found.add(key);
      } while (cursor !== '0');
    }
    return [...found].toSorted();
  }

  async entries(key: string): Promise<RawEntry[]> {
    const all: RawEntry[] = [];
    for (let from = '-'; ;) {
      const page = (await this.client.xrangeBuffer(key, from, '+', 'COUNT', PAGE)) as [Buffer, Buffer[]][];
      for (const [id, flat] of page) all.push({ id: id.toString(), fields: toFields(flat) });
      if (page.length < PAGE) return all;
      from = `(${all.at(-1)!.id}`;
    }
  }

  /** Every log, by the id of its stream. */
  async logs(): Promise<Map<string, LoggedEvent[]>> {
    const all = new Map<string, RawEntry[]>();
    for (const key of await this.keys('chat:{*}:*:events')) {
      const stream = LOG_KEY.exec(key)?.[3];
      if (stream !== undefined) all.set(stream, await this.entries(key));
    }
    const blocked = blockedIn([...all.values()].flat());
    return new Map([...all].map(([stream, entries]) => [stream, loggedOf(entries, blocked)]));
  }

  /** Stream id → id of its last event. */
  async heads(): Promise<Map<string, string>> {
    const heads = new Map<string, string>();
    for (const key of await this.keys('chat:{*}:*:events')) {
      const [last] = await this.client.xrevrange(key, '+', '-', 'COUNT', 1);
      const stream = LOG_KEY.exec(key)?.[3];
      if (last && stream !== undefined) heads.set(stream, last[0]);
    }
    return heads;
  }

  /** Names of the product's groups that follow the feeds. */
  async groups(): Promise<string[]> {
    const names = await Promise.all((await this.keys('chat:{*}:checkpoints')).map((key) => this.client.hkeys(key)));
    return [...new Set(names.flat())].filter((name) => name !== '-');
  }

  /** True when a projector group has applied every feed to its end. */
  async isProjected(group = 'views'): Promise<boolean> {
    return (await this.lagging(group)).length === 0;
  }

  /** Feeds that a group has not applied to their end, with where it stands. */
  async lagging(group = 'views'): Promise<string[]> {
    const behind: string[] = [];
    for (const key of await this.keys('chat:{*}:feed:head')) {
      // A feed that nobody wrote to yet has no head, and who looked at it stands at its beginning.
      const head = (await this.client.hget(key, 'id')) ?? '0-0';
      const checkpoint = (await this.client.hget(key.replace(/feed:head$/, 'checkpoints'), group)) ?? '0-0';
      if (head !== checkpoint) behind.push(`${key} is ${head}, the checkpoint ${checkpoint}`);
    }
    return behind;
  }

  /** What is wrong between log, head, feed and chain, as sentences; nothing when every command was written whole. */
  async audit(): Promise<string[]> {
    const wrong: string[] = [];
    const appended = new Map<string, number>();
    const inLogs = new Map<string, string>();
    for (const key of await this.keys('chat:{*}:*:events')) {
      const match = LOG_KEY.exec(key);
      if (!match) continue;
      const entries = await this.entries(key);
      appended.set(match[1]!, (appended.get(match[1]!) ?? 0) + entries.length);
      wrong.push(...auditLog(key, entries));
      const [id, chain] = await this.client.hmget(key.replace(/:events$/, ':head'), 'id', 'chain');
      const last = entries.at(-1);
      if (id !== last?.id) wrong.push(`${key} ends with ${last?.id}, its head says ${id}`);
      if (last && chain !== proofOf(last).chain) wrong.push(`the head of ${key} has another chain than its last entry`);
      for (const { id: entryId, fields } of entries) inLogs.set(`${match[3]} ${entryId}`, digestOf(fields['event']!));
    }
    for (const [prefix, count] of appended) wrong.push(...(await this.auditFeed(prefix, count, inLogs)));
    return wrong;
  }

  private async auditFeed(prefix: string, count: number, inLogs: ReadonlyMap<string, string>): Promise<string[]> {
    const wrong: string[] = [];
    const head = (await this.client.hget(`${prefix}feed:head`, 'id')) ?? '0-0';
    if (seqOf(head) !== count) wrong.push(`${prefix}feed has counted ${seqOf(head)} events, the logs hold ${count}`);
    const entries = await this.entries(`${prefix}feed`);
    if (entries.length > 0 && entries.at(-1)!.id !== head) wrong.push(`${prefix}feed ends before or after its head`);
    entries.forEach(({ id, fields }, i) => {
      if (i > 0 && seqOf(id) !== seqOf(entries[i - 1]!.id) + 1) wrong.push(`${prefix}feed has a hole before ${id}`);
      const event = fields['event'] ?? Buffer.from('');
      const named = /^\{"id":"([\d-]+)".{1,80}?_id":"([^"]+)"/.exec(event.toString('latin1', 0, 160));
      if (inLogs.get(`${named?.[2]} ${named?.[1]}`) !== digestOf(event))
        wrong.push(`${prefix}feed has ${id}, which is in no log so`);
    });
    return wrong;
  }
}

function auditLog(key: string, entries: readonly RawEntry[]): string[] {
  const wrong: string[] = [];
  let previous = key;
  let ms = 0;
  entries.forEach(({ id, fields }, i) => {
    const { salt, digest, chain } = proofOf({ id, fields });
    const type = fields['type']!.toString();
    if (seqOf(id) !== i + 1) wrong.push(`${key} has ${id} in place ${i + 1}`);
    if (Number.parseInt(id, 10) < ms) wrong.push(`the time of ${key} runs back at ${id}`);
    if (digest !== sha1(Buffer.concat([Buffer.from(salt), fields['event']!])))
      wrong.push(`${id} of ${key}: wrong digest`);
    if (chain !== sha1(`${previous} ${id} ${type} ${digest}`)) wrong.push(`${id} of ${key}: wrong chain`);
    previous = chain;
    ms = Number.parseInt(id, 10);
  });
  return wrong;
}

function proofOf({ fields }: RawEntry): { salt: string; digest: string; chain: string } {
  const [salt = '', digest = '', chain = ''] = (fields['proof']?.toString() ?? '').split(' ');
  return { salt, digest, chain };
}

export const sha1 = (of: Buffer | string): string => createHash('sha1').update(of).digest('hex');

function toFields(flat: Buffer[]): Record<string, Buffer> {
  const fields: Record<string, Buffer> = {};
  for (let i = 0; i < flat.length; i += 2) fields[flat[i]!.toString()] = flat[i + 1]!;
  return fields;
}

/** Users who ever blocked somebody, or were blocked. */
function blockedIn(entries: readonly RawEntry[]): ReadonlySet<string> {
  const blocks = entries.filter(({ fields }) => fields['type']?.toString() === 'block.added');
  return new Set(
    blocks.flatMap(({ fields }) => {
      const { user_id, data } = JSON.parse(fields['event']!.toString()) as {
        user_id: string;
        data: { user_id: string };
      };
      return [user_id, data.user_id];
    }),
  );
}

const RECEIPT = /^(\{.*?"conversation_id":"[0-9A-Z]{26}"),"actor_id":"([0-9A-Z]{26})"/;

/** What others get in the place of such a user's mark, while there is a block between them. */
function digestOfWithheld({ fields }: RawEntry, blocked: ReadonlySet<string>): string | undefined {
  if (!fields['type']?.toString().startsWith('receipt.')) return undefined;
  const [, head, actor] = RECEIPT.exec(fields['event']!.toString()) ?? [];
  if (head === undefined || !blocked.has(actor!)) return undefined;
  return digestOf(`${head},"type":"event.withheld","version":1,"data":{}}`);
}

function loggedOf(entries: readonly RawEntry[], blocked: ReadonlySet<string>): LoggedEvent[] {
  const deleted = new Set<string>();
  for (const { fields } of entries)
    if (fields['type']?.toString() === 'message.deleted') deleted.add(saidIn(fields['event']!)?.data?.message_id ?? '');
  return entries.map((entry) => {
    const logged = toLogged(entry);
    const toldLate = deleted.size === 0 ? undefined : digestOfEmptied(entry, deleted);
    const withheld = digestOfWithheld(entry, blocked);
    return toldLate === undefined && withheld === undefined ? logged : { ...logged, toldLate, withheld };
  });
}

interface Said {
  readonly data?: Readonly<Record<string, unknown>> & {
    readonly message_id?: string;
    readonly content?: string;
    readonly poll_id?: string;
    readonly options?: readonly string[];
  };
}

/** Undefined for a poisoned entry of the story's own. */
function saidIn(event: Buffer): Said | undefined {
  try {
    return JSON.parse(event.toString()) as Said;
  } catch {
    return undefined;
  }
}

/** What is to be left of the words of a message that was deleted; undefined for any other event. */
function digestOfEmptied({ fields }: RawEntry, deleted: ReadonlySet<string>): string | undefined {
  const type = fields['type']?.toString();
  if (type !== 'message.sent' && type !== 'message.edited' && type !== 'poll.created') return undefined;
  const event = saidIn(fields['event']!);
  if (!event?.data || !deleted.has(event.data.message_id ?? event.data.poll_id ?? '')) return undefined;
  if (event.data.options)
    return digestOf(
      JSON.stringify({ ...event, data: { ...event.data, question: '', options: event.data.options.map(() => '') } }),
    );
  const none: Record<string, unknown> = {
    content: '',
    mentions: [],
    mentions_all: false,
    attachments: [],
    metadata: {},
  };
  const left = Object.entries(event.data).filter(([name]) => name !== 'forwarded_from');
  return digestOf(
    JSON.stringify({ ...event, data: Object.fromEntries(left.map(([name, value]) => [name, none[name] ?? value])) }),
  );
}

function toLogged({ id, fields }: RawEntry): LoggedEvent {
  const event = fields['event']!;
  // What people wrote stands behind it.
  const request = REQUEST.exec(event.toString('latin1', 0, 260))?.[1];
  const base = { id, seq: seqOf(id), digest: digestOf(event), request };
  if (fields['type']?.toString() !== 'message.sent') return base;
  const data = saidIn(event)?.data;
  return data ? { ...base, message: data.message_id, content: data.content } : base;
}
