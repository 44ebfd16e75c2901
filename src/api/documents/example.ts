/**
 * An example for any schema of the contracts, the same each time: what must be there, by names that are known from life where there are
 * such. A test holds every example against its schema. Refuses to guess for a pattern that it does not know.
 */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

export const EXAMPLE_ID = '01JD2Q4S7V8W9X0Y1Z2A3B4C5D';
export const EXAMPLE_EVENT_ID = '1763650000000-42';
export const EXAMPLE_TIME = '2025-11-20T14:46:40.000Z';

/** Fields that say themselves what may stand in them. */
const KNOWN: Readonly<Record<string, unknown>> = {
  username: 'ada',
  display_name: 'Ada',
  email: 'ada@example.com',
  password: 'correct horse',
  current_password: 'correct horse',
  new_password: 'battery staple',
  content: 'hello',
  name: 'lobby',
  description: 'Where everybody meets',
  question: 'Tea or coffee?',
  emoji: '👍',
  q: 'hello',
  url: 'https://example.com/hook',
  avatar_url: 'https://example.com/ada.png',
  thumbnail_url: 'https://example.com/thumbnail.jpg',
  endpoint: 'https://push.example.com/send/1',
  file_name: 'picture.png',
  content_type: 'image/png',
  code: 'validation_failed',
  after: EXAMPLE_EVENT_ID,
  up_to: EXAMPLE_EVENT_ID,
  event_id: EXAMPLE_EVENT_ID,
  last_event_id: EXAMPLE_EVENT_ID,
  user_event_id: EXAMPLE_EVENT_ID,
  as_of: EXAMPLE_EVENT_ID,
  id: EXAMPLE_ID,
  sender_id: EXAMPLE_ID,
  type: 'message.sent',
  types: ['message.sent'],
  events: ['message.sent'],
  ip: '203.0.113.8',
  user_agent: 'Mozilla/5.0',
};

export function exampleOf(schema: Schema, name = ''): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (schema.anyOf && !schema.properties) return exampleOfOne(schema.anyOf, name, known);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return exampleOfObject(schema);
    case 'array':
      if (Array.isArray(known)) return known;
      return Array.from({ length: schema.minItems ?? 1 }, (_, i) => itemOf(schema.items ?? {}, name, i));
    case 'integer':
    case 'number':
      return schema.default ?? Math.max(schema.minimum ?? 0, 1);
    case 'boolean':
      return schema.default ?? false;
    case 'null':
      return null;
    case 'string':
      return exampleOfString(schema, known);
    default:
      return known ?? {};
  }
}

/** What may be null is, unless there is a name for it. */
function exampleOfOne(some: readonly Schema[], name: string, known: unknown): unknown {
  const isNull = (schema: Schema) => schema.type === 'null';
  if (some.some(isNull) && known === undefined) return null;
  return exampleOf(
    some.find((schema) => !isNull(schema))!,
    name,
  );
}

/** Things of one list may have to differ. */
function itemOf(items: Schema, name: string, i: number): unknown {
  const one = exampleOf(items, name.replace(/s$/, ''));
  return i > 0 && typeof one === 'string' ? `${one} ${i + 1}` : one;
}

/** What must be there; where nothing must, the first field, so that it says something. */
function exampleOfObject({ properties = {}, required = [], anyOf = [] }: Schema): object {
  const needed = [...required, ...(anyOf[0]?.required ?? [])];
  const fields = needed.length > 0 ? needed : Object.keys(properties).slice(0, 1);
  return Object.fromEntries(fields.map((field) => [field, exampleOf(properties[field] ?? {}, field)]));
}

function exampleOfString({ format, pattern, default: usual }: Schema, known: unknown): unknown {
  if (usual !== undefined) return usual;
  if (format === 'date-time') return EXAMPLE_TIME;
  const fits = (text: unknown) => typeof text === 'string' && (!pattern || new RegExp(pattern, 'u').test(text));
  const found = [known, 'text', EXAMPLE_ID, EXAMPLE_EVENT_ID, EXAMPLE_TIME].find(fits);
  if (found === undefined) throw new Error(`no example is known for ${pattern}`);
  return format === 'web-address' && known === undefined ? 'https://example.com/' : found;
}
