/**
 * Every operation as its document says it, and then with one thing wrong at a time: what the schema does not take is refused with a status
 * that is declared, what it takes is never a defect of ours, and the node answers as ever afterwards.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { ulid } from 'ulid';
import { documents } from '../scripts/documents/made.ts';
import type { Json } from './support/client.ts';
import { register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { useWorld } from './support/world.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: object;
  readonly example?: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Record<string, { readonly schema: Body; readonly example: Json }>;
  };
  readonly responses: Record<string, { readonly content?: object }>;
}
interface Body {
  readonly properties: Record<string, object>;
}
interface Request {
  readonly path: Record<string, string>;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}
/** A request, and what is wrong with it. */
interface Case {
  readonly what: string;
  readonly request: Request;
}

const openapi = documents()['openapi.json'] as unknown as {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: object;
};
const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false });

const DEEP = '['.repeat(5_000) + ']'.repeat(5_000);
const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e300,
  '',
  ' ',
  '\u0000',
  '\ud800',
  'x'.repeat(70_000),
  [],
  [null],
  {},
];
const WORDS: readonly string[] = [
  '',
  ' ',
  '-1',
  '0',
  '1e9',
  'NaN',
  'null',
  '%00',
  '%ff',
  '%E0%A4%A',
  '..%2f..',
  '%F0%9F%92%A9',
  'x'.repeat(3_000),
];
/** What ends what the others are tried on. */
const LAST = /^(conversation\.(leave|delete)|session\.|user\.(delete|change_password))/;

describe('every operation of the document', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let ada: User;
  let known: Record<string, string>;

  beforeEach(async () => {
    node = await startNode({ MAX_REQUESTS: '0' });
    const bob = await register(node);
    ada = await register(node);
    const made = async (path: string, body: unknown, field = 'id') =>
      String((await ada.rest.post<Json>(path, body)).body[field]);
    const conversation = await made('/conversations', { type: 'group', name: 'tried', participant_ids: [bob.id] });
    const at = `/conversations/${conversation}`;
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    known = {
      conversation_id: conversation,
      user_id: bob.id,
      message_id: await made(`${at}/messages`, { content: 'tried' }),
      poll_id: await made(`${at}/polls`, { question: 'Which?', options: ['this', 'that'] }),
      scheduled_id: await made(`${at}/scheduled`, { content: 'later', at: soon }),
      code: await made(`${at}/invites`, {}, 'code'),
      emoji: encodeURIComponent('👍'),
      id: ulid(),
      token: 'a'.repeat(43),
    };
  });

  const filled = ({ name, example }: Parameter): string => known[name] ?? encodeURIComponent(String(example));

  function validOf({ parameters, requestBody }: Operation): Request {
    const place = (where: string) =>
      Object.fromEntries(parameters.filter((one) => one.in === where).map((one) => [one.name, filled(one)]));
    const example = requestBody?.content['application/json']?.example;
    const body =
      example && Object.fromEntries(Object.entries(example).map(([name, value]) => [name, known[name] ?? value]));
    return { path: place('path'), query: {}, headers: {}, ...(body ? { body } : {}) };
  }

  function* wrongOf(operation: Operation, request: Request): Generator<Case> {
    for (const { name, in: where, example } of operation.parameters) {
      if (where === 'header')
        yield { what: `${name} is nonsense`, request: { ...request, headers: { [name]: 'x y' } } };
      else {
        if (where === 'query')
          yield { what: name, request: { ...request, query: { [name]: encodeURIComponent(String(example)) } } };
        for (const word of WORDS.filter((one) => where === 'query' || one !== ''))
          yield {
            what: `${name}=${word.slice(0, 20)}`,
            request: { ...request, [where]: { ...request[where], [name]: word } },
          };
      }
    }
    yield { what: 'an unknown parameter', request: { ...request, query: { unheard_of: '1' } } };
    yield { what: 'no caller', request: { ...request, headers: { Authorization: 'Bearer nobody' } } };
    const media = operation.requestBody?.content['application/json'];
    if (!media) return;
    const body = request.body as Json;
    for (const name of Object.keys(media.schema.properties)) {
      const { [name]: _, ...without } = body;
      yield { what: `without ${name}`, request: { ...request, body: without } };
      for (const value of VALUES)
        yield {
          what: `${name}: ${JSON.stringify(value).slice(0, 20)}`,
          request: { ...request, body: { ...body, [name]: value } },
        };
    }
    yield { what: 'an unknown field', request: { ...request, body: { ...body, unheard_of: 1 } } };
    // Where nothing must be said, nothing may be sent.
    if (operation.requestBody!.required) yield { what: 'no body', request: { ...request, body: '' } };
    for (const text of ['{', '[]', 'null', '"text"', DEEP, '{"a":1e999}', '{"__proto__":{"x":1}}'])
      yield { what: `the body ${text.slice(0, 20)}`, request: { ...request, body: text } };
    const type = { 'Content-Type': 'text/plain' };
    yield { what: 'a body of another type', request: { ...request, headers: type } };
  }

  async function ask(method: string, template: string, { path, query, headers, body }: Request): Promise<number> {
    const place = template.replace(/\{(\w+)\}/g, (_, name: string) => path[name]!).replace('/api/v1', '');
    const asked = Object.entries(query).map(([name, value]) => `${name}=${value}`);
    const url = asked.length > 0 ? `${place}?${asked.join('&')}` : place;
    return (await ada.rest.call(method.toUpperCase(), url, body, headers)).status;
  }

  it('takes what its schema takes, refuses the rest by a status that it declares, and never breaks', async function () {
    this.timeout(120_000);
    const faults: string[] = [];
    const all = Object.entries(openapi.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const answersJson = ({ responses }: Operation) =>
      Object.entries(responses).every(
        ([status, { content }]) => !status.startsWith('2') || !content || 'application/json' in content,
      );
    const tried = all.filter(({ operation }) => answersJson(operation));
    tried.sort((a, b) => Number(LAST.test(a.operation.operationId)) - Number(LAST.test(b.operation.operationId)));
    let count = 0;
    for (const { path, method, operation } of tried) {
      const schema = operation.requestBody?.content['application/json']?.schema;
      const fits: ValidateFunction | undefined = schema && ajv.compile({ ...schema, components: openapi.components });
      const valid = validOf(operation);
      for (const { what, request } of wrongOf(operation, valid)) {
        count += 1;
        const status = await ask(method, path, request);
        const isText = typeof request.body === 'string';
        const isWrong = fits && request.body !== undefined && (isText || !fits(request.body));
        if (status >= 500 || (isWrong && status < 400)) faults.push(`${operation.operationId} (${what}): ${status}`);
      }
      const status = await ask(method, path, valid);
      if (status >= 500) faults.push(`${operation.operationId}: ${status}`);
    }
    expect(count).to.be.greaterThan(1_000);
    expect(faults).to.deep.equal([]);
    expect(node.warnings).to.deep.equal([]);
  });
});
