/**
 * How much there is in all: users, conversations, messages. Counted from the heads of all logs, so that no write pays for it, and not
 * again before a hundred times as long has passed as the last count took: whoever asks, Redis spends a hundredth of its time on it.
 */
import type { Log } from '../log/log.ts';
import type { StreamRef } from '../keys.ts';

export interface Count {
  readonly users: number;
  readonly conversations: number;
  /** Sent in conversations that are still there. */
  readonly messages: number;
}

const SHARE = 100;
const AT_ONCE = 500;

export class Totals {
  private readonly log: Log;
  private readonly clock: () => number;
  private last: Count | undefined;
  private nextAt = -Infinity;
  private counting: Promise<Count> | undefined;

  /** `clock` tells milliseconds. */
  constructor(log: Log, clock: () => number) {
    this.log = log;
    this.clock = clock;
  }

  /** The last count, or the one under way where there is none yet. */
  async read(): Promise<Count> {
    if (!this.counting && this.clock() >= this.nextAt) {
      this.counting = this.count().finally(() => (this.counting = undefined));
      // Who has an older count does not wait for this one, and asks again should it fail.
      this.counting.catch(() => {});
    }
    return this.last ?? (this.counting as Promise<Count>);
  }

  private async count(): Promise<Count> {
    const since = this.clock();
    const count = { users: 0, conversations: 0, messages: 0 };
    let batch: StreamRef[] = [];
    const add = async () => {
      for (const head of await this.log.heads(batch, ['registered', 'created', 'deleted', 'messages'])) {
        if (!head || head.deleted !== '') continue;
        if (head.registered !== '') count.users += 1;
        else if (head.created !== '') {
          count.conversations += 1;
          count.messages += Number(head.messages);
        }
      }
      batch = [];
    };
    for await (const stream of this.log.streams()) {
      batch.push(stream);
      if (batch.length === AT_ONCE) await add();
    }
    await add();
    this.nextAt = this.clock() + SHARE * (this.clock() - since);
    return (this.last = count);
  }
}
