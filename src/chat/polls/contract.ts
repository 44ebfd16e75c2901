/** Polls: the events, and what a client sends and gets. A poll is a message of type `poll`, under the poll's id. Pure data. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const OrNull = Type.Union([Type.String(), Type.Null()]);
const Numbers = Type.Array(Type.Integer({ minimum: 0 }));
const MOST_OPTIONS = 20;
const strict = { additionalProperties: false } as const;

/** Comes right behind the `message.sent` that has the question as its content. */
export const PollCreated = event({
  type: 'poll.created',
  version: 1,
  data: Type.Object({
    poll_id: Id,
    question: Type.String(),
    options: Type.Array(Type.String()),
    multiple: Type.Boolean(),
    closes_at: OrNull,
  }),
});

/** `options` are numbers, counted from 0; none takes the vote back. `before` is there where the user had voted otherwise. */
export const PollVoted = event({
  type: 'poll.voted',
  version: 1,
  data: Type.Object({ poll_id: Id, options: Numbers, before: Type.Optional(Numbers) }),
});
export const PollClosed = event({ type: 'poll.closed', version: 1, data: Type.Object({ poll_id: Id }) });

export const CreatePoll = Type.Object(
  {
    conversation_id: Id,
    question: Type.String({ minLength: 1, maxLength: 300 }),
    options: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      minItems: 2,
      maxItems: MOST_OPTIONS,
      uniqueItems: true,
    }),
    multiple: Type.Optional(Type.Boolean({ description: 'More than one option can be voted for' })),
    closes_at: Type.Optional(Type.Union([Type.String({ maxLength: 40 }), Type.Null()])),
  },
  strict,
);
export const PollTarget = Type.Object({ conversation_id: Id, poll_id: Id }, strict);
export const Vote = Type.Object(
  {
    conversation_id: Id,
    poll_id: Id,
    options: Type.Array(Type.Integer({ minimum: 0, maximum: MOST_OPTIONS - 1 }), {
      maxItems: MOST_OPTIONS,
      uniqueItems: true,
      description: 'Numbers of options, counted from 0; none takes the vote back',
    }),
  },
  strict,
);

const result = {
  options: Type.Array(Type.Object({ text: Type.String(), votes: Type.Integer({ minimum: 0 }) }, strict)),
  multiple: Type.Boolean(),
  closes_at: OrNull,
  closed_at: OrNull,
  voters: Type.Integer({ minimum: 0, description: 'How many have voted' }),
};
/** What stands on a message that is a poll. */
export const PollOnMessage = Type.Object(result, strict);

export const PollAnswer = Type.Object(
  {
    id: { ...Id, description: 'A ULID: also the id of the message' },
    conversation_id: Id,
    created_by: Id,
    created_at: Type.String({ format: 'date-time' }),
    question: Type.String(),
    ...result,
    own_vote: Type.Array(Type.Integer({ minimum: 0 }), { description: 'What the caller voted for' }),
  },
  strict,
);
