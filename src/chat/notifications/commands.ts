/** Notifications: the list of them, how many are not read, and marking them. What makes them is `reactor.ts`. */
import Type from 'typebox';
import { invalid } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import { when } from '../../views/projection.ts';
import type { Projection, Step } from '../../views/projection.ts';
import { command, listAnswer, projection, query } from '../feature.ts';
import type { Command, Deps, Feature, Query } from '../feature.ts';
import { Cursor, decodeCursor, encodeCursor, Limit } from '../paging.ts';
import { MarkRead, NotificationAnswer, NotificationCreated, NotificationRead } from './contract.ts';
import type { Notification } from './contract.ts';
import { notifying } from './reactor.ts';

const notified: Projection<Notification> = {
  name: 'notifications',
  version: 1,
  source: 'user',
  shape: 'collection',
  key: (notification) => notification.id,
  handlers: [
    when(NotificationCreated, ({ seq, at, data: { notification_id: id, drops, ...about } }) => {
      const steps: Step<Notification>[] = [{ key: id, order: seq, put: { id, ...about, created_at: at } }];
      if (drops !== undefined) steps.push({ key: drops, remove: true });
      return steps;
    }),
  ],
};

export const notifications: Feature = {
  events: [NotificationCreated, NotificationRead],
  projections: [projection(notified)],
  serve: (deps) => ({
    commands: [markRead(deps)],
    queries: [listNotifications(deps)],
    reactors: [notifying(deps)],
  }),
};

function markRead({ log }: Deps): Command {
  return command({
    type: 'notification.read',
    about: 'Marks notifications as read: these, all up to one, or all',
    data: MarkRead,
    answer: null,
    route: { method: 'POST', path: '/notifications/read', status: 204 },
    socket: true,
    async run(context, { up_to = '', ids = [] }) {
      if (up_to !== '' && ids.length > 0) throw invalid([{ pointer: '/ids', message: 'cannot stand beside up_to' }]);
      const stream = userStream(context.caller.userId);
      const args = { up_to, ids };
      const appended = await log.append({ script: 'notification.read', stream, by: context, body: args, args });
      return { eventId: appended.id };
    },
  });
}

function listNotifications({ log, reading }: Deps): Query {
  return query({
    name: 'notifications.list',
    about: "The caller's last 1,000 notifications, the newest first, and how many of them are not read",
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(NotificationAnswer, { unread_count: Type.Integer({ minimum: 0 }) }),
    route: { method: 'GET', path: '/notifications' },
    async run({ caller }, { limit, cursor }) {
      const stream = userStream(caller.userId);
      const [from] = cursor === undefined ? [undefined] : decodeCursor(cursor, [0] as [number]);
      const range = { direction: 'down', from, limit: limit + 1 } as const;
      const [rows, unread] = await Promise.all([
        reading.page(notified, stream, range, undefined),
        log.guardScores(stream, 'unread'),
      ]);
      const page = rows.slice(0, limit);
      const items = page.map(({ json }) => {
        const one = JSON.parse(json.toString()) as Notification;
        return { ...one, read: !unread.has(one.id) };
      });
      const next_cursor = rows.length > limit ? encodeCursor([page.at(-1)!.order]) : null;
      return { items, unread_count: unread.size - 1, next_cursor, has_more: next_cursor !== null };
    },
  });
}
