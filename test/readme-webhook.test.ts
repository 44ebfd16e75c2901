/** The README's receiver of webhooks takes what the server signed and nothing else: it is run as it stands there. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { freePort, until } from '../src/redis/redis-server.ts';
import { group, register, useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const [, below = ''] = readFileSync(`${root}README.md`, 'utf8').split('## A webhook that is verified');
const program = /```js\n([\s\S]*?)```/.exec(below)![1]!;

describe('the README’s receiver of webhooks', () => {
  const world = useWorld();
  const startNode = useNodes(world);

  it('takes what a webhook brings, and nothing that somebody else signed', async () => {
    const node = await startNode({ WEBHOOK_ALLOW_PRIVATE: 'true' });
    const ada = await register(node);
    const id = await group(ada);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const { body } = await ada.rest.post<{ secret: string }>('/webhooks', { url, events: ['message.sent'] });
    const env = { ...process.env, SECRET: body.secret, PORT: String(port) };
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: root, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
    const said = (line: string) => until(`"${line}" is said`, () => output.split('\n').includes(line));
    try {
      await said('ready');
      const headers = { 'Chat-Signature': `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}` };
      const forged = await fetch(url, { method: 'POST', headers, body: '{"data":{"content":"forged"}}' });
      expect(forged.status).to.equal(401);
      await ada.rest.post(`/conversations/${id}/messages`, { content: 'a signed message' });
      await said('a signed message');
    } finally {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
  });
});
