/**
 * A worker's fair share of a group's partitions: each is leased to one worker of the group at a time. Owns taking what is free, keeping it,
 * giving back what is too much, and noticing what went to another. Refuses to know what is done with a partition.
 */
import type { Say } from '../log/connection.ts';
import type { ConsumerGroup } from '../log/consumer-group.ts';
import { within } from '../log/deadline.ts';
import { LAST_TURN_MS } from './loops.ts';

/** A partition in a worker's hands. */
export interface Held {
  readonly number: number;
  readonly fence: string;
  readonly isLost: boolean;
  /** From now on nothing is done with it any more. */
  lose(): void;
  /** Resolves when what was begun is over. */
  idle(): Promise<void>;
  /** Told with each renewal where the feed ends. */
  lookAt?(head: string): void;
}

export interface ShareOptions<T extends Held> {
  readonly group: ConsumerGroup;
  readonly partitions: number;
  readonly leaseMs: number;
  readonly hold: (number: number, fence: string) => T;
  readonly info?: Say | undefined;
}

export class Share<T extends Held> {
  readonly held = new Map<number, T>();
  private readonly options: ShareOptions<T>;
  /** How many workers the group has, and which one of them this is. */
  private crew = { workers: 1, rank: 0 };
  private hasLeft = false;
  /** How many partitions it last said to hold. */
  private said = 0;

  constructor(options: ShareOptions<T>) {
    this.options = options;
  }

  /** Says that this worker lives, and keeps what it holds. */
  async renew(): Promise<void> {
    const { group, leaseMs } = this.options;
    this.crew = await group.enlist(leaseMs);
    const held = [...this.held.values()];
    const leases = await group.leases(
      held.map(({ number }) => number),
      leaseMs,
    );
    for (const [i, one] of held.entries()) {
      const lease = leases[i];
      if (lease?.fence !== one.fence || one.isLost) this.drop(one);
      else one.lookAt?.(lease.head);
    }
    this.sayHeld();
  }

  /** Gives back what is over the fair share and takes what is free; `open` brings each up that was taken. */
  async assign(open: (one: T) => Promise<void>): Promise<void> {
    const { partitions } = this.options;
    const { workers, rank } = this.crew;
    const share = Math.ceil(partitions / workers);
    await Promise.all([...this.held.values()].slice(share).map((one) => this.release(one)));
    for (let i = 0; i < partitions && this.held.size < share; i += 1) {
      if (this.hasLeft) return;
      const number = (i + rank * share) % partitions;
      const one = this.held.has(number) ? undefined : await this.take(number);
      if (one && !this.hasLeft) await open(one);
    }
    this.sayHeld();
  }

  /** Without giving the lease back: whoever has trouble with a partition takes it again with the next share. */
  drop(one: T): void {
    one.lose();
    if (this.held.get(one.number) === one) this.held.delete(one.number);
  }

  /** Nothing more is taken, and nothing more done with what is held. */
  lose(): void {
    this.hasLeft = true;
    for (const one of this.held.values()) one.lose();
  }

  /** Gives everything back. */
  async leave(): Promise<void> {
    this.lose();
    await Promise.allSettled([...this.held.values()].map((one) => this.release(one)));
    await this.options.group.enlist(0).catch(() => {});
  }

  /** What one worker loses another takes over, and both say so. */
  private sayHeld(): void {
    const { size } = this.held;
    if (size === this.said) return;
    const { group, partitions, info } = this.options;
    info?.(`${group.name}: owns ${size} of ${partitions} partitions`, { before: this.said });
    this.said = size;
  }

  private async take(number: number): Promise<T | undefined> {
    const { group, leaseMs, hold } = this.options;
    const lease = await group.lease(number, leaseMs);
    if (!lease) return undefined;
    const one = hold(number, lease.fence);
    this.held.set(number, one);
    return one;
  }

  private async release(one: T): Promise<void> {
    this.drop(one);
    await within(LAST_TURN_MS, one.idle(), () => {});
    await this.options.group.lease(one.number, 0);
  }
}
