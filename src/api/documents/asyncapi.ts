/**
 * The AsyncAPI 3.0 document of the WebSocket, made from the same tables as the REST document: every command with its data and its
 * answer, every event, signal and frame of the session, with examples; how a socket is opened and refused, and why it closes.
 */
import Type from 'typebox';
import type { TSchema } from 'typebox';
import { DEVICE_ID, Traceparent } from '../../envelope.ts';
import { catalogue, closeCodes, closeTexts } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { BASE } from '../routes.ts';
import type { Entry } from '../routes.ts';
import { EXAMPLE_EVENT_ID, EXAMPLE_ID, EXAMPLE_TIME, exampleOf } from './example.ts';
import type { Schema } from './example.ts';
import { Schemas } from './schemas.ts';

interface Told {
  readonly about: string;
  readonly schema: TSchema;
}

/** A command as a socket takes it. */
interface SocketEntry extends Entry {
  readonly socket?: boolean;
  readonly noun?: string;
}

export interface DescribedSocket {
  readonly commands: ReadonlyMap<string, SocketEntry>;
  readonly sessionCommands: ReadonlyMap<string, { readonly about: string; readonly data: TSchema }>;
  readonly serverFrames: Readonly<Record<string, Told>>;
  readonly errorFrame: TSchema;
  readonly ackFrame: (data: TSchema) => TSchema;
  /** What an ack says of the event that was appended. */
  readonly written: Readonly<Record<string, TSchema>>;
  /** Its fields but for data. */
  readonly commandFrame: Readonly<Record<string, TSchema>>;
  readonly events: readonly {
    readonly type: string;
    readonly version: number;
    readonly data: TSchema;
    readonly isPublic?: true;
  }[];
  readonly signals: readonly { readonly type: string; readonly data: TSchema }[];
  readonly isOfUser: (type: string) => boolean;
  readonly schemas: Readonly<Record<string, object>>;
}

const strict = { additionalProperties: false } as const;
const Id = Type.String({ description: 'A ULID' });
const TICKET = 'A ticket of `POST /auth/ws-ticket`, good for once';

/** What a handshake may be refused with, as REST would be. */
const REFUSALS: readonly ErrorCode[] = [
  'validation_failed',
  'unauthenticated',
  'token_expired',
  'forbidden',
  'not_found',
  'upgrade_required',
  'rate_limited',
  'unavailable',
];

export function asyncApi(product: DescribedSocket, version: string): object {
  const messages = new Messages(product);
  const operations = { ...messages.commandOperations(), ...messages.sendOperations() };
  const all = Object.fromEntries(
    Object.keys(messages.made).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
  );
  const refusals = REFUSALS.map((code) => ({ status: catalogue[code].status, code, title: catalogue[code].title }));
  const closing = Object.entries(closeCodes).map(([name, code]) => ({
    code,
    name,
    text: closeTexts[name as keyof typeof closeCodes],
    come_back: code < 4500,
  }));
  return {
    asyncapi: '3.0.0',
    id: 'urn:rill:websocket',
    info: {
      title: 'Rill over a WebSocket',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      tags: TAGS,
    },
    defaultContentType: 'application/json',
    servers: {
      own: {
        host: '{host}',
        protocol: 'ws',
        description: 'Where this document is served; `wss` behind TLS',
        variables: { host: { default: 'localhost:8000', description: 'Host and port of the server' } },
        security: ['bearer', 'protocol', 'ticket', 'token'].map((name) => ({
          $ref: `#/components/securitySchemes/${name}`,
        })),
      },
    },
    channels: {
      socket: {
        address: `${BASE}/ws`,
        title: 'All conversations',
        description: 'One socket carries all of a user’s conversations',
        messages: all,
        bindings: BINDINGS,
        'x-handshake-errors': refusals,
        'x-close-codes': closing,
      },
      conversation: {
        address: `${BASE}/ws/conversations/{conversation_id}`,
        title: 'One conversation',
        description:
          'The same, narrowed to one conversation: nothing of the own stream comes, and commands for others are refused',
        parameters: { conversation_id: { description: 'A ULID', examples: [EXAMPLE_ID] } },
        messages: all,
        bindings: BINDINGS,
        'x-handshake-errors': refusals,
        'x-close-codes': closing,
      },
    },
    operations,
    components: {
      messages: messages.made,
      schemas: messages.schemas.components,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token, or the API key of a bot',
        },
        protocol: {
          type: 'httpApiKey',
          name: 'Sec-WebSocket-Protocol',
          in: 'header',
          description: '`chat.v1, bearer.<token>`, for browsers',
        },
        ticket: { type: 'httpApiKey', name: 'ticket', in: 'query', description: TICKET },
        token: {
          type: 'httpApiKey',
          name: 'token',
          in: 'query',
          description: 'An access token, where nothing else can be set',
        },
      },
    },
  };
}

const DESCRIPTION = [
  'Open it with a token, wait for `session.ready`, send commands, and take events. A command is answered by an `ack` or an `error` with its `id`;',
  'its `request_id` makes it repeatable. An event has an `id` of `<unix ms>-<seq>`, and `seq` counts 1, 2, 3 … in its stream: whoever keeps the last id',
  'of each stream resumes with `?resume=1` and `session.resume`, without a gap and without a duplicate. A handshake that is refused is answered by HTTP',
  'with a problem document. Close codes 4000–4499, 1012 and 1013 mean: come back, with resume; 4500–4999: do not.',
].join(' ');

const TAGS = [
  { name: 'command', description: 'What a client sends' },
  { name: 'answer', description: 'What a command is answered' },
  { name: 'event', description: 'What happened, as the log has it' },
  { name: 'signal', description: 'What is true for a moment, and in no log' },
  { name: 'session', description: 'What concerns the socket itself' },
];

const text = (description: string, more: object = {}) => ({ type: 'string', description, ...more });
const BINDINGS = {
  ws: {
    method: 'GET',
    query: {
      type: 'object',
      properties: {
        ticket: text(TICKET),
        token: text('An access token'),
        resume: text('`session.resume` will follow', { enum: ['1', 'true'] }),
        device_id: text('The client’s own name for its device', { pattern: DEVICE_ID }),
      },
    },
    headers: {
      type: 'object',
      properties: {
        Authorization: text('`Bearer <token>`'),
        'Sec-WebSocket-Protocol': text('`chat.v1, bearer.<token>`'),
        Origin: text('Refused where it is a foreign one; none is fine'),
      },
    },
  },
};

class Messages {
  readonly made: Record<string, object> = {};
  readonly schemas: Schemas;
  private readonly product: DescribedSocket;

  constructor(product: DescribedSocket) {
    this.product = product;
    this.schemas = new Schemas(product.schemas);
  }

  /** What the server takes, each with what it answers. */
  commandOperations(): Record<string, object> {
    const { commands, sessionCommands, errorFrame, ackFrame } = this.product;
    this.put('error', 'A command was refused', 'answer', errorFrame, {
      type: 'error',
      id: 'r1',
      error: { code: 'forbidden', detail: catalogue.forbidden.title },
    });
    const pong = this.product.serverFrames['pong']!;
    this.put('pong', pong.about, 'answer', pong.schema, { type: 'pong', id: 'r1', data: {} });
    const operations: [string, object][] = [];
    for (const [type, { about, data }] of sessionCommands)
      operations.push([
        type,
        this.command(type, about, data, type === 'ping' ? 'pong' : ackFrame(Type.Object({}, strict))),
      ]);
    for (const [type, entry] of commands) {
      if (!entry.socket) continue;
      operations.push([type, this.command(type, entry.about, entry.data as TSchema, ackFrame(this.ackData(entry)))]);
    }
    return Object.fromEntries(operations);
  }

  /** What the server sends by itself. */
  sendOperations(): Record<string, object> {
    const { serverFrames, events, signals } = this.product;
    const own = Object.entries(serverFrames).filter(([type]) => type !== 'pong');
    for (const [type, { about, schema }] of own) this.put(type, about, 'session', schema, exampleOf(schema as Schema));
    for (const event of events) this.event(event);
    this.put('event.withheld', 'In the place of an event that its reader may not see', 'event', this.withheld(), {
      ...this.envelope('receipt.read', 1).example,
      type: 'event.withheld',
      data: {},
    });
    for (const { type, data } of signals) {
      const fields = { type: Type.Literal(type), conversation_id: Id, actor_id: Id, data };
      const example = { type, conversation_id: EXAMPLE_ID, actor_id: EXAMPLE_ID, data: exampleOf(data as Schema) };
      this.put(
        type,
        'A signal: live sockets get it, and nobody who comes later',
        'signal',
        Type.Object(fields, strict),
        example,
      );
    }
    const send = (name: string, summary: string, types: readonly string[]) => [
      name,
      { action: 'send', channel: SOCKET, summary, messages: types.map(messageOf) },
    ];
    return Object.fromEntries([
      send(
        'session',
        'Frames of the session',
        own.map(([type]) => type),
      ),
      send('events', 'What happens, as it happens', [...events.map(({ type }) => type), 'event.withheld']),
      send(
        'signals',
        'What is true for a moment',
        signals.map(({ type }) => type),
      ),
    ]);
  }

  private command(type: string, about: string, data: TSchema, answer: TSchema | 'pong'): object {
    const fields = { type: Type.Literal(type), ...this.product.commandFrame };
    const hasData = ((data as Schema).required ?? []).length > 0;
    const schema = Type.Object({ ...fields, data: hasData ? data : Type.Optional(data) }, strict);
    // A command may be called like the event that it makes.
    const name = this.product.events.some((event) => event.type === type) ? `${type}.command` : type;
    this.put(name, about, 'command', schema, { type, id: 'r1', data: exampleOf(data as Schema) });
    const acked = answer === 'pong' ? 'pong' : `${type}.ack`;
    if (answer !== 'pong')
      this.put(acked, `The answer to \`${type}\``, 'answer', answer, {
        ...(exampleOf(answer as Schema) as object),
        id: 'r1',
      });
    return {
      action: 'receive',
      channel: SOCKET,
      summary: about,
      messages: [messageOf(name)],
      reply: { channel: SOCKET, messages: [acked, 'error'].map(messageOf) },
    };
  }

  private ackData({ answer, noun }: SocketEntry): TSchema {
    const written = Object.fromEntries(
      Object.entries(this.product.written).map(([name, one]) => [name, Type.Optional(one)]),
    );
    return Type.Object({ ...written, ...(answer && noun ? { [noun]: Type.Optional(answer as TSchema) } : {}) }, strict);
  }

  private event({ type, version, data, isPublic }: DescribedSocket['events'][number]): void {
    const { fields, example } = this.envelope(type, version);
    const schema = Type.Object({ ...fields, type: Type.Literal(type), data }, strict);
    const who = this.product.isOfUser(type)
      ? `Of a user's own stream${isPublic ? '; also those get it who watch the user' : ''}`
      : 'Of a conversation';
    this.put(type, who, 'event', schema, { ...example, type, data: exampleOf(data as Schema) });
  }

  private envelope(type: string, version: number) {
    const owner = this.product.isOfUser(type) ? 'user_id' : 'conversation_id';
    const fields = {
      id: Type.String({ description: '`<unix ms>-<seq>`: order, time and cursor in one' }),
      seq: Type.Integer({ minimum: 1, description: '1, 2, 3 … in its stream' }),
      at: Type.String({ format: 'date-time' }),
      [owner]: Id,
      actor_id: Id,
      request_id: Type.Optional(Id),
      traceparent: Type.Optional(Traceparent),
      version: Type.Integer({ minimum: 1, description: `${version} in what is written now` }),
    };
    const example = {
      id: EXAMPLE_EVENT_ID,
      seq: 42,
      at: EXAMPLE_TIME,
      [owner]: EXAMPLE_ID,
      actor_id: EXAMPLE_ID,
      version,
    };
    return { fields, example };
  }

  private withheld(): TSchema {
    const {
      actor_id,
      request_id: _request,
      traceparent: _trace,
      conversation_id,
      ...fields
    } = this.envelope('receipt.read', 1).fields as Record<string, TSchema>;
    const optional = {
      actor_id: Type.Optional(actor_id!),
      conversation_id: Type.Optional(conversation_id!),
      user_id: Type.Optional(Id),
    };
    return Type.Object(
      { ...fields, ...optional, type: Type.Literal('event.withheld'), data: Type.Object({}, strict) },
      strict,
    );
  }

  private put(name: string, about: string, tag: string, schema: TSchema, payload: unknown): void {
    this.made[name] = {
      name,
      title: name,
      summary: about,
      tags: [{ name: tag }],
      payload: this.schemas.of(schema),
      examples: [{ name: 'example', payload }],
    };
  }
}

const SOCKET = { $ref: '#/channels/socket' };
const messageOf = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` });
