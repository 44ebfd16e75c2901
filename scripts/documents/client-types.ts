/**
 * The types of the client library as they follow from the documents: named schemas, events, signals, commands with their answers, and the
 * operations of the REST API. Plain TypeScript that needs no package, so that whoever takes the library takes nothing else.
 */
import type { Document, Paths, Schema } from './document.ts';

const BASE = '/api/v1';
const MAX_LINE = 90;
const HEAD = `// What the server takes and gives, as types. Made from its contracts by \`npm run documents\`: not edited by hand.\n`;
const quoted = (text: string): string => `'${text}'`;
const nameOf = (field: string): string => (/^[A-Za-z_$][\w$]*$/.test(field) ? field : quoted(field));

/** Of the documents by the names of their files. */
export function clientTypes(made: Readonly<Record<string, object>>): string {
  const openapi = made['openapi.json'] as Document;
  const asyncapi = made['asyncapi.json'] as Document;
  const named = { ...openapi.components.schemas, ...asyncapi.components.schemas };
  const { messages = {} } = asyncapi.components;
  const tagged = (tag: string) => Object.entries(messages).filter(([, { tags }]) => tags[0]?.name === tag);
  const payloads = (tag: string) => tagged(tag).map(([name, { payload }]) => [name, typeOf(payload)] as const);
  const commands = tagged('command').flatMap(([, { payload }]) => {
    const { type, data } = payload.properties!;
    const ack = messages[`${String(type!.const)}.ack`]?.payload.properties?.['data'];
    return ack ? [[String(type!.const), shape({ data: input(data!), ack: typeOf(ack) })] as const] : [];
  });
  return [
    HEAD,
    ...Object.entries(named)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => `export type ${name} = ${typeOf(schema)};\n`),
    table('Events', 'What happened, in the order of its stream: the very entries of the log.', payloads('event')),
    table('Signals', 'What is true for a moment, and in no log.', payloads('signal')),
    table('SessionFrames', 'What the server says of the session itself.', payloads('session')),
    table('Commands', 'What may be sent over a socket, and what is answered.', commands),
    table('Operations', 'The REST API: what each takes, of its path, query and body together, and answers.', [
      ...operations(openapi.paths ?? {}),
    ]),
  ].join('\n');
}

function table(name: string, about: string, entries: readonly (readonly [string, string])[]): string {
  const lines = entries.map(([key, type]) => `  ${quoted(key)}: ${type.replaceAll('\n', '\n  ')};`);
  return `/** ${about} */\nexport interface ${name} {\n${lines.join('\n')}\n}\n`;
}

/** Those that answer JSON, or nothing. */
function* operations(paths: Paths): Generator<readonly [string, string]> {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { parameters = [], requestBody, responses }] of Object.entries(methods)) {
      const [, done] = Object.entries(responses).find(([status]) => status.startsWith('2')) ?? [];
      const kinds = Object.keys(done?.content ?? {});
      const body = requestBody?.content?.['application/json']?.schema;
      const isJson = kinds.every((kind) => kind === 'application/json') && (body !== undefined) === !!requestBody;
      if (!isJson) continue;
      const given = parameters.filter((one) => one.in !== 'header');
      const required = [...given.filter((one) => one.required).map(({ name }) => name), ...(body?.required ?? [])];
      const properties = {
        ...Object.fromEntries(given.map(({ name, schema }) => [name, schema])),
        ...body?.properties,
      };
      const answer = done?.content?.['application/json']?.schema;
      const data = input({ type: 'object', properties, required });
      yield [
        `${method.toUpperCase()} ${path.replace(BASE, '')}`,
        shape({ data, answer: answer ? typeOf(answer) : 'undefined' }),
      ];
    }
  }
}

/** As a client may send it: what the server fills in may be left out. */
const input = (schema: Schema): string => typeOf(schema, 'input');

function typeOf(schema: Schema, side: 'input' | 'output' = 'output'): string {
  const inner = (one: Schema) => typeOf(one, side);
  if (schema.$ref) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(' | ');
  // Alternatives of an object are what it must have besides: its fields say enough.
  if (schema.anyOf && !schema.properties) return schema.anyOf.map(inner).join(' | ');
  switch (schema.type) {
    case 'array': {
      const item = inner(schema.items ?? {});
      return /[|]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      return objectOf(schema, side);
    case 'integer':
      return 'number';
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return schema.type;
    default:
      return 'unknown';
  }
}

function objectOf(schema: Schema, side: 'input' | 'output'): string {
  const { properties = {}, patternProperties, required = [], additionalProperties } = schema;
  const [values] = Object.values(patternProperties ?? {});
  if (values) return `Record<string, ${typeOf(values, side)}>`;
  const fields = Object.entries(properties).map(([field, one]) => {
    const isThere = required.includes(field) && !(side === 'input' && one.default !== undefined);
    return [`${nameOf(field)}${isThere ? '' : '?'}`, typeOf(one, side)] as const;
  });
  if (fields.length === 0) return `Record<string, ${additionalProperties === false ? 'never' : 'unknown'}>`;
  return shape(Object.fromEntries(fields));
}

function shape(types: Readonly<Record<string, string>>): string {
  const fields = Object.entries(types).map(([field, type]) => `${field}: ${type}`);
  const line = `{ ${fields.join('; ')} }`;
  if (line.length <= MAX_LINE && !line.includes('\n')) return line;
  return `{\n${fields.map((field) => `  ${field.replaceAll('\n', '\n  ')};\n`).join('')}}`;
}

const literal = (value: unknown): string => (typeof value === 'string' ? quoted(value) : JSON.stringify(value));
