/**
 * Every operation as its document says it, and then with one thing wrong at a time: what the schema does not take is refused with a status
 * that is declared, what it takes is never a defect of ours, and the node answers as ever afterwards.
 */
import { createECDH } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { documents } from '../scripts/documents/made.ts';
import type { Json } from './support/client.ts';
import { register, useNodes } from './support/server.ts';
import type { Node, User } from './support/server.ts';
import { TEXT, upload, useFolder } from './support/uploading.ts';
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
/** What is made wrong of a request that is right. */
interface Case {
  readonly what: string;
  readonly change: (valid: Request) => Request;
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
/** What the examples cannot have, since it must be sent as a form, or says nothing where nothing is looked for. */
const UNFIT = ['attachment.upload', 'search.messages'];
/** After these, what they are tried on is not as it was; others change only what stays there to be tried. */
const ENDS =
  /^(session\.|user\.change_password|conversation\.leave|participant\.change_role|poll\.close)|\.(delete|remove|cancel|revoke)$/;

describe('every operation of the document', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const folder = useFolder();
  let node: Node;
  let bob: User;
  let ada: User;
  let known: Record<string, unknown>;
  let names = 0;
  const newName = () => `name-${(names += 1)}`;

  beforeEach(async () => {
    node = await startNode({ DATA_DIR: folder.path });
    bob = await register(node);
  });

  /** Somebody who has one of each, to which nothing was done yet. */
  async function begin(): Promise<void> {
    const login = newName();
    ada = await register(node, login);
    const post = async <T>(path: string, body: unknown) => {
      const reply = await ada.rest.post<T>(path, body);
      expect(reply.status, `${path} ${JSON.stringify(reply.body)}`).to.equal(201);
      return reply.body;
    };
    const made = async (path: string, body: unknown) => (await post<{ id: string }>(path, body)).id;
    const [conversation_id, { bot }, sessions, attachment] = await Promise.all([
      made('/conversations', { type: 'group', name: 'tried', participant_ids: [bob.id] }),
      post<{ bot: { id: string } }>('/bots', { username: newName() }),
      ada.rest.get<{ items: { id: string }[] }>('/auth/sessions'),
      upload(ada, TEXT),
    ]);
    const at = `/conversations/${conversation_id}`;
    const message_id = await made(`${at}/messages`, { content: 'tried' });
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    // It is never called: nobody takes a pin away that was there.
    const webhook = { url: 'https://example.com/hook', events: ['message.unpinned'], conversation_id };
    const [poll_id, scheduled_id, reminder_id, webhook_id, hook, { code }] = await Promise.all([
      made(`${at}/polls`, { question: 'Which?', options: ['this', 'that'] }),
      made(`${at}/scheduled`, { content: 'later', send_at: soon }),
      made('/reminders', { conversation_id, message_id, remind_at: soon }),
      made('/webhooks', webhook),
      post<{ url: string }>(`${at}/hooks`, { name: 'tried' }),
      post<{ code: string }>(`${at}/invites`, {}),
      ada.rest.call('PUT', `${at}/messages/${message_id}/reactions/${encodeURIComponent('👍')}`),
      ada.rest.call('PUT', `${at}/draft`, { content: 'tried' }),
    ]);
    known = {
      login,
      conversation_id,
      message_id,
      poll_id,
      scheduled_id,
      reminder_id,
      webhook_id,
      code,
      bot_id: bot.id,
      attachment_id: attachment.body.id,
      id: sessions.body.items[0]!.id,
      user_id: bob.id,
      user_ids: [bob.id],
      type: 'group',
      from: message_id,
      send_at: soon,
      remind_at: soon,
      refresh_token: ada.refreshToken,
      token: hook.url.split('/').at(-1),
      emoji: '👍',
      keys: { p256dh: createECDH('prime256v1').generateKeys('base64url'), auth: 'a'.repeat(22) },
    };
  }

  function validOf({ operationId, parameters, requestBody }: Operation): Request {
    const username = operationId === 'session.start' ? known['login'] : newName();
    const filled: typeof known = { ...known, username };
    const valueOf = ([name, example]: readonly [string, unknown]) => [name, filled[name] ?? example] as const;
    const inPath = parameters.filter((one) => one.in === 'path').map(({ name, example }) => valueOf([name, example]));
    const path = Object.fromEntries(inPath.map(([name, value]) => [name, encodeURIComponent(String(value))]));
    const example = requestBody?.content['application/json']?.example;
    const body = example && Object.fromEntries(Object.entries(example).map(valueOf));
    return { path, query: {}, headers: {}, ...(body ? { body } : {}) };
  }

  function* wrongOf({ parameters, requestBody }: Operation): Generator<Case> {
    for (const { name, in: where, example } of parameters) {
      if (where === 'header') {
        yield { what: `${name} is nonsense`, change: (valid) => ({ ...valid, headers: { [name]: 'x y' } }) };
        continue;
      }
      const words = where === 'query' ? [encodeURIComponent(String(example)), ...WORDS] : WORDS.filter(Boolean);
      for (const word of words)
        yield {
          what: `${name}=${word.slice(0, 20)}`,
          change: (valid) => ({ ...valid, [where]: { ...valid[where], [name]: word } }),
        };
    }
    yield { what: 'an unknown parameter', change: (valid) => ({ ...valid, query: { unheard_of: '1' } }) };
    yield { what: 'no caller', change: (valid) => ({ ...valid, headers: { Authorization: 'Bearer nobody' } }) };
    const media = requestBody?.content['application/json'];
    if (!media) return;
    const withField = (name: string, value: unknown) => (valid: Request) => ({
      ...valid,
      body: { ...(valid.body as Json), [name]: value },
    });
    for (const name of Object.keys(media.schema.properties)) {
      yield { what: `without ${name}`, change: withField(name, undefined) };
      for (const value of VALUES)
        yield { what: `${name}: ${JSON.stringify(value).slice(0, 20)}`, change: withField(name, value) };
    }
    yield { what: 'an unknown field', change: withField('unheard_of', 1) };
    const texts = ['{', '[]', 'null', '"text"', DEEP, '{"a":1e999}', '{"__proto__":{"x":1}}'];
    // Where nothing must be said, nothing may be sent.
    for (const text of requestBody.required ? ['', ...texts] : texts)
      yield { what: `the body ${text.slice(0, 20)}`, change: (valid) => ({ ...valid, body: text }) };
    const headers = { 'Content-Type': 'text/plain' };
    yield { what: 'a body of another type', change: (valid) => ({ ...valid, headers }) };
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
    const unreached: string[] = [];
    let [cases, isSpent] = [0, true];
    for (const { path, method, operation } of tried) {
      const schema = operation.requestBody?.content['application/json']?.schema;
      const fits: ValidateFunction | undefined = schema && ajv.compile({ ...schema, components: openapi.components });
      const answerTo = async (change: Case['change']) => {
        if (isSpent) await begin();
        const valid = validOf(operation);
        const request = change(valid);
        const status = await ask(method, path, request);
        isSpent = status < 400 && ENDS.test(operation.operationId);
        const body = JSON.stringify(request.body);
        const isWrong = fits && body !== undefined && (typeof request.body === 'string' || !fits(JSON.parse(body)));
        return { status, isFault: status >= 500 || (isWrong && status < 400) };
      };
      if ((await answerTo((valid) => valid)).status >= 400) unreached.push(operation.operationId);
      for (const { what, change } of wrongOf(operation)) {
        cases += 1;
        const { status, isFault } = await answerTo(change);
        if (isFault) faults.push(`${operation.operationId} (${what}): ${status}`);
      }
      // Whoever is banned now, or may not post, was so for this one.
      isSpent ||= method === 'put' || method === 'patch';
    }
    expect(cases).to.be.greaterThan(1_000);
    expect(unreached).to.deep.equal(UNFIT);
    expect(faults).to.deep.equal([]);
    expect(node.warnings).to.deep.equal([]);
  });
});
