/** The recipes of docs/operations.md do what they say: each is taken from there and run in a shell, with the redis-cli that operators have. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { conversationStream } from '../src/keys.ts';
import { projected } from './support/projecting.ts';
import { pathWithRedisCli } from './support/redis-cli.ts';
import { group, register, useNodes } from './support/server.ts';
import type { User } from './support/server.ts';
import { useWorld } from './support/world.ts';

const path = await pathWithRedisCli();

const page = readFileSync(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');
const section = page.slice(page.indexOf('<!-- recipes -->'), page.indexOf('<!-- /recipes -->'));
/** By the first words of what stands above each. */
const recipes = [...section.matchAll(/([^\n]+(?:\n[^\n]+)*)\n\n```sh\n([\s\S]*?)```/g)].map(
  ([, about = '', lines = '']) => ({ about, lines }),
);

describe('recipes with redis-cli', function () {
  this.timeout(30_000);
  const world = useWorld();
  const startNode = useNodes(world);
  let [ada, bob] = [] as unknown as [User, User];
  let room: string;
  let first: string;

  before(function () {
    if (path === undefined) this.skip();
  });
  beforeEach(async () => {
    const node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    room = await group(ada, bob);
    for (const content of ['one', 'two', 'three']) {
      const { body } = await ada.rest.post(`/conversations/${room}/messages`, { content });
      if (content === 'one') first = String(body['event_id']);
    }
    await projected(world);
  });

  /** Runs a recipe after the one that finds the keys. */
  async function run(about: string): Promise<string[]> {
    const recipe = recipes.find((one) => one.about.startsWith(about));
    if (!recipe) throw new Error(`there is no recipe about ${about}`);
    const url = new URL(world.environment['REDIS_URL']!);
    const own = `redis-cli() { command redis-cli -h ${url.hostname} -p ${url.port} "$@"; }`;
    const script = ['set -eu', own, recipes[0]!.lines.replace('echo "$LOG"', ''), recipe.lines].join('\n');
    const env = {
      PATH: path!,
      CONVERSATION: room,
      USER_ID: bob.id,
      EVENT: first,
      GROUP: 'mine',
    };
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { env });
    return stdout.split('\n').filter(Boolean);
  }

  const key = (name: string) => world.log.keys.of(conversationStream(room), name);

  it('there is one for each question, and each is tried here', () => {
    const source = readFileSync(fileURLToPath(import.meta.url), 'utf8');
    const tried = [...source.matchAll(/run\('([^']+)'\)/g)].map((match) => match[1]!);
    const untried = recipes.filter(({ about }) => !tried.some((words) => about.startsWith(words)));
    expect(recipes).to.have.length(10);
    expect(untried.map(({ about }) => about)).to.deep.equal([]);
  });

  it('find the keys, tell who is in, the last events, and what a user did', async () => {
    expect(await run('Where a conversation is')).to.deep.equal([key('log')]);
    expect(await run('Who is in a conversation')).to.include.members([ada.id, bob.id]);
    const events = (await run('The last events')).filter((line) => line.startsWith('{'));
    // Four in all by the first and by the second line, two after the first message by the third.
    expect(events.map((line) => (JSON.parse(line) as { type: string }).type)).to.have.length(4 + 4 + 2);
    await bob.rest.post(`/conversations/${room}/messages`, { content: 'from bob' });
    const did = await run('What a user did');
    expect(did.some((line) => line.includes('"type":"user.registered"'))).to.equal(true);
    expect(did.at(-1)).to.include('from bob');
  });

  it('follow live', async () => {
    const following = run('Follow live what happens');
    let isOver = false;
    void following.finally(() => (isOver = true)).catch(() => {});
    while (!isOver) await ada.rest.post(`/conversations/${room}/messages`, { content: 'live' });
    expect((await following).some((line) => line.includes('"content":"live"'))).to.equal(true);
  });

  it('tell how far groups are, what is pending, and whether anything is parked', async () => {
    const [head, ...checkpoints] = await run('How far each group is behind');
    expect(checkpoints[checkpoints.indexOf('views') + 1]).to.equal(head);
    await world.log.connection.commands.xgroup('CREATE', key('feed'), 'mine', '0');
    await world.log.connection.commands.xreadgroup('GROUP', 'mine', 'me', 'COUNT', 2, 'STREAMS', key('feed'), '>');
    const pending = await run('Pending entries');
    expect(pending.slice(-5)[0]).to.equal('2');
    expect(new Set(await run('Is anything parked'))).to.deep.equal(new Set(['-']));
    await world.log.connection.commands.hset(key('parked'), 'history:v2 conversation x', '{"error":"why"}');
    expect(await run('Is anything parked')).to.include('{"error":"why"}');
  });

  it('count what is not read as the server does, and weigh a room', async () => {
    const unread = async () => {
      const { body } = await bob.rest.get<{ unread_count: number }>(`/conversations/${room}`);
      return [String(body.unread_count)];
    };
    expect(await run('How much a user has not read')).to.deep.equal(await unread());
    await bob.rest.post(`/conversations/${room}/read`, {});
    expect(await run('How much a user has not read')).to.deep.equal(['0']);
    const { body } = await ada.rest.post(`/conversations/${room}/messages`, { content: 'four' });
    await bob.rest.post(`/conversations/${room}/read`, {});
    await bob.rest.post(`/conversations/${room}/unread`, { from: String(body['id']) });
    expect(await run('How much a user has not read')).to.deep.equal(await unread());
    const costs = await run('How much a room costs');
    expect(costs.find((line) => line.endsWith(` ${key('log')}`))).to.match(/^\d{3,} /);
    expect(costs.some((line) => line.includes(':view:history:'))).to.equal(true);
  });
});
