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
  drop(subscription: Subscription): void;
  /** Its user's own stream says that they came into a conversation. */
  cameInto(conversationId: string): void;
}

type State = 'unplaced' | 'placed' | 'reading' | 'ahead' | 'live' | 'ended';

export class Subscription implements Subscriber {
  readonly stream: StreamRef;
  private readonly owner: SubscriptionOwner;
  private state: State = 'unplaced';
  /** The last event that the session has. Its id is '' where the session begins with what waits. */
  private id = START;
  private seq = 0;
  /** The tail's events since the session followed, without those that found no room. */
  private waiting: Framed[] = [];
  /** The log may have events after the position that do not wait. */
  private mustRead = false;
  /** What was read or waits may be of a log that is no more. */
  private isDoubted = false;
  /** What the client was sent already of what is sent again; '' when that is over. */
  private furthest = '';
  private hasLost = false;
  /** Id of the event by which the user was taken out; '' while they are in. */
  private outSince = '';
  private hasComeIn = false;
  /** The client has nothing of the stream, and stands nowhere. */
  private isUnheardOf = false;

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

  /** The user was taken out, by an event that the session has. */
  get isOut(): boolean {
    return this.outSince !== '';
  }

  get isUnplaced(): boolean {
    return this.state === 'unplaced';
  }

  get isPlaced(): boolean {
    return this.state === 'placed';
  }

  get isEnded(): boolean {
    return this.state === 'ended';
  }

  get isReading(): boolean {
    return this.state === 'reading';
  }

  /** It has everything, or all that the log had, and its user is in. */
  get isCurrent(): boolean {
    return this.isPassing && !this.isOut;
  }

  /** Id of the last event that the session has. */
  get position(): string {
    return this.id;
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
    this.outSince = '';
    this.isUnheardOf = false;
    this.state = 'placed';
  }

  /** The same for a place of which only the log can say what follows it. */
  standFarBack(id: string): void {
    this.isUnheardOf = false;
    if (this.state === 'placed' && id === this.id) return;
    this.standAt(id);
    this.mustRead = true;
  }

  /** The user came in by the event after this one, if the log still has that. */
  standBefore(id: string): void {
    this.standFarBack(id);
    this.outSince = id;
    this.isUnheardOf = true;
  }

  /** The user came in by this event: the session begins with it, unless that is in doubt before it has. */
  beginWith(event: Framed): void {
    this.id = '';
    this.seq = event.seq - 1;
    this.state = 'placed';
    this.keep([event]);
  }

  /** They are not in it, but the tail brought how they came in while that was asked: they were, and have what lies between. */
  beginWithComing(): boolean {
    const first = this.waiting.findIndex((event) => this.comesInBy(event));
    if (first === -1) return false;
    this.owner.waitingRoom.leave(this.waiting.splice(0, first));
    this.id = '';
    this.seq = this.waiting[0]!.seq - 1;
    this.state = 'placed';
    // What was missed came before it: nothing is kept while something is missing after it.
    this.mustRead = false;
    return true;
  }

  /** Id of the last event that was handed to the socket, where live ones stand at `head`; '' before the session has begun, or where it is not known. */
  sentUpTo(head: string): string {
    if (this.state === 'live') return head;
    return this.state === 'reading' || this.state === 'ahead' ? this.id : '';
  }

  /** The session has begun. */
  begin(): void {
    if (this.state === 'placed') this.state = 'reading';
  }

  /** What the tail brings. */
  deliver(events: readonly Framed[]): void {
    if (this.state === 'live') {
      for (const event of events) this.accept(event);
      if (this.isOut) this.owner.drop(this);
    } else if (this.state === 'ahead') this.follow(events);
    else if (this.state !== 'ended') this.keep(events);
  }

  /** What the tail brought last is in doubt, or what was missed of it: the log says what there is. `head` is where live ones stand. */
  doubt(head: string): void {
    this.miss();
    this.isDoubted = true;
    if (!this.isPassing) return;
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
  sendAgainAfter(id: string): void {
    if (seqOf(id) < this.seq) this.furthest = this.id;
    this.goBackTo(id);
  }

  /** The log does not have what the client was sent already, of which some is sent again. */
  get isLost(): boolean {
    return this.hasLost;
  }

  /** The log is being asked: until the answer is there, anything may be missing again. */
  readBegins(): void {
    this.mustRead = false;
    this.isDoubted = false;
  }

  /** An event of the log. False where that is in doubt and the log must be asked again. Throws where the log has a hole. */
  read(event: Framed): boolean {
    if (event.id === this.furthest) this.furthest = '';
    if (this.furthest !== '' && relation(this.furthest, event) !== 'old') this.hasLost = true;
    if (this.isDoubted || this.hasLost) return false;
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
    if (this.furthest !== '') {
      this.hasLost = true;
      this.mustRead = true;
      return 'again';
    }
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
    if (head === this.id) this.meetTail();
    else this.state = 'ahead';
    return 'done';
  }

  /**
   * The log does not know the position. The client was told to reload, and goes on from this event. `before` is the one before that by
   * which the user came in, which may be a later one; the user's own stream has none.
   */
  reload(last: string, before: string | undefined): void {
    this.forgetWaiting();
    this.goBackTo(last);
    this.furthest = '';
    this.hasLost = false;
    this.outSince = before === undefined || seqOf(before) < seqOf(last) ? '' : last;
  }

  /** The log does not know the position, which was only asked for: it must be asked for again. False where the client has heard of the stream. */
  askAgain(): boolean {
    if (this.isUnheardOf) this.state = 'unplaced';
    return this.isUnheardOf;
  }

  /** The log does not know the position. If that is an event which was kept from the client, it stands further back. False if not. */
  goBackToLeaving(): boolean {
    if (!this.isOut || this.id === this.outSince) return false;
    this.goBackTo(this.outSince);
    return true;
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
    if (events.at(-1)!.seq === this.seq) this.meetTail();
  }

  /** The tail brought the very event that the session has. Only then is a leaving, which the log may have told first, beyond doubt. */
  private meetTail(): void {
    if (this.isOut) return this.owner.drop(this);
    this.state = 'live';
    this.owner.flows(this);
  }

  /** Events pass: they need not wait. */
  private get isPassing(): boolean {
    return this.state === 'live' || this.state === 'ahead';
  }

  /** The one way by which an event reaches the client. */
  private accept(event: Framed): void {
    this.id = event.id;
    this.seq = event.seq;
    const own = event.effects?.find(({ userId }) => userId === this.userId);
    if (own?.kind === 'joined' && own.conversationId === this.stream.id) this.outSince = '';
    if (!this.isOut) {
      this.isUnheardOf = false;
      this.outbox.push(frameFor(event, this.userId));
    }
    if (own?.kind === 'left') this.outSince = event.id;
    if (own?.kind === 'joined' && own.conversationId !== this.stream.id) this.owner.cameInto(own.conversationId);
  }

  private relationOf(event: Framed): 'old' | 'next' | 'unclear' {
    if (this.id !== '') return relation(this.id, event);
    return event.seq === this.seq + 1 ? 'next' : 'unclear';
  }

  private comesInBy({ effects }: Framed): boolean {
    return effects?.some(({ kind, userId }) => kind === 'joined' && userId === this.userId) ?? false;
  }

  private keep(events: readonly Framed[]): void {
    for (const event of events) {
      if (this.comesInBy(event)) this.hasComeIn = true;
      if (this.owner.waitingRoom.enter(event)) this.waiting.push(event);
      else this.miss();
    }
  }

  /** What waited is gone, and the log has it. Who was to begin with it must ask where that is. */
  private miss(): void {
    this.forgetWaiting();
    this.mustRead = true;
    if (this.state !== 'placed' || this.id !== '') return;
    this.state = 'unplaced';
    this.hasComeIn = true;
  }

  private forgetWaiting(): void {
    if (this.waiting.length === 0) return;
    this.owner.waitingRoom.leave(this.waiting);
    this.waiting = [];
  }

  private goBackTo(id: string): void {
    this.moveTo(id);
    this.mustRead = true;
  }

  private moveTo(id: string): void {
    this.id = id;
    this.seq = seqOf(id);
  }
}

/** How an event stands to an id: `unclear` where something lies between, or where it is of another log. */
function relation(id: string, event: Framed): 'old' | 'next' | 'unclear' {
  const position = eventId(id);
  const msLater = eventId(event.id).ms - position.ms;
  if (event.seq > position.seq) return event.seq === position.seq + 1 && msLater >= 0 ? 'next' : 'unclear';
  if (event.seq === position.seq) return event.id === id ? 'old' : 'unclear';
  return msLater > 0 ? 'unclear' : 'old';
}
