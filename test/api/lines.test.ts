/** Answers of any length: whole, or seen to be cut; and made for nobody who has gone. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { app } from '../../src/api/app.ts';
import { sendLines } from '../../src/api/lines.ts';

describe('lines as an answer', () => {
  let server: Server | undefined;
  const errors: unknown[] = [];
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    errors.length = 0;
  });

  async function serve(lines: () => AsyncGenerator<Buffer>): Promise<string> {
    const koa = app({
      trustedProxies: 0,
      origins: [],
      onError: (error) => errors.push(error),
      onAnswered: () => {},
      middleware: [async (ctx) => sendLines(ctx, { lines })],
    });
    const handle = koa.callback();
    server = createServer((request, response) => void handle(request, response));
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  it('come as they were made; a HEAD makes none', async () => {
    let made = 0;
    const base = await serve(async function* () {
      for (; made < 3; made += 1) yield Buffer.from(`{"n":${made}}\n`);
    });
    const head = await fetch(base, { method: 'HEAD' });
    expect([head.status, head.headers.get('Content-Type'), made]).to.deep.equal([200, 'application/x-ndjson', 0]);
    const answer = await fetch(base);
    expect(answer.headers.get('Content-Type')).to.equal('application/x-ndjson');
    expect(await answer.text()).to.equal('{"n":0}\n{"n":1}\n{"n":2}\n');
  });

  it('that fail half way are seen to be cut', async () => {
    const base = await serve(async function* () {
      yield Buffer.from('{"n":0}\n');
      throw new Error('Redis went away');
    });
    const whole = await fetch(base)
      .then((answer) => answer.text())
      .catch(() => 'cut');
    expect(whole).to.equal('cut');
    expect([...new Set(errors.map(String))]).to.deep.equal(['Error: Redis went away']);
  });

  it('end when the reader goes', async () => {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const base = await serve(async function* () {
      try {
        for (;;) yield Buffer.alloc(65_536, 10);
      } finally {
        end();
      }
    });
    const gone = new AbortController();
    const answer = await fetch(base, { signal: gone.signal });
    await answer.body!.getReader().read();
    gone.abort();
    await ended;
  });
});
