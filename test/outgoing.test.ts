/** Calls to addresses that users name: none reaches the own network, whatever a name or a redirect says, and none waits for long. */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { CallFailed, isPublic, Outgoing } from '../src/outgoing.ts';
import type { OutgoingOptions } from '../src/outgoing.ts';

describe('outgoing calls', () => {
  const servers: Server[] = [];
  afterEach(() =>
    Promise.all(
      servers.splice(0).map(
        (server) =>
          new Promise((done) => {
            server.close(done);
            server.closeAllConnections();
          }),
      ),
    ),
  );

  async function target(listener: RequestListener, host = '127.0.0.1'): Promise<number> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, host, done));
    return (server.address() as AddressInfo).port;
  }
  const outgoing = (options: Partial<OutgoingOptions> = {}) =>
    new Outgoing({ allowPrivate: false, isAllowed: (address) => address === '127.0.0.1', ...options });
  const post = (to: Outgoing, url: string, text = '{}') =>
    to.post({ url, headers: { 'Content-Type': 'application/json' }, body: Buffer.from(text) });
  const failure = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(
      () => 'did not fail',
      (e: unknown) => e,
    );
    if (!(error instanceof CallFailed)) throw error;
    return error.message;
  };
  const bodyOf = async (request: IncomingMessage) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
  };

  it('carry method, headers and body, and bring the status back', async () => {
    const seen: string[] = [];
    const port = await target((request, response) => {
      void bodyOf(request).then((body) => {
        seen.push(
          `${request.method} ${request.url} ${request.headers['content-type']} ${request.headers.host} ${body}`,
        );
        response.writeHead(202).end('thanks');
      });
    });
    expect(await post(outgoing(), `http://127.0.0.1:${port}/in?x=1`, '{"a":"ü"}')).to.equal(202);
    expect(seen).to.deep.equal([`POST /in?x=1 application/json 127.0.0.1:${port} {"a":"ü"}`]);
  });

  it('go to the address that was looked at, though the name says another one by then', async () => {
    let asked = 0;
    const port = await target((request, response) => response.end(request.headers.host));
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']);
    expect(await post(outgoing({ resolve }), `http://rebinding.invalid:${port}/`)).to.equal(200);
    expect(asked).to.equal(1);
    expect(await failure(post(outgoing({ resolve }), `http://rebinding.invalid:${port}/`))).to.equal(
      'the address is private',
    );
  });

  it('reach no private address: by number, by name, or as one of several', async () => {
    let reached = 0;
    const port = await target((_, response) => {
      reached += 1;
      response.end();
    });
    const strict = new Outgoing({ allowPrivate: false });
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '0x7f.1'])
      expect(await failure(post(strict, `http://${host}:${port}/`)), host).to.match(/private|no address|ENOTFOUND/);
    const mixed = new Outgoing({ allowPrivate: false, resolve: async () => ['93.184.215.14', '127.0.0.1'] });
    expect(await failure(post(mixed, `http://mixed.invalid:${port}/`))).to.equal('the address is private');
    expect(reached).to.equal(0);
    expect(await post(new Outgoing({ allowPrivate: true }), `http://127.0.0.1:${port}/`)).to.equal(200);
    const inside = [
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      'fd00::1',
      'fe80::1',
      '::',
      '',
    ];
    const beside = ['64:ff9b::7f00:1', '2002:7f00:1::', '192.0.2.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'];
    for (const address of [...inside, ...beside]) expect(isPublic(address), address).to.equal(false);
    for (const address of ['93.184.215.14', '2606:4700::1111']) expect(isPublic(address), address).to.equal(true);
  });

  it('follow a redirect that keeps the method, look at it as at the first, and go round in no circle', async () => {
    let inside = 0;
    const secret = await target((_, response) => {
      inside += 1;
      response.end();
    }, '127.0.0.2');
    const port = await target((request, response) => {
      const to: Record<string, string> = {
        '/once': '/end',
        '/inside': `http://127.0.0.2:${secret}/`,
        '/round': '/round',
        '/file': 'file:///etc/passwd',
      };
      if (request.url === '/found') return response.writeHead(302, { Location: `http://127.0.0.2:${secret}/` }).end();
      const location = to[request.url ?? ''];
      if (location === undefined) response.writeHead(204).end();
      else response.writeHead(307, { Location: location }).end();
    });
    const at = (path: string) => post(outgoing(), `http://127.0.0.1:${port}${path}`);
    expect(await at('/once')).to.equal(204);
    expect(await failure(at('/inside'))).to.equal('the address is private');
    expect(await failure(at('/round'))).to.equal('too many redirects');
    expect(await failure(at('/file'))).to.equal('only http and https are called');
    expect(await at('/found')).to.equal(302);
    expect(inside).to.equal(0);
  });

  it('end where a target hangs, drips, says too much or is not there', async function () {
    this.timeout(15_000);
    const port = await target((request, response) => {
      if (request.url === '/hang') return;
      response.writeHead(200);
      if (request.url === '/flood') {
        const more = () =>
          void (response.write('x'.repeat(65_536)) ? setImmediate(more) : response.once('drain', more));
        response.on('error', () => {});
        more();
      } else {
        const dripping = setInterval(() => response.write('x'), 100);
        response.on('close', () => clearInterval(dripping));
      }
    });
    const at = (path: string) => post(outgoing(), `http://127.0.0.1:${port}${path}`);
    const never = outgoing({ resolve: () => new Promise(() => {}) });
    const [hang, drip, lost, flood, closed] = await Promise.all([
      failure(at('/hang')),
      failure(at('/drip')),
      failure(post(never, 'http://lost.invalid/')),
      at('/flood'),
      failure(post(outgoing(), 'http://127.0.0.1:1/')),
    ]);
    for (const reason of [hang, drip, lost]) expect(reason).to.equal('no answer within 4 seconds');
    expect(flood).to.equal(200);
    expect(closed).to.equal('ECONNREFUSED');
  });
});
