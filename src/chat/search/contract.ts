/** Search: what may be asked, and what is found. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { MessageAnswer } from '../messages/contract.ts';
import { Cursor, Limit } from '../paging.ts';

const Time = Type.String({ minLength: 1, maxLength: 40, description: 'An RFC 3339 time' });

export const SearchMessages = Type.Object(
  {
    q: Type.Optional(
      Type.String({
        maxLength: 256,
        description:
          'Words in any order, the last one also as the beginning of a word; "words in quotes" follow each other; -word or -"some words" must not be there',
      }),
    ),
    conversation_id: Type.Optional(Id),
    from: Type.Optional({ ...Id, description: 'Who sent it' }),
    type: Type.Optional(Type.Enum(['text', 'image', 'audio', 'video', 'file', 'poll'])),
    before: Type.Optional({ ...Time, description: 'Sent before this RFC 3339 time' }),
    after: Type.Optional({ ...Time, description: 'Sent after this RFC 3339 time' }),
    has: Type.Optional(Type.Enum(['attachment', 'link'])),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

const Offset = Type.Integer({ minimum: 0 });

export const FoundAnswer = Type.Object(
  {
    message: MessageAnswer,
    conversation: Type.Object(
      { id: Id, name: Type.Union([Type.String(), Type.Null()]), type: Type.Enum(['direct', 'group', 'channel']) },
      { additionalProperties: false },
    ),
    snippet: Type.String({ description: 'The part of the content around the first hit: its own characters' }),
    highlights: Type.Array(Type.Array(Offset, { minItems: 2, maxItems: 2 }), {
      description: 'Where the hits are in the snippet: [start, end] in UTF-16 units',
    }),
  },
  { additionalProperties: false },
);
