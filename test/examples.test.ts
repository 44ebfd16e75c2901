/** The programs under `examples` as a stranger runs them, over a server that goes and comes. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { until } from '../src/redis/redis-server.ts';
import type { Socket } from './support/client.ts';
import { group, register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { useWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

interface Bot {
  readonly id: string;
  readonly conversation: string;
  readonly environment: Record<string, string>;
}

/** Runs a program while something is done, and answers what it printed. */
async function whileRunning(
  command: string,
  args: readonly string[],
  environment: Record<string, string>,
  work: (output: () => string) => Promise<void>,
): Promise<void> {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  try {
    await work(() => output);
  } catch (error) {
    throw new Error(`${(error as Error).message}; the program said: ${output.slice(-2_000)}`, { cause: error });
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

describe('the examples', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let folder: string;
  const running = `the bot is connected`;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rill-examples-'));
    node = await startNode();
    ada = await register(node);
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function bot(): Promise<Bot> {
    const conversation = await group(ada);
    const { body } = await ada.rest.post<{ bot: { id: string }; api_key: string }>('/bots', { username: 'robot' });
    await ada.rest.post(`/conversations/${conversation}/participants`, { user_ids: [body.bot.id] });
    const environment = { URL: node.base, API_KEY: body.api_key, OUTBOX: join(folder, 'unsent.json') };
    return { id: body.bot.id, conversation, environment };
  }

  const said = (socket: Socket, { id, conversation }: Bot): string[] =>
    socket
      .events(conversation)
      .flatMap(({ type, data, ...event }) =>
        type === 'message.sent' && (event as unknown as { actor_id: string }).actor_id === id
          ? [String(data['content'])]
          : [],
      );
  const say = (content: string, { conversation }: Bot) =>
    ada.rest.post(`/conversations/${conversation}/messages`, { content });
  const lives = (output: () => string): number => output().match(/^live$/gm)?.length ?? 0;

  it('the bot in Python answers each message once and in order, also those of while the server was away', async function () {
    const python = ['python3', '/usr/bin/python3'].find((command) => {
      try {
        execFileSync(command, ['-c', 'import websocket'], { stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    });
    if (python === undefined) {
      if (process.env['CI']) throw new Error('python3-websocket must be installed in CI');
      console.log('      left out: no Python with websocket-client here');
      return this.skip();
    }
    const robot = await bot();
    await whileRunning(python, ['-u', 'examples/python/bot.py'], robot.environment, async (output) => {
      await until(running, () => lives(output) === 1);
      const first = await ada.socket();
      for (const n of [1, 2, 3]) await say(`/echo ${n}`, robot);
      await first.until(() => said(first, robot).length === 3, 'three answers');
      expect(said(first, robot)).to.deep.equal(['1', '2', '3']);
      const { port } = new URL(node.base);
      await node.stop();
      node = await startNode({ PORT: port });
      const socket = await ada.socket();
      for (const n of [4, 5]) await say(`/echo ${n}`, robot);
      await say('/count', robot);
      await socket.until(() => said(socket, robot).length === 3, 'three more');
      expect(said(socket, robot)).to.deep.equal(['4', '5', 'I have heard 6 messages']);
      expect(lives(output)).to.equal(2);
      const { OUTBOX } = robot.environment;
      await until('its outbox is empty', async () => (await readFile(OUTBOX!, 'utf8')) === '[]');
    });
    // What was said while it did not run it hears when it runs again.
    await say('/echo 7', robot);
    const socket = await ada.socket();
    await whileRunning(python, ['-u', 'examples/python/bot.py'], robot.environment, async () => {
      await socket.until(() => said(socket, robot).includes('7'), 'the answer');
    });
  });

  it('the bot in TypeScript throws dice, and hears what was said while it was away', async () => {
    const robot = await bot();
    const args = ['--import', 'tsx', 'examples/typescript/dice.ts'];
    const socket = await ada.socket();
    await whileRunning(process.execPath, args, robot.environment, async (output) => {
      await until(running, () => lives(output) === 1);
      await say('/roll 2d6', robot);
      await say('/roll 0d6', robot);
      await socket.until(() => said(socket, robot).length === 1, 'the dice');
      expect(said(socket, robot)[0]).to.match(/^[1-6] \+ [1-6] = \d+$/);
    });
    await say('/roll 1d1', robot);
    await whileRunning(process.execPath, args, robot.environment, async () => {
      await socket.until(() => said(socket, robot).includes('1 = 1'), 'what was asked meanwhile');
    });
    expect(said(socket, robot).length).to.equal(2);
  });

  it('the activity in Python and the messages a day in TypeScript have each message once, also those of while they were away', async function () {
    this.timeout(90_000);
    node = await startNode({ ADMIN_USERNAMES: 'root' });
    const admin = await register(node, 'root');
    const conversation = await group(ada);
    const send = (content: string) => ada.rest.post(`/conversations/${conversation}/messages`, { content });
    const database = join(folder, 'activity.db');
    const counted = () => {
      const query = 'import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); print(d.execute(sys.argv[2]).fetchall())';
      const ask = (sql: string) => execFileSync('python3', ['-c', query, database, sql]).toString().trim();
      return [ask('SELECT sum(messages) FROM messages_per_hour'), ask('SELECT max(users) FROM daily_active_users')];
    };
    const rows = async () => {
      const files = (await readdir(folder)).filter((name) => name.endsWith('.csv'));
      const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
      return texts.flatMap((text) => text.trim().split('\n').slice(1));
    };
    const environment = { ...world.environment, URL: node.base, TOKEN: admin.token };
    const tsx = { ...environment, TSX_TSCONFIG_PATH: join(root, 'tsconfig.test.json') };
    const csv = ['--import', 'tsx', 'examples/typescript/messages-a-day.ts', folder];
    for (const total of [2, 4]) {
      await send('one');
      await send('two');
      await whileRunning('python3', ['examples/python/activity.py', database], environment, () =>
        whileRunning(process.execPath, csv, tsx, async () => {
          await until('the file has them', async () => (await rows()).length === total, 40_000);
          await until('the database has them', () => existsSync(database) && counted()[0] === `[(${total},)]`, 40_000);
        }),
      );
    }
    expect(counted()).to.deep.equal(['[(4,)]', '[(1,)]']);
    expect((await rows())[3]).to.match(new RegExp(`^[^,]{24},${conversation},5,${ada.id},3$`));
  });
});
