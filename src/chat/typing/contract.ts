/** Typing: the signals, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import type { SignalDefinition } from '../feature.ts';

const Time = Type.String({ format: 'date-time' });
const Until = Type.Object({ expires_at: Time }, { additionalProperties: false });

export const TypingStarted: SignalDefinition = { type: 'typing.started', data: Until };
/** `expires_at` is the moment itself. */
export const TypingStopped: SignalDefinition = { type: 'typing.stopped', data: Until };

const strict = { additionalProperties: false } as const;

export const Target = Type.Object({ conversation_id: Id }, strict);
export const SetTyping = Type.Object({ conversation_id: Id, is_typing: Type.Boolean() }, strict);
export const TypingAnswer = Type.Object(
  { items: Type.Array(Type.Object({ user_id: Id, expires_at: Time }, strict)) },
  strict,
);
