/** Scheduled messages: making, changing, taking back and listing them. What sends them is `sending.ts`. */
import Type from 'typebox';
import { Id, invalid } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import { standings } from '../access.ts';
import { isDerivedMessageId } from '../derived-id.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Deps, Feature, Query } from '../feature.ts';
import { opaqueWord } from '../opaque.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { firstEvent, unlessDone } from '../repeats.ts';
import { checkAhead, checkContent, timeAt } from '../text.ts';
import { ChangeScheduled, CreateScheduled, ScheduledAnswer, ScheduledTarget } from './contract.ts';
import { ScheduledChanged, ScheduledCreated, ScheduledEnded } from './contract.ts';
import type { Scheduled } from './contract.ts';
import { sending } from './sending.ts';
import { parseScheduled, scheduledGuards } from './stored.ts';
import type { Words } from './stored.ts';

export const scheduled: Feature = {
  events: [ScheduledCreated, ScheduledChanged, ScheduledEnded],
  guards: scheduledGuards,
  serve: (deps) => ({
    commands: [create(deps), change(deps), cancel(deps)],
    queries: scheduledQueries(deps),
    timers: [sending(deps)],
  }),
};

const PATH = '/scheduled/{scheduled_id}';
const NONE = 'There is no such scheduled message';

/** Throws what sending would be refused with now, so that nobody waits for a message that cannot be. */
async function checkMayPost(log: Deps['log'], userId: string, id: string): Promise<void> {
  const [[standing], [head]] = await Promise.all([
    standings(log, userId, [id]),
    log.heads([conversationStream(id)], ['policy', 'blocked', 'archived']),
  ]);
  if (!standing?.member) throw fail('not_found', 'There is no such conversation');
  const [, post] = (head?.policy ?? '').split(' ');
  if (post === 'admins' && standing.member.role === 'member') throw fail('forbidden', 'Only admins may post here');
  if (head?.archived === '1') throw fail('forbidden', 'This conversation is archived: nothing new comes in');
  if (head?.blocked.includes('+')) throw fail('forbidden', 'You cannot write to this user');
}

function create(deps: Deps): Command {
  const { log, config, attachments: files } = deps;
  return command({
    type: 'scheduled.create',
    about: 'Has a message sent at a time, if the caller may still post then; else a notification says why not',
    data: CreateScheduled,
    answer: ScheduledAnswer,
    route: { method: 'POST', path: '/conversations/{conversation_id}/scheduled', status: 201 },
    socket: true,
    noun: 'scheduled',
    async run(context, { conversation_id, send_at, id, ...written }) {
      const { userId } = context.caller;
      const { newId, now } = context;
      if (id !== undefined && isDerivedMessageId(id))
        throw invalid([{ pointer: '/id', message: 'must not begin with 7: such ids are given by the server alone' }]);
      const { content, message_type = 'text', reply_to = null, attachments = [], metadata = {} } = written;
      if (message_type !== 'text' && attachments.length === 0)
        throw invalid([{ pointer: '/attachments', message: `must name a file for a message of type ${message_type}` }]);
      checkContent(content, config.MAX_MESSAGE_LENGTH, attachments.length > 0);
      const words: Words = { content, message_type, reply_to, attachments, metadata };
      const at = timeAt('/send_at', send_at);
      const stream = userStream(userId);
      let scheduled_id = id ?? newId();
      const place = { conversationId: conversation_id, messageId: scheduled_id };
      await unlessDone({ log, context, stream }, async () => {
        checkAhead('/send_at', at, now);
        await checkMayPost(log, userId, conversation_id);
        // They stay for the message as long as it is planned.
        if (attachments.length > 0) await files.claim(userId, attachments, place);
      });
      const appended = await log.append({
        script: 'scheduled.create',
        stream,
        by: context,
        body: [conversation_id, id, send_at, words],
        args: { scheduled_id, conversation: conversation_id, send_at: String(at), message: opaqueWord(words) },
      });
      if (appended.status === 'duplicate') {
        ({ scheduled_id } = (await firstEvent<{ scheduled_id: string }>(deps, stream, appended.id)).data);
      }
      const body = { id: scheduled_id, conversation_id, send_at: new Date(at).toISOString(), ...words };
      return { body, eventId: appended.id };
    },
  });
}

async function one({ log }: Pick<Deps, 'log'>, userId: string, id: string): Promise<Scheduled> {
  const value = await log.guardField(userStream(userId), 'scheduled', id);
  if (value === null) throw fail('not_found', NONE);
  return parseScheduled(id, value);
}

/** What is said of a message beside where and when. */
const onlyWords = ({ content, message_type, reply_to, attachments, metadata }: Words): Words => ({
  content,
  message_type,
  reply_to,
  attachments,
  metadata,
});

/** Of a plan that was changed, and may be over by now: then the words are told by the message. Throws `not_found` where it was never sent. */
async function afterwards(
  deps: Deps,
  userId: string,
  { scheduled_id: id, eventId }: { scheduled_id: string; eventId: string },
): Promise<Scheduled> {
  const value = await deps.log.guardField(userStream(userId), 'scheduled', id);
  if (value !== null) return parseScheduled(id, value);
  const gone = () => fail('not_found', 'It was changed, and taken back since');
  if (eventId === '') throw gone();
  const first = await firstEvent<{ conversation_id: string; send_at: string }>(deps, userStream(userId), eventId);
  const { conversation_id, send_at } = first.data;
  const sent = await deps.messages.find(conversation_id, id);
  if (sent?.sender_id !== userId) throw gone();
  const attachments = sent.attachments.map((file) => file.id);
  return { id, conversation_id, send_at, ...onlyWords({ ...sent, attachments }) };
}

function change(deps: Deps): Command {
  const { log, config } = deps;
  return command({
    type: 'scheduled.change',
    about: 'Gives a scheduled message another time or other words',
    data: ChangeScheduled,
    answer: ScheduledAnswer,
    route: { method: 'PATCH', path: PATH, also: ['PUT'] },
    socket: true,
    noun: 'scheduled',
    async run(context, { scheduled_id, send_at, content }) {
      const { userId } = context.caller;
      const { now } = context;
      const stream = userStream(userId);
      const at = send_at === undefined ? undefined : timeAt('/send_at', send_at);
      const before = await unlessDone({ log, context, stream }, async () => {
        if (at !== undefined) checkAhead('/send_at', at, now);
        return one(deps, userId, scheduled_id);
      });
      const changes = content === undefined ? {} : { content };
      if (before && content !== undefined)
        checkContent(content, config.MAX_MESSAGE_LENGTH, before.attachments.length > 0);
      const appended = await log.append({
        script: 'scheduled.change',
        stream,
        by: context,
        body: [scheduled_id, send_at, content],
        args: {
          scheduled_id,
          send_at: at === undefined ? '=' : String(at),
          message: content === undefined || !before ? '=' : opaqueWord(onlyWords({ ...before, content })),
        },
      });
      const changed = before ?? (await afterwards(deps, userId, { scheduled_id, eventId: appended.id }));
      const then = at === undefined ? {} : { send_at: new Date(at).toISOString() };
      return { body: { ...changed, ...then, ...changes }, eventId: appended.id };
    },
  });
}

function cancel({ log }: Deps): Command {
  return command({
    type: 'scheduled.cancel',
    about: 'Takes a scheduled message back; once it is being sent that is a conflict',
    data: ScheduledTarget,
    answer: null,
    route: { method: 'DELETE', path: PATH, status: 204 },
    socket: true,
    async run(context, { scheduled_id }) {
      const { userId } = context.caller;
      const args = { scheduled_id };
      const request = { by: context, body: scheduled_id };
      const { id } = await log.append({ script: 'scheduled.cancel', stream: userStream(userId), ...request, args });
      return { eventId: id };
    },
  });
}

function scheduledQueries(deps: Deps): Query[] {
  const { log } = deps;
  const list = query({
    name: 'scheduled.list',
    about: "The caller's scheduled messages, the next first",
    data: Type.Object(
      { limit: Limit, cursor: Type.Optional(Cursor), conversation_id: Type.Optional(Id) },
      { additionalProperties: false },
    ),
    answer: listAnswer(ScheduledAnswer),
    route: { method: 'GET', path: '/scheduled' },
    async run({ caller }, { conversation_id, ...page }) {
      const all = Object.entries(await log.guardAll(userStream(caller.userId), 'scheduled'))
        .map(([id, value]) => parseScheduled(id, value))
        .filter((plan) => conversation_id === undefined || plan.conversation_id === conversation_id);
      return pageOf(all, ({ id, send_at }) => [-Date.parse(send_at), id], page);
    },
  });
  const single = query({
    name: 'scheduled.one',
    about: "One of the caller's scheduled messages",
    data: ScheduledTarget,
    answer: ScheduledAnswer,
    route: { method: 'GET', path: PATH },
    run: ({ caller }, { scheduled_id }) => one(deps, caller.userId, scheduled_id),
  });
  return [list, single];
}
