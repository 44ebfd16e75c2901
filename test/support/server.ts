/** A whole node in this process, on a suite's Redis, at a free port; and users to try it with. */
import { UNLIMITED } from '../../scripts/unlimited.ts';
import { readConfig } from '../../src/config.ts';
import { start } from '../../src/server.ts';
import type { RunningServer } from '../../src/server.ts';
import type { World } from './world.ts';
import { keep, wrote } from './canary.ts';
import { Rest, Socket } from './client.ts';

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface Node {
  readonly base: string;
  readonly warnings: string[];
  /** Every line of the log. */
  readonly lines: Line[];
  stop(): Promise<void>;
}

export interface User {
  readonly id: string;
  readonly token: string;
  readonly refreshToken: string;
  readonly rest: Rest;
  socket(query?: string, node?: Node): Promise<Socket>;
}

export const SECRET = 'a secret for tests, of more than 32 characters';
keep(SECRET);

const TEST_SETTINGS = {
  PORT: '0',
  HOST: '127.0.0.1',
  PARTITIONS: '4',
  SECRET_KEY: SECRET,
  PASSWORD_HASH_COST: '4',
  // Most suites count conversations.
  DEFAULT_CHANNELS: '',
  ...UNLIMITED,
  // Whatever floods is cut off in tests, too.
  WS_MAX_FRAMES_PER_SECOND: '100',
};

/** Starts a node; it is stopped after the test. */
export function useNodes(world: World): (settings?: Record<string, string>) => Promise<Node> {
  const running: RunningServer[] = [];
  const sockets: (() => void)[] = [];
  afterEach(async () => {
    for (const end of sockets.splice(0)) end();
    await Promise.all(running.splice(0).map((server) => server.stop()));
  });
  return async (settings = {}) => {
    const warnings: string[] = [];
    const lines: Line[] = [];
    const say =
      (level: string) =>
      (message: string, fields: Record<string, unknown> = {}) => {
        lines.push({ level, message, fields });
        wrote(JSON.stringify({ level, message, ...fields }));
        if (level === 'warn' || level === 'error') warnings.push(`${message} ${JSON.stringify(fields)}`);
      };
    const config = readConfig({ ...TEST_SETTINGS, ...world.environment, ...settings });
    const debug = config.LOG_LEVEL === 'debug' ? say('debug') : undefined;
    const server = await start(config, { info: say('info'), warn: say('warn'), error: say('error'), debug });
    running.push(server);
    return {
      base: `http://127.0.0.1:${server.port}`,
      warnings,
      lines,
      async stop() {
        running.splice(running.indexOf(server), 1);
        await server.stop();
      },
    };
  };
}

let count = 0;

export async function register(node: Node, username = `user${(count += 1)}`): Promise<User> {
  const { status, body } = await new Rest(node.base).post('/auth/register', { username, password: 'correct horse' });
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  const token = String(body['access_token']);
  return {
    id: String((body['user'] as { id: string }).id),
    token,
    refreshToken: String(body['refresh_token']),
    rest: new Rest(node.base, token),
    socket: (query = '', at = node) => Socket.open(at.base, token, query),
  };
}

/** A group of these users; the first owns it. */
export async function group(owner: User, ...others: User[]): Promise<string> {
  const body = { type: 'group', name: 'a group', participant_ids: others.map((user) => user.id) };
  const reply = await owner.rest.post('/conversations', body);
  if (reply.status !== 201) throw new Error(`group: ${reply.status} ${JSON.stringify(reply.body)}`);
  return String(reply.body['id']);
}
