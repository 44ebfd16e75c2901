/**
 * Every Redis key name and the partition of every id. Nothing else in the code builds a key.
 *
 * An owner (a conversation, a user, a login name, a ticket, who is limited) belongs to partition `crc32(id) mod partitions`, and all keys of a
 * partition carry its hash tag, so they share one Cluster slot and one script may touch them together. The tag of partition i is
 * `<i>.<n>` with the smallest n whose slot lies in the i-th equal share of the 16,384 slots: plain `{0}`…`{63}` would leave some
 * masters of a Cluster with four times the partitions of others.
 *
 * Refuses ids that could move a key to another slot or name another key (`{`, `}`, `:`, `*`, blanks).
 */
import { crc32 } from 'node:zlib';
import keySlot from 'cluster-key-slot';

export interface Owner {
  readonly kind: 'conversation' | 'user' | 'login' | 'ticket' | 'file' | 'limit';
  readonly id: string;
}

/** An owner that has a log. */
export interface StreamRef extends Owner {
  readonly kind: 'conversation' | 'user';
}

const SLOTS = 16_384;
const SAFE_ID = /^[0-9A-Za-z_.-]{1,64}$/;
const VIEW_KEY = /^chat:\{[^}]*\}:view:([^:]+:v\d+)b?:([0-9A-Za-z_.-]+)(?::[^:]+)?$/;
const OWNER_KEY = /^(conversation|user|login|ticket|file|limit):[^:]+/;
const STREAM_KEY = /^chat:\{[^}]*\}:(conversation|user):([0-9A-Za-z_.-]+):events$/;

/** Fixed key: the number of partitions of this Redis, written when it is first used. */
export const PARTITIONS_KEY = 'chat:partitions';

/** Fixed key: which side of a view is read in a partition, where it is not the first: `<partition> <view>` → `b`. */
export const SIDES_KEY = 'chat:sides';

/** Fixed key: by what push services know this server, made once. */
export const PUSH_KEYS_KEY = 'chat:push:keys';

export const conversationStream = (id: string): StreamRef => ({ kind: 'conversation', id });
export const userStream = (id: string): StreamRef => ({ kind: 'user', id });

/** Key names that scripts may ask for in their KEYS line. */
const perOwner: Record<string, string> = {
  log: ':events',
  archive: ':archive',
  head: ':head',
  members: ':members',
  messages: ':messages',
  archived_messages: ':messages:archived',
  reactions: ':reactions',
  conversations: ':conversations',
  settings: ':settings',
  blocks: ':blocks',
  uploads: ':uploads',
  attached: ':attached',
  devices: ':devices',
  notified: ':notified',
  notified_at: ':notified:at',
  unread: ':unread',
  drafts: ':drafts',
  scheduled: ':scheduled',
  reminders: ':reminders',
  bots: ':bots',
  push: ':push',
  webhooks: ':webhooks',
  deliveries: ':deliveries',
  deliveries_made: ':deliveries:made',
  deliveries_due: ':deliveries:due',
  account: ':account',
  sessions: ':sessions',
  presence: ':presence',
  self: '',
};
const perPartition: Record<string, string> = {
  feed: 'feed',
  feed_head: 'feed:head',
  requests_0: 'requests:0',
  requests_1: 'requests:1',
  views: 'views',
  wanted: 'wanted',
  checkpoints: 'checkpoints',
  leases: 'leases',
  parked: 'parked',
  skipped: 'skipped',
  workers: 'workers',
  typing: 'typing',
  channels: 'directory:channels',
  users: 'directory:users',
  present: 'present',
  online: 'directory:online',
  attachments: 'directory:attachments',
  files: 'files',
  timers: 'timers',
  hooked: 'hooked',
  folding: 'directory:folding',
};

export class Keys {
  readonly partitions: number;
  private readonly prefixes: readonly string[];

  constructor(partitions: number) {
    this.partitions = partitions;
    this.prefixes = Array.from({ length: partitions }, (_, i) => `chat:{${tagOf(i, partitions)}}:`);
  }

  partitionOf(id: string): number {
    if (!SAFE_ID.test(id)) throw new Error('not an id that may stand in a key');
    return crc32(id) % this.partitions;
  }

  /** The key `name` of an owner, or of the owner's partition. */
  of(owner: Owner, name: string): string {
    return this.all(owner, [name])[0]!;
  }

  /** The same for many names. */
  all(owner: Owner, names: readonly string[]): string[] {
    const partition = this.partitionOf(owner.id);
    const ownKey = `${this.prefixes[partition]}${owner.kind}:${owner.id}`;
    return names.map((name) => {
      const suffix = perOwner[name];
      return suffix === undefined ? this.at(partition, name) : ownKey + suffix;
    });
  }

  /** The key `name` of a partition. */
  at(partition: number, name: string): string {
    const suffix = perPartition[name];
    const prefix = this.prefixes[partition];
    if (suffix === undefined || prefix === undefined)
      throw new Error(`no key is called ${name} in partition ${partition}`);
    return prefix + suffix;
  }

  /** The pub/sub channel of a partition's signals. No script may name it among its KEYS: a key of that name is never there. */
  signals(partition: number): string {
    const prefix = this.prefixes[partition];
    if (prefix === undefined) throw new Error(`there is no partition ${partition}`);
    return `${prefix}signals`;
  }

  /** The read model `view` of one stream; `part` names one of several keys of it. */
  view(view: string, stream: StreamRef, part?: string): string {
    const prefix = this.prefixes[this.partitionOf(stream.id)];
    return `${prefix}view:${view}:${stream.id}${part === undefined ? '' : `:${part}`}`;
  }

  /** Glob pattern for SCAN: the keys of every view, or of one. */
  viewPattern(view?: string): string {
    return `chat:{*}:view:${view === undefined ? '*' : `${view}:*`}`;
  }

  /** Glob pattern for SCAN: the logs of one partition, or of all. */
  logPattern(partition?: number): string {
    return `${partition === undefined ? 'chat:{*}:' : this.prefixes[partition]}*:events`;
  }
}

/** True when some script may ask for a key of this name. */
export function isKeyName(name: string): boolean {
  return Object.hasOwn(perOwner, name) || Object.hasOwn(perPartition, name);
}

/** Which stream a log key belongs to, or undefined for any other key. */
export function streamOfKey(key: string): StreamRef | undefined {
  const match = STREAM_KEY.exec(key);
  return match ? { kind: match[1] as StreamRef['kind'], id: match[2]! } : undefined;
}

/** Which view, on either side, and which stream's id a view key belongs to, or undefined for any other key. */
export function viewOfKey(key: string): { view: string; id: string } | undefined {
  const match = VIEW_KEY.exec(key);
  return match ? { view: match[1]!, id: match[2]! } : undefined;
}

/** What a key is for, without whose it is: `conversation:events`, `view:history:v3`, `feed`. */
export function kindOfKey(key: string): string {
  const view = viewOfKey(key);
  if (view) return `view:${view.view}`;
  const rest = key.replace(/^chat:(\{[^}]*\}:)?/, '');
  return OWNER_KEY.test(rest) ? rest.replace(OWNER_KEY, '$1') : rest;
}

function tagOf(partition: number, partitions: number): string {
  for (let n = 0; ; n += 1) {
    const tag = `${partition}.${n}`;
    if (Math.floor((keySlot(tag) * partitions) / SLOTS) === partition) return tag;
  }
}
