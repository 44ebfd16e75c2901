/**
 * The WebSocket gateway of a node: handshake, who may come in, the sessions and their heartbeat, and the end. Owns the list of sessions
 * and one fan-out. Refuses a foreign origin, a missing or bad token, and more sockets or attempts than it was given room for.
 */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';
import { callerAddress, isOwnOrigin } from '../addresses.ts';
import { invalid } from '../envelope.ts';
import type { Context } from '../envelope.ts';
import { asChatError, closeCodes, fail, problemHeaders, problemOf } from '../errors.ts';
import { addressSubject } from '../limits.ts';
import type { Say, Warn } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import type { Signal } from '../log/signals.ts';
import { Tail } from '../log/tail.ts';
import { Attendance } from './attendance.ts';
import type { Connected, SessionListener } from './attendance.ts';
import { Fanout } from './fanout.ts';
import { Flusher, Outbox } from './outbox.ts';
import type { FrameDoor, HandshakeLimit, Identified, Identity, Product } from './product.ts';
import { Places } from './places.ts';
import { Session } from './session.ts';
import type { SessionParts } from './session.ts';

/** Where a command came from. */
export type Origin = Required<Pick<Context, 'ip' | 'userAgent' | 'socket'>>;

export interface GatewayOptions {
  readonly log: Log;
  readonly product: Product;
  readonly identity: Identity;
  readonly door: FrameDoor;
  readonly limits: HandshakeLimit;
  readonly origins: readonly string[];
  /** How many proxies stand before the server. */
  readonly trustedProxies: number;
  readonly heartbeatSeconds: number;
  readonly maxConnections: number;
  /** Of one user and of one address; 0 is no limit. */
  readonly maxPerUser: number;
  readonly maxPerAddress: number;
  readonly maxBufferedBytes: number;
  readonly maxFramesPerSecond: number;
  /** Who is told which sockets are open. */
  readonly sessions?: SessionListener;
  readonly now: () => number;
  readonly newId: () => string;
  readonly warn: Warn;
  readonly info?: Say;
}

const PATH = /^\/api\/v1\/ws(?:\/conversations\/([0-9A-Z]{26}))?\/?$/;
export const isSocketAddress = (path: string): boolean => PATH.test(path);
const DEVICE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_FRAME_BYTES = 65_536;
const MAX_MISSED_PONGS = 2;
/** After the close frames are written, sockets have this long to say goodbye. */
const GOODBYE_MS = 2_000;
/** Beyond what @types/ws knows: bounds on fragments, and on the wait for a peer's close frame. */
const limits = { maxFragments: 16, maxBufferedChunks: 256, closeTimeout: GOODBYE_MS };

export class Gateway {
  private readonly options: GatewayOptions;
  private readonly flusher = new Flusher();
  private readonly fanout: Fanout;
  private readonly tail: Tail;
  /** Each with the second of the heartbeat's interval in which it is pinged, so that they are not all pinged at once. */
  private readonly sessions = new Map<Session, number>();
  private readonly server: WebSocketServer;
  private readonly attendance: Attendance | undefined;
  private readonly places: Places;
  private ticker: NodeJS.Timeout | undefined;
  private accepted = 0;
  private second = 0;
  private isStopping = false;

  constructor(options: GatewayOptions) {
    this.options = options;
    const { log, warn, sessions } = options;
    this.attendance = sessions && new Attendance(sessions, warn);
    this.places = new Places({ perUser: options.maxPerUser, perAddress: options.maxPerAddress });
    const fanout = new Fanout({ log, flusher: this.flusher, meaning: options.product });
    this.fanout = fanout;
    this.tail = new Tail({ log, warn, onEvents: (events) => fanout.take(events), onLost: (p) => fanout.lost(p) });
    const server: ServerOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      handleProtocols: (offered) => (offered.has('chat.v1') ? 'chat.v1' : false),
      ...limits,
    };
    this.server = new WebSocketServer(server);
  }

  /** How many sockets are open. */
  get connections(): number {
    return this.sessions.size;
  }

  /** Begins to follow the feeds, then takes sockets from the HTTP server. */
  async start(http: Server): Promise<void> {
    await this.tail.start();
    http.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      this.upgrade(request, socket, head).catch((error: unknown) => {
        this.options.info?.('socket refused', { code: asChatError(error).code, ip: this.addressOf(request) });
        turnAway(socket, error);
      });
    });
    this.ticker = setInterval(() => this.tick(), 1_000);
    this.attendance?.start();
  }

  /** Tells every socket to come back elsewhere, and stops. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.ticker);
    for (const session of this.sessions.keys()) session.restart();
    const ends = this.options.now() + GOODBYE_MS;
    while (this.sessions.size > 0 && this.options.now() < ends) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const session of this.sessions.keys()) session.abandon();
    await this.attendance?.stop();
    await this.tail.stop();
  }

  /** Hands a short-lived fact to the sockets that follow its stream now. */
  signal(signal: Signal): void {
    this.fanout.signal(signal);
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { options } = this;
    if (this.isStopping) throw fail('unavailable');
    const ip = this.addressOf(request);
    await options.limits.spend('handshake', addressSubject(ip), options.now());
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
    if (only !== undefined) await options.product.checkMember(caller.userId, only);
    if (socket.destroyed) return;
    this.places.take(socket, caller.userId, ip);
    this.server.handleUpgrade(request, socket, head, (ws) => {
      if (options.maxConnections > 0 && this.sessions.size >= options.maxConnections) {
        // It may still send what is no frame, and an error that nobody hears would end the process.
        ws.on('error', () => {});
        return ws.close(closeCodes.full, 'full');
      }
      const from = { ip, userAgent: request.headers['user-agent']?.slice(0, 256) ?? '' };
      const connected = { caller, connectionId: options.newId(), deviceId };
      this.accept(ws, socket, { connected, expiresAt, only, resumes }, from);
    });
  }

  private accept(
    ws: WebSocket,
    socket: Duplex,
    { connected, ...who }: Pick<SessionParts, 'expiresAt' | 'only' | 'resumes'> & { readonly connected: Connected },
    from: Omit<Origin, 'socket'>,
  ): void {
    const { options, fanout, attendance } = this;
    const { product, door, now, newId } = options;
    const { caller, connectionId, deviceId } = connected;
    const { userId } = caller;
    const outbox = new Outbox(socket, {
      flusher: this.flusher,
      maxBufferedBytes: options.maxBufferedBytes,
      onTooSlow: () => session.cut(closeCodes.too_slow, 'reading too slowly'),
    });
    const session: Session = new Session({
      ...who,
      caller,
      fanout,
      outbox,
      ws,
      heartbeatSeconds: options.heartbeatSeconds,
      maxFramesPerSecond: options.maxFramesPerSecond,
      conversationIds: () => product.conversationIds(userId),
      opening: () => product.opening(userId, who.only),
      hasEnded: () => options.identity.hasEnded(caller),
      beforeJoining: (stream) => product.beforeJoining(userId, stream),
      run: (frame) => door.frame(frame, { caller, requestId: frame.request_id, now: now(), newId, ...origin }),
      now,
      onReady: () => attendance?.opened(connected),
      onClosed: () => {
        this.sessions.delete(session);
        attendance?.closed(connected);
      },
      onError: (error) => options.warn(`gateway: ${(error as Error).message}`, { stack: (error as Error).stack }),
    });
    const origin = {
      ...from,
      socket: { connectionId, deviceId, watch: (ids: readonly string[]) => session.watch(ids) },
    };
    this.accepted += 1;
    this.sessions.set(session, this.accepted % options.heartbeatSeconds);
    ws.on('message', (data, isBinary) => {
      session.missedPongs = 0;
      session.receive(data as Buffer, isBinary);
    });
    ws.on('pong', () => {
      session.missedPongs = 0;
    });
    ws.on('error', () => {}); // a frame too big or broken: ws closes with its code, and 'close' follows
    const socketSays = { socket: connectionId, user: userId, session: caller.sessionId };
    options.info?.('socket opened', { ...socketSays, ip: from.ip, conversation: who.only });
    ws.on('close', (code) => {
      session.ended();
      // A reason of the client's own is anybody's text.
      options.info?.('socket closed', { ...socketSays, ...(session.closedWith ?? { code }) });
    });
    session.open().catch((error: unknown) => {
      options.warn(`gateway: a session could not open: ${(error as Error).message}`);
      session.restart();
    });
  }

  private identify(request: IncomingMessage, parameters: URLSearchParams): Promise<Identified> {
    const { identity, now } = this.options;
    const ticket = parameters.get('ticket');
    if (ticket !== null) return identity.redeemTicket(ticket, now());
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
    if (offered.length > 0 && !offered.includes('chat.v1'))
      throw fail('validation_failed', 'The sub-protocol is chat.v1');
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const inProtocol = offered.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length);
    const token = bearer ?? inProtocol ?? parameters.get('token');
    if (!token) throw fail('unauthenticated');
    return identity.authenticate(token, now());
  }

  private addressOf({ socket, headers }: IncomingMessage): string {
    return callerAddress(socket.remoteAddress, headers['x-forwarded-for'], this.options.trustedProxies);
  }

  /** Browsers do not keep other sites from opening sockets, so the server must. No origin at all is not a browser. */
  private isOriginAllowed({ headers }: IncomingMessage): boolean {
    const { origin } = headers;
    if (origin === undefined) return true;
    if (this.options.origins.includes(origin)) return true;
    return isOwnOrigin(origin, headers, this.options.trustedProxies);
  }

  /** Each second: ends expired tokens, and pings the sessions whose second of the interval it is. */
  private tick(): void {
    const now = this.options.now();
    this.second = (this.second + 1) % this.options.heartbeatSeconds;
    for (const [session, second] of this.sessions) {
      if (session.expiresAt <= now) session.close(closeCodes.token_expired, 'the access token has expired');
      else if (second !== this.second) continue;
      else if (session.missedPongs < MAX_MISSED_PONGS) session.ping();
      else session.cut(closeCodes.heartbeat_missed, 'no answer to two pings');
    }
  }
}

function deviceIdOf(parameters: URLSearchParams): string | undefined {
  const deviceId = parameters.get('device_id') ?? undefined;
  if (deviceId !== undefined && !DEVICE_ID.test(deviceId)) {
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

/** Answers a handshake that is refused, as the REST API would. */
function turnAway(socket: Duplex, thrown: unknown): void {
  const error = asChatError(thrown);
  const body = JSON.stringify(problemOf(error));
  const headers = { ...problemHeaders(error), 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${body}`);
  // Who never closes their half of the connection would keep it for ever.
  const late = setTimeout(() => socket.destroy(), GOODBYE_MS);
  socket.once('close', () => clearTimeout(late));
}
