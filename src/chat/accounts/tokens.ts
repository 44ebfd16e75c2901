/**
 * Access and refresh tokens: how they are made and proved. Owns both signatures and nothing that is stored: whether a token's session
 * still lives is for `authentication.ts` and the session scripts. Refuses every algorithm but the one that it signs with.
 */
import type { Caller } from '../../envelope.ts';
import { createHmac, timingSafeEqual } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Config } from '../../config.ts';
import { fail } from '../../errors.ts';
import { sha256 } from './names.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'rill';
const MAX_TOKEN = 1_024;
const REFRESH = /^([0-9A-Z]{26})\.([0-9A-Z]{26})\.([1-9]\d{0,9})\.([\w-]{43})$/;

/** A caller as proved, until `expiresAt` (Unix ms). */
export interface Authenticated {
  readonly caller: Caller;
  readonly expiresAt: number;
}

/** What a refresh token says: the session, and which of its tokens this is, counted from 1. */
export interface RefreshClaim {
  readonly userId: string;
  readonly sessionId: string;
  readonly generation: number;
}

export class Tokens {
  /** Seconds that an access token lives. */
  readonly expiresIn: number;
  private readonly secret: string;

  constructor({ SECRET_KEY, ACCESS_TOKEN_EXPIRE_MINUTES }: Pick<Config, 'SECRET_KEY' | 'ACCESS_TOKEN_EXPIRE_MINUTES'>) {
    this.secret = SECRET_KEY;
    this.expiresIn = ACCESS_TOKEN_EXPIRE_MINUTES * 60;
  }

  access({ userId, sessionId }: Caller, now: number): string {
    const iat = Math.floor(now / 1_000);
    const claims = { sub: userId, sid: sessionId, iat, exp: iat + this.expiresIn };
    return jwt.sign(claims, this.secret, { algorithm: ALGORITHM, issuer: ISSUER, audience: ISSUER });
  }

  /** Throws `token_expired` for one of ours whose time is over, `unauthenticated` for everything else that does not hold. */
  verifyAccess(token: string, now: number): Authenticated {
    if (token.length > MAX_TOKEN) throw fail('unauthenticated');
    let claims: unknown;
    try {
      const clockTimestamp = Math.floor(now / 1_000);
      const fixed = { algorithms: [ALGORITHM], issuer: ISSUER, audience: ISSUER } satisfies jwt.VerifyOptions;
      claims = jwt.verify(token, this.secret, { ...fixed, clockTimestamp });
    } catch (error) {
      throw fail(error instanceof jwt.TokenExpiredError ? 'token_expired' : 'unauthenticated');
    }
    const { sub, sid, exp } = claims as Record<string, unknown>;
    if (typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number') throw fail('unauthenticated');
    return { caller: { userId: sub, sessionId: sid }, expiresAt: exp * 1_000 };
  }

  /** The refresh token of a generation. Nothing of it is stored, so the same one can be answered twice. */
  refresh({ userId, sessionId, generation }: RefreshClaim): string {
    const claim = `${userId}.${sessionId}.${generation}`;
    return `${claim}.${this.mac(`refresh:${claim}`)}`;
  }

  /** Throws `unauthenticated` for a token that we did not make. */
  verifyRefresh(token: string): RefreshClaim {
    const [, userId, sessionId, generation, mac] = REFRESH.exec(token) ?? [];
    if (!userId || !sessionId || !generation || !mac) throw fail('unauthenticated', 'This is not a refresh token');
    const expected = this.mac(`refresh:${userId}.${sessionId}.${generation}`);
    if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected)))
      throw fail('unauthenticated', 'This is not a refresh token');
    return { userId, sessionId, generation: Number(generation) };
  }

  /** What nobody can guess who does not have the secret, for an id that was never used. */
  ticket(id: string): string {
    return this.mac(`ticket:${id}`);
  }

  /** The API key of a bot's session, and what is kept of it: no password has such a hash. */
  apiKey({ userId, sessionId }: Pick<Caller, 'userId' | 'sessionId'>): { token: string; hash: string } {
    const claim = `bot.${userId}.${sessionId}`;
    const token = `${claim}.${this.mac(`key:${claim}`)}`;
    return { token, hash: apiKeyHash(token) };
  }

  /** The secret of a thing that somebody else must know as well. */
  secretOf(thing: string): string {
    return this.mac(`secret:${thing}`);
  }

  /** What stands for a body with secrets where requests are compared: equal for equal ones, and of no use to guess from. */
  blinded(body: object): string {
    return this.mac(`body:${JSON.stringify(body)}`);
  }

  private mac(text: string): string {
    return createHmac('sha256', this.secret).update(text).digest('base64url');
  }
}

const API_KEY = /^bot\.([0-9A-Z]{26})\.([0-9A-Z]{26})\.[\w-]{43}$/;

const apiKeyHash = (token: string): string => `key:${sha256(token)}`;

/** Whose key a token says it is; undefined for what is no API key. */
export function parseApiKey(token: string): (Pick<Caller, 'userId' | 'sessionId'> & { hash: string }) | undefined {
  const [, userId, sessionId] = API_KEY.exec(token) ?? [];
  return userId && sessionId ? { userId, sessionId, hash: apiKeyHash(token) } : undefined;
}

export const isSameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
