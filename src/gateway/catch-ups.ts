/**
 * Brings the streams of one session up from their logs until live events can follow: a few at a time, of each no more than a page, which
 * waits for the socket, so that the bytes which one socket makes a node hold are bounded whatever it asks for. Refuses to know which
 * streams there are: its owner does, and is told of what a log says that is theirs to decide.
 */
import { seqOf } from '../log/log.ts';
import { Turns } from '../turns.ts';
import { keyOf } from './fanout.ts';
import type { Fanout } from './fanout.ts';
import type { Framed } from './frames.ts';
import { FIRST_PAGE } from './log-pages.ts';
import type { Outbox } from './outbox.ts';
import type { Subscription } from './subscription.ts';

export interface CatchUpsOwner {
  readonly outbox: Outbox;
  /** Where the log has the user coming in; undefined where they are not in the conversation. */
  placeInLog(subscription: Subscription): Promise<string | undefined>;
  /** Where it stands must be asked for again. */
  seek(subscription: Subscription): Promise<void>;
  /** Its user turned out not to be in it. */
  drop(subscription: Subscription): void;
  /** Of what the user's own stream said something may have been passed over. */
  relist(): Promise<void>;
  broke(error: unknown): void;
}

const READ_AT_ONCE = 4;
/** Reads in a row that brought nothing while something was missing. */
const MAX_IN_VAIN = 100;

export class CatchUps {
  private readonly owner: CatchUpsOwner;
  private readonly fanout: Fanout;
  private readonly turns = new Turns(READ_AT_ONCE);
  /** What is done for one stream is done in a row. */
  private readonly work = new Map<Subscription, Promise<void>>();

  constructor(owner: CatchUpsOwner, fanout: Fanout) {
    this.owner = owner;
    this.fanout = fanout;
  }

  /** The stream is being read, or waits for its turn. */
  has(subscription: Subscription): boolean {
    return this.work.has(subscription);
  }

  /** Sends what the session lacks of one stream. */
  run(subscription: Subscription): Promise<void> {
    return this.inTurn(subscription, () => this.readOn(subscription));
  }

  /** Sends what came after this event again, and what the session lacks. */
  again(subscription: Subscription, after: string): Promise<void> {
    return this.inTurn(subscription, async () => {
      if (subscription.isEnded) return;
      const { stream } = subscription;
      subscription.hold(this.fanout.head(stream));
      // Who names an event that was not sent yet lacks those between all the same.
      if (seqOf(after) <= seqOf(subscription.position)) subscription.sendAgainAfter(after);
      else if (!(await this.fanout.pages.read(stream, after, 1, 'known')) && !subscription.isEnded)
        await this.reset(subscription, '');
      await this.readOn(subscription);
    });
  }

  private inTurn(subscription: Subscription, work: () => Promise<void>): Promise<void> {
    const before = this.work.get(subscription) ?? Promise.resolve();
    const done = before
      .then(() => this.turns.run(work))
      .catch((error: unknown) => this.owner.broke(error))
      .finally(() => {
        if (this.work.get(subscription) === done) this.work.delete(subscription);
      });
    this.work.set(subscription, done);
    return done;
  }

  private async readOn(subscription: Subscription): Promise<void> {
    const { fanout } = this;
    const { outbox } = this.owner;
    const { stream } = subscription;
    let count = FIRST_PAGE;
    let inVain = 0;
    let told = '';
    let trust: 'known' | 'any' = 'known';
    while (subscription.isReading) {
      // What a full socket would not take is not worth reading yet.
      while (subscription.isReading && !outbox.takesMore()) await outbox.drained();
      const head = fanout.head(stream);
      const hasRead = subscription.needsLog;
      if (hasRead) {
        subscription.readBegins();
        const page = await fanout.pages.read(stream, subscription.position, count, trust);
        if (page) await this.send(subscription, page.events);
        if (!subscription.isReading) return;
        trust = 'known';
        if (!page || subscription.isLost) {
          if (!page && subscription.goBackToLeaving()) continue;
          if (subscription.askAgain()) return void this.owner.seek(subscription);
          const last = await this.reset(subscription, told);
          // The client was sent there already, and it is not in the log: one that does not have its own head. Asking again would never end.
          if (last === told) trust = 'any';
          told = last;
          continue;
        }
        inVain = page.events.length === 0 ? inVain + 1 : 0;
        if (inVain > MAX_IN_VAIN) throw new Error(`the log of ${keyOf(stream)} and its tail do not meet`);
        if (page.hasMore) subscription.readGoesOn();
        count = page.nextCount;
      }
      const outcome = subscription.finish(fanout.head(stream));
      // The log was asked after the tail had brought this event, and does not have it: a log that is no more, and the tail has not noticed yet.
      if (outcome === 'behind' && hasRead && head === fanout.head(stream)) fanout.doubt(stream);
    }
  }

  private async send(subscription: Subscription, page: readonly Framed[]): Promise<void> {
    const { outbox } = this.owner;
    for (const event of page) {
      // After each wait it is asked again, and nothing awaited then: another stream may have used the room meanwhile.
      while (subscription.isReading && !outbox.takesMore()) await outbox.drained();
      if (!subscription.isReading || !subscription.read(event)) return;
    }
  }

  /**
   * The log does not know where the client stands: it is told to reload, and live events go on from the log's end, if this log has the
   * user in the conversation at all.
   */
  private async reset(subscription: Subscription, told: string): Promise<string> {
    const { owner } = this;
    const { stream } = subscription;
    const isOwn = stream.kind === 'user';
    const last = await this.fanout.pages.head(stream);
    const before = isOwn ? undefined : await owner.placeInLog(subscription);
    if (!subscription.isReading) return last;
    const whose = isOwn ? { user_id: stream.id } : { conversation_id: stream.id };
    if (last !== told) {
      this.fanout.counts.resets += 1;
      owner.outbox.send({ type: 'sync.reset', data: { ...whose, last_event_id: last } });
    }
    if (before === undefined && !isOwn) owner.drop(subscription);
    else subscription.reload(last, before);
    if (isOwn) await owner.relist();
    return last;
  }
}
