/**
 * What travels: the event envelope and its ids, the command envelope, the one ajv instance, and the checks that any outside input
 * passes before a schema looks at it. Pure: no clock, no Redis, no feature by name.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject } from 'ajv/dist/2020.js';
import Type from 'typebox';
import type { Static, TSchema } from 'typebox';
import { fail } from './errors.ts';
import type { FieldError } from './errors.ts';
import { conversationStream, userStream } from './keys.ts';
import type { StreamRef } from './keys.ts';
import { TRACEPARENT } from './trace.ts';

/** `<unix ms>-<seq>`: the id of a log entry. `seq` is dense within its stream, `ms` is the Redis clock and never runs backwards. */
export interface EventId {
  readonly ms: number;
  readonly seq: number;
}

const EVENT_ID_TEXT = '^(0|[1-9]\\d{0,14})-(0|[1-9]\\d{0,14})$';
const EVENT_ID = new RegExp(EVENT_ID_TEXT);

export function parseEventId(text: string): EventId | undefined {
  const match = EVENT_ID.exec(text);
  return match ? { ms: Number(match[1]), seq: Number(match[2]) } : undefined;
}

/** For ids that came from our own log; throws on anything else. */
export function eventId(text: string): EventId {
  const id = parseEventId(text);
  if (!id) throw new Error(`not an event id: ${text.slice(0, 40)}`);
  return id;
}

/** Negative, zero or positive as `a` is before, at or after `b`. Ids never compare as text: '9-0' is before '10-0'. */
export function compareEventIds(a: EventId, b: EventId): number {
  return a.ms - b.ms || a.seq - b.seq;
}

export const START = '0-0';

/** The highest seq that an id can have. */
const LAST_SEQ = '9'.repeat(15);

/** An id after which everything comes that happened at this millisecond or later. */
export const idBeforeMs = (ms: number): string => (ms <= 0 ? START : `${ms - 1}-${LAST_SEQ}`);

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

/** Unix ms of an RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  const ms = RFC_3339.test(text) ? Date.parse(text) : NaN;
  return Number.isFinite(ms) ? ms : undefined;
}

export interface ChatEvent<Data = unknown> {
  readonly id: string;
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly version: number;
  readonly conversation_id?: string;
  readonly user_id?: string;
  readonly actor_id: string;
  readonly request_id?: string;
  readonly traceparent?: string;
  readonly data: Data;
}

/** An event as it is stored and sent: the bytes of its JSON, and what routing needs without parsing them. */
export interface RawEvent {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly stream: StreamRef;
  readonly json: Buffer;
}

/** Every stored event begins like this: the append script writes these fields first so that nobody has to parse to route. */
const EVENT_HEAD =
  /^\{"id":"(\d{1,15}-(\d{1,15}))","seq":\d+,"at":"[^"]{24}","(conversation|user)_id":"([0-9A-Z]{26})"/;

/** Reads the routing facts off an event's first bytes; undefined where they are not an event of ours. */
export function rawEvent(type: string, json: Buffer): RawEvent | undefined {
  const match = EVENT_HEAD.exec(json.toString('latin1', 0, 160));
  if (!match) return undefined;
  const stream = match[3] === 'user' ? userStream(match[4]!) : conversationStream(match[4]!);
  return { id: match[1]!, seq: Number(match[2]), type, stream, json };
}

/** What stands for an event where its reader may not see it: its place in its stream, and nothing of what it says. */
export function withheldEvent({ json }: RawEvent): string {
  const head = EVENT_HEAD.exec(json.toString('latin1', 0, 160))![0];
  return `${head},"type":"event.withheld","version":1,"data":{}}`;
}

const ACTOR = /"actor_id":"([0-9A-Z]{26})"/;

/** Who did it, read off an event's first bytes; '' where they do not say. */
export const actorOf = ({ json }: RawEvent): string => ACTOR.exec(json.toString('latin1', 0, 220))?.[1] ?? '';

/** An entry of a log or feed as Redis gives it: its id and its fields, null for one that was trimmed. */
export type RawEntry = [Buffer, Buffer[] | null];

/** The event in the fields of a log or feed entry, or undefined where they are not ours. */
export function eventOfEntry(fields: readonly Buffer[] | null): RawEvent | undefined {
  if (!fields || fields.length < 4 || fields[0]!.toString() !== 'type' || fields[2]!.toString() !== 'event')
    return undefined;
  return rawEvent(fields[1]!.toString(), fields[3]!);
}

/** An event that a feature declares: its newest version, its data and how older versions are lifted to it on read. */
export interface EventDefinition {
  readonly type: string;
  readonly version: number;
  readonly data: TSchema;
  /** `upcasts[n]` lifts the data of version n to version n + 1. */
  readonly upcasts?: Readonly<Record<number, (data: never) => unknown>>;
}

export interface Decode {
  (raw: RawEvent): ChatEvent;
  /** False for a type that no feature declares, as one from a newer program. */
  knows(type: string): boolean;
}

/** Who calls, as the access token says. */
export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
  /** Where it is a bot that calls by its API key: the conversations that the key is for, undefined for all. */
  readonly key?: { readonly scope: readonly string[] | undefined };
}

/** What a command or query is given besides its data. Time and ids are inputs: nothing below reads a clock or draws an id. */
export interface Context {
  readonly caller: Caller;
  /** The client's id of the request, when it gave one. */
  readonly requestId: string | undefined;
  /** The trace that the request came with. */
  readonly traceparent?: string | undefined;
  readonly now: number;
  readonly newId: () => string;
  /** Network address and user agent, for session lists and limits. */
  readonly ip: string;
  readonly userAgent: string;
  /** The WebSocket that a command came over; REST has none. */
  readonly socket?: CallingSocket;
  /** The file that comes with a command which takes one. */
  readonly upload?: Upload;
  /** Told of each limit that the request counts for, where somebody wants to know. */
  readonly tellLeft?: (left: Left | undefined) => void;
}

/** What is left of a limit. */
export interface Left {
  readonly name: string;
  readonly most: number;
  readonly seconds: number;
  readonly times: number;
  /** Seconds until all of it is there again. */
  readonly wholeIn: number;
}

/** A file that is about to arrive with a request. */
export interface Upload {
  /** Bytes of the whole request, where it says so. */
  readonly length: number | undefined;
  /** Has each piece of the file written as it comes, and answers its name as the client gave it. Throws `validation_failed`. */
  receive(write: (piece: Buffer) => Promise<void>): Promise<{ fileName: string }>;
}

export interface CallingSocket {
  /** Of this socket alone; a session may have several. */
  readonly connectionId: string;
  /** The client's own name for its device, where it gave one. */
  readonly deviceId: string | undefined;
  /** From now on the socket gets the public events and the signals of these users, and of no others; at most 500. */
  watch(userIds: readonly string[]): void;
}

/** One open WebSocket. */
export interface OpenSocket extends Pick<CallingSocket, 'connectionId' | 'deviceId'> {
  readonly caller: Caller;
  /** Ids of the last events that have reached the device, by the id of their conversation or user. Where the client named one. */
  reached?(): ReadonlyMap<string, string>;
}

/** Who hears of the sockets of this node: of one as it opens and closes, in that order, and every few seconds of all that are open. */
export interface SessionListener {
  opened(socket: OpenSocket): Promise<void>;
  renewed(sockets: readonly OpenSocket[]): Promise<void>;
  closed(socket: OpenSocket): Promise<void>;
}

/** What an event means for the sockets of a node, beyond being delivered to them. */
export type Effect =
  | { readonly kind: 'joined' | 'left'; readonly userId: string; readonly conversationId: string }
  | { readonly kind: 'session_ended'; readonly userId: string; readonly sessionId: string };

/** One error at a time: collecting all of them lets a hostile body cost seconds. `verbose` gives an error its schema, for the words. */
export const ajv = new Ajv2020({
  allErrors: false,
  strict: true,
  useDefaults: true,
  allowUnionTypes: true,
  verbose: true,
  // Beside a pattern or a format: what the value must be, in words for whoever sent another.
  keywords: ['words'],
  formats: { 'web-address': isWebAddress },
});

/** A parser's opinion and not a pattern's. What a parser mends, as blanks or a backslash, others read differently. */
function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^\s\\\p{C}]+$/iu.test(text) && URL.canParse(text);
}

const ULID = '^[0-7][0-9A-HJKMNP-TV-Z]{25}$';
const ULID_PATTERN = new RegExp(ULID);
export const isUlid = (text: string): boolean => ULID_PATTERN.test(text);

/** A ULID as the product takes and gives it: 26 characters of Crockford base 32, upper case. */
export const Id = Type.String({ pattern: ULID, words: 'must be a ULID', description: 'A ULID' });

export const EventId = Type.String({
  pattern: EVENT_ID_TEXT,
  words: 'must be an event id',
  description: 'An event id; 0-0 is the beginning',
});

export const Traceparent = Type.String({
  pattern: TRACEPARENT,
  words: 'must be a traceparent as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  description: 'The trace that the request belongs to, as W3C Trace Context writes it',
});

/** What holds a write that was acknowledged, as the servers' settings let it be promised. */
export const DURABILITIES = ['disk', 'replicated', 'memory'] as const;
export type Durability = (typeof DURABILITIES)[number];

/** A client's own name for its device. */
export const DEVICE_ID = '^[A-Za-z0-9_-]{1,64}$';

const CommandFrame = Type.Object({
  type: Type.String({ maxLength: 64 }),
  id: Type.Optional(Type.String({ maxLength: 64 })),
  request_id: Type.Optional(Id),
  traceparent: Type.Optional(Traceparent),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

/** A command as it comes over a WebSocket. `id` links the answer on this socket; `request_id` makes the command repeatable. */
export type CommandFrame = Static<typeof CommandFrame>;

const { id: FrameId, request_id: RequestId, traceparent: FrameTrace } = CommandFrame.properties;
/** What a command over a WebSocket may have beside its type and data, for the documents. */
export const commandFields = { id: FrameId, request_id: RequestId, traceparent: FrameTrace };

export const checkCommandFrame = validator(CommandFrame, '');

/** A check that throws `validation_failed` with the first field that is wrong. `root` is the pointer that its fields hang from. */
export function validator<T extends TSchema>(schema: T, root: string): (value: unknown) => Static<T> {
  const fits = ajv.compile(schema);
  return (value) => {
    if (!fits(value)) throw invalid(fieldErrors(fits.errors, root));
    return value as Static<T>;
  };
}

export function invalid(errors: FieldError[]): Error {
  const [first] = errors;
  return fail('validation_failed', first ? `${first.pointer || '/'}: ${first.message}` : undefined, { errors });
}

/** What is said of a field that a request does not have. */
export const NO_FIELD = 'is not a field of this request';

/** What is wrong, in words. */
export function fieldErrors(errors: ErrorObject[] | null | undefined, root: string): FieldError[] {
  const told = (errors ?? []).filter((e) => e.keyword !== 'anyOf' && !isAboutNull(e));
  return (told.length > 0 ? told : (errors ?? [])).map((e) => {
    const params = e.params as Record<string, string>;
    const name = params['additionalProperty'] ?? params['missingProperty'];
    return { pointer: `${root}${e.instancePath}${name === undefined ? '' : `/${name}`}`, message: messageOf(e) };
  });
}

/** That a value is not null either helps nobody. */
const isAboutNull = ({ keyword, params }: ErrorObject): boolean =>
  keyword === 'type' && (params as { type?: unknown }).type === 'null';

function messageOf({ keyword, params, parentSchema, message = 'is not right' }: ErrorObject): string {
  if (keyword === 'additionalProperties') return NO_FIELD;
  if (keyword === 'minProperties') return 'names nothing to change';
  if (keyword === 'enum') return `must be one of ${(params as { allowedValues: unknown[] }).allowedValues.join(', ')}`;
  if (keyword !== 'pattern' && keyword !== 'format') return message;
  return (parentSchema as { words?: string } | undefined)?.words ?? 'is not of the right form';
}

/** How deep what comes in may be nested. */
export const MAX_DEPTH = 32;
const POISON_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * What no schema says but every input must hold: at most 32 levels, no key that could reach a prototype, only well-formed Unicode,
 * since a lone surrogate would be stored as other bytes than were sent, and no number too large to be one, which would be stored as
 * null. Throws `validation_failed`.
 */
export function checkPlain(value: unknown, pointer = '', depth = 0): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw invalid([{ pointer, message: 'holds half of a surrogate pair' }]);
    return;
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalid([{ pointer, message: 'is too large a number' }]);
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) throw invalid([{ pointer: '', message: `is nested deeper than ${MAX_DEPTH} levels` }]);
  for (const key of Object.keys(value)) {
    if (POISON_KEYS.has(key)) throw invalid([{ pointer, message: `may not have a field called ${key}` }]);
    if (!key.isWellFormed()) throw invalid([{ pointer, message: 'has a field name with half of a surrogate pair' }]);
    checkPlain((value as Record<string, unknown>)[key], `${pointer}/${key}`, depth + 1);
  }
}
