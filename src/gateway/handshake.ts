/**
 * Who may open a socket, and what a handshake says of it. Refuses a foreign origin, a missing or bad token, what the query string
 * misspells, a conversation that the caller is not in, and more attempts than an address is allowed.
 */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { bearerOf } from '../bearer.ts';
import { callerAddress, isOwnOrigin } from '../addresses.ts';
import { DEVICE_ID, invalid } from '../envelope.ts';
import type { Caller } from '../envelope.ts';
import { asChatError, fail, problemHeaders, problemOf } from '../errors.ts';
import { addressSubject } from '../limits.ts';
import type { HandshakeLimit, Identified, Identity, Product } from './product.ts';

export interface HandshakesOptions {
  readonly product: Product;
  readonly identity: Identity;
  readonly limits: HandshakeLimit;
  readonly origins: readonly string[];
  /** How many proxies stand before the server. */
  readonly trustedProxies: number;
  readonly now: () => number;
}

export interface Admitted {
  readonly caller: Caller;
  readonly expiresAt: number;
  readonly ip: string;
  readonly userAgent: string;
  /** The one conversation that the socket is for; undefined for all. */
  readonly only: string | undefined;
  readonly deviceId: string | undefined;
  readonly resumes: boolean;
}

const PATH = /^\/api\/v1\/ws(?:\/conversations\/([0-9A-Z]{26}))?\/?$/;
const DEVICE_ID_PATTERN = new RegExp(DEVICE_ID);
const MAX_USER_AGENT = 256;

export const isSocketAddress = (path: string): boolean => PATH.test(path);

export class Handshakes {
  private readonly options: HandshakesOptions;

  constructor(options: HandshakesOptions) {
    this.options = options;
  }

  /** Throws the catalogue error with which the handshake is refused. */
  async admit(request: IncomingMessage): Promise<Admitted> {
    const { limits, product, now } = this.options;
    const ip = this.addressOf(request);
    await limits.spend('handshake', addressSubject(ip), now());
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    const parameters = new URLSearchParams(search);
    const match = PATH.exec(path);
    if (!match) throw fail('not_found', 'There is nothing at this address');
    if (!this.isOriginAllowed(request)) throw fail('forbidden', 'This origin may not connect');
    const { caller, expiresAt } = await this.identify(request, parameters);
    const only = match[1];
    const deviceId = deviceIdOf(parameters);
    const resumes = resumesOf(parameters);
    const scope = caller.key?.scope;
    if (scope && (only === undefined || !scope.includes(only)))
      throw fail('forbidden', 'This key opens a socket of a conversation that it is for, and no other');
    if (only !== undefined) await product.checkMember(caller.userId, only);
    const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? '';
    return { caller, expiresAt, ip, userAgent, only, deviceId, resumes };
  }

  addressOf({ socket, headers }: IncomingMessage): string {
    return callerAddress(socket.remoteAddress, headers['x-forwarded-for'], this.options.trustedProxies);
  }

  private identify(request: IncomingMessage, parameters: URLSearchParams): Promise<Identified> {
    const { identity, now } = this.options;
    const ticket = parameters.get('ticket');
    if (ticket !== null) return identity.redeemTicket(ticket, now());
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
    if (offered.length > 0 && !offered.includes('chat.v1'))
      throw fail('validation_failed', 'The sub-protocol is chat.v1');
    const bearer = bearerOf(request.headers.authorization);
    const inProtocol = offered.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length);
    const token = bearer ?? inProtocol ?? parameters.get('token');
    if (!token) throw fail('unauthenticated');
    return identity.authenticate(token, now());
  }

  /** Browsers do not keep other sites from opening sockets, so the server must. No origin at all is not a browser. */
  private isOriginAllowed({ headers }: IncomingMessage): boolean {
    const { origin } = headers;
    if (origin === undefined) return true;
    if (this.options.origins.includes(origin)) return true;
    return isOwnOrigin(origin, headers, this.options.trustedProxies);
  }
}

function deviceIdOf(parameters: URLSearchParams): string | undefined {
  const deviceId = parameters.get('device_id') ?? undefined;
  if (deviceId !== undefined && !DEVICE_ID_PATTERN.test(deviceId)) {
    throw invalid([{ pointer: '/query/device_id', message: 'must be 1 to 64 letters, digits, _ or -' }]);
  }
  return deviceId;
}

/** A client that misspells it would else wait for what it missed for ever. */
function resumesOf(parameters: URLSearchParams): boolean {
  const resume = parameters.get('resume');
  if (resume !== null && resume !== '1' && resume !== 'true')
    throw invalid([{ pointer: '/query/resume', message: 'must be 1 or true' }]);
  return resume !== null;
}

/** Answers a handshake that is refused, as the REST API would; the peer has so long to close its half of the connection. */
export function turnAway(socket: Duplex, thrown: unknown, withinMs: number): void {
  const error = asChatError(thrown);
  const body = JSON.stringify(problemOf(error));
  const headers = { ...problemHeaders(error), 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${body}`);
  const late = setTimeout(() => socket.destroy(), withinMs);
  socket.once('close', () => clearTimeout(late));
}
