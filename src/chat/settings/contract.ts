/** A user's own settings of a conversation: the event, and what a client sends. Nobody else ever sees them. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const OrNull = Type.Union([Type.String(), Type.Null()]);

/** Only what changed. */
export const SettingsChanged = event({
  type: 'conversation.settings_changed',
  version: 1,
  data: Type.Object({
    conversation_id: Id,
    muted_until: Type.Optional(OrNull),
    archived: Type.Optional(Type.Boolean()),
    /** How many messages the conversation had then: a further one brings it back. */
    archived_at_message: Type.Optional(Type.Integer({ minimum: 0 })),
    pinned: Type.Optional(Type.Boolean()),
  }),
});

export const ChangeSettings = Type.Object(
  {
    conversation_id: Id,
    muted_until: Type.Optional(
      Type.Union([Type.String({ maxLength: 40 }), Type.Null()], {
        description: 'An RFC 3339 time up to which nothing notifies; null: not muted',
      }),
    ),
    archived: Type.Optional(Type.Boolean({ description: 'Out of the way until the next message' })),
    pinned: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, minProperties: 2 },
);
