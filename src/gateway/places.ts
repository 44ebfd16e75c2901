/**
 * How many sockets one user and one address may have on this node. A place is held by the connection, from before the upgrade on: however
 * it ends (closed, cut, half-open and given up, never upgraded), its 'close' gives the place back.
 */
import type { Duplex } from 'node:stream';
import { networkOf } from '../addresses.ts';
import { fail } from '../errors.ts';

export interface PlacesOptions {
  /** 0 is no limit. */
  readonly perUser: number;
  readonly perAddress: number;
}

/** Nobody knows when another socket ends; this often it is worth a try. */
const RETRY_SECONDS = 10;

export class Places {
  private readonly users: Count;
  private readonly addresses: Count;

  constructor({ perUser, perAddress }: PlacesOptions) {
    this.users = new Count(perUser, 'of one user');
    this.addresses = new Count(perAddress, 'from one address');
  }

  /** Throws `rate_limited`. The connection must be open yet. */
  take(connection: Duplex, userId: string, ip: string): void {
    const address = networkOf(ip);
    this.users.check(userId);
    this.addresses.check(address);
    this.users.add(userId, 1);
    this.addresses.add(address, 1);
    connection.once('close', () => {
      this.users.add(userId, -1);
      this.addresses.add(address, -1);
    });
  }
}

class Count {
  private readonly most: number;
  private readonly whose: string;
  private readonly open = new Map<string, number>();

  constructor(most: number, whose: string) {
    this.most = most;
    this.whose = whose;
  }

  check(key: string): void {
    if (this.most === 0 || (this.open.get(key) ?? 0) < this.most) return;
    const detail = `Too many sockets ${this.whose}: at most ${this.most} at a time`;
    throw fail('rate_limited', detail, { retryAfter: RETRY_SECONDS });
  }

  add(key: string, by: 1 | -1): void {
    const open = (this.open.get(key) ?? 0) + by;
    if (open === 0) this.open.delete(key);
    else this.open.set(key, open);
  }
}
