/**
 * Events as frames: built once per event, and the same bytes go to every socket. Where an event is withheld from some users, theirs is a
 * placeholder of the same id and seq, so that nobody sees a hole. Refuses to know why: who is meant arrives as a function.
 */
import { withheldEvent } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';
import { textFrame } from './outbox.ts';

/** An event ready to be written: its WebSocket frame, and its place in its stream. */
export interface Framed {
  readonly id: string;
  readonly seq: number;
  readonly frame: Buffer;
  /** Set on the few events that some users may not see. */
  readonly withheld: Withheld | undefined;
}

interface Withheld {
  readonly isFrom: (userId: string) => boolean;
  readonly placeholder: Buffer;
}

/** From whom an event is withheld; undefined for nearly every event, and then nobody is asked about. */
export type WithheldFrom = (event: RawEvent) => ((userId: string) => boolean) | undefined;

export function framed(event: RawEvent, withheldFrom: WithheldFrom | undefined): Framed {
  const isFrom = withheldFrom?.(event);
  const withheld = isFrom && { isFrom, placeholder: textFrame(withheldEvent(event)) };
  return { id: event.id, seq: event.seq, frame: textFrame(event.json), withheld };
}

export const frameFor = ({ frame, withheld }: Framed, userId: string): Buffer =>
  withheld?.isFrom(userId) ? withheld.placeholder : frame;
