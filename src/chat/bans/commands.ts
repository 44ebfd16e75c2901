/**
 * Bans: a user is kept out of a conversation, until a time or for good: they are taken out, and neither join, come by an invite nor are
 * brought in again. The scripts decide, and look at the time when somebody wants to come in, so nothing need happen when a ban ends.
 */
import { invalid, parseTime } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream } from '../../keys.ts';
import { command, projection } from '../feature.ts';
import type { Command, Deps, Feature } from '../feature.ts';
import { firstEvent, unlessDone } from '../repeats.ts';
import { AddBan, BanAdded, BanAnswer, BanRemoved, BanTarget } from './contract.ts';
import type { BanAddedData } from './contract.ts';
import { banGuards, banText } from './guard.ts';
import { bannedBy, bans as bansView, bansQuery } from './view.ts';

export const bans: Feature = {
  events: [BanAdded, BanRemoved],
  projections: [projection(bansView)],
  guards: banGuards,
  serve: (deps) => ({ commands: banCommands(deps), queries: [bansQuery(deps)] }),
};

const PATH = '/conversations/{conversation_id}/bans/{user_id}';

function banCommands(deps: Deps): Command[] {
  const { log, people, memberships, reading } = deps;
  const add = command({
    type: 'ban.add',
    about: 'Keeps a user out, and takes them out if they are in. Again with another end or reason changes the ban',
    data: AddBan,
    answer: BanAnswer,
    route: { method: 'PUT', path: PATH },
    socket: true,
    noun: 'ban',
    async run(context, { conversation_id: id, user_id: user, until = null, reason = null }) {
      const { caller, now } = context;
      const stream = conversationStream(id);
      const endsAt = until === null ? undefined : timeOf(until);
      const ban = {
        until: endsAt === undefined ? null : new Date(endsAt).toISOString(),
        reason: reason === '' ? null : reason,
      };
      await unlessDone({ log, context, stream }, async () => {
        if (endsAt !== undefined && endsAt <= now) throw notAhead();
        if ((await people.exists([user])).length === 0) throw fail('not_found', `There is no user ${user}`);
      });
      const appended = await log.append({
        script: 'ban.add',
        stream,
        by: context,
        body: [id, user, ban],
        args: { user, ban: banText(ban), data: JSON.stringify({ user_id: user, ...ban }) },
      });
      const left = { userId: user, conversationId: id, change: 'left' as const };
      if (appended.told) await memberships.record([left], appended.told, caller.userId);
      const [found, users] = await Promise.all([reading.byKeys(bansView, stream, [user]), people.people([user])]);
      const isRepeat = appended.status === 'duplicate';
      const doc = isRepeat ? bannedBy(await firstEvent<BanAddedData>(deps, stream, appended.id)) : found.get(user)?.doc;
      if (!doc) throw fail('not_found', 'The ban was lifted since');
      return { body: { ...doc, user: users.get(user)! }, eventId: appended.id };
    },
  });

  const remove = command({
    type: 'ban.remove',
    about: 'Lets a user come again; it brings nobody back in',
    data: BanTarget,
    answer: null,
    route: { method: 'DELETE', path: PATH, status: 204 },
    socket: true,
    async run(context, { conversation_id: id, user_id: user }) {
      const appended = await log.append({
        script: 'ban.remove',
        stream: conversationStream(id),
        by: context,
        body: [id, user],
        args: { user },
      });
      return { eventId: appended.id };
    },
  });

  return [add, remove];
}

const notAhead = () => invalid([{ pointer: '/until', message: 'must be an RFC 3339 time that is yet to come' }]);

function timeOf(text: string): number {
  const ms = parseTime(text);
  if (ms === undefined) throw notAhead();
  return ms;
}
