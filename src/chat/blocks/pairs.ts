/**
 * Between whom there is a block, in either direction. Owns the format of the guard value on this side, and the memory of this node's
 * users that tells without Redis from whom an event or a signal is to be kept. Refuses to say who blocked whom.
 */
import { eventId } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import type { OpenSocket } from '../feature.ts';
import type { Blocks } from '../services.ts';

/** Reads what `lua/lib/blocks.lua` writes. */
export function parseBlock(value: string | null): { own: boolean; theirs: boolean; since: number } {
  const [own = '0', theirs = '0'] = (value ?? '0 0').split(' ');
  const isOwn = own.startsWith('+');
  return { own: isOwn, theirs: theirs.startsWith('+'), since: isOwn ? eventId(own.slice(1)).ms : 0 };
}

export class BlockedPairs implements Blocks {
  private readonly log: Log;
  /** Sockets on this node by user, and between whom and each of these users there is a block. */
  private readonly sockets = new Map<string, number>();
  private readonly others = new Map<string, ReadonlySet<string>>();
  /** The same the other way round: whose doings are kept from which users here. */
  private readonly hidden = new Map<string, Set<string>>();

  constructor(log: Log) {
    this.log = log;
  }

  async between(userId: string, others: readonly string[]): Promise<ReadonlySet<string>> {
    const values = await this.log.guardFields(userStream(userId), 'blocks', others);
    return new Set(others.filter((_, i) => isBetween(values[i] ?? null)));
  }

  async all(userId: string): Promise<ReadonlySet<string>> {
    const all = await this.log.guardAll(userStream(userId), 'blocks');
    return new Set(Object.keys(all).filter((other) => isBetween(all[other]!)));
  }

  /** Whom this actor's doings are to be kept from, of those with a socket here. */
  hiddenFrom(actorId: string): ((userId: string) => boolean) | undefined {
    const users = this.hidden.get(actorId);
    return users && ((userId) => users.has(userId));
  }

  async opened({ caller: { userId } }: OpenSocket): Promise<void> {
    const before = this.sockets.get(userId) ?? 0;
    this.sockets.set(userId, before + 1);
    if (before === 0) await this.load(userId);
  }

  async renewed(): Promise<void> {}

  async closed({ caller: { userId } }: OpenSocket): Promise<void> {
    const left = (this.sockets.get(userId) ?? 0) - 1;
    if (left > 0) return void this.sockets.set(userId, left);
    this.sockets.delete(userId);
    this.keep(userId, new Set());
  }

  /** A block came or went: what each of the two who is here keeps is read again. */
  async heard(userId: string, otherId: string): Promise<void> {
    await Promise.all([userId, otherId].map((id) => this.load(id)));
  }

  private async load(userId: string): Promise<void> {
    if (!this.sockets.has(userId)) return;
    const all = await this.all(userId);
    if (this.sockets.has(userId)) this.keep(userId, all);
  }

  private keep(userId: string, others: ReadonlySet<string>): void {
    for (const other of this.others.get(userId) ?? []) {
      const users = this.hidden.get(other);
      users?.delete(userId);
      if (users?.size === 0) this.hidden.delete(other);
    }
    if (others.size === 0) this.others.delete(userId);
    else this.others.set(userId, others);
    for (const other of others) {
      const users = this.hidden.get(other);
      if (users) users.add(userId);
      else this.hidden.set(other, new Set([userId]));
    }
  }
}

function isBetween(value: string | null): boolean {
  const { own, theirs } = parseBlock(value);
  return own || theirs;
}
