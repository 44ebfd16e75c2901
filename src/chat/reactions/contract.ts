/** Reactions: the events, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

/** The revision is that of the message which was seen. */
const Reaction = Type.Object({ message_id: Id, emoji: Type.String(), revision: Type.Integer({ minimum: 1 }) });

export const ReactionAdded = event({ type: 'reaction.added', version: 1, data: Reaction });
export const ReactionRemoved = event({ type: 'reaction.removed', version: 1, data: Reaction });

export const Emoji = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'One emoji of those that Unicode recommends (RGI), with or without its variation selector',
});

export const React = Type.Object(
  { conversation_id: Id, message_id: Id, emoji: Emoji },
  { additionalProperties: false },
);

export const ReactorAnswer = Type.Object(
  { user_id: Id, reacted_at: Type.String({ format: 'date-time' }) },
  { additionalProperties: false },
);
