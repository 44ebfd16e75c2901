/**
 * The shape that every feature fills. A feature is one folder that hands over one object: its events, projections and signals as data,
 * and `serve`, which makes its commands (REST route and WebSocket frame of one name), queries, reactors and timers. `index.ts` lists the
 * features; api, gateway and projector get tables and know none of them by name.
 */
import type { Readable } from 'node:stream';
import Type from 'typebox';
import type { Static, TSchema } from 'typebox';
import type { Config } from '../config.ts';
import type { ChatEvent, Context, Decode, EventDefinition, RawEvent, SessionListener } from '../envelope.ts';
import type { Reactor, Timer } from '../log/effects.ts';
import type { GuardHandler } from '../log/guard.ts';
import type { Action, Limits } from '../limits.ts';
import type { Log } from '../log/log.ts';
import type { Signals } from '../log/signals.ts';
import type { Contribution, Projection } from '../views/projection.ts';
import type { Reading } from '../views/reading.ts';
import type { Services } from './services.ts';

/** JSON that is ready to send: documents go from the read model to the wire without being parsed. */
export class RawJson {
  readonly json: Buffer;
  constructor(json: Buffer) {
    this.json = json;
  }
}

/** Bytes of a file, read as they are sent. */
export interface FileAnswer {
  readonly fileName: string;
  readonly contentType: string;
  readonly size: number;
  /** Changes with the content. */
  readonly etag: string;
  /** Shown where it stands, by a browser; false has it saved. */
  readonly isShown: boolean;
  /** From the first to the last of these bytes. Throws `not_found`. */
  read(range?: { readonly start: number; readonly end: number }): Promise<Readable>;
}

/** Whole lines in pieces, each made when the one before was taken. */
export interface LinesAnswer {
  lines(): AsyncGenerator<Buffer>;
}

export interface Answer {
  /** REST body; undefined answers 204. */
  readonly body?: object | undefined;
  /** Id of the event that the command appended, or that its first try did. */
  readonly eventId?: string | undefined;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Route {
  readonly method: Method;
  /** Below `/api/v1`, with `{name}` for what the path carries: those fields join the data. */
  readonly path: string;
  /** 200 when absent, 204 where there is no answer or only a WebSocket's `ack` carries it. */
  readonly status?: number;
  /** Further methods that do the same. */
  readonly also?: readonly Method[];
}

export interface Command<S extends TSchema = TSchema> {
  readonly type: string;
  readonly about: string;
  readonly data: S;
  /** What is answered; null where there is nothing to say but that it was done. */
  readonly answer: TSchema | null;
  readonly route?: Route;
  /** True takes it over a WebSocket too, and answers with an `ack`. */
  readonly socket: boolean;
  /** Reached without a token. */
  readonly open?: boolean;
  /** The name under which a WebSocket ack carries the answer: `message`. */
  readonly noun?: string;
  /** A file comes with it, as multipart/form-data. */
  readonly takesFile?: true;
  /** Of what the user may do only so often it is one time. What counts only sometimes asks `limits` itself. */
  readonly limited?: Action;
  /** Not for bots: it concerns what only a person owns. */
  readonly peopleOnly?: true;
  /** Also for a key that is for some conversations only, though it names none. */
  readonly anyKey?: true;
  run(context: Context, data: Static<S>): Promise<Answer>;
}

export interface Query<S extends TSchema = TSchema> {
  readonly name: string;
  readonly about: string;
  /** Path and query-string fields together. */
  readonly data: S;
  readonly answer: TSchema;
  readonly route: Route & { readonly method: 'GET' };
  readonly open?: boolean;
  readonly peopleOnly?: true;
  readonly anyKey?: true;
  /** A `signature` in its query stands for a token: who calls is not known then, and the query itself looks whether it fits. */
  readonly signed?: true;
  /** Its answer is a file. */
  readonly givesFile?: true;
  /** Its answer is as many lines as there are, each of which is as `answer` says. */
  readonly media?: 'application/x-ndjson';
  /** Of what the user may ask for only so often it is one time. */
  readonly limited?: Action;
  run(context: Context, data: Static<S>): Promise<object | RawJson | FileAnswer | LinesAnswer>;
}

/** What an event means to the sockets of a node, beyond being delivered. */
export interface Membership {
  readonly userId: string;
  readonly conversationId: string;
  readonly change: 'joined' | 'left';
}

export interface FeatureEvent<S extends TSchema = TSchema> extends EventDefinition {
  readonly data: S;
  /** An event of a user's stream that also those may see who watch the user. */
  readonly isPublic?: true;
  /** Who follows the conversation from this event on, or no longer. */
  membership?(data: Static<S>, conversationId: string): Membership[];
  /** On a user's own stream: the conversation that the user's sockets follow from this event on. */
  follows?(data: Static<S>): string;
  /** The session that this event ends. */
  endsSession?(data: Static<S>): string;
}

/** A short-lived fact that is in no log: live sockets get it, and nobody who comes later. */
export interface SignalDefinition {
  readonly type: string;
  readonly data: TSchema;
}

export type { OpenSocket, SessionListener } from '../envelope.ts';
export type { Reactor, Timer } from '../log/effects.ts';

/** Hears on every node of each event of these types, as it comes by. What it throws is passed over. */
export interface Listener {
  readonly types: readonly string[];
  hear(event: ChatEvent): Promise<void>;
}

/** From whom an event is withheld; undefined for nearly every event, and then nobody is asked about. */
export type WithheldFrom = (event: RawEvent) => ((userId: string) => boolean) | undefined;

export interface Served {
  readonly commands?: readonly Command[];
  readonly queries?: readonly Query[];
  readonly reactors?: readonly Reactor[];
  readonly timers?: readonly Timer[];
  readonly sessions?: SessionListener;
  readonly hears?: Listener;
  /** Whoever it names gets a placeholder in the event's place, over a socket and in a list alike. */
  readonly withheldFrom?: WithheldFrom;
}

export interface Feature {
  readonly events?: readonly FeatureEvent[];
  readonly projections?: readonly Projection[];
  /** Handlers of this feature's events in another feature's projection. */
  readonly contributions?: readonly Contribution[];
  /** What its events do to guard state, for proofs: all that its scripts keep of what follows from a log. */
  readonly guards?: readonly GuardHandler[];
  readonly signals?: readonly SignalDefinition[];
  serve(deps: Deps): Served;
}

/** What every feature works with; `index.ts` makes it. */
export interface Deps extends Services {
  readonly log: Log;
  readonly signals: Pick<Signals, 'publish'>;
  readonly reading: Reading;
  readonly decode: Decode;
  readonly config: Config;
  readonly limits: Pick<Limits, 'spend' | 'spendFor'>;
  /** All features' rules as one. */
  readonly withheldFrom: WithheldFrom;
}

/** These only tie the data's type to the schema. */
export const command = <S extends TSchema>(c: Command<S>): Command => c as unknown as Command;
export const query = <S extends TSchema>(q: Query<S>): Query => q as unknown as Query;
export const event = <S extends TSchema>(e: FeatureEvent<S>): FeatureEvent<S> => e;
export const projection = <Doc extends object>(p: Projection<Doc>): Projection => p as unknown as Projection;

/** The answer schema of a list. `more` holds what stands beside the items. */
export const listAnswer = (item: TSchema, more: Record<string, TSchema> = {}): TSchema =>
  Type.Object(
    {
      items: Type.Array(item),
      ...more,
      next_cursor: Type.Union([Type.String(), Type.Null()]),
      has_more: Type.Boolean(),
    },
    { additionalProperties: false },
  );
