/** Reminders: the events of the own stream, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const strict = { additionalProperties: false } as const;
const about = { conversation_id: Id, message_id: Id };

export const ReminderCreated = event({
  type: 'reminder.created',
  version: 1,
  data: Type.Object({ reminder_id: Id, ...about, remind_at: Type.String() }),
});
export const ReminderEnded = event({
  type: 'reminder.ended',
  version: 1,
  data: Type.Object({
    reminder_id: Id,
    /** `gone`: the message may not be seen any more. */
    reason: Type.Enum(['rung', 'cancelled', 'gone']),
  }),
});

export const CreateReminder = Type.Object(
  { ...about, remind_at: Type.String({ maxLength: 40, description: 'An RFC 3339 time within a year from now' }) },
  strict,
);
export const ReminderTarget = Type.Object({ reminder_id: Id }, strict);
export const ReminderAnswer = Type.Object(
  { id: Id, ...about, remind_at: Type.String({ format: 'date-time' }) },
  strict,
);
