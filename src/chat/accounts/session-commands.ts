/** Sessions: logging in, renewing, looking at and ending them, and the ticket by which a browser opens its socket. */
import type { Caller } from '../../envelope.ts';
import Type from 'typebox';
import type { Config } from '../../config.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Append, Appended, Log } from '../../log/log.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Query } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import type { Authentication } from './authentication.ts';
import { LoggedInAnswer, LogIn, Nothing, Refresh, SessionAnswer, SessionTarget } from './contract.ts';
import { TicketAnswer, TokensAnswer } from './contract.ts';
import type { TokenPair } from './contract.ts';
import { holderOf } from './logins.ts';
import type { Logins } from './logins.ts';
import { loginName } from './names.ts';
import type { Passwords } from './passwords.ts';
import { parseDetails, parseSession, sessionDetails } from './stored-sessions.ts';
import type { StoredSession } from './stored-sessions.ts';
import type { RefreshClaim, Tokens } from './tokens.ts';
import type { People } from '../services.ts';

export interface Parts {
  readonly log: Log;
  readonly config: Config;
  readonly people: People;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly logins: Logins;
  readonly authentication: Authentication;
}

const DAY_MS = 86_400_000;
/** Whose account is read where there is none, so that a log-in takes the same steps for a name that nobody has. */
const NOBODY = '0'.repeat(26);

/** Secrets of an account; empty where the user is not there. */
export async function secretsOf(log: Log, userId: string): Promise<{ email?: string; password?: string }> {
  const [email, password] = await log.guardFields(userStream(userId), 'account', ['email', 'password']);
  return { ...(email ? { email } : {}), ...(password ? { password } : {}) };
}

export function tokenPair({ tokens }: Pick<Parts, 'tokens'>, claim: RefreshClaim, now: number): TokenPair {
  return {
    access_token: tokens.access(claim, now),
    refresh_token: tokens.refresh(claim),
    token_type: 'bearer',
    expires_in: tokens.expiresIn,
  };
}

/** Runs a script that may end sessions: whatever came of it, this node asks Redis again before it believes in one. */
export async function appendToUser(
  { log, authentication }: Pick<Parts, 'log' | 'authentication'>,
  append: Append,
): Promise<Appended> {
  try {
    return await log.append(append);
  } finally {
    authentication.forget(append.stream.id);
  }
}

export function sessionCommands(parts: Parts): Command[] {
  const { log, config, people, tokens, passwords, logins, authentication } = parts;
  const lifetime = String(config.REFRESH_TOKEN_EXPIRE_DAYS * DAY_MS);

  const start = command({
    type: 'session.start',
    about: 'Logs in with username or e-mail',
    data: LogIn,
    answer: LoggedInAnswer,
    route: { method: 'POST', path: '/auth/login' },
    socket: false,
    open: true,
    async run(context, { username, password }) {
      const name = loginName(username);
      const holder = await holderOf(log, name);
      await logins.attempt(holder ?? name.owner.id, context.ip, context.now);
      const userId = holder ?? NOBODY;
      const { password: hash } = await secretsOf(log, userId);
      const proved = await passwords.verify(password, hash);
      if (!proved || hash === undefined) throw fail('wrong_credentials', 'Username or password is wrong');
      const session = context.newId();
      const args = { proved: hash, session, lifetime, details: sessionDetails(context) };
      // Before there is a session: what cannot be read then has made none.
      const user = await people.own(userId);
      await appendToUser(parts, { script: 'session.start', stream: userStream(userId), actorId: userId, args });
      return { body: { user, ...tokenPair(parts, { userId, sessionId: session, generation: 1 }, context.now) } };
    },
  });

  const refresh = command({
    type: 'session.refresh',
    about: 'Spends a refresh token for a new pair; one that was spent before ends its session',
    data: Refresh,
    answer: TokensAnswer,
    route: { method: 'POST', path: '/auth/refresh' },
    socket: false,
    open: true,
    async run(context, { refresh_token }) {
      const { userId, sessionId, generation } = tokens.verifyRefresh(refresh_token);
      const args = { session: sessionId, generation: String(generation), lifetime, details: sessionDetails(context) };
      const stream = userStream(userId);
      const { status } = await appendToUser(parts, { script: 'session.refresh', stream, actorId: userId, args });
      // A refresh puts no event into the log but this one: the session has ended.
      if (status === 'ok') throw fail('unauthenticated', 'This refresh token was used before: log in again');
      return { body: tokenPair(parts, { userId, sessionId, generation: generation + 1 }, context.now) };
    },
  });

  const end = command({
    type: 'session.end',
    about: 'Logs out: ends the session of a refresh token, which is its own proof',
    data: Refresh,
    answer: null,
    route: { method: 'POST', path: '/auth/logout', status: 204 },
    socket: false,
    open: true,
    async run(by, { refresh_token }) {
      const { userId, sessionId } = tokens.verifyRefresh(refresh_token);
      const args = { session: sessionId };
      const ended = { script: 'session.end', stream: userStream(userId), by, actorId: userId, args };
      return { eventId: (await appendToUser(parts, ended)).id };
    },
  });

  const revoke = command({
    type: 'session.revoke',
    about: "Ends one of the caller's sessions",
    data: SessionTarget,
    answer: null,
    route: { method: 'DELETE', path: '/auth/sessions/{id}', status: 204 },
    socket: false,
    async run(context, { id }) {
      const stream = userStream(context.caller.userId);
      const revoked = { script: 'session.revoke', stream, by: context, body: id, args: { session: id } };
      return { eventId: (await appendToUser(parts, revoked)).id };
    },
  });

  const revokeOthers = command({
    type: 'session.revoke_others',
    about: 'Ends every session but the one that asks',
    data: Nothing,
    answer: null,
    route: { method: 'DELETE', path: '/auth/sessions', status: 204 },
    socket: false,
    async run(context) {
      const { userId, sessionId } = context.caller;
      const revoked = { script: 'session.revoke_others', stream: userStream(userId), by: context };
      return { eventId: (await appendToUser(parts, { ...revoked, args: { kept: sessionId } })).id };
    },
  });

  const ticket = command({
    type: 'ticket.issue',
    about: 'A ticket that opens one socket, for clients that cannot send headers',
    data: Nothing,
    answer: TicketAnswer,
    route: { method: 'POST', path: '/auth/ws-ticket' },
    socket: false,
    peopleOnly: true,
    run: async ({ caller, now, newId }) => ({ body: await authentication.issueTicket(caller, now, newId()) }),
  });

  return [start, refresh, end, revoke, revokeOthers, ticket];
}

function shown({ id, started, used, details }: StoredSession, { sessionId }: Caller): object {
  const { ip, user_agent } = parseDetails(details);
  return { id, created_at: rfc3339(started), last_used_at: rfc3339(used), user_agent, ip, current: id === sessionId };
}

export function sessionQueries({ log, config }: Parts): Query[] {
  const lifetime = config.REFRESH_TOKEN_EXPIRE_DAYS * DAY_MS;
  const isAlive = ({ used, details }: StoredSession, now: number) => details !== '' && now - used <= lifetime;

  const list = query({
    name: 'sessions.list',
    about: "The caller's sessions, the most recently used first",
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(SessionAnswer),
    route: { method: 'GET', path: '/auth/sessions' },
    async run({ caller, now }, page) {
      const records = Object.entries(await log.guardAll(userStream(caller.userId), 'sessions'));
      const living = records.map(([id, value]) => parseSession(id, value)).filter((session) => isAlive(session, now));
      const { items, ...rest } = pageOf(living, ({ id, used }) => [used, id], page);
      return { items: items.map((session) => shown(session, caller)), ...rest };
    },
  });

  const one = query({
    name: 'sessions.one',
    about: "One of the caller's sessions",
    data: SessionTarget,
    answer: SessionAnswer,
    route: { method: 'GET', path: '/auth/sessions/{id}' },
    async run({ caller, now }, { id }) {
      const value = await log.guardField(userStream(caller.userId), 'sessions', id);
      const session = value === null ? undefined : parseSession(id, value);
      if (!session || !isAlive(session, now)) throw fail('not_found', 'There is no such session');
      return shown(session, caller);
    },
  });

  return [list, one];
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();
