/** Taking out what the log holds of oneself: all of it, nothing of others, in parts that fit together, at the reader's pace. */
import { connect } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { ulid } from 'ulid';
import { ExportedLine } from '../../src/chat/export/contract.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import type { Json } from '../support/client.ts';
import { projected } from '../support/projecting.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { Node, User } from '../support/server.ts';
import { useWorld } from '../support/world.ts';
import { write } from '../support/writing.ts';

interface Line {
  readonly cursor: string;
  readonly event: Json & { readonly type: string; readonly conversation_id?: string; readonly user_id?: string };
}

const isLine = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(ExportedLine);

describe('an export of one’s own data', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let bob: User;
  let id: string;
  beforeEach(async () => {
    node = await startNode();
    [ada, bob] = [await register(node), await register(node)];
    id = await group(ada, bob);
  });

  const ask = (by: User, after?: string): Promise<Response> =>
    fetch(`${node.base}/api/v1/users/me/export${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`, {
      headers: { Authorization: `Bearer ${by.token}` },
    });
  async function textOf(by: User, after?: string): Promise<string> {
    const response = await ask(by, after);
    expect([response.status, response.headers.get('Content-Type')]).to.deep.equal([200, 'application/x-ndjson']);
    return response.text();
  }
  const linesIn = (text: string): Line[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const refused = async (by: User, after: string) => {
    const response = await ask(by, after);
    return [response.status, ((await response.json()) as Json)['code']];
  };
  const logOf = async (stream: StreamRef) =>
    (await world.log.readAfter(stream, '0-0')).map(({ json }) => JSON.parse(json.toString()) as Json);

  it('is the own log, then the own acts in every conversation that one ever was in, as the log has them', async () => {
    const path = `/conversations/${id}`;
    const { body: said } = await ada.rest.post<Json>(`${path}/messages`, { content: 'from ada' });
    await bob.rest.post(`${path}/messages`, { content: 'from bob' });
    await bob.rest.call('PUT', `${path}/messages/${String(said['id'])}/reactions/${encodeURIComponent('👍')}`);
    const { body: gone } = await bob.rest.post<{ id: string }>('/conversations', { type: 'channel', name: 'left' });
    await ada.rest.post(`/conversations/${gone.id}/join`);
    await ada.rest.post(`/conversations/${gone.id}/messages`, { content: 'and away' });
    await ada.rest.post(`/conversations/${gone.id}/leave`);
    // Each is told of what the other did, which stands in the own log too.
    await projected(world);
    for (const by of [ada, bob]) {
      const lines = linesIn(await textOf(by));
      for (const line of lines) expect(isLine(line), JSON.stringify([line, isLine.errors])).to.equal(true);
      const expected = await logOf(userStream(by.id));
      for (const one of [id, gone.id])
        expected.push(...(await logOf(conversationStream(one))).filter((event) => event['actor_id'] === by.id));
      expect(lines.map(({ event }) => event)).to.deep.equal(expected);
      expect(lines.every(({ event }) => event.user_id === by.id || event['actor_id'] === by.id)).to.equal(true);
    }
    const mine = await textOf(ada);
    expect(mine).to.include('from ada').and.include('and away').and.not.include('from bob');
    const eve = await register(node);
    expect(await textOf(eve))
      .to.include('user.registered')
      .and.not.include('from ');
  });

  it('has the place of what was deleted, and none of its words', async () => {
    const path = `/conversations/${id}/messages`;
    await ada.rest.post(path, { content: 'kept' });
    const { body } = await ada.rest.post<Json>(path, { content: 'secret one', metadata: { why: 'secret two' } });
    await ada.rest.call('PATCH', `${path}/${String(body['id'])}`, { content: 'secret three' });
    expect(await textOf(ada)).to.match(/secret one.*\n.*secret three/);
    await ada.rest.call('DELETE', `${path}/${String(body['id'])}`);
    const after = await textOf(ada);
    expect(after).to.include('kept').and.not.include('secret');
    expect(linesIn(after).filter(({ event }) => event.type === 'message.sent').length).to.equal(2);
  });

  it('goes on after any line with the very bytes that followed, also with what came in meanwhile', async () => {
    const other = await group(bob, ada);
    await write(world, ada, id, 130);
    await write(world, bob, id, 130);
    await write(world, ada, other, 7);
    const whole = await textOf(ada);
    const lines = whole.split('\n').slice(0, -1);
    expect(lines.length).to.be.greaterThan(140);
    for (let n = 1; n <= lines.length; n += n > 20 && n < lines.length - 12 ? 13 : 1) {
      const { cursor } = JSON.parse(lines[n - 1]!) as Line;
      expect(await textOf(ada, cursor), `after line ${n}`).to.equal(
        lines
          .slice(n)
          .map((line) => `${line}\n`)
          .join(''),
      );
    }
    // An older conversation that one came into only now is the last all the same.
    const { body: old } = await bob.rest.post<{ id: string }>('/conversations', { type: 'channel', name: 'old' });
    const last = (JSON.parse(lines.at(-1)!) as Line).cursor;
    await ada.rest.post(`/conversations/${old.id}/join`);
    await ada.rest.post(`/conversations/${old.id}/messages`, { content: 'new here' });
    const more = linesIn(await textOf(ada, last)).map(({ event }) => [event.conversation_id, event.type]);
    expect(more).to.deep.equal([
      [old.id, 'participant.added'],
      [old.id, 'message.sent'],
    ]);
  });

  it('refuses a cursor that is none, or of a conversation that the caller never was in, before the first byte', async () => {
    const cursorOf = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const foreign = await group(bob);
    const [event] = await write(world, bob, foreign);
    for (const wrong of [
      '',
      'x',
      cursorOf([]),
      cursorOf(['', 5]),
      cursorOf(['', 'x']),
      cursorOf([foreign, event]),
      cursorOf([ulid(), event]),
      cursorOf(['*', '0-1']),
    ])
      expect(await refused(ada, wrong), wrong).to.deep.equal([400, 'validation_failed']);
    for (const lost of [cursorOf(['', '5-77']), cursorOf([id, '5-2'])])
      expect(await refused(ada, lost), lost).to.deep.equal([409, 'conflict']);
    expect((await fetch(`${node.base}/api/v1/users/me/export`)).status).to.equal(401);
    const bot = await ada.rest.post<{ api_key: string }>('/bots', { username: 'a-bot' });
    expect(await refused({ ...ada, token: bot.body.api_key }, 'x')).to.deep.equal([403, 'forbidden']);
  });

  it('may be had so many times an hour', async () => {
    node = await startNode({ RATE_LIMIT_EXPORTS_PER_HOUR: '2' });
    for (let i = 0; i < 2; i += 1) await textOf(ada);
    const limited = await ask(ada);
    expect([limited.status, ((await limited.json()) as Json)['code']]).to.deep.equal([429, 'rate_limited']);
    expect(limited.headers.get('RateLimit-Policy')).to.equal('"exports";q=2;w=3600');
    await textOf(bob);
  });

  it('reads no further than a slow reader takes', async () => {
    const size = 1_500;
    const words = 'x'.repeat(16_000);
    for (let i = 0; i < size; i += 500)
      await Promise.all(
        Array.from({ length: 500 }, () => {
          const message_id = ulid();
          const rest = { reply_to: null, attachments: [], mentions: [], mentions_all: false, metadata: {} };
          const data = JSON.stringify({ message_id, content: words, message_type: 'text', ...rest });
          const args = { message_id, reply_to: '', rules: '', broken: '', data };
          return world.log.append({ script: 'message.send', stream: conversationStream(id), actorId: ada.id, args });
        }),
      );
    const reads = async () => {
      const info = await world.log.connection.commands.info('commandstats');
      return Number(/cmdstat_xrange:calls=(\d+)/.exec(info)?.[1] ?? 0);
    };
    const before = await reads();
    const socket = connect(Number(new URL(node.base).port), '127.0.0.1');
    socket.write(
      `GET /api/v1/users/me/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ada.token}\r\nConnection: close\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    // As long as the number of reads still grows the buffers of the two ends are being filled.
    let seen = -1;
    for (let now = await reads(); now !== seen; now = await reads()) {
      seen = now;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(seen - before, 'of 15 pages, for a reader who took none').to.be.lessThan(10);
    let rest = '';
    socket.setEncoding('latin1').on('data', (piece: string) => (rest += piece));
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(rest.split('"type":"message.sent"').length).to.be.greaterThan(size - 100);
    expect(rest.endsWith('0\r\n\r\n')).to.equal(true);
  });
});
