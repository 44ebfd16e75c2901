/** Webhooks: what may be heard of, and what a client sends and gets. They have no events of their own. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';

const strict = { additionalProperties: false } as const;
const Time = Type.String({ format: 'date-time' });
const TimeOrNull = Type.Union([Time, Type.Null()]);
const IdOrNull = Type.Union([Id, Type.Null()]);

/** Events of conversations; how far somebody has read is nobody else's business. */
export const HOOK_EVENTS = [
  'conversation.updated',
  'conversation.deleted',
  'participant.added',
  'participant.removed',
  'participant.role_changed',
  'message.sent',
  'message.edited',
  'message.deleted',
  'message.pinned',
  'message.unpinned',
  'reaction.added',
  'reaction.removed',
] as const;

const Events = Type.Array(Type.Enum([...HOOK_EVENTS]), {
  minItems: 1,
  maxItems: HOOK_EVENTS.length,
  uniqueItems: true,
});

export const CreateWebhook = Type.Object(
  {
    url: Type.String({
      maxLength: 2048,
      format: 'web-address',
      words: 'must be an address that begins with http:// or https://',
    }),
    events: Events,
    conversation_id: Type.Optional(
      Type.Union([Id, Type.Null()], { description: 'Absent: all conversations that the caller is in, now or later' }),
    ),
  },
  strict,
);
export const WebhookTarget = Type.Object({ webhook_id: Id }, strict);

export const WebhookAnswer = Type.Object(
  {
    id: Id,
    url: Type.String(),
    events: Type.Array(Type.String()),
    conversation_id: IdOrNull,
    state: Type.Enum(['active', 'paused']),
    failing_since: TimeOrNull,
    created_at: Time,
  },
  strict,
);
export const WebhookMadeAnswer = Type.Object(
  {
    ...WebhookAnswer.properties,
    secret: Type.String({ description: 'The key of `Chat-Signature`, shown this once' }),
  },
  strict,
);

export const DeliveryAnswer = Type.Object(
  {
    id: Type.String({ ...Id, description: 'Stands in `Chat-Delivery`, the same at each try' }),
    webhook_id: Id,
    conversation_id: Id,
    event_id: Type.String(),
    event_type: Type.String(),
    state: Type.Enum(['pending', 'delivered', 'failed', 'gone'], {
      description: 'gone: it may not be seen any more by whose webhook it is',
    }),
    tries: Type.Integer({ minimum: 0, maximum: 8 }),
    result: Type.Union([Type.String(), Type.Null()], {
      description: 'Status of the last answer, or why there was none',
    }),
    created_at: Time,
    next_try_at: TimeOrNull,
  },
  strict,
);
