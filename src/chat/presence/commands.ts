/**
 * Presence: how users want to be seen, who is seen, and who watches whom. Being there is a socket that is open (`leases.ts`); coming and
 * going are events of the user's own stream, appended only when others see something new. Refuses to let anybody watch a user with whom
 * they share no conversation; that is looked at when the watching begins.
 */
import Type from 'typebox';
import { Id, invalid } from '../../envelope.ts';
import type { Context } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import { memberStanding, standings } from '../access.ts';
import { command, listAnswer, projection, query } from '../feature.ts';
import type { Command, Deps, Feature, Query, Timer } from '../feature.ts';
import { Cursor, decodeCursor, encodeCursor, Limit } from '../paging.ts';
import { unlessDone } from '../repeats.ts';
import { checkAhead, isBlank, timeAt } from '../text.ts';
import { OnlineUser, OwnPresence, PresenceChanged, SetPresence, Watch, WatchAnswer } from './contract.ts';
import { presenceGuards } from './guard.ts';
import { lapsing, Leases } from './leases.ts';
import { onlinePage } from './online.ts';
import { NOWHERE, presence as seen, presenceReads } from './view.ts';
import type { PresenceReads } from './view.ts';

export const presence: Feature = {
  events: [PresenceChanged],
  guards: presenceGuards,
  projections: [projection(seen)],
  serve(deps) {
    const reads = presenceReads(deps);
    return {
      commands: [setPresence(deps), watch(reads)],
      queries: presenceQueries(deps, reads),
      timers: [settling(deps), lapsing(deps.log)],
      sessions: new Leases(deps.log),
    };
  },
};

function setPresence({ log, rules }: Deps): Command {
  return command({
    type: 'presence.set',
    about:
      'Says how the caller is seen; `invisible` looks offline to everybody else. Without a text the one that is there stays',
    data: SetPresence,
    answer: OwnPresence,
    route: { method: 'PUT', path: '/users/me/status' },
    socket: true,
    noun: 'presence',
    async run(context, wanted) {
      const { caller, now } = context;
      await rules.checkNames({ status_text: wanted.status_text });
      const stream = userStream(caller.userId);
      const said = textOf(wanted.status_text, wanted.status_until ?? null);
      await unlessDone({ log, context, stream }, async () => {
        if (said.ends !== '') checkAhead('/status_until', Number(said.ends), now);
      });
      const appended = await log.append({
        script: 'presence.set',
        stream,
        by: context,
        body: wanted,
        args: { status: wanted.status, ...said },
      });
      return { body: await ownPresence(log, caller.userId, now), eventId: appended.id };
    },
  });
}

/** A text as the script keeps it: '' where none was given. */
function textOf(text: string | null | undefined, until: string | null): { text: string; ends: string } {
  if (until !== null && (text === undefined || text === null || isBlank(text)))
    throw invalid([{ pointer: '/status_until', message: 'is the end of a status text, which is missing' }]);
  if (text === undefined) return { text: '', ends: '' };
  if (text === null || isBlank(text)) return { text: 'null', ends: '' };
  if (/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(text))
    throw invalid([{ pointer: '/status_text', message: 'must be readable text' }]);
  return { text: JSON.stringify(text.trim()), ends: until === null ? '' : String(timeAt('/status_until', until)) };
}

/** As the user chose it, whoever is told. */
async function ownPresence(log: Deps['log'], userId: string, now: number): Promise<object> {
  const [status, text, ends] = await log.guardFields(userStream(userId), 'presence', ['status', 'text', 'ends']);
  const isOver = Boolean(ends) && Number(ends) <= now;
  return {
    status: status ?? 'online',
    status_text: isOver ? null : (JSON.parse(text ?? 'null') as string | null),
    status_until: isOver || !ends ? null : new Date(Number(ends)).toISOString(),
  };
}

function watch(reads: PresenceReads): Command {
  return command({
    type: 'presence.watch',
    about:
      'Brings `presence.changed` of these users, and of no others, from now on; of who shares no conversation with the caller nothing comes',
    data: Watch,
    answer: WatchAnswer,
    socket: true,
    noun: 'states',
    async run({ caller, socket, now }, { user_ids }) {
      const ids = [...new Set(user_ids)];
      const allowed = [...(await reads.sharing(caller.userId, ids))];
      // First followed, then looked at: nothing falls between.
      socket?.watch(allowed);
      const states = await reads.seen(allowed, now);
      const seen = new Map(allowed.map((id, i) => [id, states[i]!]));
      return { body: ids.map((user_id) => ({ user_id, ...(seen.get(user_id) ?? NOWHERE) })) };
    },
  });
}

/** The grace after the last socket, or the end of the text. */
function settling({ log }: Deps): Timer {
  return {
    kind: 'presence',
    async fire(userId) {
      const stream = userStream(userId);
      await log.append({ script: 'presence.settle', stream, actorId: userId, knowsRepeats: true, args: {} });
    },
  };
}

function presenceQueries({ log, people, memberships, blocks }: Deps, reads: PresenceReads): Query[] {
  interface Page {
    readonly limit: number;
    readonly cursor?: string;
  }
  interface Rooms {
    readonly conversationIds: readonly string[];
    readonly except?: string;
  }
  async function list({ caller, now }: Context, rooms: Rooms, { limit, cursor }: Page) {
    const [after] = cursor === undefined ? [''] : decodeCursor(cursor, [''] as [string]);
    const { ids, next } = await onlinePage(log, { ...rooms, after, limit });
    const [hidden, states, users] = await Promise.all([
      blocks.between(caller.userId, ids),
      reads.seen(ids, now),
      people.people(ids),
    ]);
    const items = ids
      .map((user_id, i) => ({ user_id, ...states[i]!, user: users.get(user_id)! }))
      .filter(({ user_id, status }) => status !== 'offline' && !hidden.has(user_id));
    return { items, next_cursor: next === undefined ? null : encodeCursor([next]), has_more: next !== undefined };
  }

  const own = query({
    name: 'presence.own',
    about: 'How the caller chose to be seen',
    data: Type.Object({}, { additionalProperties: false }),
    answer: OwnPresence,
    route: { method: 'GET', path: '/users/me/status' },
    run: ({ caller, now }) => ownPresence(log, caller.userId, now),
  });

  const everywhere = query({
    name: 'presence.online',
    about:
      'Who is online of those who share a conversation with the caller, by id; a page may be short and still not the last',
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(OnlineUser),
    route: { method: 'GET', path: '/users/online' },
    async run(context, page) {
      const { caller } = context;
      const ids = await memberships.of(caller.userId);
      const living = await standings(log, caller.userId, ids);
      const mine = ids.filter((_, i) => living[i]?.member);
      return list(context, { conversationIds: mine, except: caller.userId }, page);
    },
  });

  const room = query({
    name: 'presence.online_in',
    about: 'Who is online of a conversation, by id; a page may be short and still not the last',
    data: Type.Object(
      { conversation_id: Id, limit: Limit, cursor: Type.Optional(Cursor) },
      { additionalProperties: false },
    ),
    answer: listAnswer(OnlineUser),
    route: { method: 'GET', path: '/conversations/{conversation_id}/online-users' },
    async run(context, { conversation_id, ...page }) {
      await memberStanding(log, context.caller.userId, conversation_id);
      return list(context, { conversationIds: [conversation_id] }, page);
    },
  });

  return [own, everywhere, room];
}
