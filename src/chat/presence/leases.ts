/**
 * Which sockets of which users are open, by the word of the nodes that have them. A node gives its word for all its sockets of a
 * partition at once, every few seconds; when it stays silent its word lapses, and so do they. So ten thousand idle sockets cost a
 * few writes. Owns keeping Redis and the node of one mind: where their counts differ, or a word of one socket got lost, they go through
 * the list.
 */
import { userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import type { OpenSocket, SessionListener, Timer } from '../feature.ts';

/** Renewed every 15 seconds, so two renewals may be lost; with the timer's own delay a dead node's sockets are gone within 45. */
const LEASE_MS = 40_000;
const PAGE = 500;
/** Users of a dead node that are seen to at a time. */
const LAPSE_PAGE = 100;

export const LEASE_TIMER = 'presence_lease';

export class Leases implements SessionListener {
  private readonly log: Log;
  /** By partition: connection → user. */
  private readonly open = new Map<number, Map<string, string>>();
  /** Partitions of which Redis may not have heard everything. */
  private readonly doubtful = new Set<number>();
  /** What this node is called here: its first connection, which no other node has. */
  private node = '';

  constructor(log: Log) {
    this.log = log;
  }

  async opened({ caller: { userId }, connectionId }: OpenSocket): Promise<void> {
    this.node ||= connectionId;
    const partition = this.log.keys.partitionOf(userId);
    const sockets = this.open.get(partition) ?? new Map<string, string>();
    this.open.set(partition, sockets.set(connectionId, userId));
    await this.tell(partition, this.arrive(userId, connectionId));
  }

  async closed({ caller: { userId }, connectionId }: OpenSocket): Promise<void> {
    const partition = this.log.keys.partitionOf(userId);
    this.open.get(partition)?.delete(connectionId);
    await this.tell(partition, depart(this.log, { user: userId, connection: connectionId, node: this.node }, ''));
  }

  /** One script for each partition in which a socket is open. One partition's trouble holds up no other. */
  async renewed(): Promise<void> {
    const partitions = [...this.open].filter(([number, sockets]) => sockets.size > 0 || this.doubtful.has(number));
    const all = await Promise.allSettled(partitions.map(([partition, sockets]) => this.renew(partition, sockets)));
    const failed = all.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async renew(partition: number, sockets: ReadonlyMap<string, string>): Promise<void> {
    const [, count] = await this.log.runAt('presence.renew', partition, this.word(partition));
    const isDoubtful = this.doubtful.delete(partition);
    if (Number(count) !== sockets.size || isDoubtful) await this.tell(partition, this.compare(partition, sockets));
  }

  private async tell(partition: number, word: Promise<void>): Promise<void> {
    try {
      await word;
    } catch (error) {
      this.doubtful.add(partition);
      throw error;
    }
  }

  /** Also settles what is on its way just now: an arrival and a departure may be told twice. */
  private async compare(partition: number, sockets: ReadonlyMap<string, string>): Promise<void> {
    const known = new Map<string, Entry>();
    for (let after = ''; ;) {
      const [, ...page] = await this.log.runAt('presence.roll', partition, {
        node: this.node,
        after,
        count: String(PAGE),
      });
      for (const entry of page.map(parseEntry)) known.set(entry.connection, entry);
      if (page.length < PAGE) break;
      after = String(page.at(-1));
    }
    const missing = [...sockets].filter(([connection]) => !known.has(connection));
    const gone = [...known.values()].filter(({ connection }) => !sockets.has(connection));
    await Promise.all([
      ...missing.map(([connection, user]) => this.arrive(user, connection)),
      ...gone.map((entry) => depart(this.log, entry, '')),
    ]);
  }

  private async arrive(userId: string, connection: string): Promise<void> {
    await this.log.append({
      script: 'presence.arrive',
      stream: userStream(userId),
      actorId: userId,
      knowsRepeats: true,
      args: { connection, ...this.word(this.log.keys.partitionOf(userId)) },
    });
  }

  private word(partition: number): { node: string; lease: string; lease_ms: string } {
    return { node: this.node, lease: `${partition}.${this.node}`, lease_ms: String(LEASE_MS) };
  }
}

/** When a node's word has run out: its sockets of the partition are gone since it was last heard. */
export function lapsing(log: Log): Timer {
  return {
    kind: LEASE_TIMER,
    async fire(lease) {
      const [partition, node] = lease.split('.') as [string, string];
      const args = { node, lease, lease_ms: String(LEASE_MS), count: String(LAPSE_PAGE) };
      for (;;) {
        const [, since, ...page] = await log.runAt('presence.lapse', Number(partition), args);
        if (page.length === 0) return;
        await Promise.all(page.map((entry) => depart(log, parseEntry(entry), String(since))));
      }
    },
  };
}

interface Entry {
  readonly user: string;
  readonly connection: string;
  readonly node: string;
}

function parseEntry(value: string | number | null): Entry {
  const [node, user, connection] = String(value).split(' ') as [string, string, string];
  return { user, connection, node };
}

async function depart(log: Log, { user, connection, node }: Entry, since: string): Promise<void> {
  const args = { connection, node, since };
  await log.append({ script: 'presence.depart', stream: userStream(user), actorId: user, knowsRepeats: true, args });
}
