/** The documents for machines: nothing is wrong with them, nothing is missing, and what would break a client is told by its name. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { breakages } from '../scripts/documents/breakages.ts';
import { documents } from '../scripts/documents/made.ts';
import { isOfUser } from '../src/chat/vocabulary.ts';
import { events, signals } from '../src/chat/index.ts';
import { closeCodes } from '../src/errors.ts';
import { sessionCommands } from '../src/gateway/contract.ts';
import { useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly responses: Record<string, object>;
}
interface Channel {
  readonly 'x-close-codes': readonly { readonly code: number }[];
  readonly 'x-handshake-errors': readonly { readonly status: number }[];
}
interface Socket {
  readonly channels: Record<string, Channel>;
  readonly components: { readonly messages: Record<string, object> };
}

/** What is used of `@asyncapi/parser`, which takes seconds to load: only where it is asked for. */
interface AsyncApi {
  readonly Parser: new () => {
    parse(document: string): Promise<{
      readonly document?: { messages(): { readonly length: number } };
      readonly diagnostics: readonly { readonly code: string; readonly message: string; readonly path: string[] }[];
    }>;
  };
}

const needed = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../', import.meta.url));

/** What a program of a package prints, whatever it says by its exit code. */
function printed(program: string, args: readonly string[]): Promise<string> {
  const environment = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const child = spawn(process.execPath, [program, ...args], { cwd: root, env: environment });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  return new Promise((resolve, reject) => child.once('error', reject).once('close', () => resolve(text)));
}

describe('the documents for machines', () => {
  const made = documents();
  const openapi = made['openapi.json'] as {
    paths: Record<string, Record<string, Operation>>;
    tags: { name: string }[];
  };
  const asyncapi = made['asyncapi.json'] as Socket;
  const operations = Object.values(openapi.paths).flatMap((methods) => Object.values(methods));

  it('redocly lint finds nothing, of examples neither', async function () {
    this.timeout(60_000);
    const cli = needed.resolve('@redocly/cli/bin/cli.js');
    const text = await printed(cli, ['lint', 'docs/openapi.json', '--format=json']);
    const { totals, problems } = JSON.parse(text) as { totals: object; problems: { message: string }[] };
    expect(problems.map(({ message }) => message)).to.deep.equal([]);
    expect(totals).to.include({ errors: 0, warnings: 0 });
  });

  it('the AsyncAPI parser finds nothing, but that there is a newer version', async function () {
    this.timeout(60_000);
    const { Parser } = needed('@asyncapi/parser') as AsyncApi;
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncapi));
    const found = diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version');
    expect(found.map(({ message, path }) => `${path.join('/')}: ${message}`)).to.deep.equal([]);
    expect(document!.messages().length).to.be.greaterThan(100);
  });

  it('every operation has a name of its own, one area, a summary, an answer and its refusals', () => {
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).to.equal(names.length);
    const areas = openapi.tags.map(({ name }) => name);
    for (const { operationId, tags, summary, responses } of operations) {
      expect(tags.length, operationId).to.equal(1);
      expect(areas).to.include(tags[0]);
      expect(summary, operationId).to.match(/^.{3,200}$/);
      const statuses = Object.keys(responses);
      expect(
        statuses.some((status) => status.startsWith('2')),
        operationId,
      ).to.equal(true);
      expect(statuses, operationId).to.include.members(['400', '429', '500', '503']);
    }
    expect(areas.filter((area) => !operations.some(({ tags }) => tags.includes(area)))).to.deep.equal([]);
  });

  it('every event, signal, command of the session and close code is in the document of the WebSocket', () => {
    const messages = Object.keys(asyncapi.components.messages);
    expect(messages).to.include.members([
      ...events.map(({ type }) => type),
      ...signals.map(({ type }) => type),
      ...sessionCommands.keys(),
      'error',
      'pong',
      'session.ready',
      'session.resumed',
      'sync.reset',
      'event.withheld',
      'message.send.ack',
    ]);
    for (const channel of Object.values(asyncapi.channels)) {
      expect(channel['x-close-codes'].map(({ code }) => code)).to.deep.equal(Object.values(closeCodes));
      expect(channel['x-handshake-errors'].map(({ status }) => status)).to.include.members([400, 401, 403, 426, 429]);
    }
  });

  it('an event is of a user where what was stored says so', () => {
    const golden = new URL('./golden/', import.meta.url);
    for (const name of readdirSync(golden)) {
      const event = JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { type: string; user_id?: string };
      expect(isOfUser(event.type), event.type).to.equal(event.user_id !== undefined);
    }
  });

  describe('what breaks clients', () => {
    const SEND = 'paths > /api/v1/conversations/{conversation_id}/messages > post';
    const LIST = 'paths > /api/v1/conversations/{conversation_id}/messages > get';
    const BODY = `${SEND} > requestBody > content > application/json > schema`;
    const MESSAGE = 'components > schemas > Message';
    const SENT = 'components > messages > message.sent > payload > properties > data';
    const path = '/api/v1/conversations/{conversation_id}/messages';
    type Node = Record<string, unknown>;
    type Change = (document: Node) => void;

    /** The part of a document at a place, and by what name the part above has it. */
    function placeIn(document: Node, place: string): [Node, string] {
      const names = place.split(' > ');
      const last = names.pop()!;
      return [names.reduce((node, name) => node[name] as Node, document), last];
    }
    const drop =
      (place: string): Change =>
      (document) => {
        const [node, name] = placeIn(document, place);
        expect(node, place).to.have.property(name);
        delete node[name];
      };
    const put =
      (place: string, value: unknown): Change =>
      (document) => {
        const [node, name] = placeIn(document, place);
        node[name] = value;
      };
    const list =
      (place: string, change: (values: unknown[]) => void): Change =>
      (document) => {
        const [node, name] = placeIn(document, place);
        change(node[name] as unknown[]);
      };
    const add = (place: string, value: unknown) => list(place, (values) => values.push(value));
    const take = (place: string) => list(place, (values) => values.shift());

    /** What is said of a document in which this was changed. */
    const after = (name: string, ...changes: Change[]): string[] => {
      const changed = structuredClone(made[name]!) as Node;
      for (const change of changes) change(changed);
      return breakages(made[name]!, changed);
    };
    const parameter = (required: boolean) => ({ name: 'more', in: 'query', required, schema: {} });

    it('is nothing of the documents as they are, nor of what comes to them', () => {
      expect([...after('openapi.json'), ...after('asyncapi.json')]).to.deep.equal([]);
      const more = [
        put('paths > /api/v1/new', {}),
        put(`${MESSAGE} > properties > more`, { type: 'string' }),
        add(`${MESSAGE} > required`, 'more'),
        add('components > schemas > Problem > properties > code > enum', 'new_code'),
        put(`${BODY} > properties > more`, { type: 'string' }),
        add(`${BODY} > properties > message_type > enum`, 'drawing'),
        add(`${LIST} > parameters`, parameter(false)),
      ];
      expect(after('openapi.json', ...more)).to.deep.equal([]);
      expect(after('asyncapi.json', put('components > messages > new', {}))).to.deep.equal([]);
    });

    const cases: readonly [string, string, Change, string][] = [
      ['an operation that is gone', 'openapi.json', drop(SEND), `POST ${path} is gone`],
      ['a field that is gone', 'openapi.json', drop(`${MESSAGE} > properties > content`), 'Message.content is gone'],
      ['one that may be missing', 'openapi.json', take(`${MESSAGE} > required`), 'Message.id may be missing'],
      [
        'one of another type',
        'openapi.json',
        put(`${MESSAGE} > properties > seq > type`, 'string'),
        'Message.seq: may be string',
      ],
      [
        'one that may be null',
        'openapi.json',
        put(`${MESSAGE} > properties > seq > type`, ['integer', 'null']),
        'Message.seq: may be null',
      ],
      [
        'a value that nobody was told of',
        'openapi.json',
        add(`${MESSAGE} > properties > message_type > enum`, 'drawing'),
        'Message.message_type: may be "drawing"',
      ],
      [
        'a field that is needed now',
        'openapi.json',
        add(`${BODY} > required`, 'metadata'),
        `POST ${path} body.metadata is needed now`,
      ],
      [
        'a value that is not taken any more',
        'openapi.json',
        take(`${BODY} > properties > message_type > enum`),
        `POST ${path} body.message_type: may no longer be "text"`,
      ],
      [
        'another status',
        'openapi.json',
        put(`${SEND} > responses`, { 202: {} }),
        `POST ${path}: never answers 201 any more`,
      ],
      [
        'a new parameter that is needed',
        'openapi.json',
        add(`${LIST} > parameters`, parameter(true)),
        `GET ${path}: needs the new parameter more`,
      ],
      ['an event that is gone', 'asyncapi.json', drop('components > messages > message.sent'), 'message.sent is gone'],
      [
        'a field of an event that is gone',
        'asyncapi.json',
        drop(`${SENT} > properties > content`),
        'message.sent.data.content is gone',
      ],
      [
        'a field of a command that is needed now',
        'asyncapi.json',
        add('components > messages > message.send > payload > required', 'request_id'),
        'message.send.request_id is needed now',
      ],
      [
        'a close code that is gone',
        'asyncapi.json',
        take('channels > socket > x-close-codes'),
        'the close code 1009 is gone',
      ],
    ];
    for (const [what, name, change, said] of cases)
      it(`is ${what}`, () => {
        expect(after(name, change)).to.include(said);
      });
  });

  describe('on a node', () => {
    const world = useWorld();
    const startNode = useNodes(world);

    it('are what the repository keeps, kept by their ETag, and linked from the root', async () => {
      const node = await startNode({ ROLES: 'api' });
      const { links } = (await (await fetch(`${node.base}/`)).json()) as { links: Record<string, string> };
      expect(links).to.include({ openapi: '/openapi.json', asyncapi: '/asyncapi.json', protocol: '/docs/websocket' });
      for (const name of ['openapi.json', 'asyncapi.json']) {
        const answer = await fetch(`${node.base}/${name}`);
        const kept = JSON.parse(readFileSync(`${root}docs/${name}`, 'utf8')) as object;
        expect(JSON.stringify(await answer.json()) === JSON.stringify(kept), name).to.equal(true);
        const again = await fetch(`${node.base}/${name}`, {
          headers: { 'If-None-Match': answer.headers.get('ETag')!, 'Cache-Control': 'max-age=0' },
        });
        expect(again.status).to.equal(304);
      }
    });

    it('a page tells of the WebSocket what the document says, and runs nothing', async () => {
      const node = await startNode({ ROLES: 'api' });
      const answer = await fetch(`${node.base}/docs/websocket`);
      expect([answer.status, answer.headers.get('Content-Type')]).to.deep.equal([200, 'text/html; charset=utf-8']);
      expect(answer.headers.get('Content-Security-Policy')).to.include("default-src 'self'");
      const page = await answer.text();
      for (const name of Object.keys(asyncapi.components.messages)) expect(page).to.include(`<h3 id="${name}">`);
      for (const code of Object.values(closeCodes)) expect(page).to.include(`<td>${code}</td>`);
      expect(page).to.not.match(/<script|\son\w+=|undefined/);
    });
  });
});
