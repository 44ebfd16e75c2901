/** The refusals of REST by status, as the document shows them: every code of the catalogue that an operation may answer, with an example. */
import { catalogue, fail, problemOf } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Entry } from '../routes.ts';

/** Those of frames, and of an address or a method at which there is no operation. */
const OF_NO_OPERATION: readonly ErrorCode[] = [
  'bad_frame',
  'unknown_command',
  'upgrade_required',
  'method_not_allowed',
];

export const PROBLEM = {
  type: 'object',
  description: 'What is wrong (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string', description: 'What the code means' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong this time, for people' },
    code: { enum: Object.keys(catalogue), description: 'Stable, for programs' },
    errors: {
      type: 'array',
      description: 'Which fields are not right',
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: {
          pointer: { type: 'string', description: 'Into the body, or /query/…, /path/…, /header/…' },
          message: { type: 'string' },
          rule: { type: 'string', description: 'The rule that refuses the content' },
        },
      },
    },
  },
};

const RETRY_AFTER = { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds' } };
/** Under `components.headers`. */
export const LIMIT_HEADERS = {
  RateLimit: {
    schema: { type: 'string' },
    description:
      'Of each limit that the request counts for, what is left (r) and in how many seconds (t) all of it is there again; of one that refuses, there is more',
    example: '"requests";r=599;t=1, "messages";r=98;t=2',
  },
  'RateLimit-Policy': {
    schema: { type: 'string' },
    description: 'Of each limit, how many (q) in how many seconds (w)',
    example: '"requests";q=600;w=60, "messages";q=100;w=60',
  },
};
export const LIMITED = Object.fromEntries(
  Object.keys(LIMIT_HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);

const HEADERS: Readonly<Record<number, object>> = {
  401: { 'WWW-Authenticate': { schema: { type: 'string' } } },
  429: { ...RETRY_AFTER, ...LIMITED },
  503: RETRY_AFTER,
};

const codes = (Object.keys(catalogue) as ErrorCode[]).filter((code) => !OF_NO_OPERATION.includes(code));
const statuses = [...new Set(codes.map((code) => catalogue[code].status))].toSorted((a, b) => a - b);

/** Under `components.responses`, by the name that `problemsOf` refers to. */
export const problemResponses = (): Record<string, object> =>
  Object.fromEntries(statuses.map((status) => [`Problem${status}`, responseOf(status)]));

function responseOf(status: number): object {
  const own = codes.filter((code) => catalogue[code].status === status);
  const examples = own.map((code) => [code, { summary: catalogue[code].title, value: problemOf(fail(code)) }]);
  return {
    description: own.map((code) => `\`${code}\`: ${catalogue[code].title}`).join('. '),
    ...(HEADERS[status] ? { headers: HEADERS[status] } : {}),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(examples),
      },
    },
  };
}

/** By status, what an operation may refuse with. */
export function problemsOf(entry: Entry, isCommand: boolean): Record<string, object> {
  const hasFields = Object.keys(entry.data.properties ?? {}).length > 0;
  const may: Record<number, boolean> = {
    400: true,
    // A log-in refuses as well who is not known.
    401: !entry.open || isCommand,
    403: !entry.open || isCommand,
    404: hasFields || isCommand,
    409: hasFields || isCommand,
    413: isCommand,
    415: isCommand,
    416: entry.givesFile === true,
    422: isCommand,
    429: true,
    500: true,
    503: true,
  };
  const own = statuses.filter((status) => may[status]);
  return Object.fromEntries(own.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]));
}
