/**
 * Where the client stands in each stream, by the id of its conversation or of the user: what an event is to it, and from where to resume.
 * Pure. Holds as many as fit into one `session.resume`; of the others the least recently active are given up, and their owner is told.
 */
import type { AnyEvent } from './frames.ts';

/** More would not fit into one frame. */
const MAX_RESUMED = 900;

/** Of an event's id; 0 where there is none. */
export const seqOf = (eventId: string | null | undefined): number =>
  eventId ? Number(eventId.slice(eventId.indexOf('-') + 1)) : 0;

export class Cursors {
  private readonly places: Map<string, string>;

  constructor(places: Iterable<readonly [string, string]> = []) {
    this.places = new Map(places);
  }

  get isEmpty(): boolean {
    return this.places.size === 0;
  }

  has(stream: string): boolean {
    return this.places.has(stream);
  }

  get(stream: string): string | undefined {
    return this.places.get(stream);
  }

  /** Puts it at this event, wherever it stood. The most recently active stand last. */
  set(stream: string, eventId: string): void {
    this.places.delete(stream);
    this.places.set(stream, eventId);
  }

  /** Whatever comes next of it is where it goes on. */
  forget(stream: string): void {
    this.places.delete(stream);
  }

  /** Moves on where the event is the next one. Of a stream that is not known any event is. */
  take(stream: string, { id, seq }: Pick<AnyEvent, 'id' | 'seq'>): 'next' | 'old' | 'gap' {
    const place = this.places.get(stream);
    if (place !== undefined && seq <= seqOf(place)) return 'old';
    if (place !== undefined && seq > seqOf(place) + 1) return 'gap';
    this.set(stream, id);
    return 'next';
  }

  /** `data` of `session.resume`, and the streams that did not fit, which are forgotten. */
  resume(userId: string): { readonly data: object; readonly dropped: string[] } {
    const { [userId]: user, ...conversations } = Object.fromEntries(this.places);
    const all = Object.entries(conversations);
    const dropped = all.slice(0, -MAX_RESUMED).map(([id]) => id);
    for (const id of dropped) this.forget(id);
    return { data: { cursors: Object.fromEntries(all.slice(-MAX_RESUMED)), user }, dropped };
  }

  snapshot(): Map<string, string> {
    return new Map(this.places);
  }
}
