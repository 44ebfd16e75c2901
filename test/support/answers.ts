/**
 * Everything that a test sees of a node is held against what the node says it answers: each answer against the node's own OpenAPI
 * document, each frame against the events and frames that are declared. What does not fit fails the run, with the
 * name of the test that saw it.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import Type from 'typebox';
import type { TSchema } from 'typebox';
import { events, signals } from '../../src/chat/index.ts';
import { ready } from '../../src/chat/vocabulary.ts';
import { Id, Traceparent } from '../../src/envelope.ts';
import { catalogue } from '../../src/errors.ts';
import { ackFrame, ErrorFrame, serverFrames } from '../../src/gateway/contract.ts';

const RFC_3339_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ajv = new Ajv2020({ strict: false, allErrors: false, formats: { 'date-time': RFC_3339_MS } });
const compiled = new WeakMap<object, ValidateFunction>();

/** What was seen in this test that nobody declared, and in those before. */
const violations: string[] = [];
const seen: string[] = [];
afterEach(function () {
  for (const violation of violations.splice(0)) seen.push(`${this.currentTest?.fullTitle()}: ${violation}`);
});
// At the end of all: what fails after a test for every suite would end the run there.
after(() => {
  if (seen.length > 0) throw new Error(seen.join('\n'));
});

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  /** By status; undefined where nothing is answered. */
  readonly answers: ReadonlyMap<number, object | undefined>;
  /** Statuses of problems. */
  readonly refusals: ReadonlySet<number>;
}

const documents = new Map<string, Promise<Operation[]>>();
/** Nodes of one program say the same. */
const described = new Map<string, Operation[]>();

/** A REST answer of a node. */
export async function checkAnswer(base: string, request: string, status: number, text: string): Promise<void> {
  if (status >= 400) checkProblem(request, text);
  const [method = '', path = ''] = request.split(' ');
  const operation = (await operationsOf(base)).find((o) => o.method === method && o.path.test(path.split('?')[0]!));
  if (!operation) return;
  if (status >= 400 && status !== 405) {
    if (!operation.refusals.has(status)) violations.push(`${request} was refused with ${status}, which it never is`);
    return;
  }
  if (status >= 400) return;
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
const frames: Record<string, TSchema> = {
  ack: ackFrame(Type.Object({})),
  error: ErrorFrame,
  ...Object.fromEntries(Object.entries(serverFrames(ready)).map(([type, { schema }]) => [type, schema])),
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
  traceparent: Type.Optional(Traceparent),
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
  let fits = compiled.get(schema);
  if (!fits) compiled.set(schema, (fits = ajv.compile(schema)));
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
  readonly components: object;
}
interface Response {
  readonly content?: { readonly 'application/json'?: { readonly schema: object } };
}

/** A node without the api role describes nothing. */
async function read(base: string): Promise<Operation[]> {
  const reply = await fetch(`${base}/openapi.json`);
  if (!reply.ok) return [];
  const text = await reply.text();
  let operations = described.get(text);
  if (!operations) described.set(text, (operations = operationsIn(JSON.parse(text) as Described)));
  return operations;
}

function operationsIn({ paths, components }: Described): Operation[] {
  // What a schema refers to is looked for in itself.
  const whole = (schema: object | undefined) => schema && { ...schema, components };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path: new RegExp(`^${path.replace('/api/v1', '').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`),
      answers: new Map(
        Object.entries(responses)
          .filter(([status]) => status.startsWith('2'))
          .map(([status, { content }]) => [Number(status), whole(content?.['application/json']?.schema)] as const),
      ),
      refusals: new Set(
        Object.keys(responses)
          .map(Number)
          .filter((status) => status >= 400),
      ),
    })),
  );
}
