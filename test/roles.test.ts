/** Who may do what, by the table of roles: every act by everyone, in every kind of conversation, over REST and WebSocket alike. */
import { expect } from 'chai';
import { ulid } from 'ulid';
import { InviteCodes } from '../src/chat/invites/codes.ts';
import { conversationStream, userStream } from '../src/keys.ts';
import type { Json, Socket } from './support/client.ts';
import { matrix } from './support/role-matrix.ts';
import { roles } from './support/role-rows.ts';
import type { Place, Role, Row } from './support/role-rows.ts';
import { register, SECRET, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { useWorld } from './support/world.ts';

const DEFAULT = { add: 'admins', post: 'everyone', edit_info: 'admins', pin: 'members' };
const codes = new InviteCodes(SECRET);
type Kind = 'group' | 'channel' | 'direct';
const kinds: readonly Kind[] = ['group', 'channel', 'direct'];

describe('who may do what', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const people = {} as Record<Role | 'other' | 'outsider' | 'co', User>;
  const sockets = new Map<Role, Socket>();
  let base: string;

  beforeEach(async () => {
    const node = await startNode({ ROLES: 'api,gateway' });
    ({ base } = node);
    const names = [...roles.room, 'other', 'outsider', 'co'] as const;
    await Promise.all(names.map(async (name) => (people[name] = await register(node))));
    await Promise.all(roles.room.map(async (name) => sockets.set(name, await people[name].socket())));
    await people.owner.rest.call('PUT', `/users/me/blocks/${people.blocked.id}`);
  });

  const append = async (script: string, id: string, by: User, args: Record<string, string | string[]>) =>
    (await world.log.append({ script, stream: conversationStream(id), actorId: by.id, args })).id;

  function write(id: string, by: User): { message: string; written: Promise<string> } {
    const message_id = ulid();
    const rest = { reply_to: null, attachments: [], mentions: [], mentions_all: false, metadata: {} };
    const data = JSON.stringify({ message_id, content: 'a message', message_type: 'text', ...rest });
    return {
      message: message_id,
      written: append('message.send', id, by, { message_id, reply_to: '', rules: '', broken: '', data }),
    };
  }

  /** Two messages of someone else, of which the second is pinned, and one's own; all on their way at once, since they arrive in order. */
  async function said(id: string, author: User, own: User | undefined) {
    const [theirs, pinned] = [write(id, author), write(id, author)];
    const mine = own ? write(id, own) : theirs;
    const pin = append('message.pin', id, people.owner, { message_id: pinned.message });
    await Promise.all([theirs.written, pinned.written, mine.written, pin]);
    return { theirs: theirs.message, pinned: pinned.message, own: mine.message };
  }

  const begun = (id: string, role: Role) =>
    world.log.append({
      script: 'draft.save',
      stream: userStream(people[role].id),
      actorId: people[role].id,
      args: { conversation: id, draft: '{"content":"dear","reply_to":null,"attachments":[]}' },
    });

  /** A poll of the owner's. */
  async function asked(id: string): Promise<string> {
    const message_id = ulid();
    const about = { reply_to: null, attachments: [], mentions: [], mentions_all: false, metadata: {} };
    const options = ['yes', 'no'];
    await append('poll.create', id, people.owner, {
      message_id,
      ends: '-',
      count: '2',
      kind: 'single',
      rules: '',
      broken: '',
      message: JSON.stringify({ message_id, content: 'Well?', message_type: 'poll', ...about }),
      data: JSON.stringify({ poll_id: message_id, question: 'Well?', options, multiple: false, closes_at: null }),
    });
    return message_id;
  }

  async function room(kind: 'group' | 'channel', role: Role, policy: object): Promise<Place> {
    const { owner, admin, member, blocked, banned, other, co, outsider } = people;
    const id = ulid();
    const whole = { ...DEFAULT, ...policy };
    const all: [User, string][] = [
      [owner, 'owner'],
      [admin, 'admin'],
      [co, 'admin'],
      [member, 'member'],
      [blocked, 'member'],
      [banned, 'member'],
      [other, 'member'],
    ];
    const participants = all.map(([{ id: user_id }, its]) => ({ user_id, role: its }));
    const data = { type: kind, name: 'a room', description: null, avatar_url: null, policy: whole, participants };
    await append('conversation.create', id, owner, {
      kind,
      policy: [whole.add, whole.post, whole.edit_info, whole.pin].join(' '),
      directory: kind === 'channel' ? `a room\n${id}` : '',
      data: JSON.stringify(data),
      participants: participants.flatMap((p) => [p.user_id, p.role]),
    });
    await append('ban.add', id, owner, {
      user: banned.id,
      ban: '- null',
      data: JSON.stringify({ user_id: banned.id, until: null, reason: null }),
    });
    const invited = ulid();
    await append('invite.create', id, owner, { invite: invited, expires_in: '-', max_uses: '-' });
    const invite = codes.codeOf({ conversationId: id, inviteId: invited });
    const poll = await asked(id);
    const isClosed = whole.post === 'admins';
    const isIn = role !== 'stranger' && role !== 'banned';
    const canWrite = isIn && (!isClosed || role === 'owner' || role === 'admin');
    const [messages] = await Promise.all([
      said(id, isClosed ? co : other, canWrite ? people[role] : undefined),
      begun(id, role),
    ]);
    return {
      id,
      ...messages,
      member: other.id,
      admin: co.id,
      owner: owner.id,
      outsider: outsider.id,
      banned: banned.id,
      invite,
      poll,
    };
  }

  /** Between who tries it and the owner, who blocked one of them; of a stranger, between two others. */
  async function direct(role: Role): Promise<Place> {
    const { owner, blocked, banned, outsider } = people;
    const one = role === 'stranger' ? people.admin : people[role];
    const block = (method: string) => owner.rest.call(method, `/users/me/blocks/${blocked.id}`);
    if (role === 'blocked') await block('DELETE');
    const { body } = await one.rest.post<{ id: string }>('/conversations/direct', { user_id: owner.id });
    const [messages] = await Promise.all([said(body.id, owner, one), begun(body.id, role)]);
    const poll = await asked(body.id);
    if (role === 'blocked') await block('PUT');
    const invite = codes.codeOf({ conversationId: body.id, inviteId: ulid() });
    return {
      id: body.id,
      ...messages,
      member: owner.id,
      admin: owner.id,
      owner: owner.id,
      outsider: outsider.id,
      banned: banned.id,
      invite,
      poll,
    };
  }

  const byRest = async ({ rest }: Row, role: Role, place: Place): Promise<string> => {
    const [call, body] = rest(place);
    const [method = '', path = ''] = call.split(' ');
    const reply = await people[role].rest.call<Json>(method, `/conversations/${place.id}${path}`, body);
    return reply.status < 300 ? 'ok' : String(reply.body['code']);
  };
  const byFrame = async ({ act, frameType = act, frame }: Row, role: Role, place: Place): Promise<string> => {
    const { error } = await sockets.get(role)!.ask(frameType, { conversation_id: place.id, ...frame!(place) });
    return error?.code ?? 'ok';
  };

  /** What comes of it for each who tries, in the words of the table. A refusal must have written nothing. */
  async function outcomes(row: Row, kind: Kind, attempt: typeof byRest): Promise<string> {
    const tried = (kind === 'direct' ? roles.direct : roles.room).map(async (role) => {
      const place = await (kind === 'direct' ? direct(role) : room(kind, role, row.policy ?? {}));
      const head = async () => (await world.log.heads([conversationStream(place.id)], []))[0]?.id;
      const before = await head();
      const word = await attempt(row, role, place);
      if (word !== 'ok') expect(await head(), `${kind}, ${role}: last event`).to.equal(before);
      return word;
    });
    return (await Promise.all(tried)).join(' ');
  }

  for (const [about, rows] of Object.entries(matrix)) {
    it(about, async () => {
      for (const row of rows) {
        const expected = { group: row.group, channel: row.channel ?? row.group, direct: row.direct };
        for (const [way, attempt] of Object.entries({ rest: byRest, ...(row.frame ? { frame: byFrame } : {}) })) {
          const found = kinds.map(async (kind) => [kind, await outcomes(row, kind, attempt)] as const);
          const what = [row.act, row.what ?? '', 'by', way].join(' ');
          expect(Object.fromEntries(await Promise.all(found)), what).to.deep.equal(expected);
        }
      }
    });
  }

  it('every act in a conversation has a row, someone who may and someone who may not', async () => {
    const rows = Object.values(matrix).flat();
    const document = (await (await fetch(`${base}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    const inConversation = Object.entries(document.paths).filter(([path]) => path.includes('/conversations/{'));
    const ids = inConversation.flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId));
    const acts = ids.filter((id) => !id.endsWith('.put')).toSorted();
    expect([...new Set(rows.map(({ act }) => act))].toSorted()).to.deep.equal(acts);
    for (const act of acts) {
      const own = rows.filter((row) => row.act === act);
      const words = own.flatMap((row) => [row.group, row.channel ?? row.group, row.direct].join(' ').split(' '));
      expect(words, act).to.include('ok');
      expect(
        words.some((word) => word !== 'ok'),
        act,
      ).to.equal(true);
    }
  });
});
