/**
 * One stream of one session, as a state machine: whatever brings an event, the log or the tail, it passes here, in order and once.
 *
 *   unplaced → placed → reading ⇄ ahead ⇄ live        any → ended
 *
 * unplaced: followed, but where the session stands is still being asked. placed: that is known, and the session has not begun. reading:
 * the log is read from the position on. ahead: the session has all that the log had, and the tail is yet to bring some of it. live: the
 * session has what the tail brought, to the very event, and the fan-out writes to its socket. In the first three the tail's events wait.
 *
 * The position is an id: after a failover or a restore the same seq may be another event, and then the log must be read, which knows
 * whether the position is still there. Whose user was taken out by an event gets that one and nothing after, until the event by which
 * they come back in. Does no reading itself: its owner does, and tells what came.
 */
import { eventId, START } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import type { Subscriber } from './fanout.ts';
import { frameFor } from './frames.ts';
import type { Framed } from './frames.ts';
import type { Outbox } from './outbox.ts';
import type { WaitingRoom } from './waiting.ts';

export interface SubscriptionOwner {
  readonly userId: string;
  readonly outbox: Outbox;
  readonly waitingRoom: WaitingRoom;
  /** The log is to be read for it. */
  catchUp(subscription: Subscription): void;
  /** What comes goes to the socket from now on; or to the subscription again. */
  flows(subscription: Subscription): void;
  holds(subscription: Subscription): void;
  /** Its user was taken out and has everything up to that. */
  left(subscription: Subscription): void;
  /** Its user's own stream says that they came into a conversation. */
  cameInto(conversationId: string): void;
}

type State = 'unplaced' | 'placed' | 'reading' | 'ahead' | 'live' | 'ended';

export class Subscription implements Subscriber {
  readonly stream: StreamRef;
  private readonly owner: SubscriptionOwner;
  private state: State = 'unplaced';
  /** The last event that the session has. Its id is '' where only the seq is known. */
  private id = START;
  private seq = 0;
  /** The tail's events since the session followed, without those that found no room. */
  private waiting: Framed[] = [];
  /** The log may have events after the position that do not wait. */
  private mustRead = false;
  /** What was read or waits may be of a log that is no more. */
  private isDoubted = false;
  private isOut = false;
  private hasComeIn = false;

  constructor(stream: StreamRef, owner: SubscriptionOwner) {
    this.stream = stream;
    this.owner = owner;
  }

  get userId(): string {
    return this.owner.userId;
  }

  get outbox(): Outbox {
    return this.owner.outbox;
  }

  get isUnplaced(): boolean {
    return this.state === 'unplaced';
  }

  get isPlaced(): boolean {
    return this.state === 'placed';
  }

  get isReading(): boolean {
    return this.state === 'reading';
  }

  /** It has everything, or all that the log had. */
  get isCurrent(): boolean {
    return this.state === 'live' || this.state === 'ahead';
  }

  get position(): { readonly id: string; readonly seq: number } {
    return { id: this.id, seq: this.seq };
  }

  /** Only with the log can it be told what follows the position. */
  get needsLog(): boolean {
    return this.mustRead;
  }

  /** Where it stands is asked for: from now on it is noted whether the user comes in meanwhile. */
  seek(): void {
    this.hasComeIn = false;
  }

  /** The tail brought an event by which the user came in, while it was not known where to begin. */
  get mayBeIn(): boolean {
    return this.hasComeIn;
  }

  /** The session stands at this event, which was read after the stream was followed: what comes after it waits. */
  standAt(id: string): void {
    this.moveTo(id);
    this.state = 'placed';
  }

  /** The same for a place of which only the log can say what follows it. */
  standFarBack(id: string): void {
    if (this.state === 'placed' && id === this.id) return;
    this.standAt(id);
    this.mustRead = true;
  }

  /** The user came in by this event: the session begins with it. */
  beginWith(event: Framed): void {
    this.id = '';
    this.seq = event.seq - 1;
    this.state = 'placed';
    this.keep([event]);
  }

  /** The session has begun. */
  begin(): void {
    if (this.state === 'placed') this.state = 'reading';
  }

  /** What the tail brings. */
  deliver(events: readonly Framed[]): void {
    if (this.state === 'live') {
      for (const event of events) this.accept(event);
      if (this.isOut) this.owner.left(this);
    } else if (this.state === 'ahead') this.follow(events);
    else if (this.state !== 'ended') this.keep(events);
  }

  /** What the tail brought last is in doubt, or what was missed of it: the log says what there is. `head` is where live ones stand. */
  doubt(head: string): void {
    this.forgetWaiting();
    this.mustRead = true;
    this.isDoubted = true;
    if (!this.isCurrent) return;
    this.hold(head);
    this.owner.catchUp(this);
  }

  /** Goes back to reading the log, from its position on; `head` is where live ones stand. */
  hold(head: string): void {
    if (this.state === 'live') {
      this.moveTo(head);
      this.owner.holds(this);
    }
    this.state = 'reading';
    this.mustRead = true;
  }

  /** What came after this event, which the session has, is to be sent again. */
  goBackTo(id: string): void {
    this.moveTo(id);
    this.mustRead = true;
  }

  /** The log is being asked: until the answer is there, anything may be missing again. */
  readBegins(): void {
    this.mustRead = false;
    this.isDoubted = false;
  }

  /** An event of the log. False where it is in doubt and the log must be asked again. Throws where the log has a hole. */
  read(event: Framed): boolean {
    if (this.isDoubted) return false;
    if (event.seq > this.seq + 1) throw new Error(`the log has a hole before seq ${event.seq}`);
    if (event.seq > this.seq) this.accept(event);
    return true;
  }

  /** The page was full, so there may be more. */
  readGoesOn(): void {
    this.mustRead = true;
  }

  /**
   * The log's end was reached, and the tail stands at `head` ('' where it has brought nothing yet): what waits follows. `again`: something
   * is missing in between. `behind`: the tail brought more than the session has, or another event; only the log can tell.
   */
  finish(head: string): 'done' | 'again' | 'behind' {
    if (this.mustRead) return 'again';
    const { waiting } = this;
    this.forgetWaiting();
    for (const event of waiting) {
      const relation = this.relationOf(event);
      if (relation === 'next') this.accept(event);
      else if (relation === 'unclear') {
        this.mustRead = true;
        return 'again';
      }
    }
    if (head !== '' && head !== this.id && seqOf(head) >= this.seq) {
      this.mustRead = true;
      return 'behind';
    }
    if (this.isOut) this.owner.left(this);
    else if (head === this.id) this.goLive();
    else this.state = 'ahead';
    return 'done';
  }

  /** The log does not know the position. The client was told to reload, and goes on from this event. */
  reload(last: string): void {
    this.forgetWaiting();
    this.moveTo(last);
    this.mustRead = true;
    this.isOut = false;
  }

  end(): void {
    this.forgetWaiting();
    this.state = 'ended';
  }

  /** Ahead of the tail: what it brings up to the position is known already, if it is the same. */
  private follow(events: readonly Framed[]): void {
    for (const [i, event] of events.entries()) {
      const relation = this.relationOf(event);
      if (relation === 'next') this.accept(event);
      else if (relation === 'unclear') {
        this.hold('');
        this.keep(events.slice(i));
        return this.owner.catchUp(this);
      }
    }
    if (this.isOut) this.owner.left(this);
    else if (events.at(-1)!.seq === this.seq) this.goLive();
  }

  private goLive(): void {
    this.state = 'live';
    this.owner.flows(this);
  }

  /** The one way by which an event reaches the client. */
  private accept(event: Framed): void {
    this.id = event.id;
    this.seq = event.seq;
    const own = event.effects?.find(({ userId }) => userId === this.userId);
    if (own?.kind === 'joined' && own.conversationId === this.stream.id) this.isOut = false;
    if (!this.isOut) this.outbox.push(frameFor(event, this.userId));
    if (own?.kind === 'left') this.isOut = true;
    if (own?.kind === 'joined' && own.conversationId !== this.stream.id) this.owner.cameInto(own.conversationId);
  }

  /** How an event of the tail stands to the position: `unclear` where something lies between, or where it is of another log. */
  private relationOf(event: Framed): 'old' | 'next' | 'unclear' {
    if (event.seq > this.seq + 1) return 'unclear';
    if (this.id === '') return event.seq > this.seq ? 'next' : 'old';
    const msLater = eventId(event.id).ms - eventId(this.id).ms;
    if (event.seq > this.seq) return msLater >= 0 ? 'next' : 'unclear';
    if (event.seq === this.seq) return event.id === this.id ? 'old' : 'unclear';
    return msLater > 0 ? 'unclear' : 'old';
  }

  private keep(events: readonly Framed[]): void {
    for (const event of events) {
      const comesIn = event.effects?.some(({ kind, userId }) => kind === 'joined' && userId === this.userId);
      if (comesIn) this.hasComeIn = true;
      if (this.owner.waitingRoom.enter(event)) this.waiting.push(event);
      else {
        this.forgetWaiting();
        this.mustRead = true;
      }
    }
  }

  private forgetWaiting(): void {
    if (this.waiting.length === 0) return;
    this.owner.waitingRoom.leave(this.waiting);
    this.waiting = [];
  }

  private moveTo(id: string): void {
    this.id = id;
    this.seq = seqOf(id);
  }
}
