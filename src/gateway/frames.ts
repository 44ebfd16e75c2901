/**
 * Events as frames: built once per event, and the same bytes go to every socket. With a frame travels what few events have: what it
 * means for whoever follows the stream, and from whom it is withheld. Who may not see an event gets a placeholder of the same id and seq, so
 * that nobody sees a hole. Refuses to know why: both arrive as functions.
 */
import { withheldEvent } from '../envelope.ts';
import type { Effect, RawEvent } from '../envelope.ts';
import { textFrame } from './outbox.ts';

/** An event ready to be written: its WebSocket frame, and its place in its stream. */
export interface Framed {
  readonly id: string;
  readonly seq: number;
  readonly frame: Buffer;
  readonly effects: readonly Effect[] | undefined;
  readonly withheld: Withheld | undefined;
}

interface Withheld {
  readonly isFrom: (userId: string) => boolean;
  readonly placeholder: Buffer;
}

/** From whom an event is withheld is undefined for nearly every event, and then nobody is asked about. */
export interface Framing {
  effectsOf(event: RawEvent): readonly Effect[];
  withheldFrom?(event: RawEvent): ((userId: string) => boolean) | undefined;
}

export function framed(event: RawEvent, framing: Framing): Framed {
  const effects = framing.effectsOf(event);
  const isFrom = framing.withheldFrom?.(event);
  return {
    id: event.id,
    seq: event.seq,
    frame: textFrame(event.json),
    effects: effects.length > 0 ? effects : undefined,
    withheld: isFrom && { isFrom, placeholder: textFrame(withheldEvent(event)) },
  };
}

/** The same bytes for all, and nothing to be done but to write them. */
export const isPlain = ({ effects, withheld }: Framed): boolean => !effects && !withheld;

export const frameFor = ({ frame, withheld }: Framed, userId: string): Buffer =>
  withheld?.isFrom(userId) ? withheld.placeholder : frame;
