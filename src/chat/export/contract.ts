/** What is taken out of the log for the one whom it is about. Pure data. */
import Type from 'typebox';
import { EventAnswer } from '../events/contract.ts';
import { Id } from '../../envelope.ts';

const { conversation_id: _, ...rest } = EventAnswer.properties;

/** One line. Its event is the log's own, but that of what was deleted the words are left out. */
export const ExportedLine = Type.Object(
  {
    cursor: Type.String({ description: 'An export that asks for what comes `after` this goes on with the next line' }),
    event: Type.Object(
      { ...rest, conversation_id: Type.Optional(Id), user_id: Type.Optional(Id) },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

export const Export = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description: 'The `cursor` of the last line that the caller has; absent: from the beginning',
      }),
    ),
  },
  { additionalProperties: false },
);
