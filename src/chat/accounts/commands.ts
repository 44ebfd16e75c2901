/**
 * Accounts: making, changing and ending them. A name to log in with is claimed in its own partition before the account is written in
 * the user's.
 */
import type { Context } from '../../envelope.ts';
import { eventId } from '../../envelope.ts';
import { ChatError, fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import { directoryEntry } from '../directory.ts';
import { command, projection } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import type { ContentRules } from '../services.ts';
import { ChangePassword, DeleteUser, LoggedInAnswer, OwnUserAnswer, Register, UpdateUser } from './contract.ts';
import { SessionEnded, UserDeleted, UserRegistered, UserUpdated } from './contract.ts';
import type { User } from './contract.ts';
import { accountGuards } from './guard.ts';
import { Logins } from './logins.ts';
import { displayName, loginName } from './names.ts';
import { checkNewPassword, Passwords } from './passwords.ts';
import { appendToUser, secretsOf, sessionCommands, sessionQueries, tokenPair } from './session-commands.ts';
import type { Parts } from './session-commands.ts';
import { sessionDetails } from './stored-sessions.ts';
import { Tokens } from './tokens.ts';
import { profiles, userQueries } from './view.ts';

export const accounts: Feature = {
  events: [UserRegistered, UserUpdated, UserDeleted, SessionEnded],
  projections: [projection(profiles)],
  guards: accountGuards,
  serve(deps) {
    const { log, config, people, identity, limits } = deps;
    const passwords = new Passwords(config.PASSWORD_HASH_COST);
    const logins = new Logins(log, limits);
    const parts: Parts = {
      log,
      config,
      people,
      tokens: new Tokens(config),
      passwords,
      logins,
      authentication: identity,
    };
    return {
      commands: [register(parts, deps.rules), ...sessionCommands(parts), ...ownAccount(parts, deps)],
      queries: [...userQueries(deps), ...sessionQueries(parts)],
    };
  },
};

function register(parts: Parts, rules: ContentRules): Command {
  const { log, config, passwords, logins } = parts;
  return command({
    type: 'user.register',
    about: 'Makes an account and logs it in',
    data: Register,
    answer: LoggedInAnswer,
    route: { method: 'POST', path: '/auth/register', status: 201 },
    socket: false,
    open: true,
    async run(context, { password, display_name, ...given }) {
      const [username, email] = [given.username.trim(), given.email?.trim() ?? ''];
      checkNewPassword(password, '/password');
      const shown = displayName(display_name ?? username);
      await rules.checkNames({ username, display_name });
      // Before the claims: what waits for its turn must not let them grow old.
      const hash = await passwords.hash(password);
      const [id, session] = [context.newId(), context.newId()];
      const names = email === '' ? [loginName(username)] : [loginName(username), loginName(email)];
      const claimed = await logins.claim(names, id);
      const data = { username, display_name: shown, avatar_url: null };
      const args = {
        claimed,
        username,
        email,
        password: hash,
        session,
        details: sessionDetails(context),
        welcome: config.DEFAULT_CHANNELS.length > 0 ? '1' : '',
        data: JSON.stringify(data),
        entries: [directoryEntry(username, id), directoryEntry(shown, id)],
      };
      try {
        const appended = await log.append({
          script: 'user.register',
          stream: userStream(id),
          by: context,
          actorId: id,
          args,
        });
        const created_at = new Date(eventId(appended.id).ms).toISOString();
        const user: User = { id, ...data, created_at, email: email || null };
        const pair = tokenPair(parts, { userId: id, sessionId: session, generation: 1 }, context.now);
        return { body: { user, ...pair }, eventId: appended.id };
      } catch (error) {
        // Only where it is sure that there is no user: of an unknown outcome the claims must stay.
        if (error instanceof ChatError && error.code === 'unavailable') await logins.release(names, id);
        throw error;
      }
    },
  });
}

function ownAccount(parts: Parts, { memberships, rules }: Pick<Deps, 'memberships' | 'rules'>): Command[] {
  const { log, people, tokens, passwords, logins } = parts;

  /** The hash that the password was proved against, or '' where it is wrong. Counts as an attempt to log in. */
  async function prove({ caller, ip, now }: Context, password: string): Promise<string> {
    await logins.attempt(caller.userId, ip, now);
    const { password: hash } = await secretsOf(log, caller.userId);
    return (await passwords.verify(password, hash)) ? (hash ?? '') : '';
  }

  const update = command({
    type: 'user.update',
    about: 'Changes what others see of the caller',
    data: UpdateUser,
    answer: OwnUserAnswer,
    route: { method: 'PATCH', path: '/users/me', also: ['PUT'] },
    socket: true,
    noun: 'user',
    async run(context, wanted) {
      const { userId } = context.caller;
      const before = await people.own(userId);
      const shown = wanted.display_name === undefined ? before.display_name : displayName(wanted.display_name);
      const data = {
        ...(shown === before.display_name ? {} : { display_name: shown }),
        ...(wanted.avatar_url === undefined || wanted.avatar_url === before.avatar_url
          ? {}
          : { avatar_url: wanted.avatar_url }),
      };
      await rules.checkNames({ display_name: data.display_name });
      const appended = await log.append({
        script: 'user.update',
        stream: userStream(userId),
        by: context,
        body: wanted,
        args: {
          entry: data.display_name === undefined ? '' : directoryEntry(data.display_name, userId),
          data: Object.keys(data).length === 0 ? '' : JSON.stringify(data),
        },
      });
      return { body: await people.own(userId), eventId: appended.id };
    },
  });

  const changePassword = command({
    type: 'user.change_password',
    about: 'Takes a new password; every other session ends',
    data: ChangePassword,
    answer: null,
    route: { method: 'PUT', path: '/users/me/password', status: 204 },
    socket: false,
    peopleOnly: true,
    async run(context, body) {
      checkNewPassword(body.new_password, '/new_password');
      const { userId, sessionId: kept } = context.caller;
      // A repeat comes with a password that is no longer the current one: the script knows it by its id, so it decides.
      const proved = await prove(context, body.current_password);
      const password = proved === '' ? '' : await passwords.hash(body.new_password);
      const { id } = await appendToUser(parts, {
        script: 'user.change_password',
        stream: userStream(userId),
        by: context,
        body: tokens.blinded(body),
        args: { proved, password, kept },
      });
      return { eventId: id };
    },
  });

  const remove = command({
    type: 'user.delete',
    about:
      'Ends the account: its sessions, password and e-mail go, its username stays taken. Its messages stay, of a deleted user; with `erase` ' +
      'they are deleted too, soon after and in every conversation',
    data: DeleteUser,
    answer: null,
    route: { method: 'DELETE', path: '/users/me', status: 204 },
    socket: false,
    peopleOnly: true,
    async run(context, body) {
      const { userId: actorId } = context.caller;
      const proved = await prove(context, body.password);
      if (proved === '') throw fail('wrong_credentials', 'The password is wrong');
      await memberships.leaveAll(actorId, context);
      const { email } = await secretsOf(log, actorId);
      const appended = await appendToUser(parts, {
        script: 'user.delete',
        stream: userStream(actorId),
        by: context,
        body: tokens.blinded(body),
        args: { proved, erase: body.erase ? '1' : '' },
      });
      if (email !== undefined) await logins.release([loginName(email)], actorId);
      return { eventId: appended.id };
    },
  });

  return [update, changePassword, remove];
}
