/**
 * Bots: accounts that a user makes for programs, each with an API key. A bot is a user: it is brought into conversations, may do what its
 * role lets it, and is limited as people are; only what concerns an account's owner it may not. What its owner had goes with the owner.
 */
import Type from 'typebox';
import type { ChatEvent, Context } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import { UserDeleted } from '../accounts/contract.ts';
import { derivedId } from '../derived-id.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Deps, Feature, Query, Reactor } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { BotAnswer, BotMadeAnswer, BotTarget, CreateBot } from './contract.ts';
import { hookCommands } from './hooks.ts';
import { makeBot, ownBot, ownBots, shownBot } from './owning.ts';

export const bots: Feature = {
  serve: (deps) => ({
    commands: [create(deps), remove(deps), ...hookCommands(deps)],
    queries: botQueries(deps),
    reactors: [endingWithOwner(deps)],
  }),
};

function create(deps: Deps): Command {
  return command({
    type: 'bot.create',
    about: 'Makes a bot account, and its API key, which is shown this once',
    data: CreateBot,
    answer: BotMadeAnswer,
    route: { method: 'POST', path: '/bots', status: 201 },
    socket: false,
    peopleOnly: true,
    async run(context, wanted) {
      const { username, display_name, conversation_ids: scope } = wanted;
      const { requestId, caller, newId } = context;
      await deps.rules.checkNames({ username, display_name });
      const id = requestId === undefined ? newId() : derivedId('bot', caller.userId, requestId);
      const api_key = await makeBot(deps, context, { id, username, display_name, scope }, wanted);
      return { body: { bot: await shownBot(deps, await ownBot(deps, caller.userId, id)), api_key } };
    },
  });
}

function remove({ log, botAccounts }: Deps): Command {
  return command({
    type: 'bot.delete',
    about: 'Ends a bot: its key and its sockets at once; what it wrote stays',
    data: BotTarget,
    answer: null,
    route: { method: 'DELETE', path: '/bots/{bot_id}', status: 204 },
    socket: false,
    peopleOnly: true,
    async run(context, { bot_id }) {
      const stream = userStream(context.caller.userId);
      // The account first: were it the other way round, a crash between the two would leave a bot that nobody can end.
      if ((await log.guardField(stream, 'bots', bot_id)) !== null) await botAccounts.end(bot_id, context);
      await log.append({ script: 'bot.delete', stream, by: context, body: bot_id, args: { bot: bot_id } });
      return {};
    },
  });
}

/** Nobody would be left who could end them. */
function endingWithOwner({ log, botAccounts }: Deps): Reactor {
  return {
    name: 'bots',
    types: [UserDeleted.type],
    since: 'now',
    async react({ at }: ChatEvent, stream) {
      const caller = { userId: stream.id, sessionId: '' };
      const now = Date.parse(at);
      const context: Context = { caller, requestId: undefined, now, newId: () => stream.id, ip: '', userAgent: '' };
      for (const id of Object.keys(await log.guardAll(stream, 'bots'))) {
        await botAccounts.end(id, context);
        await log.append({ script: 'bot.delete', stream, actorId: stream.id, args: { bot: id } });
      }
    },
  };
}

function botQueries(deps: Deps): Query[] {
  const list = query({
    name: 'bots.list',
    about: "The caller's bots, the newest first; those of hooks too",
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(BotAnswer),
    route: { method: 'GET', path: '/bots' },
    async run({ caller }, page) {
      const own = await ownBots(deps, caller.userId);
      const { items, ...rest } = pageOf(own, ({ id, created }) => [created, id], page);
      return { items: await Promise.all(items.map((bot) => shownBot(deps, bot))), ...rest };
    },
  });
  const one = query({
    name: 'bots.one',
    about: "One of the caller's bots",
    data: BotTarget,
    answer: BotAnswer,
    route: { method: 'GET', path: '/bots/{bot_id}' },
    run: async ({ caller }, { bot_id }) => shownBot(deps, await ownBot(deps, caller.userId, bot_id)),
  });
  return [list, one];
}
