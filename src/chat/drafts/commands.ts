/**
 * Drafts: what a user has begun to write, one for each conversation, the same on all devices of the user. They are no events: a draft
 * changes at each pause of typing, nobody but its writer may ever read it, and what was never said does not belong into a log that keeps
 * everything. So they lie beside the user's stream, as durable as it, and a signal tells the other devices. A message that is sent takes
 * no draft away: the client that sends it knows whether it was the draft.
 */
import { invalid } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import Type from 'typebox';
import { asMember, memberStanding, standings } from '../access.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Deps, Feature, Query } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { unlessDone } from '../repeats.ts';
import { isBlank, isLonger } from '../text.ts';
import { DraftAnswer, DraftChanged, DraftTarget, SaveDraft } from './contract.ts';

export const drafts: Feature = {
  signals: [DraftChanged],
  serve: (deps) => ({ commands: [saveDraft(deps), deleteDraft(deps)], queries: draftQueries(deps) }),
};

const PATH = '/conversations/{conversation_id}/draft';

function saveDraft({ log, config }: Deps): Command {
  return command({
    type: 'draft.save',
    about: 'Keeps what the caller has begun to write in a conversation; the own devices get `draft.changed`',
    data: SaveDraft,
    answer: DraftAnswer,
    route: { method: 'PUT', path: PATH },
    socket: true,
    noun: 'draft',
    async run(context, { conversation_id: id, content = '', reply_to = null, attachments = [] }) {
      const { caller, now } = context;
      const wrong = (message: string) => invalid([{ pointer: '/content', message }]);
      if (isLonger(content, config.MAX_MESSAGE_LENGTH))
        throw wrong(`must not be longer than ${config.MAX_MESSAGE_LENGTH} characters`);
      if (isBlank(content) && reply_to === null && attachments.length === 0)
        throw wrong('says nothing: to take a draft away, delete it');
      const stream = userStream(caller.userId);
      await unlessDone({ log, context, stream }, () => memberStanding(log, caller.userId, id));
      const said = { content, reply_to, attachments };
      const appended = await log.append({
        script: 'draft.save',
        stream,
        by: context,
        body: [id, said],
        args: { conversation: id, draft: JSON.stringify(said) },
      });
      const kept = appended.told ?? (await stored(log, caller.userId, id))?.ms ?? now;
      return { body: { conversation_id: id, ...said, updated_at: new Date(Number(kept)).toISOString() } };
    },
  });
}

function deleteDraft({ log }: Deps): Command {
  return command({
    type: 'draft.delete',
    about: 'Takes the draft of a conversation away; where there is none nothing changes',
    data: DraftTarget,
    answer: null,
    route: { method: 'DELETE', path: PATH, status: 204 },
    socket: true,
    async run(context, { conversation_id: id }) {
      const { caller } = context;
      const stream = userStream(caller.userId);
      await unlessDone({ log, context, stream }, () => memberStanding(log, caller.userId, id));
      const args = { conversation: id };
      await log.append({ script: 'draft.delete', stream, by: context, body: id, args });
      return {};
    },
  });
}

interface Stored {
  readonly ms: number;
  readonly json: string;
}

/** Reads what `lua/draft.save.lua` writes. */
export function parseDraft(value: string): Stored {
  const end = value.indexOf(' ');
  return { ms: Number(value.slice(0, end)), json: value.slice(end + 1) };
}

async function stored(log: Deps['log'], userId: string, id: string): Promise<Stored | undefined> {
  const value = await log.guardField(userStream(userId), 'drafts', id);
  return value === null ? undefined : parseDraft(value);
}

const shown = (conversation_id: string, { ms, json }: Stored): object => ({
  conversation_id,
  ...(JSON.parse(json) as object),
  updated_at: new Date(ms).toISOString(),
});

function draftQueries({ log }: Deps): Query[] {
  const one = query({
    name: 'drafts.one',
    about: 'What the caller has begun to write in a conversation',
    data: DraftTarget,
    answer: DraftAnswer,
    route: { method: 'GET', path: PATH },
    async run({ caller }, { conversation_id: id }) {
      const draft = await asMember(log, caller.userId, id, () => stored(log, caller.userId, id));
      if (!draft) throw fail('not_found', 'There is no draft');
      return shown(id, draft);
    },
  });

  const list = query({
    name: 'drafts.list',
    about: "The caller's drafts of conversations that the caller is in, the last touched first",
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(DraftAnswer),
    route: { method: 'GET', path: '/drafts' },
    async run({ caller }, page) {
      const all = Object.entries(await log.guardAll(userStream(caller.userId), 'drafts'));
      const ids = all.map(([id]) => id);
      const seen = await standings(log, caller.userId, ids);
      const mine = all.flatMap(([id, value], i) => (seen[i]?.member ? [{ id, draft: parseDraft(value) }] : []));
      const { items, ...rest } = pageOf(mine, ({ id, draft }) => [draft.ms, id], page);
      return { items: items.map(({ id, draft }) => shown(id, draft)), ...rest };
    },
  });

  return [one, list];
}
