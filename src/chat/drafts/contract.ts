/** Drafts: what a user has begun to write, the signal by which the own devices hear of it, and what a client sends and gets. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import type { SignalDefinition } from '../feature.ts';

const strict = { additionalProperties: false } as const;
const IdOrNull = Type.Union([Id, Type.Null()]);
const said = { content: Type.String(), reply_to: IdOrNull, attachments: Type.Array(Id) };
const Time = Type.String({ format: 'date-time' });

/** To the user's own devices, that one too which wrote it. */
export const DraftChanged: SignalDefinition = {
  type: 'draft.changed',
  data: Type.Object(
    {
      conversation_id: Id,
      draft: Type.Union([Type.Object({ ...said, updated_at: Time }, strict), Type.Null()]),
    },
    strict,
  ),
};

export const SaveDraft = Type.Object(
  {
    conversation_id: Id,
    content: Type.Optional(Type.String({ description: 'As far as it is written; what says nothing is no draft' })),
    reply_to: Type.Optional(IdOrNull),
    attachments: Type.Optional(Type.Array(Id, { maxItems: 20 })),
  },
  strict,
);
export const DraftTarget = Type.Object({ conversation_id: Id }, strict);
export const DraftAnswer = Type.Object({ conversation_id: Id, ...said, updated_at: Time }, strict);
