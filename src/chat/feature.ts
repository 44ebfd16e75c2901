/**
 * The shape that every feature fills: its events, its commands (REST route and WebSocket frame of one name) and its queries.
 * `index.ts` lists the features; api, gateway and projector get their tables and know none of them by name.
 */
import type { Static, TSchema } from 'typebox';
import type { Config } from '../config.ts';
import type { EventDefinition } from '../envelope.ts';
import type { Log } from '../log/log.ts';
import type { Reading } from '../views/reading.ts';

/** Who calls, as the access token says. */
export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
}

/** What a command or query is given besides its data. Time and ids are inputs: nothing below reads a clock or draws an id. */
export interface Context {
  readonly caller: Caller;
  /** The client's id of the request, when it gave one. */
  readonly requestId: string | undefined;
  readonly now: number;
  readonly newId: () => string;
  /** Network address and user agent, for session lists and limits. */
  readonly ip: string;
  readonly userAgent: string;
  /** The WebSocket that a command came over; REST has none. */
  readonly socket?: CallingSocket;
}

export interface CallingSocket {
  readonly connectionId: string;
  /** The client's own name for its device, where it gave one. */
  readonly deviceId: string | undefined;
  /** From now on the socket gets the public events and the signals of these users, and of no others; at most 500. */
  watch(userIds: readonly string[]): void;
}

/** JSON that is ready to send: documents go from the read model to the wire without being parsed. */
export class RawJson {
  readonly json: Buffer;
  constructor(json: Buffer) {
    this.json = json;
  }
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
  /** 200 when absent. */
  readonly status?: number;
  /** Further methods that do the same. */
  readonly also?: readonly Method[];
}

export interface Command<S extends TSchema = TSchema> {
  readonly type: string;
  readonly about: string;
  readonly data: S;
  readonly route?: Route;
  /** True takes it over a WebSocket too, and answers with an `ack`. */
  readonly socket: boolean;
  /** Reached without a token. */
  readonly open?: boolean;
  /** The name under which a WebSocket ack carries the body: `message`. */
  readonly noun?: string;
  /** Counts against the user's messages a minute. */
  readonly limited?: 'message';
  run(context: Context, data: Static<S>): Promise<Answer>;
}

export interface Query<S extends TSchema = TSchema> {
  readonly name: string;
  readonly about: string;
  /** Path and query-string fields together. */
  readonly data: S;
  readonly route: Route & { readonly method: 'GET' };
  readonly open?: boolean;
  run(context: Context, data: Static<S>): Promise<object | RawJson>;
}

/** What an event means to the sockets of a node, beyond being delivered. */
export interface Membership {
  readonly userId: string;
  readonly conversationId: string;
  readonly change: 'joined' | 'left';
}

export interface FeatureEvent<S extends TSchema = TSchema> extends EventDefinition {
  readonly data: S;
  /** Who follows the conversation from this event on, or no longer. */
  membership?(data: Static<S>, conversationId: string): Membership[];
  /** The session that this event ends. */
  endsSession?(data: Static<S>): string;
}

/** What a feature serves. Its events and projections are data: `index.ts` lists them, so that the command line knows them without a server. */
export interface Feature {
  readonly commands: readonly Command[];
  readonly queries: readonly Query[];
}

/** What every feature works with; `index.ts` makes it. */
export interface Deps {
  readonly log: Log;
  readonly reading: Reading;
  readonly config: Config;
}

/** These three only tie the data's type to the schema. */
export const command = <S extends TSchema>(c: Command<S>): Command => c as unknown as Command;
export const query = <S extends TSchema>(q: Query<S>): Query => q as unknown as Query;
export const event = <S extends TSchema>(e: FeatureEvent<S>): FeatureEvent<S> => e;
