/**
 * Blocking: no new direct messages, no notifications, no presence, typing or receipts between the two; in groups both stay. A block is an
 * event of the blocker's stream alone. What follows from it in other slots (the other user's key, the direct conversation) is written
 * right after, and by a reactor in case of a crash.
 */
import Type from 'typebox';
import { actorOf, invalid } from '../../envelope.ts';
import type { Context, RawEvent } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import { guards, UNTOLD } from '../../log/guard.ts';
import { ConversationCreated } from '../conversations/contract.ts';
import { directId } from '../derived-id.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Answer, Command, Deps, Feature, Query, Reactor } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { unlessDone } from '../repeats.ts';
import { BlockAdded, BlockAnswer, Blocked, BlockRemoved } from './contract.ts';
import { parseBlock } from './pairs.ts';

export const blocks: Feature = {
  events: [BlockAdded, BlockRemoved],
  // That there is a block between the two is told by their own logs.
  guards: [
    guards(ConversationCreated, (state, { data }) => {
      if (data.type === 'direct') state.set('head', 'blocked', UNTOLD);
    }),
  ],
  serve: (deps) => ({
    commands: blockCommands(deps),
    queries: [listBlocks(deps)],
    reactors: [mirroring(deps)],
    sessions: deps.blocks,
    withheldFrom: (event) => (isTelling(event) ? deps.blocks.hiddenFrom(actorOf(event)) : undefined),
    hears: {
      types: [BlockAdded.type, BlockRemoved.type],
      hear: ({ data, user_id = '' }) => deps.blocks.heard(user_id, (data as { user_id: string }).user_id),
    },
  }),
};

/** Events that tell one member how another one is getting on. */
const isTelling = ({ type }: RawEvent): boolean => type.startsWith('receipt.') || type === 'presence.changed';

/** What the other user's key and the direct conversation of the two are told. Safe to repeat, in any order. */
async function mirror({ log }: Pick<Deps, 'log'>, userId: string, otherId: string, mark: string): Promise<void> {
  const args = { user: userId, mark };
  await Promise.all([
    log.run('block.mirror', userStream(otherId), args),
    log.run('block.direct', conversationStream(directId(userId, otherId)), args),
  ]);
}

function mirroring(deps: Deps): Reactor {
  return {
    name: 'blocks',
    since: 'beginning',
    types: [BlockAdded.type, BlockRemoved.type],
    react: async ({ id, type, data }, stream) =>
      mirror(deps, stream.id, (data as { user_id: string }).user_id, `${type === BlockAdded.type ? '+' : '-'}${id}`),
  };
}

function blockCommands(deps: Deps): Command[] {
  const { log, people, blocks } = deps;

  async function change(context: Context, other: string, script: string, sign: string): Promise<Answer> {
    const { userId: actorId } = context.caller;
    const stream = userStream(actorId);
    const appended = await log.append({ script, stream, by: context, body: other, args: { user: other } });
    if (appended.id !== '') await mirror(deps, actorId, other, sign + appended.id);
    // Who is told that it is done is kept from the other at once on this node; the others hear of it by the event.
    await blocks.heard(actorId, other);
    return { eventId: appended.id };
  }

  return [
    command({
      type: 'block.add',
      about: 'Blocks a user, who is not told',
      data: Blocked,
      answer: null,
      route: { method: 'PUT', path: '/users/me/blocks/{user_id}', status: 204 },
      socket: true,
      async run(context, { user_id }) {
        if (user_id === context.caller.userId)
          throw invalid([{ pointer: '/user_id', message: 'must be another user' }]);
        await unlessDone({ log, context, stream: userStream(context.caller.userId) }, async () => {
          if ((await people.exists([user_id])).length === 0) throw fail('not_found', 'There is no such user');
        });
        return change(context, user_id, 'block.add', '+');
      },
    }),
    command({
      type: 'block.remove',
      about: 'Takes a block back',
      data: Blocked,
      answer: null,
      route: { method: 'DELETE', path: '/users/me/blocks/{user_id}', status: 204 },
      socket: true,
      run: (context, { user_id }) => change(context, user_id, 'block.remove', '-'),
    }),
  ];
}

function listBlocks({ log, people }: Deps): Query {
  return query({
    name: 'blocks.list',
    about: 'Whom the caller blocked, the most recent first',
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(BlockAnswer),
    route: { method: 'GET', path: '/users/me/blocks' },
    async run({ caller }, page) {
      const all = Object.entries(await log.guardAll(userStream(caller.userId), 'blocks'));
      const own = all.map(([id, value]) => ({ id, ...parseBlock(value) })).filter((block) => block.own);
      const { items, ...rest } = pageOf(own, ({ id, since }) => [since, id], page);
      const users = await people.people(items.map(({ id }) => id));
      const shown = items.map(({ id, since }) => ({
        user_id: id,
        blocked_at: new Date(since).toISOString(),
        user: users.get(id),
      }));
      return { items: shown, ...rest };
    },
  });
}
