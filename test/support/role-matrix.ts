/**
 * Who may do what: one row for each act, one word for each who tries it. `ok`, or the code of the refusal. A test tries every row over REST
 * and, where it says how, over a WebSocket. Who adds a command adds its rows here.
 */
import { MEMBERS, ADMINS, BOTH, READ_CHANNEL, NOBODY_DIRECT, onMessage, message, reads, plain } from './role-rows.ts';
import { bans, invites, polls, rules } from './room-rows.ts';
import type { Place, Row } from './role-rows.ts';

/** What else is sent: whoever may post may answer what is there, and pass it on. */
const sending: readonly Row[] = ['everyone', 'admins'].flatMap((post): Row[] => {
  const who = { policy: { post }, group: post === 'everyone' ? MEMBERS : ADMINS, direct: 'ok not_found forbidden' };
  const passedOn = ({ id, theirs }: Place) => ({ forward: { conversation_id: id, message_id: theirs } });
  return [
    {
      act: 'message.send',
      what: `an answer, where ${post} post`,
      rest: ({ theirs }) => ['POST /messages', { content: 'yes', reply_to: theirs }],
      frame: ({ theirs }) => ({ content: 'yes', reply_to: theirs }),
      ...who,
    },
    {
      act: 'message.send',
      what: `a message that is passed on, where ${post} post`,
      rest: (place) => ['POST /messages', passedOn(place)],
      frame: passedOn,
      ...who,
    },
    {
      act: 'message.edit',
      what: `the own, where ${post} post`,
      policy: { post },
      ...onMessage('own', 'PATCH', '', { content: 'other words' }),
      ...message('own', { content: 'other words' }),
      // Where only admins post, a member has nothing of their own to edit: it is another's.
      group: post === 'everyone' ? MEMBERS : ADMINS,
      direct: BOTH,
    },
  ];
});

const messages: readonly Row[] = [
  {
    act: 'message.send',
    ...plain('POST /messages', { content: 'hello' }),
    frame: () => ({ content: 'hello' }),
    group: MEMBERS,
    direct: 'ok not_found forbidden',
  },
  {
    act: 'message.send',
    what: 'where only admins post',
    policy: { post: 'admins' },
    ...plain('POST /messages', { content: 'hello' }),
    frame: () => ({ content: 'hello' }),
    group: ADMINS,
    direct: 'ok not_found forbidden',
  },
  {
    act: 'message.edit',
    what: 'the own',
    ...onMessage('own', 'PATCH', '', { content: 'other words' }),
    ...message('own', { content: 'other words' }),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'message.edit',
    what: "another's",
    ...onMessage('theirs', 'PATCH', '', { content: 'other words' }),
    ...message('theirs', { content: 'other words' }),
    group: 'forbidden forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'message.delete',
    what: 'the own',
    ...onMessage('own', 'DELETE'),
    ...message('own'),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'message.delete',
    what: "another's",
    ...onMessage('theirs', 'DELETE'),
    ...message('theirs'),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
];

const pins: readonly Row[] = [
  { act: 'message.pin', ...onMessage('theirs', 'PUT', '/pin'), ...message('theirs'), group: MEMBERS, direct: BOTH },
  {
    act: 'message.unpin',
    ...onMessage('pinned', 'DELETE', '/pin'),
    ...message('pinned'),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'message.pin',
    what: 'where only admins pin',
    policy: { pin: 'admins' },
    ...onMessage('theirs', 'PUT', '/pin'),
    ...message('theirs'),
    group: ADMINS,
    direct: BOTH,
  },
  {
    act: 'message.unpin',
    what: 'where only admins pin',
    policy: { pin: 'admins' },
    ...onMessage('pinned', 'DELETE', '/pin'),
    ...message('pinned'),
    group: ADMINS,
    direct: BOTH,
  },
];

/** Whoever may read may react. */
const reactions: readonly Row[] = ['everyone', 'admins'].flatMap((post): Row[] => [
  {
    act: 'reaction.add',
    what: `where ${post} post`,
    policy: { post },
    ...onMessage('theirs', 'PUT', `/reactions/${encodeURIComponent('👍')}`),
    ...message('theirs', { emoji: '👍' }),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'reaction.remove',
    what: `where ${post} post`,
    policy: { post },
    ...onMessage('theirs', 'DELETE', `/reactions/${encodeURIComponent('👍')}`),
    ...message('theirs', { emoji: '👍' }),
    group: MEMBERS,
    direct: BOTH,
  },
]);

/** How far somebody has read, and who is typing. */
const marks: readonly Row[] = [
  {
    act: 'receipt.read',
    rest: (place) => ['POST /read', { up_to: place.theirs }],
    frame: (place) => ({ up_to: place.theirs }),
    group: MEMBERS,
    channel: READ_CHANNEL,
    direct: BOTH,
  },
  {
    act: 'receipt.read_message',
    ...onMessage('theirs', 'POST', '/read'),
    group: MEMBERS,
    channel: READ_CHANNEL,
    direct: BOTH,
  },
  {
    act: 'receipt.delivered',
    rest: (place) => ['POST /delivered', { up_to: place.theirs }],
    frame: (place) => ({ up_to: place.theirs }),
    group: MEMBERS,
    channel: READ_CHANNEL,
    direct: BOTH,
  },
  {
    act: 'receipt.mark_unread',
    rest: (place) => ['POST /unread', { from: place.theirs }],
    frame: (place) => ({ from: place.theirs }),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'typing.set',
    frameType: 'typing.start',
    ...plain('POST /typing', { is_typing: true }),
    frame: () => ({}),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'typing.set',
    frameType: 'typing.start',
    what: 'where only admins post',
    policy: { post: 'admins' },
    ...plain('POST /typing', { is_typing: true }),
    frame: () => ({}),
    group: ADMINS,
    direct: BOTH,
  },
];

const participants: readonly Row[] = [
  ...['admins', 'members'].map((add): Row => ({
    act: 'participant.add',
    what: `where ${add} add`,
    policy: { add },
    rest: (place) => ['POST /participants', { user_ids: [place.outsider] }],
    group: add === 'admins' ? ADMINS : MEMBERS,
    direct: NOBODY_DIRECT,
  })),
  {
    act: 'participant.add',
    what: 'as an admin, where members add',
    policy: { add: 'members' },
    rest: (place) => ['POST /participants', { user_ids: [place.outsider], role: 'admin' }],
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'participant.remove',
    what: 'a member',
    rest: (place) => [`DELETE /participants/${place.member}`],
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  {
    act: 'participant.remove',
    what: 'an admin',
    rest: (place) => [`DELETE /participants/${place.admin}`],
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'participant.remove',
    what: 'the owner',
    rest: (place) => [`DELETE /participants/${place.owner}`],
    // Who owns it leaves by that.
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'participant.change_role',
    what: 'a member to an admin',
    rest: (place) => [`PATCH /participants/${place.member}`, { role: 'admin' }],
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'participant.change_role',
    what: 'an admin to the owner',
    rest: (place) => [`PATCH /participants/${place.admin}`, { role: 'owner' }],
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'conversation.join',
    ...plain('POST /join'),
    frame: () => ({}),
    group: MEMBERS,
    channel: 'ok ok ok ok ok banned',
    direct: BOTH,
  },
  {
    act: 'conversation.leave',
    ...plain('POST /leave'),
    frame: () => ({}),
    group: MEMBERS,
    direct: NOBODY_DIRECT,
  },
];

const conversation: readonly Row[] = [
  ...['admins', 'members'].map((edit_info): Row => ({
    act: 'conversation.update',
    what: `name, where ${edit_info} edit`,
    policy: { edit_info },
    ...plain('PATCH ', { name: 'another name' }),
    group: edit_info === 'admins' ? ADMINS : MEMBERS,
    direct: NOBODY_DIRECT,
  })),
  {
    act: 'conversation.update',
    what: 'policy, where members edit',
    policy: { edit_info: 'members' },
    ...plain('PATCH ', { policy: { add: 'members' } }),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  ...[{ slow_mode_seconds: 10 }, { is_archived: true }].map((change): Row => ({
    act: 'conversation.update',
    what: `${Object.keys(change).join()}, where members edit`,
    policy: { edit_info: 'members' },
    ...plain('PATCH ', change),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  })),
  {
    act: 'conversation.delete',
    ...plain('DELETE '),
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'conversation.change_settings',
    ...plain('PATCH /settings', { pinned: true }),
    frame: () => ({ pinned: true }),
    group: MEMBERS,
    channel: READ_CHANNEL,
    direct: BOTH,
  },
];

const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();

/** A hook brings a bot in. */
const hooks: readonly Row[] = ['admins', 'members'].map((add): Row => ({
  act: 'hook.create',
  what: `where ${add} add`,
  policy: { add },
  ...plain('POST /hooks', { name: 'Builds' }),
  group: add === 'admins' ? ADMINS : MEMBERS,
  channel: add === 'admins' ? 'ok ok forbidden forbidden forbidden forbidden' : READ_CHANNEL,
  direct: NOBODY_DIRECT,
}));

/** What one writes now and says later. Who tries it has a draft there, whether or not they may still see it. */
const time: readonly Row[] = [
  {
    act: 'draft.save',
    ...plain('PUT /draft', { content: 'dear' }),
    frame: () => ({ content: 'dear' }),
    group: MEMBERS,
    channel: READ_CHANNEL,
    direct: BOTH,
  },
  {
    act: 'draft.delete',
    ...plain('DELETE /draft'),
    frame: () => ({}),
    group: MEMBERS,
    channel: READ_CHANNEL,
    direct: BOTH,
  },
  reads('drafts.one', () => '/draft'),
  ...['everyone', 'admins'].map((post): Row => ({
    act: 'scheduled.create',
    what: `where ${post} post`,
    policy: { post },
    ...plain('POST /scheduled', { send_at: IN_AN_HOUR, content: 'hello' }),
    frame: () => ({ send_at: IN_AN_HOUR, content: 'hello' }),
    group: post === 'admins' ? ADMINS : MEMBERS,
    direct: 'ok not_found forbidden',
  })),
];

const reading: readonly Row[] = [
  { act: 'conversations.one', ...plain('GET '), group: MEMBERS, channel: 'ok ok ok ok ok ok', direct: BOTH },
  reads('messages.list', () => '/messages'),
  reads('messages.one', ({ theirs }) => `/messages/${theirs}`),
  reads('messages.revisions', ({ theirs }) => `/messages/${theirs}/revisions`),
  reads('replies.list', ({ theirs }) => `/messages/${theirs}/replies`),
  reads('receipts.list', ({ theirs }) => `/messages/${theirs}/receipts`),
  reads('reactions.list', ({ theirs }) => `/messages/${theirs}/reactions/${encodeURIComponent('👍')}`),
  reads('pins.list', () => '/pins'),
  reads('events.list', () => '/events'),
  reads('participants.list', () => '/participants'),
  reads('typing.list', () => '/typing'),
  reads('presence.online_in', () => '/online-users'),
];

/** By what they are about. */
export const matrix = {
  messages,
  sending,
  pins,
  reactions,
  marks,
  participants,
  bans,
  invites,
  polls,
  rules,
  conversation,
  hooks,
  time,
  reading,
};
