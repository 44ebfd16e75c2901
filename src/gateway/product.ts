/** What a gateway asks of the product that it carries, whatever that is. Pure types: the objects of the chat fit. */
import type { Caller, CommandFrame, Context, OpenSocket } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Meaning } from './fanout.ts';
import type { Opening } from './session.ts';

/** Who is where, and what events mean. */
export interface Product extends Meaning {
  /** Throws `not_found` unless the user is in the conversation. */
  checkMember(userId: string, conversationId: string): Promise<unknown>;
  /** Ids of the conversations on the user's list. */
  conversationIds(userId: string): Promise<string[]>;
  /** Where the user's streams stand; with `only` no other conversation is looked at. */
  opening(userId: string, only: string | undefined): Promise<Opening>;
  /** Id of the event before the one by which the user came into a conversation; undefined where they are not in it. */
  beforeJoining(userId: string, stream: StreamRef): Promise<string | undefined>;
  /** Where the device of a socket goes on, by the ids of the user and of those of the conversations whose heads are given. */
  deviceMarks?(socket: OpenSocket, heads: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>>;
}

export interface Identified {
  readonly caller: Caller;
  readonly expiresAt: number;
}

export interface Identity {
  authenticate(token: string, now: number): Promise<Identified>;
  redeemTicket(ticket: string, now: number): Promise<Identified>;
  /** Whether the session has ended, as Redis has it now and not as anyone believes. */
  hasEnded(caller: Caller): Promise<boolean>;
}

/** Runs a command; answers the ack's data. */
export interface FrameDoor {
  frame(frame: CommandFrame, context: Context): Promise<object>;
}

/** Throws where an address has tried too often. */
export interface HandshakeLimit {
  spend(action: 'handshake', subject: string, now: number): Promise<unknown>;
}
