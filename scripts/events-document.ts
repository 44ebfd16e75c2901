/** `docs/events.md` as it follows from the contracts: every event and signal, its schema, a stored example and how to see it. Pure but for files. */
import { readFileSync } from 'node:fs';
import { exampleOf as valueOf } from '../src/api/documents/example.ts';
import type { Schema as ValueSchema } from '../src/api/documents/example.ts';
import { events, signals } from '../src/chat/index.ts';
import type { FeatureEvent, SignalDefinition } from '../src/chat/feature.ts';
import { readConfig } from '../src/config.ts';
import { conversationStream, Keys, userStream } from '../src/keys.ts';
import { loadScripts } from '../src/log/scripts.ts';

const GOLDEN = new URL('../test/golden/', import.meta.url);
const keys = new Keys(readConfig({}).PARTITIONS);
const scripts = [...loadScripts(new URL('../lua/', import.meta.url), 'PUBLISH').values()];

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly words?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

interface Stored {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly actor_id: string;
  readonly conversation_id?: string;
  readonly user_id?: string;
}

export function eventsDocument(): string {
  const all = events.map((event) => ({ event, example: exampleOf(event) }));
  const of = (isOf: (example: Stored) => boolean) =>
    all.filter(({ example }) => isOf(example)).map(({ event, example }) => eventSection(event, example));
  return [
    '# Events',
    '',
    'Made from the contracts by `npm run events-doc`: do not edit. Every event is one entry of one log, and what a client gets over its',
    'WebSocket is the `event` field of that entry, to the byte. An example is an event as it was stored, and stays readable for ever.',
    '',
    'Beside its own `data` every event has `id` (`<unix ms>-<seq>`), `seq` (1, 2, 3 … in its log), `at`, `conversation_id` or `user_id`,',
    '`actor_id`, `request_id` and `traceparent` where the client gave one, `type` and `version`. Types below: `id` is a ULID, `time` RFC 3339 in UTC, a `?` marks',
    'what may be missing. The key of a log names its partition: `npm run chat -- inspect conversation ID` prints it whole.',
    '',
    'An event that its reader may not see comes as `event.withheld` with `data: {}`, in its place: the same `id`, `seq` and `at`. So a gap in',
    'seqs is always one.',
    '',
    '## Of a conversation',
    '',
    ...of(({ conversation_id }) => conversation_id !== undefined),
    '## Of a user',
    '',
    'They reach the user alone, but for those that say otherwise.',
    '',
    ...of(({ user_id }) => user_id !== undefined),
    '## Signals',
    '',
    'In no log: live sockets get them, and nobody who comes later. They have no `id` and no `seq`.',
    '',
    ...signals.map((signal) => signalSection(signal)),
  ].join('\n');
}

function exampleOf({ type, version }: FeatureEvent): Stored {
  return JSON.parse(readFileSync(new URL(`${type}.v${version}.json`, GOLDEN), 'utf8')) as Stored;
}

function eventSection(event: FeatureEvent, example: Stored): string {
  const { type, version, data, isPublic } = event;
  const { conversation_id, user_id } = example;
  const stream = conversation_id === undefined ? userStream(user_id!) : conversationStream(conversation_id);
  const by = scripts.filter(({ emits }) => emits.includes(`${type}/${version}`)).map(({ name }) => `\`${name}\``);
  return [
    `### \`${type}\``,
    '',
    `Version ${version}, written by ${by.join(', ')}.${isPublic ? ' Also those get it who watch the user.' : ''}`,
    '',
    ...body(data as Schema, example),
    '```bash',
    `redis-cli --raw XRANGE '${keys.of(stream, 'log')}' - + | grep '"type":"${type}"'`,
    '```',
    '',
  ].join('\n');
}

function signalSection({ type, data }: SignalDefinition): string {
  const known = events.map(exampleOf).find(({ conversation_id }) => conversation_id !== undefined)!;
  const { conversation_id = '', actor_id } = known;
  const example = { type, conversation_id, actor_id, data: valueOf(data as ValueSchema) };
  const channel = keys.signals(keys.partitionOf(conversation_id));
  return [
    `### \`${type}\``,
    '',
    ...body(data as Schema, example),
    '```bash',
    `redis-cli SUBSCRIBE '${channel}' # on a Cluster: SSUBSCRIBE`,
    '```',
    '',
  ].join('\n');
}

const body = (schema: Schema, example: object): string[] => [
  '```ts',
  `data: ${typeText(schema)}`,
  '```',
  '```json',
  JSON.stringify(example),
  '```',
];

/** A schema as one would write the type; what it has no word for stands as it is named. */
export function typeText(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' | ');
  if (schema.type === 'string') {
    if (schema.description === 'A ULID') return 'id';
    return schema.format === 'date-time' ? 'time' : 'string';
  }
  if (schema.type === 'array') {
    const item = typeText(schema.items ?? {});
    return schema.items?.anyOf || schema.items?.enum ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type !== 'object') return schema.type ?? 'anything';
  if (!schema.properties) return 'object';
  const fields = Object.entries(schema.properties).map(
    ([name, field]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${typeText(field)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
