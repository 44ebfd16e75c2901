/** The README's examples do what the README says: they are taken from it and run as they stand, but for the port. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { group, register, useNodes } from './support/server.ts';
import { drawing } from './support/uploading.ts';
import { useWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

/** The first code block of a language, of the whole or below a heading. */
function example(language: string, heading = ''): string {
  const below = readme.slice(readme.indexOf(heading));
  return new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(below)![1]!;
}

/** Runs an example in JavaScript while something is done with what it serves. */
async function whileRunning(program: string, environment: Record<string, string>, work: () => Promise<void>) {
  const args = ['--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...environment }, stdio: 'inherit' });
  try {
    await work();
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

/** Runs a program until its output holds all of the texts; rejects with the output otherwise. */
function runUntil(
  command: string,
  args: string[],
  environment: Record<string, string>,
  texts: readonly string[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...environment } });
    let output = '';
    const end = (settle: () => void) => {
      clearTimeout(late);
      child.removeAllListeners();
      child.kill('SIGKILL');
      settle();
    };
    const late = setTimeout(() => end(() => reject(new Error(`not in time: ${output}`))), 15_000);
    const take = (bytes: Buffer) => {
      output += bytes.toString();
      if (texts.every((text) => output.includes(text))) end(() => resolve(output));
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => end(() => reject(error)));
    child.on('exit', (code) => end(() => reject(new Error(`ended with ${code}: ${output}`))));
  });
}

/** A Python that has the package of the example. */
function python(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((command) => {
    try {
      execFileSync(command, ['-c', 'import websocket'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

describe('the README', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const expected = ['"session.ready"', '"message.sent"', '"ack"', '"content":"hello"'];

  async function setting() {
    const node = await startNode();
    const ada = await register(node);
    return { port: new URL(node.base).port, environment: { TOKEN: ada.token, ID: await group(ada) } };
  }

  it('its JavaScript client says hello and hears it', async () => {
    const node = await startNode();
    const ID = await group(await register(node, 'ada'));
    const program = example('js').replaceAll('localhost:8000', new URL(node.base).host);
    await runUntil(process.execPath, ['--input-type=module', '-e', program], { ID }, ['heard: hello', 'sent: 0']);
  });

  it('its Python client says hello and sees it', async function () {
    const command = python();
    if (command === undefined) {
      if (process.env['CI']) throw new Error('python3-websocket must be installed in CI');
      console.log('      left out: no Python with websocket-client here');
      return this.skip();
    }
    const { port, environment } = await setting();
    const program = example('python').replaceAll('localhost:8000', `127.0.0.1:${port}`);
    await runUntil(command, ['-u', '-c', program], environment, expected);
  });

  it('its bot answers who asks it', async () => {
    const node = await startNode();
    const ada = await register(node);
    const id = await group(ada);
    const { body } = await ada.rest.post<{ bot: { id: string }; api_key: string }>('/bots', { username: 'echo' });
    await ada.rest.post(`/conversations/${id}/participants`, { user_ids: [body.bot.id] });
    const socket = await ada.socket();
    const isOnline = (frame: { type: string }) => frame.type === 'presence.changed';
    await socket.command('presence.watch', { user_ids: [body.bot.id] });
    const program = example('js', '## A bot that answers').replaceAll('localhost:8000', new URL(node.base).host);
    await whileRunning(program, { API_KEY: body.api_key }, async () => {
      await socket.frame((frame) => isOnline(frame) && frame.user_id === body.bot.id, 'the bot');
      await ada.rest.post(`/conversations/${id}/messages`, { content: '/echo good morning' });
      await socket.frame(
        ({ type, data }) => type === 'message.sent' && data['content'] === 'good morning',
        'the answer',
      );
    });
  });

  it('its search finds what was said', async () => {
    const { port, environment } = await setting();
    const said = { content: 'hello' };
    await fetch(`http://127.0.0.1:${port}/api/v1/conversations/${environment.ID}/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${environment.TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(said),
    });
    const line = /^curl .*search.*$/m.exec(readme)![0].replace('localhost:8000', `127.0.0.1:${port}`);
    const options = { env: { ...process.env, ...environment } };
    const { stdout } = await promisify(execFile)('sh', ['-c', `${line} 2>/dev/null`], options);
    const { items } = JSON.parse(stdout) as { items: object[] };
    expect(items).to.have.length(1);
    expect(items[0]).to.deep.include({ snippet: 'hello', highlights: [[0, 5]] });
  });

  it('its rules refuse links to all but the owner', async () => {
    const { port, environment } = await setting();
    const line = /^curl .*rules$/m.exec(readme)![0].replace('localhost:8000', `127.0.0.1:${port}`);
    const options = { env: { ...process.env, ...environment } };
    const { stdout } = await promisify(execFile)('sh', ['-c', `${line} 2>/dev/null`], options);
    expect(JSON.parse(stdout)).to.deep.equal({ blocklist: false, words: ['spam*'], links: false, max_mentions: null });
  });

  it('its picture is uploaded and sent by the curl lines', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rill-readme-'));
    try {
      const node = await startNode({ DATA_DIR: folder });
      const ada = await register(node);
      const id = await group(ada);
      await writeFile(join(folder, 'picture.png'), await drawing());
      const lines = example('bash').replaceAll('localhost:8000', new URL(node.base).host);
      const env = { ...process.env, TOKEN: ada.token, ID: id };
      const { stdout } = await promisify(execFile)('bash', ['-c', lines], { cwd: folder, env });
      const [message, attachment] = stdout.replace('}{', '}\n{').split('\n') as [string, string];
      expect(JSON.parse(message)).to.deep.include({ message_type: 'image', content: '' });
      const { url, content_type } = JSON.parse(attachment) as { url: string; content_type: string };
      expect(content_type).to.equal('image/png');
      expect((await fetch(node.base + url)).status).to.equal(200);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('its invite lets somebody in, who votes in its poll', async () => {
    const node = await startNode();
    const [ada, bob] = [await register(node), await register(node)];
    const id = await group(ada);
    const lines = example('bash', '## An invite and a poll').replaceAll('localhost:8000', new URL(node.base).host);
    const env = { ...process.env, TOKEN: ada.token, OTHER: bob.token, ID: id };
    const { stdout } = await promisify(execFile)('bash', ['-c', lines], { env });
    const [joined, poll] = stdout.replace('}{', '}\n{').split('\n') as [string, string];
    expect(JSON.parse(joined)).to.include({ id, member_count: 2 });
    const { question, options, voters, own_vote } = JSON.parse(poll) as Record<string, unknown>;
    expect({ question, options, voters, own_vote }).to.deep.equal({
      question: 'Lunch?',
      options: [
        { text: 'soup', votes: 0 },
        { text: 'salad', votes: 1 },
      ],
      voters: 1,
      own_vote: [1],
    });
  });

  it('its consumer counts messages per hour', async () => {
    const node = await startNode();
    const ada = await register(node);
    await ada.rest.post(`/conversations/${await group(ada)}/messages`, { content: 'hello' });
    const path = `${root}.cache/readme-consumer.ts`;
    writeFileSync(path, example('ts', '## Read the log'));
    const where = { ...world.environment, TSX_TSCONFIG_PATH: `${root}tsconfig.test.json` };
    await runUntil(process.execPath, ['--import', 'tsx', path], where, [': 1 }']);
  });

  it('its line of all events shows them', async () => {
    const node = await startNode({ ADMIN_USERNAMES: 'root' });
    const admin = await register(node, 'root');
    const id = await group(admin);
    await admin.rest.post(`/conversations/${id}/messages`, { content: 'hello' });
    const line = example('sh', '## Read the log').replaceAll('localhost:8000', new URL(node.base).host);
    await runUntil('bash', ['-c', line], { ADMIN: admin.token }, ['"content":"hello"', '"cursor":"']);
  });

  it('its first user is registered by the curl line', async () => {
    const { port } = await setting();
    const line = /^curl .*$/m.exec(readme)![0].replace('localhost:8000', `127.0.0.1:${port}`);
    const { stdout } = await promisify(execFile)('sh', ['-c', `${line} 2>/dev/null`]);
    const answer = JSON.parse(stdout) as object;
    expect(answer).to.have.keys('user', 'access_token', 'refresh_token', 'token_type', 'expires_in');
  });
});
