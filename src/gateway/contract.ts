/** Frames that the gateway itself understands, whatever features there are. Pure data. */
import Type from 'typebox';
import { EventId, Id, validator } from '../envelope.ts';

export const SessionResume = Type.Object(
  { cursors: Type.Record(Id, EventId, { default: {}, additionalProperties: false }), user: Type.Optional(EventId) },
  { additionalProperties: false },
);
export const ConversationSync = Type.Object({ conversation_id: Id, after: EventId }, { additionalProperties: false });

export const checkResume = validator(SessionResume, '/data');
export const checkSync = validator(ConversationSync, '/data');
