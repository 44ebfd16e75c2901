/**
 * Who is calling: access tokens and tickets against the sessions that live. Owns the memory that spares a request its round trip to
 * Redis: verified tokens, which stay true until they expire, and for five seconds that a session lives. So a session that another node
 * ended works here for five seconds at most, and less where `forget` hears of it; one that this node ended is refused at once.
 */
import type { Caller } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { sha256 } from './names.ts';
import { parseDetails, parseSession } from './stored-sessions.ts';
import { isSameHash, parseApiKey } from './tokens.ts';
import type { Authenticated, Tokens } from './tokens.ts';

const SESSION_TRUST_MS = 5_000;
const TICKET_MS = 30_000;
const TICKET = /^[\w-]{43}$/;
const MAX_REMEMBERED = 10_000;

export class Authentication {
  private readonly log: Log;
  private readonly tokens: Tokens;
  private readonly verified = new Map<string, Authenticated>();
  private readonly living = new Map<string, { readonly since: number; readonly sessions: Set<string> }>();

  constructor(log: Log, tokens: Tokens) {
    this.log = log;
    this.tokens = tokens;
  }

  /** Throws `token_expired` or `unauthenticated`. */
  async authenticate(token: string, now: number): Promise<Authenticated> {
    let proved = this.verified.get(token);
    if (!proved || now >= proved.expiresAt) {
      this.verified.delete(token);
      const key = parseApiKey(token);
      proved = key ? await this.verifyKey(key) : this.tokens.verifyAccess(token, now);
      remember(this.verified, token, proved);
    }
    await this.checkSession(proved.caller, now);
    return proved;
  }

  /** A ticket stands for a fresh access token of the caller's session. `id` must be new. */
  async issueTicket(
    { userId, sessionId }: Caller,
    now: number,
    id: string,
  ): Promise<{ ticket: string; expires_in: number }> {
    const ticket = this.tokens.ticket(id);
    const value = `${userId} ${sessionId} ${now + this.tokens.expiresIn * 1_000}`;
    await this.log.run('ticket.issue', ownerOf(ticket), { value, lifetime: String(TICKET_MS) });
    return { ticket, expires_in: TICKET_MS / 1_000 };
  }

  /** Throws `unauthenticated` for a ticket that is unknown, used, too old, or whose session has ended. */
  async redeemTicket(ticket: string, now: number): Promise<Authenticated> {
    if (!TICKET.test(ticket)) throw fail('unauthenticated', 'This is not a ticket');
    const [, value] = await this.log.run('ticket.redeem', ownerOf(ticket), {});
    const [userId = '', sessionId = '', expiresAt] = String(value).split(' ');
    const caller = { userId, sessionId };
    await this.checkSession(caller, now);
    return { caller, expiresAt: Number(expiresAt) };
  }

  /** Drops what is believed of a user's sessions: to be called once one of them has ended, wherever that was. */
  forget(userId: string): void {
    this.living.delete(userId);
  }

  /** Whether a session has ended, as Redis has it now. One that has lost the user altogether does not say so. */
  async hasEnded({ userId, sessionId }: Caller): Promise<boolean> {
    const [user, session] = await this.log.guardFields(userStream(userId), 'sessions', ['-', sessionId]);
    const isOver = user !== null && session === null;
    if (isOver) this.forget(userId);
    return isOver;
  }

  /** A key does not run out: it ends with its session. */
  private async verifyKey({
    userId,
    sessionId,
    hash,
  }: NonNullable<ReturnType<typeof parseApiKey>>): Promise<Authenticated> {
    const stream = userStream(userId);
    const [kept, session] = await Promise.all([
      this.log.guardField(stream, 'account', 'password'),
      this.log.guardField(stream, 'sessions', sessionId),
    ]);
    if (kept === null || session === null || !isSameHash(kept, hash))
      throw fail('unauthenticated', 'This key is not valid');
    const { key } = parseDetails(parseSession(sessionId, session).details);
    return { caller: { userId, sessionId, key: { scope: key?.scope } }, expiresAt: Infinity };
  }

  private async checkSession({ userId, sessionId }: Caller, now: number): Promise<void> {
    let believed = this.living.get(userId);
    // Either way: a clock that was set back must not make a belief last.
    if (!believed || Math.abs(now - believed.since) >= SESSION_TRUST_MS) {
      believed = { since: now, sessions: new Set() };
      this.living.delete(userId);
      remember(this.living, userId, believed);
    }
    if (believed.sessions.has(sessionId)) return;
    const record = await this.log.guardField(userStream(userId), 'sessions', sessionId);
    if (record === null) throw fail('unauthenticated', 'This session has ended');
    // If `forget` came while Redis was asked, nobody reads this set any more and the next call asks again.
    believed.sessions.add(sessionId);
  }
}

/** Whoever reads Redis must not find a ticket there, only what to compare one with. */
const ownerOf = (ticket: string) => ({ kind: 'ticket', id: sha256(ticket) }) as const;

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size > MAX_REMEMBERED) map.delete(map.keys().next().value!);
}
