/**
 * Everything that a test sees of a node is held against what the node says it answers: each answer against the node's own OpenAPI
 * document, each frame against the events and frames that are declared. What does not fit fails the test that saw it.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import Type from 'typebox';
import type { TSchema } from 'typebox';
import { OwnUserAnswer } from '../../src/chat/accounts/contract.ts';
import { ConversationBrief } from '../../src/chat/conversations/contract.ts';
import { events, signals } from '../../src/chat/index.ts';
import { Id } from '../../src/envelope.ts';
import { catalogue } from '../../src/errors.ts';

const RFC_3339_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ajv = new Ajv2020({ strict: false, allErrors: false, formats: { 'date-time': RFC_3339_MS } });
const compiled = new Map<string, ValidateFunction>();

/** What was seen in this test that nobody declared. */
const violations: string[] = [];
afterEach(() => {
  const [first] = violations;
  violations.length = 0;
  if (first !== undefined) throw new Error(first);
});

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  /** By status; undefined where nothing is answered. */
  readonly answers: ReadonlyMap<number, object | undefined>;
}

const documents = new Map<string, Promise<Operation[]>>();

/** A REST answer of a node. */
export async function checkAnswer(base: string, request: string, status: number, text: string): Promise<void> {
  if (status >= 400) return checkProblem(request, text);
  const [method = '', path = ''] = request.split(' ');
  const operation = (await operationsOf(base)).find((o) => o.method === method && o.path.test(path.split('?')[0]!));
  if (!operation) return;
  if (!operation.answers.has(status)) return void violations.push(`${request} answered ${status}, which it never does`);
  const schema = operation.answers.get(status);
  if (schema) check(schema, JSON.parse(text), request);
  else if (text !== '') violations.push(`${request} answered more than it says: ${text.slice(0, 200)}`);
}

/** An acknowledgement of a command, whose answer stands under its noun. */
export async function checkAck(base: string, type: string, data: Record<string, unknown>): Promise<void> {
  const operation = (await operationsOf(base)).find((o) => o.name === type);
  const schema = operation && [...operation.answers.values()][0];
  const { event_id: _event, seq: _seq, durability: _durability, ...rest } = data;
  const [noun, ...others] = Object.keys(rest);
  if (others.length > 0) violations.push(`the ack of ${type} carries ${Object.keys(rest).join(', ')}`);
  if (schema && noun !== undefined) check(schema, rest[noun], `the ack of ${type}`);
}

const strict = { additionalProperties: false } as const;
const eventId = Type.String({ pattern: '^\\d+-\\d+$' });
const frameOf = (type: string, data: TSchema) =>
  Type.Object({ type: Type.Literal(type), id: Type.Optional(Type.String()), data }, strict);
const error = Type.Object(
  { code: Type.Enum(Object.keys(catalogue)), detail: Type.String(), retry_after: Type.Optional(Type.Number()) },
  strict,
);
const frames: Record<string, TSchema> = {
  ack: frameOf('ack', Type.Object({})),
  pong: frameOf('pong', Type.Object({}, strict)),
  error: Type.Object({ type: Type.Literal('error'), id: Type.Optional(Type.String()), error }, strict),
  'session.resumed': frameOf('session.resumed', Type.Object({}, strict)),
  'sync.reset': frameOf(
    'sync.reset',
    Type.Object({ conversation_id: Type.Optional(Id), user_id: Type.Optional(Id), last_event_id: eventId }, strict),
  ),
  'session.ready': frameOf(
    'session.ready',
    Type.Object({
      session_id: Id,
      heartbeat_interval: Type.Integer(),
      user: OwnUserAnswer,
      conversations: Type.Array(ConversationBrief),
      user_event_id: eventId,
    }),
  ),
};

const envelope = {
  id: eventId,
  seq: Type.Integer({ minimum: 1 }),
  at: Type.String({ format: 'date-time' }),
  type: Type.String(),
  version: Type.Integer(),
  conversation_id: Type.Optional(Id),
  user_id: Type.Optional(Id),
  actor_id: Type.String(),
  request_id: Type.Optional(Id),
};
for (const { type, data } of events) frames[type] = Type.Object({ ...envelope, data }, strict);
for (const { type, data } of signals) {
  const { conversation_id, user_id, actor_id } = envelope;
  frames[type] = Type.Object({ type: Type.String(), conversation_id, user_id, actor_id, data }, strict);
}
frames['event.withheld'] = Type.Object(
  { ...envelope, actor_id: Type.Optional(Type.String()), data: Type.Object({}, strict) },
  strict,
);

/** A frame that a server sent. */
export function checkFrame(frame: { readonly type: string }): void {
  const schema = frames[frame.type];
  if (schema) check(schema, frame, `the frame ${frame.type}`);
  else violations.push(`nobody declares the frame ${frame.type}`);
}

function checkProblem(request: string, text: string): void {
  try {
    const problem = JSON.parse(text) as { code?: string };
    if (!Object.hasOwn(catalogue, problem.code ?? ''))
      violations.push(`${request}: no such code: ${text.slice(0, 200)}`);
  } catch {
    violations.push(`${request}: a refusal that is no problem document: ${text.slice(0, 200)}`);
  }
}

function check(schema: object, value: unknown, what: string): void {
  const key = JSON.stringify(schema);
  let fits = compiled.get(key);
  if (!fits) compiled.set(key, (fits = ajv.compile(schema)));
  if (fits(value)) return;
  const { instancePath, message, params } = fits.errors![0]!;
  const seen = JSON.stringify(value).slice(0, 500);
  violations.push(
    `${what} is not what it is said to be: ${instancePath} ${message} ${JSON.stringify(params)}: ${seen}`,
  );
}

function operationsOf(base: string): Promise<Operation[]> {
  let operations = documents.get(base);
  if (!operations) documents.set(base, (operations = read(base)));
  return operations;
}

interface Described {
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, Response> }>>;
}
interface Response {
  readonly content?: { readonly 'application/json'?: { readonly schema: object } };
}

/** A node without the api role describes nothing. */
async function read(base: string): Promise<Operation[]> {
  const reply = await fetch(`${base}/openapi.json`);
  if (!reply.ok) return [];
  const { paths } = (await reply.json()) as Described;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path: new RegExp(`^${path.replace('/api/v1', '').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`),
      answers: new Map(
        Object.entries(responses)
          .filter(([status]) => status.startsWith('2'))
          .map(([status, { content }]) => [Number(status), content?.['application/json']?.schema] as const),
      ),
    })),
  );
}
