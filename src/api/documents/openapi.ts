/** The OpenAPI 3.1 document, made from the command and query tables, so that it cannot say other than what is served. */
import { DURABILITIES } from '../../envelope.ts';
import { BASE, openness } from '../routes.ts';
import type { Entry } from '../routes.ts';
import { STATUS } from '../status.ts';
import { exampleOf } from './example.ts';
import type { Schema } from './example.ts';
import { LIMIT_HEADERS, LIMITED, PROBLEM, problemResponses, problemsOf } from './problems.ts';
import { Schemas } from './schemas.ts';

/** What of the API stands together. */
export interface Area {
  readonly name: string;
  readonly about: string;
  /** What the names of its commands and queries begin with, up to the dot. */
  readonly of: readonly string[];
}

/** The tables that are described. */
export interface Described {
  readonly commands: ReadonlyMap<string, Entry>;
  readonly queries: ReadonlyMap<string, Entry>;
  readonly areas: readonly Area[];
  /** Schemas by the names under which they stand once. */
  readonly schemas: Readonly<Record<string, object>>;
}

const OPERATING: Area = { name: 'Operating', about: 'How the server is', of: ['health', 'stats', 'metrics'] };

export function openApi({ commands, queries, areas, schemas: named }: Described, version: string): object {
  const schemas = new Schemas(named);
  const paths: Record<string, Record<string, object>> = {};
  const all = [...areas, OPERATING];
  const put = (name: string, entry: Entry, isCommand: boolean) => {
    if (!entry.route) return;
    const { method, path, also = [] } = entry.route;
    for (const verb of [method, ...also]) {
      const id = name + (verb === method ? '' : `.${verb.toLowerCase()}`);
      const tags = all.filter(({ of }) => of.includes(name.split('.')[0]!)).map((area) => area.name);
      const operation = { operationId: id, tags, ...operationOf(entry, isCommand, schemas) };
      paths[BASE + path] = { ...paths[BASE + path], [verb.toLowerCase()]: operation };
    }
  };
  for (const [type, entry] of commands) put(type, entry, true);
  for (const [name, entry] of [...queries, ...STATUS]) put(name, entry, false);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rill',
      version,
      description: `Real-time chat whose truth is a stream. What comes over the WebSocket at \`${BASE}/ws\` is described by \`/asyncapi.json\``,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document is served' }],
    security: [{ token: [] }],
    tags: all.map(({ name, about }) => ({ name, description: about })),
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => openness(a) - openness(b))),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The `access_token` of a log-in, or the API key of a bot',
        },
      },
      headers: LIMIT_HEADERS,
      responses: problemResponses(),
      schemas: { ...schemas.components, Problem: PROBLEM },
    },
  };
}

const FILE = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
    },
  },
};

const KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'A ULID: a repeat under the same one appends nothing and answers what the first did',
};

const TRACE = {
  name: 'traceparent',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description:
    'W3C Trace Context: stored with the event that the request brings about. What is not of its form counts as none',
};

const WRITTEN = {
  'Chat-Event-Id': {
    schema: { type: 'string' },
    description: 'Of the event that was appended, or was by the first try',
  },
  'Chat-Durability': { schema: { enum: [...DURABILITIES] }, description: 'What holds it now' },
};

function operationOf(entry: Entry, isCommand: boolean, schemas: Schemas): object {
  const { properties = {}, required = [] } = entry.data as Schema;
  const inPath = [...entry.route!.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const rest = Object.keys(properties).filter((field) => !inPath.includes(field));
  const parameter = (where: string) => (field: string) => parameterOf(field, where, entry, schemas);
  // Without a caller there is nobody whose repeat it could be.
  const headers = [...(entry.open ? [] : [KEY]), TRACE];
  const [summary = ''] = entry.about.split(/(?<=[^.]{8})[.:] (?=[A-Z])/);
  const body = bodyOf(
    entry,
    rest,
    required.filter((field) => rest.includes(field)),
  );
  return {
    summary,
    ...(summary === entry.about ? {} : { description: entry.about }),
    ...(entry.open ? { security: [] } : {}),
    ...(entry.signed ? { security: [{ token: [] }, {}] } : {}),
    parameters: [...inPath.map(parameter('path')), ...(isCommand ? headers : rest.map(parameter('query')))],
    ...(isCommand && rest.length > 0
      ? { requestBody: { required: body.required.length > 0, content: { 'application/json': schemas.media(body) } } }
      : {}),
    ...(entry.takesFile ? { requestBody: FILE } : {}),
    responses: { ...answersOf(entry, isCommand, schemas), ...problemsOf(entry, isCommand) },
  };
}

function parameterOf(field: string, where: string, { data }: Entry, schemas: Schemas): object {
  const { properties = {}, required = [] } = data as Schema;
  const schema = properties[field] ?? { type: 'string' };
  const isRequired = where === 'path' || required.includes(field);
  const { description } = schema;
  const example = exampleOf(schema, field);
  return {
    name: field,
    in: where,
    required: isRequired,
    ...(description === undefined ? {} : { description }),
    schema: schemas.of(schema),
    example,
  };
}

/** What a body holds is what the path does not; a condition on fields of the two together is one on what is left. */
function bodyOf({ data }: Entry, fields: readonly string[], required: readonly string[]) {
  const { properties = {}, anyOf } = data as Schema;
  return {
    type: 'object',
    additionalProperties: false,
    required,
    properties: Object.fromEntries(fields.map((field) => [field, properties[field]!])),
    ...(anyOf ? { anyOf } : {}),
  };
}

const isStatus = (entry: Entry): boolean => [...STATUS.values()].includes(entry);

function answersOf(entry: Entry, isCommand: boolean, schemas: Schemas): Record<string, object> {
  const { answer, givesFile, route } = entry;
  const status = answer === null ? 204 : (route!.status ?? 200);
  const headers = isCommand ? { headers: { ...WRITTEN, ...LIMITED } } : isStatus(entry) ? {} : { headers: LIMITED };
  if (answer === null || status === 204) return { [status]: { description: 'Done', ...headers } };
  if (givesFile) {
    const content = { 'application/octet-stream': { schema: answer } };
    return {
      200: { description: 'The file', content },
      206: { description: 'The range that was asked for', content },
      304: { description: 'Not changed since the one with this ETag' },
    };
  }
  const media = entry.media ?? 'application/json';
  const described = media === 'text/plain' ? { schema: answer } : schemas.media(answer);
  return { [status]: { description: 'Done', ...headers, content: { [media]: described } } };
}
