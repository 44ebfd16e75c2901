/** Who may do what about who may come in: rows of the table of roles. */
import { ADMINS, BOTH, MEMBERS, NOBODY_DIRECT, plain, READ_CHANNEL, reads } from './role-rows.ts';
import type { Row } from './role-rows.ts';

export const bans: readonly Row[] = [
  {
    act: 'ban.add',
    what: 'a member',
    rest: (place) => [`PUT /bans/${place.member}`, { reason: 'spam' }],
    frame: (place) => ({ user_id: place.member }),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  {
    act: 'ban.add',
    what: 'an admin',
    rest: (place) => [`PUT /bans/${place.admin}`, {}],
    frame: (place) => ({ user_id: place.admin }),
    group: 'ok forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'ban.add',
    what: 'the owner',
    rest: (place) => [`PUT /bans/${place.owner}`, {}],
    group: 'forbidden forbidden forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'ban.add',
    what: 'who is not in',
    rest: (place) => [`PUT /bans/${place.outsider}`, {}],
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  {
    act: 'ban.remove',
    rest: (place) => [`DELETE /bans/${place.banned}`],
    frame: (place) => ({ user_id: place.banned }),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  {
    act: 'bans.list',
    ...plain('GET /bans'),
    group: ADMINS,
    channel: 'ok ok forbidden forbidden forbidden forbidden',
    direct: NOBODY_DIRECT,
  },
  {
    act: 'participant.add',
    what: 'who is banned',
    rest: (place) => ['POST /participants', { user_ids: [place.banned] }],
    group: 'banned banned forbidden not_found forbidden not_found',
    direct: NOBODY_DIRECT,
  },
];

export const invites: readonly Row[] = [
  ...['admins', 'members'].map((add): Row => ({
    act: 'invite.create',
    what: `where ${add} add`,
    policy: { add },
    ...plain('POST /invites', { max_uses: 1 }),
    frame: () => ({}),
    group: add === 'admins' ? ADMINS : MEMBERS,
    direct: NOBODY_DIRECT,
  })),
  ...['admins', 'members'].map((add): Row => ({
    act: 'invites.list',
    what: `where ${add} add`,
    policy: { add },
    ...plain('GET /invites'),
    group: add === 'admins' ? ADMINS : MEMBERS,
    channel: add === 'admins' ? 'ok ok forbidden forbidden forbidden forbidden' : READ_CHANNEL,
    direct: NOBODY_DIRECT,
  })),
  {
    act: 'invite.revoke',
    what: "another's",
    policy: { add: 'members' },
    rest: (place) => [`DELETE /invites/${place.invite}`],
    frame: (place) => ({ code: place.invite }),
    group: ADMINS,
    direct: BOTH,
  },
];

export const rules: readonly Row[] = [
  {
    act: 'rules.change',
    ...plain('PUT /rules', { links: false }),
    frame: () => ({ links: false }),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  { ...reads('rules.show', () => '/rules'), direct: BOTH },
];

const POLL = { question: 'Well?', options: ['yes', 'no'] };
export const polls: readonly Row[] = [
  ...['everyone', 'admins'].map((post): Row => ({
    act: 'poll.create',
    what: `where ${post} post`,
    policy: { post },
    ...plain('POST /polls', POLL),
    frame: () => POLL,
    group: post === 'admins' ? ADMINS : MEMBERS,
    direct: 'ok not_found forbidden',
  })),
  {
    act: 'poll.vote',
    rest: (place) => [`PUT /polls/${place.poll}/votes`, { options: [1] }],
    frame: (place) => ({ poll_id: place.poll, options: [0] }),
    group: MEMBERS,
    direct: BOTH,
  },
  {
    act: 'poll.close',
    what: "another's",
    rest: (place) => [`POST /polls/${place.poll}/close`],
    frame: (place) => ({ poll_id: place.poll }),
    group: ADMINS,
    direct: NOBODY_DIRECT,
  },
  reads('polls.one', ({ poll }) => `/polls/${poll}`),
];
