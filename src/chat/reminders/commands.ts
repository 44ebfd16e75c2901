/**
 * Reminders of messages: at their time they are notifications of kind `reminder`. Owns the format of the guard value on this side. Whether
 * the message may be seen is asked when the reminder is made, and once more when it rings.
 */
import Type from 'typebox';
import { fail, isRefusal } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import { guards, NOBODY } from '../../log/guard.ts';
import { UserDeleted, UserRegistered } from '../accounts/contract.ts';
import { memberStanding } from '../access.ts';
import { derivedId } from '../derived-id.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Deps, Feature, Query, Timer } from '../feature.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { firstEvent, unlessDone } from '../repeats.ts';
import { checkAhead, timeAt } from '../text.ts';
import { CreateReminder, ReminderAnswer, ReminderCreated, ReminderEnded, ReminderTarget } from './contract.ts';

const NAME = 'reminders';

export const reminders: Feature = {
  events: [ReminderCreated, ReminderEnded],
  guards: [
    guards(UserRegistered, (state) => state.set(NAME, NOBODY, '')),
    guards(ReminderCreated, (state, { data: { reminder_id, conversation_id, message_id, remind_at } }) =>
      state.set(NAME, reminder_id, `${conversation_id} ${message_id} ${Date.parse(remind_at)}`),
    ),
    guards(ReminderEnded, (state, { data }) => state.remove(NAME, data.reminder_id)),
    guards(UserDeleted, (state) => state.clear(NAME)),
  ],
  serve: (deps) => ({
    commands: [create(deps), remove(deps)],
    queries: reminderQueries(deps),
    timers: [ringing(deps)],
  }),
};

interface Reminder {
  readonly id: string;
  readonly conversation_id: string;
  readonly message_id: string;
  readonly remind_at: string;
}

/** Reads what `lua/reminder.create.lua` writes. */
export function parseReminder(id: string, value: string): Reminder {
  const [conversation_id, message_id, at] = value.split(' ') as [string, string, string];
  return { id, conversation_id, message_id, remind_at: new Date(Number(at)).toISOString() };
}

/** Throws `not_found` or `forbidden` where the user may not see the message, or it was deleted. */
async function checkSeen({ log, messages }: Deps, userId: string, conversationId: string, id: string): Promise<void> {
  await memberStanding(log, userId, conversationId);
  const message = await messages.find(conversationId, id);
  if (!message || message.is_deleted) throw fail('not_found', 'There is no such message');
}

function create(deps: Deps): Command {
  const { log } = deps;
  return command({
    type: 'reminder.create',
    about: 'Reminds the caller of a message at a time, by a notification',
    data: CreateReminder,
    answer: ReminderAnswer,
    route: { method: 'POST', path: '/reminders', status: 201 },
    socket: true,
    noun: 'reminder',
    async run(context, { conversation_id, message_id, remind_at }) {
      const { userId } = context.caller;
      const { newId, now } = context;
      const stream = userStream(userId);
      const at = timeAt('/remind_at', remind_at);
      await unlessDone({ log, context, stream }, async () => {
        checkAhead('/remind_at', at, now);
        await checkSeen(deps, userId, conversation_id, message_id);
      });
      let id = newId();
      const appended = await log.append({
        script: 'reminder.create',
        stream,
        by: context,
        body: [conversation_id, message_id, remind_at],
        args: { reminder: id, conversation: conversation_id, message_id, remind_at: String(at) },
      });
      if (appended.status === 'duplicate') {
        id = (await firstEvent<{ reminder_id: string }>(deps, stream, appended.id)).data.reminder_id;
      }
      return {
        body: { id, conversation_id, message_id, remind_at: new Date(at).toISOString() },
        eventId: appended.id,
      };
    },
  });
}

function remove({ log }: Deps): Command {
  return command({
    type: 'reminder.delete',
    about: 'Takes a reminder away',
    data: ReminderTarget,
    answer: null,
    route: { method: 'DELETE', path: '/reminders/{reminder_id}', status: 204 },
    socket: true,
    async run(context, { reminder_id: reminder }) {
      const { userId } = context.caller;
      const request = { by: context, body: reminder };
      const stream = userStream(userId);
      return { eventId: (await log.append({ script: 'reminder.delete', stream, ...request, args: { reminder } })).id };
    },
  });
}

function ringing(deps: Deps): Timer {
  const { log } = deps;
  return {
    kind: 'reminder',
    async fire(name) {
      const [userId, reminder] = name.split('.') as [string, string];
      const stream = userStream(userId);
      const value = await log.guardField(stream, NAME, reminder);
      if (value === null) return;
      const { conversation_id, message_id } = parseReminder(reminder, value);
      const isSeen = await checkSeen(deps, userId, conversation_id, message_id).then(
        () => true,
        (error: unknown) => {
          if (isRefusal(error)) return false;
          throw error;
        },
      );
      const notification = derivedId('notification', userId, 'reminder', reminder);
      const about = { kind: 'reminder', conversation_id, message_id, actor_id: userId };
      const data = isSeen ? JSON.stringify({ notification_id: notification, ...about }) : '';
      const args = { reminder, notification, data };
      await log.append({ script: 'reminder.ring', stream, actorId: userId, knowsRepeats: true, args });
    },
  };
}

function reminderQueries({ log }: Deps): Query[] {
  const list = query({
    name: 'reminders.list',
    about: "The caller's reminders, the next first",
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(ReminderAnswer),
    route: { method: 'GET', path: '/reminders' },
    async run({ caller }, page) {
      const all = Object.entries(await log.guardAll(userStream(caller.userId), NAME)).map(([id, value]) =>
        parseReminder(id, value),
      );
      return pageOf(all, ({ id, remind_at }) => [-Date.parse(remind_at), id], page);
    },
  });
  const one = query({
    name: 'reminders.one',
    about: "One of the caller's reminders",
    data: ReminderTarget,
    answer: ReminderAnswer,
    route: { method: 'GET', path: '/reminders/{reminder_id}' },
    async run({ caller }, { reminder_id }) {
      const value = await log.guardField(userStream(caller.userId), NAME, reminder_id);
      if (value === null) throw fail('not_found', 'There is no such reminder');
      return parseReminder(reminder_id, value);
    },
  });
  return [list, one];
}
