/** What is kept of a session, word by word as `lua/lib/sessions.lua` has it; its details are opaque there, and made and read here. Pure. */
import type { Context } from '../../envelope.ts';
import { opaqueWord, readOpaque } from '../opaque.ts';

const MAX_USER_AGENT = 256;

export interface StoredSession {
  readonly id: string;
  /** Unix ms. */
  readonly started: number;
  readonly used: number;
  readonly details: string;
}

/** Where a session comes from, and of an API key what it may be used for. */
interface Details {
  readonly ip: string;
  readonly user_agent: string;
  readonly key?: { readonly scope?: readonly string[] | undefined } | undefined;
}

export function parseSession(id: string, value: string): StoredSession {
  const [, started, used, , details = ''] = value.split(' ');
  return { id, started: Number(started), used: Number(used), details };
}

export function sessionDetails({ ip, userAgent }: Context, key?: Details['key']): string {
  const details: Details = { ip, user_agent: userAgent.slice(0, MAX_USER_AGENT).toWellFormed(), key };
  return opaqueWord(details);
}

export const parseDetails = (details: string): Details => readOpaque(details) as Details;
