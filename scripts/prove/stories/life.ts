/**
 * Everything that people do, in random order: four of them on two nodes, in a channel and a direct conversation, while a projector is
 * killed. Each act is taken by itself, and now and then sent twice under one id; what was planned for a time comes in between. At the end
 * every view is the fold of its log, what was read on the way is what `as_of` answers for that moment, what was to happen at a time did
 * so once, webhooks heard all, and two sockets on two nodes saw the same, but for the marks of who is blocked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { ACTS, draftsOf } from '../acts.ts';
import type { Request, Stage } from '../acts.ts';
import { call, people, persist } from '../client.ts';
import type { Answer, Person } from '../client.ts';
import { HookTarget, judgeHooks } from '../hook-target.ts';
import type { NodeProcess } from '../node-process.ts';
import type { Random } from '../random.ts';
import { Reader } from '../reader.ts';
import { dumpViews, differencesOf, ReadModels } from '../read-models.ts';
import { eventually, Findings, judge, projected, settle, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { fired, judgeTimed } from '../timed.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';

const COUNT = { short: 320, long: 5_000 };
/** Between two acts, so that there is time for what comes at a time. */
const PACE_MS = 20;
const MOMENTS = 10;
const FIRED_WITHIN_MS = 60_000;
/** At the views, until nobody wrote meanwhile. */
const LOOKS = 4;
/** Two who stay, so that what they see can be compared, and two who come and go. */
const PEOPLE = 4;

export const life: Story = {
  name: 'life',
  shortSeeds: 2,
  about:
    'whatever four people do in whatever order, every view is the fold of its log, and as_of answers what was answered then',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start({ partitions: 4 }), (world) => tell(options, findings, world));
  },
};

/** What was read at one moment, between two acts. */
interface Moment {
  readonly room: string;
  readonly eventId: string;
  readonly answers: ReadonlyMap<string, string>;
}

async function tell({ short, seed, say }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  // All nodes have one folder of files, as they must.
  const settings = {
    DATA_DIR: join(world.folder, 'data'),
    REDIS_URL: world.redis.url,
    WEBHOOK_ALLOW_PRIVATE: 'true',
  };
  const [, , projector] = await Promise.all([
    world.node(['api', 'gateway', 'projector'], settings),
    world.node(['api', 'gateway'], settings),
    world.node(['projector'], settings),
  ]);
  const bases = world.bases('api');
  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  const all = await people(bases, `p${seed}x`, PEOPLE);
  const [hooks, steady] = [await new HookTarget(random.fork()).open(), await new HookTarget(random.fork()).open()];
  for (const target of [hooks, steady]) world.atEnd(() => target.close());
  const stage = await setTheStage(random, bases, all, [hooks, steady]);
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
  const moments = await act(findings, stage, short ? COUNT.short : COUNT.long, say);
  over = true;
  findings.count('projectors killed', await killing);

  // Timers and reactors write too: what they still have to do must be done before the readers' ends are compared.
  for (let round = 0; round < 2; round += 1) {
    await reacted(findings, truth);
    await fired(findings, truth, { when: 'at the end', withinMs: FIRED_WITHIN_MS });
  }
  await settle(findings, truth, [], readers);
  // At once, since people who are gone are soon told to be offline. Nobody keeps a ledger of what was sent: the acts themselves were looked at one by one.
  await judge(findings, world, truth, ['invented']);
  await projected(findings, truth);
  await compareMoments(findings, stage, moments);
  await compareTimed(findings, truth);
  await compareDrafts(findings, stage);
  await judgeHooks(findings, truth, { room: stage.rooms[0]!, targets: [steady, hooks] });
  await compareViews(findings, world, truth);
}

async function setTheStage(
  random: Random,
  bases: readonly string[],
  all: readonly Person[],
  [hooks, steady]: readonly [HookTarget, HookTarget],
): Promise<Stage> {
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
  await make('/webhooks', { url: steady.url, events: ['message.sent'], conversation_id: rooms[0] });
  const messages = new Map(rooms.map((room) => [room, []]));
  return { random, bases, people: all, rooms, hookUrl: hooks.url, messages, made: new Map() };
}

async function reacted(findings: Findings, truth: Truth): Promise<void> {
  const behind = async () => {
    const lagging = await Promise.all(
      (await truth.groups()).map(async (group) => (await truth.lagging(group)).map((place) => `${group}: ${place}`)),
    );
    return lagging.flat();
  };
  if (await eventually(async () => (await behind()).length === 0, 40_000)) return;
  findings.expect(false, `the reactors do not come to an end: ${(await behind()).slice(0, 3).join(', ')}`);
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
  const moments: Moment[] = [];
  const done: Record<string, number> = {};
  for (let n = 1; n <= count; n += 1) {
    const actor = random.pick(stage.people);
    // The two who are watched stay in, or what they see could not be compared.
    const room = random.chance(0.6) ? stage.rooms[0]! : random.pick(stage.rooms);
    const request = random.pick(ACTS)(stage, actor, room);
    if (!request) continue;
    const { method, path } = request;
    if (path.endsWith('/leave') && stage.people.indexOf(actor) < 2) continue;
    const key = random.ulid();
    const first = await once(random.pick(bases), actor, request, key);
    const kind = `${method} ${path.replaceAll(/[0-9A-Z]{26}/g, '…').replace(/(reactions|invites)\/[^/]*/, '$1/…')}`;
    const outcome = first.status < 300 ? 'done' : 'refused';
    done[`${outcome}: ${kind}`] = (done[`${outcome}: ${kind}`] ?? 0) + 1;
    if (first.status >= 500) findings.expect(false, `${kind} answered ${first.status} ${JSON.stringify(first.body)}`);
    if (first.status < 300) request.note?.(first);
    if (first.status < 300 && random.chance(0.3)) await again(findings, stage, actor, request, key, first);
    if (n % Math.floor(count / MOMENTS) === 0) moments.push(await moment(stage, room));
    await sleep(random.between(0, 2 * PACE_MS));
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
  request: Request,
  key: string,
  first: Answer,
): Promise<void> {
  const { method, path } = request;
  const second = await once(random.pick(bases), actor, request, key);
  const [before, after] = [first, second].map((answer) => answer.headers.get('chat-event-id'));
  findings.expect(
    second.status === first.status && before === after,
    `${method} ${path} twice: ${first.status} ${before}, then ${second.status} ${after} ${JSON.stringify(second.body)}`,
  );
}

function once(base: string, { token }: Person, { method, path, body }: Request, key: string): Promise<Answer> {
  return call(base, method, path, {
    token,
    headers: { 'Idempotency-Key': key },
    ...(body === undefined ? {} : { body }),
  });
}

const READS = ['/messages?limit=100', '/messages?limit=100&order=asc', '/participants?limit=100', '/pins?limit=100'];

async function moment({ bases, people: all, random }: Stage, room: string): Promise<Moment> {
  const { token } = all[0]!;
  const last = async () => {
    const card = await call<{ last_event_id: string }>(random.pick(bases), 'GET', `/conversations/${room}`, { token });
    return card.body.last_event_id;
  };
  // What was planned comes in between: then it was no one moment.
  for (;;) {
    const eventId = await last();
    const answers = new Map<string, string>();
    for (const path of READS) answers.set(path, await read(random.pick(bases), token, `/conversations/${room}${path}`));
    if (eventId === (await last())) return { room, eventId, answers };
  }
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

async function compareTimed(findings: Findings, truth: Truth): Promise<void> {
  const { wrong, ended } = await judgeTimed(truth);
  for (const sentence of wrong.slice(0, 5)) findings.expect(false, sentence);
  for (const [kind, count] of Object.entries(ended)) findings.count(kind, count);
}

/** Of the two who stay. */
async function compareDrafts(findings: Findings, stage: Stage): Promise<void> {
  const { bases, people: all, rooms, random } = stage;
  for (const person of all.slice(0, 2)) {
    for (const room of rooms) {
      const { token } = person;
      const path = `/conversations/${room}/draft`;
      const { body } = await call<{ content?: string }>(random.pick(bases), 'GET', path, { token });
      const written = draftsOf(stage, person, room).at(-1) ?? '';
      const found = body.content ?? '';
      findings.expect(found === written, `the draft of ${person.name} is "${found}" and was left as "${written}"`);
    }
  }
}

/** The product's own proof, and every view made again from the logs. */
async function compareViews(findings: Findings, world: World, truth: Truth): Promise<void> {
  const models = await ReadModels.open(world.redis.url, world.partitions);
  try {
    for (const difference of (await models.differences()).slice(0, 5)) findings.expect(false, difference);
    let different = await rebuiltOtherwise(findings, truth, models);
    for (let looks = 1; different === undefined && looks < LOOKS; looks += 1)
      different = await rebuiltOtherwise(findings, truth, models);
    for (const difference of (different ?? ['somebody still writes']).slice(0, 5)) findings.expect(false, difference);
  } finally {
    models.close();
  }
}

/** What became of the views when they were made again; undefined where somebody wrote meanwhile, as that a person is offline by now. */
async function rebuiltOtherwise(
  findings: Findings,
  truth: Truth,
  models: ReadModels,
): Promise<readonly string[] | undefined> {
  await projected(findings, truth);
  const ends = async () =>
    [...(await truth.heads())]
      .map(([stream, id]) => `${stream} ${id}`)
      .toSorted()
      .join();
  const then = await ends();
  const before = await dumpViews(truth);
  await models.rebuild(findings.random);
  const different = differencesOf(before, await dumpViews(truth));
  return then === (await ends()) ? different : undefined;
}
