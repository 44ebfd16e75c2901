/** Notifications: the events of the recipient's own stream, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

export const Kind = Type.Enum(['mention', 'direct', 'reply', 'reaction', 'reminder', 'not_sent', 'webhook_paused']);
export type Kind = Static<typeof Kind>;

/** Null where it is about no conversation, or no message, as that of a webhook. */
const IdOrNull = Type.Union([Id, Type.Null()]);
const reason = Type.Optional(Type.String());
const webhook_id = Type.Optional(Id);
const about = { kind: Kind, conversation_id: IdOrNull, message_id: IdOrNull, actor_id: Id };

export const NotificationCreated = event({
  type: 'notification.created',
  version: 1,
  data: Type.Object({
    notification_id: Id,
    ...about,
    /** Of a scheduled message that was not sent: the error with which it was refused. */
    reason,
    webhook_id,
    /** The oldest one, which is kept no longer. */
    drops: Type.Optional(Id),
  }),
});

/** Either up to a notification, or these. */
export const NotificationRead = event({
  type: 'notification.read',
  version: 1,
  data: Type.Object({ up_to: Type.Optional(Id), ids: Type.Optional(Type.Array(Id)) }),
});

export const MarkRead = Type.Object(
  {
    up_to: Type.Optional(Id),
    ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 100, uniqueItems: true })),
  },
  { additionalProperties: false },
);

/** A notification as it is stored. */
export interface Notification {
  readonly id: string;
  readonly kind: Kind;
  readonly conversation_id: string | null;
  readonly message_id: string | null;
  readonly actor_id: string;
  readonly reason?: string;
  readonly webhook_id?: string;
  readonly created_at: string;
}

export const NotificationAnswer = Type.Object(
  { id: Id, ...about, reason, webhook_id, created_at: Type.String({ format: 'date-time' }), read: Type.Boolean() },
  { additionalProperties: false },
);
