/**
 * Frames as they stand on the wire: what a command looks like, and what one that came is. The one place on the client's side that knows;
 * what only counts frames, as a benchmark does, takes their first bytes from here and parses nothing.
 */
import type { Events, SessionFrames, Signals } from './protocol.d.ts';

export type AnyEvent = Events[keyof Events];
export type AnySignal = Signals[keyof Signals];
export type Ready = SessionFrames['session.ready']['data'];
export type Reset = SessionFrames['sync.reset']['data'];

/** The sub-protocols of a handshake: a browser can set no header. */
export const protocolsOf = (token: string): string[] => ['chat.v1', `bearer.${token}`];

/** What the answer to a command begins with. */
export const ACK_HEAD = '{"type":"ack"';

export interface Outgoing {
  /** By which the answer is known again. */
  readonly id?: string;
  readonly data?: object;
  /** Makes it repeatable. */
  readonly request_id?: string | undefined;
}

export const commandFrame = (type: string, { id, data, request_id }: Outgoing = {}): string =>
  JSON.stringify({ type, id, data, request_id });

export type Incoming =
  | { readonly kind: 'event'; readonly event: AnyEvent; readonly stream: string }
  | { readonly kind: 'signal'; readonly signal: AnySignal }
  | { readonly kind: 'answer'; readonly id: string; readonly data: object }
  | { readonly kind: 'refusal'; readonly id: string; readonly error: { code: string; detail: string } }
  | { readonly kind: 'ready'; readonly data: Ready }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'reset'; readonly data: Reset }
  | { readonly kind: 'other' };

interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly seq?: number;
  readonly conversation_id?: string;
  readonly user_id?: string;
  readonly actor_id?: string;
  readonly data?: never;
  readonly error?: { code: string; detail: string };
}

/** Throws on what is not JSON. What a newer server says that is not known here is passed over. */
export function incoming(text: string): Incoming {
  const frame = JSON.parse(text) as Frame;
  const { type, id = '', seq, data } = frame;
  if (seq !== undefined) {
    const stream = frame.conversation_id ?? frame.user_id ?? '';
    return { kind: 'event', event: frame as unknown as AnyEvent, stream };
  }
  if (frame.actor_id !== undefined) return { kind: 'signal', signal: frame as unknown as AnySignal };
  if (type === 'ack' || type === 'pong') return { kind: 'answer', id, data: data ?? {} };
  if (type === 'error') return { kind: 'refusal', id, error: frame.error ?? { code: 'internal', detail: '' } };
  if (type === 'session.ready') return { kind: 'ready', data: data! };
  if (type === 'session.resumed') return { kind: 'resumed' };
  if (type === 'sync.reset') return { kind: 'reset', data: data! };
  return { kind: 'other' };
}
