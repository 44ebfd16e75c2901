/** The OpenAPI 3.1 document, made from the command and query tables, so that it cannot say other than what is served. */
import { catalogue } from '../errors.ts';
import { BASE, openness } from './routes.ts';
import type { Entry } from './routes.ts';
import { STATUS } from './status.ts';

/** The tables that are described. */
export interface Described {
  readonly commands: ReadonlyMap<string, Entry>;
  readonly queries: ReadonlyMap<string, Entry>;
}

type Schema = { properties?: Record<string, object>; required?: string[] } & Record<string, unknown>;

export function openApi({ commands, queries }: Described, version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  const put = (name: string, entry: Entry, isCommand: boolean) => {
    if (!entry.route) return;
    const { method, path, also = [] } = entry.route;
    for (const verb of [method, ...also]) {
      const operation = operationOf(name + (verb === method ? '' : `.${verb.toLowerCase()}`), entry, isCommand);
      paths[BASE + path] = { ...paths[BASE + path], [verb.toLowerCase()]: operation };
    }
  };
  for (const [type, entry] of commands) put(type, entry, true);
  for (const [name, entry] of [...queries, ...STATUS]) put(name, entry, false);
  return {
    openapi: '3.1.0',
    info: { title: 'Rill', version, description: 'Real-time chat whose truth is a stream' },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => openness(a) - openness(b))),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        Problem: {
          type: 'object',
          required: ['type', 'title', 'status', 'detail', 'code'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            code: { enum: Object.keys(catalogue) },
            errors: {
              type: 'array',
              items: {
                type: 'object',
                properties: { pointer: { type: 'string' }, message: { type: 'string' }, rule: { type: 'string' } },
              },
            },
          },
        },
      },
    },
  };
}

/** Of every operation: callers are counted, by user or by address. */
const TOO_OFTEN = {
  description: 'Asked too often: come back after Retry-After seconds',
  headers: {
    'Retry-After': { schema: { type: 'integer' } },
    RateLimit: {
      schema: { type: 'string' },
      description: 'Which limit, what is left and in how many seconds there is more',
    },
    'RateLimit-Policy': { schema: { type: 'string' }, description: 'How many (q) in how many seconds (w)' },
  },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

const FILE = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: ['file'],
        properties: {
          file: { type: 'string', format: 'binary', words: 'the bytes of one file, in a part with its name' },
        },
      },
    },
  },
};

function operationOf(name: string, entry: Entry, isCommand: boolean): object {
  const schema = entry.data as Schema;
  const properties = schema.properties ?? {};
  const inPath = [...entry.route!.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const rest = Object.keys(properties).filter((field) => !inPath.includes(field));
  const required = (schema.required ?? []).filter((field) => rest.includes(field));
  const parameter = (where: string) => (field: string) => ({
    name: field,
    in: where,
    required: where === 'path' || required.includes(field),
    schema: properties[field] ?? { type: 'string' },
  });
  const { answer } = entry;
  const status = String(answer === null ? 204 : (entry.route!.status ?? 200));
  const media = entry.media ?? (entry.givesFile ? 'application/octet-stream' : 'application/json');
  const content = status === '204' ? {} : { content: { [media]: { schema: answer } } };
  const body = {
    required: required.length > 0,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          additionalProperties: false,
          required,
          properties: Object.fromEntries(rest.map((f) => [f, properties[f]])),
        },
      },
    },
  };
  const key = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    schema: { type: 'string' },
    description: 'A ULID: a repeat under the same one appends nothing and answers what the first did',
  };
  // Without a caller there is nobody whose repeat it could be.
  const repeatable = entry.open ? [] : [key];
  return {
    operationId: name,
    summary: entry.about,
    ...(entry.open ? { security: [] } : {}),
    ...(entry.signed ? { security: [{ token: [] }, {}] } : {}),
    parameters: [...inPath.map(parameter('path')), ...(isCommand ? repeatable : rest.map(parameter('query')))],
    ...(isCommand && rest.length > 0 ? { requestBody: body } : {}),
    ...(entry.takesFile ? { requestBody: FILE } : {}),
    responses: {
      [status]: { description: 'Done', ...content },
      429: TOO_OFTEN,
      ...(entry.givesFile ? { 206: { description: 'The range that was asked for', ...content } } : {}),
      default: {
        description: 'A problem, with its stable code',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}
