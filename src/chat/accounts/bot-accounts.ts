/**
 * Accounts of bots: users like others, but without a password, with an API key in its place. A key is a session that does not run out, so
 * whatever ends a session ends a key, with its sockets. The key follows from the server's secret: a repeat answers the same one although
 * it is stored nowhere; what Redis has is its hash, under which it keeps working when the secret changes.
 */
import { isRefusal } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import type { Limits } from '../../limits.ts';
import type { Log } from '../../log/log.ts';
import { derivedId } from '../derived-id.ts';
import { directoryEntry } from '../directory.ts';
import type { BotAccounts, Memberships } from '../services.ts';
import type { Authentication } from './authentication.ts';
import { Logins } from './logins.ts';
import { displayName, loginName } from './names.ts';
import { appendToUser } from './session-commands.ts';
import { sessionDetails } from './stored-sessions.ts';
import type { Tokens } from './tokens.ts';

interface Parts {
  readonly log: Log;
  readonly limits: Pick<Limits, 'spend'>;
  readonly tokens: Tokens;
  readonly identity: Authentication;
  readonly memberships: Memberships;
}

export function botAccountsOf({ log, limits, tokens, identity, memberships }: Parts): BotAccounts {
  const logins = new Logins(log, limits);
  return {
    async make(context, { id, username, display_name, scope }, mayBeMade) {
      const shown = displayName(display_name ?? username);
      const names = [loginName(username)];
      const claimed = await logins.claim(names, id);
      try {
        await mayBeMade();
        const session = derivedId('api key', id);
        const key = tokens.apiKey({ userId: id, sessionId: session });
        const { userId: owner_id } = context.caller;
        const data = { username, display_name: shown, avatar_url: null, is_bot: true, owner_id };
        await log.append({
          script: 'user.register',
          stream: userStream(id),
          by: context,
          actorId: id,
          args: {
            claimed,
            username,
            email: '',
            password: key.hash,
            session,
            details: sessionDetails(context, { scope }),
            welcome: '',
            data: JSON.stringify(data),
            entries: [directoryEntry(username, id), directoryEntry(shown, id)],
          },
        });
        return key.token;
      } catch (error) {
        // Of an unknown outcome the claim must stay: the account may be there.
        if (isRefusal(error)) await logins.release(names, id);
        throw error;
      }
    },

    async end(botId, context) {
      const proved = await log.guardField(userStream(botId), 'account', 'password');
      if (proved === null) return;
      await memberships.leaveAll(botId, context);
      const stream = userStream(botId);
      const ending = { script: 'user.delete', stream, by: context, actorId: botId, args: { proved, erase: '' } };
      await appendToUser({ log, authentication: identity }, ending);
    },
  };
}
