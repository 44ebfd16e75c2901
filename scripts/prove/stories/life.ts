/**
 * Everything that people do, in random order: four of them on two nodes, in a channel and a direct conversation, while the projector is
 * killed. Each act is taken by itself, and now and then sent twice under one id. At the end every view is the fold of its log, what was
 * read on the way is what `as_of` answers for that moment, and two sockets on two nodes saw the same, but for the marks of who is blocked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { call, people, persist } from '../client.ts';
import type { Answer, Person } from '../client.ts';
import type { NodeProcess } from '../node-process.ts';
import type { Random } from '../random.ts';
import { Reader } from '../reader.ts';
import { dumpViews, differencesOf, ReadModels } from '../read-models.ts';
import { eventually, Findings, judge, projected, settle, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';

const ACTS = { short: 220, long: 4_000 };
const MOMENTS = 10;
/** Two who stay, so that what they see can be compared, and two who come and go. */
const PEOPLE = 4;
const EMOJI = ['👍', '❤️', '🎉', '👨‍👩‍👧', '🇫🇷', '1️⃣', '👍🏽'];

export const life: Story = {
  name: 'life',
  shortSeeds: 3,
  about:
    'whatever four people do in whatever order, every view is the fold of its log, and as_of answers what was answered then',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start({ partitions: 4 }), (world) => tell(options, findings, world));
  },
};

interface Stage {
  readonly random: Random;
  readonly bases: readonly string[];
  readonly people: readonly Person[];
  readonly rooms: readonly string[];
  /** Ids of messages by room, also of deleted ones. */
  readonly messages: Map<string, string[]>;
}

type Request = readonly [method: string, path: string, body?: object];
/** What somebody may try next; undefined where there is nothing to do it to. */
type Act = (stage: Stage, actor: Person, room: string) => Request | undefined;

const other = ({ random, people: all }: Stage): Person => random.pick(all.slice(2));
const anotherThan = ({ random, people: all }: Stage, actor: Person): Person =>
  random.pick(all.filter((one) => one !== actor));
const messageOf = ({ random, messages }: Stage, room: string): string | undefined => {
  const sent = messages.get(room)!;
  return sent.length === 0
    ? undefined
    : random.chance(0.7)
      ? sent.at(-1 - random.below(Math.min(5, sent.length)))
      : random.pick(sent);
};
const onMessage =
  (method: string, tail: (stage: Stage) => string = () => '', body?: (stage: Stage) => object): Act =>
  (stage, _, room) => {
    const id = messageOf(stage, room);
    return id === undefined
      ? undefined
      : [method, `/conversations/${room}/messages/${id}${tail(stage)}`, body?.(stage)];
  };
const inRoom =
  (method: string, tail: (stage: Stage) => string, body?: (stage: Stage) => object): Act =>
  (stage, _, room) => [method, `/conversations/${room}${tail(stage)}`, body?.(stage)];
const words = ({ random, people: all }: Stage): string =>
  `${random.pick(['hello', 'naïve', '你好 世界', 'مرحبا', 'so'])} ${random.below(1_000)}${random.chance(0.2) ? ` @${random.pick(all).name} ` : ''}${random.chance(0.05) ? ' @all' : ''}`;
const emoji = ({ random }: Stage): string => `/reactions/${encodeURIComponent(random.pick(EMOJI))}`;

/** Each with how often it is drawn. */
const ACTS_BY_WEIGHT: readonly (readonly [number, Act])[] = [
  [
    12,
    (stage, _, room) => {
      const id = stage.random.ulid();
      const parent = stage.random.chance(0.3) ? messageOf(stage, room) : undefined;
      stage.messages.get(room)!.push(id);
      return [
        'POST',
        `/conversations/${room}/messages`,
        { id, content: words(stage), ...(parent === undefined ? {} : { reply_to: parent }) },
      ];
    },
  ],
  [
    1,
    (stage, _, room) => {
      const from = stage.random.pick(stage.rooms);
      const message_id = messageOf(stage, from);
      const forward = { conversation_id: from, message_id };
      return message_id === undefined
        ? undefined
        : ['POST', `/conversations/${room}/messages`, { id: stage.random.ulid(), forward }];
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
      return from === undefined ? undefined : ['POST', `/conversations/${room}/unread`, { from }];
    },
  ],
  [2, inRoom('POST', () => '/join')],
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
        policy: { post: random.pick(['everyone', 'admins']), pin: random.pick(['admins', 'members']) },
      }),
    ),
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
  [1, ({ random }) => ['PUT', '/users/me/status', { status: random.pick(['online', 'away', 'busy', 'invisible']) }]],
  [1, ({ random }) => ['PATCH', '/users/me', { display_name: `Someone ${random.below(100)}` }]],
  [1, () => ['POST', '/notifications/read', {}]],
  [1, (stage, actor) => ['PUT', `/users/me/blocks/${anotherThan(stage, actor).id}`]],
  [2, (stage, actor) => ['DELETE', `/users/me/blocks/${anotherThan(stage, actor).id}`]],
];

/** What was read at one moment, between two acts. */
interface Moment {
  readonly room: string;
  readonly eventId: string;
  readonly answers: ReadonlyMap<string, string>;
}

async function tell({ short, seed, say }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  await Promise.all([world.node(['api', 'gateway']), world.node(['api', 'gateway'])]);
  const projector = await world.node(['projector']);
  const bases = world.bases('api');
  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  const all = await people(bases, `p${seed}x`, PEOPLE);
  const stage = await setTheStage(random, bases, all);
  const readers = all.slice(0, 2).map(
    (person, i) =>
      new Reader({
        name: person.name,
        person,
        ledger: world.ledgers.of(person.name),
        random: random.fork(),
        conversations: stage.rooms,
        bases: () => [bases[i]!],
      }),
  );
  for (const reader of readers) reader.start();

  let over = false;
  const killing = killNowAndThen(projector, random.fork(), () => over);
  const moments = await act(findings, stage, short ? ACTS.short : ACTS.long, say);
  over = true;
  findings.count('projectors killed', await killing);

  // Reactors write too: what they still have to do must be done before the readers' ends are compared.
  for (let round = 0; round < 2; round += 1) await reacted(findings, truth);
  await settle(findings, truth, [], readers);
  // At once, since people who are gone are soon told to be offline. Nobody keeps a ledger of what was sent: the acts themselves were looked at one by one.
  await judge(findings, world, truth, ['invented']);
  await projected(findings, truth);
  await compareMoments(findings, stage, moments);
  await compareViews(findings, world, truth);
}

async function setTheStage(random: Random, bases: readonly string[], all: readonly Person[]): Promise<Stage> {
  const [first, second] = all;
  const make = async (path: string, body: object) => {
    const made = await persist<{ id: string }>(bases, 'POST', path, { token: first!.token, body });
    if (made.status >= 300) throw new Error(`${path}: ${made.status} ${JSON.stringify(made.body)}`);
    return made.body.id;
  };
  const rooms = [
    await make('/conversations', { type: 'channel', name: 'life', participant_ids: all.slice(1).map((p) => p.id) }),
    await make('/conversations/direct', { user_id: second!.id }),
  ];
  return { random, bases, people: all, rooms, messages: new Map(rooms.map((room) => [room, []])) };
}

async function reacted(findings: Findings, truth: Truth): Promise<void> {
  const groups = ['views', 'lists', 'blocks', 'reactions'];
  const isDone = async () => (await Promise.all(groups.map((group) => truth.isProjected(group)))).every(Boolean);
  findings.expect(await eventually(isDone, 40_000), 'the reactors do not come to an end');
}

async function killNowAndThen(node: NodeProcess, random: Random, isOver: () => boolean): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    await sleep(random.between(300, 900));
    if (isOver()) return kills;
    await node.kill();
    await node.start();
  }
}

async function act(findings: Findings, stage: Stage, count: number, say: (line: string) => void): Promise<Moment[]> {
  const { random, bases } = stage;
  const drawn = ACTS_BY_WEIGHT.flatMap(([weight, one]) => Array.from({ length: weight }, () => one));
  const moments: Moment[] = [];
  const done: Record<string, number> = {};
  for (let n = 1; n <= count; n += 1) {
    const actor = random.pick(stage.people);
    // The two who are watched stay in, or what they see could not be compared.
    const room = random.pick(stage.rooms);
    const request = random.pick(drawn)(stage, actor, room);
    if (!request) continue;
    const [method, path, body] = request;
    if (path.endsWith('/leave') && stage.people.indexOf(actor) < 2) continue;
    const key = random.ulid();
    const first = await once(random.pick(bases), actor, method, path, body, key);
    const kind = `${method} ${path.replaceAll(/[0-9A-Z]{26}/g, '…').replace(/reactions\/.*/, 'reactions/…')}`;
    const outcome = first.status < 300 ? 'done' : 'refused';
    done[`${outcome}: ${kind}`] = (done[`${outcome}: ${kind}`] ?? 0) + 1;
    if (first.status >= 500) findings.expect(false, `${kind} answered ${first.status} ${JSON.stringify(first.body)}`);
    if (first.status < 300 && random.chance(0.3)) await again(findings, stage, actor, request, key, first);
    if (n % Math.floor(count / MOMENTS) === 0) moments.push(await moment(stage, room));
  }
  for (const [kind, times] of Object.entries(done).toSorted(([a], [b]) => (a < b ? -1 : 1))) say(`${times} ${kind}`);
  findings.count('acts', count);
  return moments;
}

/** The same request under the same id, on any node, is the same event. */
async function again(
  findings: Findings,
  { random, bases }: Stage,
  actor: Person,
  [method, path, body]: Request,
  key: string,
  first: Answer,
): Promise<void> {
  const second = await once(random.pick(bases), actor, method, path, body, key);
  const [before, after] = [first, second].map((answer) => answer.headers.get('chat-event-id'));
  findings.expect(
    second.status === first.status && before === after,
    `${method} ${path} twice: ${first.status} ${before}, then ${second.status} ${after} ${JSON.stringify(second.body)}`,
  );
}

function once(
  base: string,
  { token }: Person,
  method: string,
  path: string,
  body: unknown,
  key: string,
): Promise<Answer> {
  return call(base, method, path, {
    token,
    headers: { 'Idempotency-Key': key },
    ...(body === undefined ? {} : { body }),
  });
}

const READS = ['/messages?limit=100', '/messages?limit=100&order=asc', '/participants?limit=100', '/pins?limit=100'];

async function moment({ bases, people: all, random }: Stage, room: string): Promise<Moment> {
  const { token } = all[0]!;
  const card = await call<{ last_event_id: string }>(random.pick(bases), 'GET', `/conversations/${room}`, { token });
  const answers = new Map<string, string>();
  for (const path of READS) answers.set(path, await read(random.pick(bases), token, `/conversations/${room}${path}`));
  return { room, eventId: card.body.last_event_id, answers };
}

/** Without what is only true now: how far others have read, and cursors, which say where they were given. */
async function read(base: string, token: string, path: string): Promise<string> {
  const { status, body } = await call(base, 'GET', path, { token });
  const volatile = new Set(['read_status', 'next_cursor', 'display_name']);
  return `${status} ${JSON.stringify(body, (key, value: unknown) => (volatile.has(key) ? undefined : value))}`;
}

async function compareMoments(findings: Findings, stage: Stage, moments: readonly Moment[]): Promise<void> {
  const { token } = stage.people[0]!;
  for (const { room, eventId, answers } of moments) {
    for (const [path, then] of answers) {
      const asOf = await read(stage.random.pick(stage.bases), token, `/conversations/${room}${path}&as_of=${eventId}`);
      findings.expect(
        asOf === then,
        `as_of=${eventId} of ${path} is not what was answered then:\n  ${then}\n  ${asOf}`,
      );
    }
  }
  findings.count('moments', moments.length);
}

/** The product's own proof, and every view made again from the logs. */
async function compareViews(findings: Findings, world: World, truth: Truth): Promise<void> {
  const models = await ReadModels.open(world.redis.url, world.partitions);
  try {
    for (const difference of (await models.differences()).slice(0, 5)) findings.expect(false, difference);
    const before = await dumpViews(truth);
    await models.rebuild(findings.random);
    for (const difference of differencesOf(before, await dumpViews(truth)).slice(0, 5))
      findings.expect(false, difference);
  } finally {
    models.close();
  }
}
