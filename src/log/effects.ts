/**
 * What the product does because something happened or because it is time, beside the views: the shapes that features fill and the
 * projector's workers call. Both may be called twice for the same thing, after a crash or a doubt, so what they do must be safe to repeat.
 */
import type { ChatEvent, RawEvent } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';

/** A side effect of events. What it did is known by the event's whole id, kept beside what it changed. */
export interface Reactor {
  /** By this what stands still is known. */
  readonly name: string;
  readonly types: readonly string[];
  /** With all that ever happened: nobody waits for it. Or with what happens from now on: soon. */
  readonly since: 'beginning' | 'now';
  /**
   * One stream's events come one after the other, different streams' side by side. `unavailable` and `unknown_outcome` are tried again,
   * and the stream's later events wait; whatever else it throws parks the stream for this reactor, with the reason.
   */
  react(event: ChatEvent, stream: StreamRef): Promise<void>;
  /**
   * Of a batch of events, those for which there may be something to do; all of them where it does not say. Most events mean nothing to most
   * reactors, and what is left out is not even parsed. Leaves out nothing that `react` would do anything for.
   */
  sift?(events: readonly RawEvent[]): Promise<readonly RawEvent[]>;
}

/** What happens at a time that a script has set. */
export interface Timer {
  readonly kind: string;
  /**
   * `name` is what the script set the timer under, `dueAt` Unix ms. The script that acts also takes the timer away, so that it acts once over
   * any crash; where nothing of that partition is to be changed, the timer is taken away when this resolves. `unavailable` and
   * `unknown_outcome` are tried again; whatever else it throws parks the timer, with the reason.
   */
  fire(name: string, dueAt: number): Promise<void>;
}

/**
 * The name of a group in which reactors begin with all that ever happened. It says who is in it: where one more comes there is a new group,
 * which reads everything again, so that the new one misses nothing and the others see what they have done already.
 */
export const groupOf = (reactors: readonly string[]): string => reactors.join('+');
export const isInGroup = (reactor: string, group: string): boolean => group.split('+').includes(reactor);
