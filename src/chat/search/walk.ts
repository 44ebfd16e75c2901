/**
 * What several conversations may have, as one list, newest first. Each is looked into only as far as the list has come, many side by side;
 * what is told is a place of each candidate, for the message itself to decide. Bounds the looks that one walk takes.
 */
import type { EventId } from '../../envelope.ts';

/** Where a message stands among those of all conversations. */
export interface Position extends EventId {
  readonly conversationId: string;
}

/** Newest first; those of one millisecond by conversation. */
export function newestFirst(a: Position, b: Position): number {
  if (a.ms !== b.ms) return b.ms - a.ms;
  if (a.conversationId !== b.conversationId) return a.conversationId < b.conversationId ? 1 : -1;
  return b.seq - a.seq;
}

/** Places in a conversation, newest first, down to what was not looked at. */
export interface Found {
  readonly places: readonly EventId[];
  readonly next: EventId | undefined;
}

/** Looks into a conversation, for the first time or further, beneath a seq. */
export type LookInto = (conversationId: string, below: number, look: 'first' | 'further') => Promise<Found>;

interface Source {
  readonly conversationId: string;
  /** Newest first. */
  places: EventId[];
  next: EventId | undefined;
  look: 'first' | 'further';
}

/** Conversations that are looked into side by side: more and more of them, while that does not help. */
const AT_ONCE = { least: 16, most: 64 };
/** Looks of one walk beyond the first one into each conversation. */
const MOST_LOOKS = 200;

export class Walk {
  private readonly look: LookInto;
  private readonly sources: readonly Source[];
  private looks = 0;

  /** `ends`: the place in each conversation before which nothing newer is wanted. */
  constructor(ends: ReadonlyMap<string, EventId>, look: LookInto) {
    this.look = look;
    this.sources = [...ends].map(([conversationId, next]) => ({ conversationId, places: [], next, look: 'first' }));
  }

  /** The next candidates, at most so many; none at the end, or where the walk has taken too many looks: see `rest`. */
  async take(most: number): Promise<Position[]> {
    for (let atOnce = AT_ONCE.least; ; atOnce = Math.min(2 * atOnce, AT_ONCE.most)) {
      const taken = this.takeKnown(most);
      if (taken.length > 0) return taken;
      const waiting = this.sources.filter(({ next }) => next).toSorted((a, b) => newestFirst(topOf(a)!, topOf(b)!));
      const isSpent = this.looks >= MOST_LOOKS;
      if (waiting.length === 0 || (isSpent && waiting[0]!.look === 'further')) return [];
      // What stands first must be looked into; the others beside it will be, most likely.
      const some = waiting.filter(({ look }) => !isSpent || look === 'first').slice(0, atOnce);
      this.looks += some.filter(({ look }) => look === 'further').length;
      await Promise.all(some.map((source) => this.lookOn(source)));
    }
  }

  /** The newest place that was not looked at; undefined at the end. */
  get rest(): Position | undefined {
    return this.sources.flatMap((source) => topOf(source) ?? []).toSorted(newestFirst)[0];
  }

  private takeKnown(most: number): Position[] {
    const known: Position[] = [];
    let unknown: Position | undefined;
    for (const source of this.sources) {
      const { conversationId, next } = source;
      known.push(...source.places.filter((each) => isBefore(each, next)).map((each) => ({ ...each, conversationId })));
      const first = next && { ...next, conversationId };
      if (first && (!unknown || newestFirst(first, unknown) < 0)) unknown = first;
    }
    const sure = known.filter((place) => !unknown || newestFirst(place, unknown) < 0);
    const taken = sure.toSorted(newestFirst).slice(0, most);
    for (const source of this.sources) {
      const last = taken.findLast(({ conversationId }) => conversationId === source.conversationId);
      if (last) source.places = source.places.filter(({ seq }) => seq < last.seq);
    }
    return taken;
  }

  private async lookOn(source: Source): Promise<void> {
    const found = await this.look(source.conversationId, source.next!.seq + 1, source.look);
    source.look = 'further';
    source.places = inOrder([...source.places, ...found.places]);
    source.next = found.next;
  }
}

const isBefore = ({ seq }: EventId, next: EventId | undefined): boolean => !next || seq > next.seq;

/** Newest first, each once. */
function inOrder(places: readonly EventId[]): EventId[] {
  return [...new Map(places.map((place) => [place.seq, place])).values()].toSorted((a, b) => b.seq - a.seq);
}

/** What a source has next, whether it was looked at or not. */
function topOf({ places: [first], next, conversationId }: Source): Position | undefined {
  const top = first && isBefore(first, next) ? first : next;
  return top && { ...top, conversationId };
}
