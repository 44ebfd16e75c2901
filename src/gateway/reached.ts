/**
 * What of all that was written to a socket has reached its client, which keeps no account of it: behind what it writes the node sends a ping,
 * and the pong says that everything before it is there, since bytes arrive in order. So a client need say nothing, and an event costs no
 * write to Redis. Pings are few where much comes: some at once, then a few a second; what comes in between is acknowledged together.
 */
import { pingFrame } from './outbox.ts';

export interface ReachedParts {
  /** The last event of each stream that was handed to the socket. */
  sent(): ReadonlyMap<string, string>;
  /** Writes behind all that was handed to the socket. */
  write(frame: Buffer): void;
  now(): number;
}

/** Pings that may follow each other at once, and how soon there is another one. */
const AT_ONCE = 32;
const EVERY_MS = 250;
const PAYLOAD_BYTES = 4;
/** Pings that may wait for their pongs. */
const UNANSWERED = 32;

export class Reached {
  private readonly parts: ReachedParts;
  private known: ReadonlyMap<string, string> = new Map();
  /** Pings that no pong has answered yet, the oldest first. */
  private asked: { readonly number: number; readonly sent: ReadonlyMap<string, string> }[] = [];
  private asking = 0;
  private hasBegun = false;
  private left = AT_ONCE;
  private since = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(parts: ReachedParts) {
    this.parts = parts;
  }

  /** By the id of the conversation or user. Another map when something has changed. */
  get events(): ReadonlyMap<string, string> {
    return this.known;
  }

  /** Where the client stands before anything is sent. */
  standsAt(events: ReadonlyMap<string, string>): void {
    this.known = events;
  }

  begin(): void {
    this.hasBegun = true;
    this.wrote();
  }

  /** Something was written to the socket, and nothing waits to be. */
  wrote(): void {
    if (!this.hasBegun || this.timer) return;
    // Each with its own ping: who closes the socket over one event has answered for it all the same.
    if (this.asked.length < UNANSWERED && this.mayAsk()) this.ask();
    else this.timer = setTimeout(() => this.later(), EVERY_MS);
  }

  pong(payload: Buffer): void {
    const number = payload.length === PAYLOAD_BYTES ? payload.readUInt32BE() : undefined;
    const at = this.asked.findIndex((one) => one.number === number);
    if (at === -1) return;
    this.known = this.asked[at]!.sent;
    this.asked.splice(0, at + 1);
  }

  end(): void {
    clearTimeout(this.timer);
    this.hasBegun = false;
  }

  private mayAsk(): boolean {
    const now = this.parts.now();
    // A clock that is set back must not stop them.
    const refilled = Math.max(0, Math.floor((now - this.since) / EVERY_MS));
    if (refilled > 0 || now < this.since) {
      this.left = Math.min(AT_ONCE, this.left + refilled);
      this.since = now;
    }
    if (this.left === 0) return false;
    this.left -= 1;
    return true;
  }

  private later(): void {
    this.timer = undefined;
    this.wrote();
  }

  private ask(): void {
    const sent = this.parts.sent();
    if (isSame(sent, this.asked.at(-1)?.sent ?? this.known)) return;
    this.asking = (this.asking + 1) % 2 ** 32;
    const payload = Buffer.alloc(PAYLOAD_BYTES);
    payload.writeUInt32BE(this.asking);
    this.asked.push({ number: this.asking, sent });
    this.parts.write(pingFrame(payload));
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [id, event] of a) if (b.get(id) !== event) return false;
  return true;
}
