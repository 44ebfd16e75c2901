/** Frames that the gateway itself understands and sends, whatever features there are. Pure data. */
import Type from 'typebox';
import type { TSchema } from 'typebox';
import { DURABILITIES, EventId, Id, validator } from '../envelope.ts';
import { catalogue } from '../errors.ts';

const SessionResume = Type.Object(
  { cursors: Type.Record(Id, EventId, { default: {}, additionalProperties: false }), user: Type.Optional(EventId) },
  { additionalProperties: false },
);
const ConversationSync = Type.Object({ conversation_id: Id, after: EventId }, { additionalProperties: false });

export const checkResume = validator(SessionResume, '/data');
export const checkSync = validator(ConversationSync, '/data');

const strict = { additionalProperties: false } as const;

/** Commands of the session itself. */
export const sessionCommands: ReadonlyMap<string, { readonly about: string; readonly data: TSchema }> = new Map([
  [
    'session.resume',
    {
      about:
        'The last event that the client has of each conversation and of its own stream, within five seconds after `session.ready` where the ' +
        'socket was opened with `?resume=1`: what it missed follows, in order and once, then `session.resumed`',
      data: SessionResume,
    },
  ],
  [
    'conversation.sync',
    {
      about: 'Sends the events of one conversation after an event again, in order, then the ack',
      data: ConversationSync,
    },
  ],
  ['ping', { about: 'Answered by `pong`, beside the pings of the protocol', data: Type.Object({}) }],
]);

export interface ServerFrame {
  readonly about: string;
  readonly schema: TSchema;
}

const id = Type.Optional(Type.String({ maxLength: 64, description: 'Of the command that is answered' }));
const frame = (type: string, data: TSchema): TSchema =>
  Type.Object({ type: Type.Literal(type), data }, { additionalProperties: false });

/** What a refused command is answered. */
export const ErrorFrame = Type.Object(
  {
    type: Type.Literal('error'),
    id,
    error: Type.Object(
      {
        code: Type.Enum(Object.keys(catalogue), { description: 'Stable, for programs' }),
        detail: Type.String(),
        retry_after: Type.Optional(Type.Number({ description: 'Seconds' })),
      },
      strict,
    ),
  },
  strict,
);

/** What a command is answered; where it appended an event, and with its answer under its noun. */
export const ackFrame = (data: TSchema): TSchema => Type.Object({ type: Type.Literal('ack'), id, data }, strict);

export const Written = {
  event_id: EventId,
  seq: Type.Integer({ minimum: 1 }),
  durability: Type.Enum([...DURABILITIES], { description: 'What holds it now' }),
};

/** Frames of the session, beside answers and events. What a user and a conversation look like the product says. */
export const serverFrames = (ready: {
  readonly user: TSchema;
  readonly conversation: TSchema;
}): Readonly<Record<string, ServerFrame>> => ({
  'session.ready': {
    about: 'The first frame: who one is, and where the conversations of most recent activity stand, at most 100',
    schema: frame(
      'session.ready',
      Type.Object(
        {
          session_id: Id,
          heartbeat_interval: Type.Integer({ description: 'Seconds between pings' }),
          user: ready.user,
          conversations: Type.Array(ready.conversation),
          total_unread: Type.Integer({ minimum: 0 }),
          user_event_id: EventId,
        },
        strict,
      ),
    ),
  },
  'session.resumed': {
    about: 'Everything that was missed has been sent; what follows is live',
    schema: frame('session.resumed', Type.Object({}, strict)),
  },
  'sync.reset': {
    about:
      'The log does not know the cursor of this conversation, or of the own stream: load it anew, and go on from this event',
    schema: frame(
      'sync.reset',
      Type.Object({ conversation_id: Type.Optional(Id), user_id: Type.Optional(Id), last_event_id: EventId }, strict),
    ),
  },
  pong: {
    about: 'The answer to `ping`',
    schema: Type.Object({ type: Type.Literal('pong'), id, data: Type.Object({}, strict) }, strict),
  },
});
