/** Frames that the gateway itself understands, whatever features there are. Pure data. */
import Type from 'typebox';
import { Id, validator } from '../envelope.ts';

const Cursor = Type.String({
  pattern: '^(0|[1-9]\\d{0,14})-(0|[1-9]\\d{0,14})$',
  description: 'An event id; 0-0 is the beginning',
});

export const SessionResume = Type.Object(
  { cursors: Type.Record(Id, Cursor, { default: {}, additionalProperties: false }), user: Type.Optional(Cursor) },
  { additionalProperties: false },
);
export const ConversationSync = Type.Object({ conversation_id: Id, after: Cursor }, { additionalProperties: false });

export const checkResume = validator(SessionResume, '/data');
export const checkSync = validator(ConversationSync, '/data');
