/**
 * What people may do next, each act with how often it is drawn: to messages, files, polls, rooms and themselves, now and at a time. An act
 * need not be allowed, only possible. What came of one is noted where a later one builds on it.
 */
import type { Answer, Person } from './client.ts';
import type { Random } from './random.ts';

export interface Stage {
  readonly random: Random;
  readonly bases: readonly string[];
  readonly people: readonly Person[];
  readonly rooms: readonly string[];
  /** Where webhooks are heard. */
  readonly hookUrl: string;
  /** Ids of messages by room, also of deleted ones and of those that are yet to be sent. */
  readonly messages: ReadonlyMap<string, string[]>;
  /** What was made, by kind and by whom or where; also what is gone. */
  readonly made: Map<string, string[]>;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
  /** What a later act needs of the answer. */
  readonly note?: (answer: Answer) => void;
}

/** What somebody may try next; undefined where there is nothing to do it to. */
export type Act = (stage: Stage, actor: Person, room: string) => Request | undefined;

const EMOJI = ['👍', '❤️', '🎉', '👨‍👩‍👧', '🇫🇷', '1️⃣', '👍🏽'];
/** A picture of one point. */
const POINT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const FILES = [Buffer.from('some words\n'), Buffer.from('other words\n'), POINT];
const OPTIONS = ['one', 'two', 'three', 'four'];

/** One of the two who come and go. */
const other = ({ random, people }: Stage): Person => random.pick(people.slice(2));
const anotherThan = ({ random, people }: Stage, actor: Person): Person =>
  random.pick(people.filter((one) => one !== actor));
const messageOf = ({ random, messages }: Stage, room: string): string | undefined => {
  const sent = messages.get(room)!;
  return sent.length === 0
    ? undefined
    : random.chance(0.7)
      ? sent.at(-1 - random.below(Math.min(5, sent.length)))
      : random.pick(sent);
};
const words = ({ random, people }: Stage): string =>
  `${random.pick(['hello', 'naïve', '你好 世界', 'مرحبا', 'so'])} ${random.below(1_000)}${random.chance(0.2) ? ` @${random.pick(people).name} ` : ''}${random.chance(0.05) ? ' @all' : ''}`;
const emoji = ({ random }: Stage): string => `/reactions/${encodeURIComponent(random.pick(EMOJI))}`;
/** Soon enough to come while others act. */
const soon = ({ random }: Stage): string => new Date(Date.now() + random.between(300, 4_000)).toISOString();

const madeBy = ({ made }: Stage, kind: string, of: string): string[] => {
  const key = `${kind} ${of}`;
  const ids = made.get(key) ?? [];
  made.set(key, ids);
  return ids;
};
const noting =
  (stage: Stage, kind: string, of: string, idOf: (answer: Answer) => unknown = ({ body }) => body['id']) =>
  (answer: Answer): void =>
    void madeBy(stage, kind, of).push(String(idOf(answer)));
/** One of the last that were made. */
const oneOf = (stage: Stage, kind: string, of: string): string | undefined => {
  const ids = madeBy(stage, kind, of).slice(-6);
  return ids.length === 0 ? undefined : stage.random.pick(ids);
};

/** What somebody has begun to write in a room, the last at the end; '' where it was taken away. */
export const draftsOf = (stage: Stage, { id }: Person, room: string): string[] =>
  madeBy(stage, 'draft', `${id} ${room}`);

const onMessage =
  (method: string, tail: (stage: Stage) => string = () => '', body?: (stage: Stage) => object): Act =>
  (stage, _, room) => {
    const id = messageOf(stage, room);
    return id === undefined
      ? undefined
      : { method, path: `/conversations/${room}/messages/${id}${tail(stage)}`, body: body?.(stage) };
  };
const inRoom =
  (method: string, tail: (stage: Stage) => string, body?: (stage: Stage) => object): Act =>
  (stage, _, room) => ({ method, path: `/conversations/${room}${tail(stage)}`, body: body?.(stage) });
/** To one of what the actor has made of a kind. */
const toOwn =
  (kind: string, method: string, path: (id: string) => string, body?: (stage: Stage) => object): Act =>
  (stage, actor) => {
    const id = oneOf(stage, kind, actor.id);
    return id === undefined ? undefined : { method, path: path(id), body: body?.(stage) };
  };

const sending: readonly (readonly [number, Act])[] = [
  [
    12,
    (stage, _, room) => {
      const id = stage.random.ulid();
      const parent = stage.random.chance(0.3) ? messageOf(stage, room) : undefined;
      stage.messages.get(room)!.push(id);
      const body = { id, content: words(stage), ...(parent === undefined ? {} : { reply_to: parent }) };
      return { method: 'POST', path: `/conversations/${room}/messages`, body };
    },
  ],
  [
    1,
    (stage, _, room) => {
      const from = stage.random.pick(stage.rooms);
      const message_id = messageOf(stage, from);
      const forward = { conversation_id: from, message_id };
      const body = { id: stage.random.ulid(), forward };
      return message_id === undefined ? undefined : { method: 'POST', path: `/conversations/${room}/messages`, body };
    },
  ],
  [5, onMessage('PATCH', undefined, (stage) => ({ content: words(stage) }))],
  [3, onMessage('DELETE')],
  [6, onMessage('PUT', emoji)],
  [3, onMessage('DELETE', emoji)],
  [2, onMessage('PUT', () => '/pin')],
  [2, onMessage('DELETE', () => '/pin')],
  [3, onMessage('POST', () => '/read')],
  [2, inRoom('POST', () => '/read')],
  [
    1,
    (stage, _, room) => {
      const from = messageOf(stage, room);
      return from === undefined ? undefined : { method: 'POST', path: `/conversations/${room}/unread`, body: { from } };
    },
  ],
];

const files: readonly (readonly [number, Act])[] = [
  [
    3,
    (stage, actor) => {
      const body = new FormData();
      body.append('file', new Blob([new Uint8Array(stage.random.pick(FILES))]), 'a file');
      return { method: 'POST', path: '/attachments', body, note: noting(stage, 'file', actor.id) };
    },
  ],
  [
    4,
    (stage, actor, room) => {
      const file = oneOf(stage, 'file', stage.random.chance(0.9) ? actor.id : other(stage).id);
      if (file === undefined) return undefined;
      const id = stage.random.ulid();
      stage.messages.get(room)!.push(id);
      const body = { id, content: '', message_type: 'file', attachments: [file] };
      return { method: 'POST', path: `/conversations/${room}/messages`, body };
    },
  ],
];

const polls: readonly (readonly [number, Act])[] = [
  [
    2,
    (stage, _, room) => {
      const { random } = stage;
      const options = OPTIONS.slice(0, 2 + random.below(3));
      const closes = random.chance(0.6) ? { closes_at: soon(stage) } : {};
      const body = { question: words(stage), options, multiple: random.chance(0.5), ...closes };
      const note = (answer: Answer) => {
        noting(stage, 'poll', room)(answer);
        stage.messages.get(room)!.push(String(answer.body['id']));
      };
      return { method: 'POST', path: `/conversations/${room}/polls`, body, note };
    },
  ],
  [
    6,
    (stage, _, room) => {
      const { random } = stage;
      const poll = oneOf(stage, 'poll', room);
      const options = random.shuffled([0, 1, 2]).slice(0, random.pick([0, 1, 1, 1, 2]));
      const path = `/conversations/${room}/polls/${poll}/votes`;
      return poll === undefined ? undefined : { method: 'PUT', path, body: { options } };
    },
  ],
  [
    1,
    (stage, _, room) => {
      const poll = oneOf(stage, 'poll', room);
      return poll === undefined ? undefined : { method: 'POST', path: `/conversations/${room}/polls/${poll}/close` };
    },
  ],
];

const later: readonly (readonly [number, Act])[] = [
  [
    4,
    (stage, actor, room) => {
      const id = stage.random.ulid();
      const file = stage.random.chance(0.3) ? oneOf(stage, 'file', actor.id) : undefined;
      const carried = file === undefined ? {} : { message_type: 'file', attachments: [file] };
      stage.messages.get(room)!.push(id);
      const body = { id, content: words(stage), send_at: soon(stage), ...carried };
      return {
        method: 'POST',
        path: `/conversations/${room}/scheduled`,
        body,
        note: noting(stage, 'scheduled', actor.id),
      };
    },
  ],
  [
    1,
    toOwn(
      'scheduled',
      'PATCH',
      (id) => `/scheduled/${id}`,
      (stage) => (stage.random.chance(0.5) ? { send_at: soon(stage) } : { content: words(stage) }),
    ),
  ],
  [1, toOwn('scheduled', 'DELETE', (id) => `/scheduled/${id}`)],
  [
    3,
    (stage, actor, room) => {
      const message_id = messageOf(stage, room);
      const body = { conversation_id: room, message_id, remind_at: soon(stage) };
      const note = noting(stage, 'reminder', actor.id);
      return message_id === undefined ? undefined : { method: 'POST', path: '/reminders', body, note };
    },
  ],
  [1, toOwn('reminder', 'DELETE', (id) => `/reminders/${id}`)],
  [
    2,
    (stage, actor, room) => {
      const content = words(stage);
      const note = () => void draftsOf(stage, actor, room).push(content);
      return { method: 'PUT', path: `/conversations/${room}/draft`, body: { content }, note };
    },
  ],
  [
    1,
    (stage, actor, room) => {
      const note = () => void draftsOf(stage, actor, room).push('');
      return { method: 'DELETE', path: `/conversations/${room}/draft`, note };
    },
  ],
];

const rooms: readonly (readonly [number, Act])[] = [
  [3, inRoom('POST', () => '/join')],
  [1, inRoom('POST', () => '/leave')],
  [
    2,
    inRoom(
      'POST',
      () => '/participants',
      (stage) => ({ user_ids: [other(stage).id] }),
    ),
  ],
  [1, inRoom('DELETE', (stage) => `/participants/${other(stage).id}`)],
  [
    1,
    inRoom(
      'PATCH',
      (stage) => `/participants/${other(stage).id}`,
      ({ random }) => ({ role: random.pick(['admin', 'member']) }),
    ),
  ],
  [
    1,
    inRoom(
      'PATCH',
      () => '',
      (stage) => ({ name: words(stage).slice(0, 90) }),
    ),
  ],
  [
    1,
    inRoom(
      'PATCH',
      () => '',
      ({ random }) => ({
        policy: { post: random.pick(['everyone', 'everyone', 'admins']), pin: random.pick(['admins', 'members']) },
      }),
    ),
  ],
  [
    1,
    inRoom(
      'PATCH',
      () => '',
      ({ random }) => ({ slow_mode_seconds: random.pick([0, 0, 1]) }),
    ),
  ],
  [
    1,
    inRoom(
      'PUT',
      (stage) => `/bans/${other(stage).id}`,
      (stage) => ({ until: soon(stage), reason: 'for a while' }),
    ),
  ],
  [1, inRoom('DELETE', (stage) => `/bans/${other(stage).id}`)],
  [
    1,
    (stage, _, room) => ({
      method: 'POST',
      path: `/conversations/${room}/invites`,
      body: stage.random.chance(0.5) ? { max_uses: 1 } : { expires_in: 2 },
      note: noting(stage, 'invite', room, ({ body }) => body['code']),
    }),
  ],
  [
    2,
    (stage, _, room) => {
      const code = oneOf(stage, 'invite', room);
      return code === undefined ? undefined : { method: 'POST', path: `/invites/${code}/accept` };
    },
  ],
  [
    1,
    inRoom(
      'PATCH',
      () => '/settings',
      ({ random }) => ({ archived: random.chance(0.5), pinned: random.chance(0.5) }),
    ),
  ],
  [
    1,
    inRoom(
      'POST',
      () => '/typing',
      ({ random }) => ({ is_typing: random.chance(0.7) }),
    ),
  ],
];

const themselves: readonly (readonly [number, Act])[] = [
  [
    1,
    ({ random }) => ({
      method: 'PUT',
      path: '/users/me/status',
      body: { status: random.pick(['online', 'away', 'busy', 'invisible']) },
    }),
  ],
  [
    1,
    ({ random }) => ({
      method: 'PATCH',
      path: '/users/me',
      body: { display_name: `Someone ${random.below(100)}` },
    }),
  ],
  [1, () => ({ method: 'POST', path: '/notifications/read', body: {} })],
  [1, (stage, actor) => ({ method: 'PUT', path: `/users/me/blocks/${anotherThan(stage, actor).id}` })],
  [3, (stage, actor) => ({ method: 'DELETE', path: `/users/me/blocks/${anotherThan(stage, actor).id}` })],
  [
    1,
    (stage, actor, room) => ({
      method: 'POST',
      path: '/webhooks',
      body: {
        url: stage.hookUrl,
        events: ['message.sent', 'message.edited', 'reaction.added'],
        conversation_id: stage.random.chance(0.5) ? room : null,
      },
      note: noting(stage, 'webhook', actor.id),
    }),
  ],
  [1, toOwn('webhook', 'DELETE', (id) => `/webhooks/${id}`)],
];

export const ACTS: readonly Act[] = [sending, files, polls, later, rooms, themselves]
  .flat()
  .flatMap(([weight, one]) => Array.from({ length: weight }, () => one));
