/**
 * The WebSocket gateway of a node: lets sockets in, keeps their sessions and their heartbeat, and ends them. Owns the list of sessions
 * and one fan-out. Refuses more sockets than it was given room for.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';
import type { OpenSocket, RawEvent, SessionListener } from '../envelope.ts';
import { asChatError, closeCodes, fail } from '../errors.ts';
import type { Say, Warn } from '../log/connection.ts';
import type { Log } from '../log/log.ts';
import type { Signal } from '../log/signals.ts';
import { Tail } from '../log/tail.ts';
import type { TailCounts } from '../log/tail.ts';
import { Attendance } from './attendance.ts';
import { countOne } from './counts.ts';
import type { Counts } from './counts.ts';
import { Fanout } from './fanout.ts';
import { Handshakes, turnAway } from './handshake.ts';
import type { Admitted, HandshakesOptions } from './handshake.ts';
import { Flusher, Outbox } from './outbox.ts';
import { Places } from './places.ts';
import type { FrameDoor } from './product.ts';
import { Session } from './session.ts';

export interface GatewayOptions extends HandshakesOptions {
  readonly log: Log;
  readonly door: FrameDoor;
  readonly heartbeatSeconds: number;
  readonly maxConnections: number;
  /** Of one user and of one address; 0 is no limit. */
  readonly maxPerUser: number;
  readonly maxPerAddress: number;
  readonly maxBufferedBytes: number;
  readonly maxFramesPerSecond: number;
  /** Who is told which sockets are open. */
  readonly sessions?: SessionListener;
  readonly newId: () => string;
  readonly warn: Warn;
  readonly info?: Say;
  /** Told of the events that went to live sockets, once they are written. */
  readonly onWritten?: (events: readonly RawEvent[]) => void;
}

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
  private readonly handshakes: Handshakes;
  private readonly places: Places;
  private ticker: NodeJS.Timeout | undefined;
  private accepted = 0;
  private second = 0;
  private isStopping = false;

  constructor(options: GatewayOptions) {
    this.options = options;
    const { log, warn, sessions, onWritten } = options;
    this.attendance = sessions && new Attendance(sessions, warn);
    this.handshakes = new Handshakes(options);
    this.places = new Places({ perUser: options.maxPerUser, perAddress: options.maxPerAddress });
    const fanout = new Fanout({ log, flusher: this.flusher, meaning: options.product, onWritten });
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

  get counts(): Counts {
    return this.fanout.counts;
  }

  /** How often feeds had to be read, and how often one was cut off behind us. */
  get feeds(): TailCounts {
    return this.tail.counts;
  }

  /** Begins to follow the feeds, then takes sockets from the HTTP server. */
  async start(http: Server): Promise<void> {
    await this.tail.start();
    http.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      this.upgrade(request, socket, head).catch((error: unknown) => {
        const { code } = asChatError(error);
        countOne(this.counts.refused, code);
        this.options.info?.('socket refused', { code, ip: this.handshakes.addressOf(request) });
        turnAway(socket, error, GOODBYE_MS);
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
    const { caller, ...admitted } = await this.handshakes.admit(request);
    if (this.isStopping) throw fail('unavailable');
    if (socket.destroyed) return;
    this.places.take(socket, caller.userId, admitted.ip);
    this.server.handleUpgrade(request, socket, head, (ws) => {
      if (options.maxConnections > 0 && this.sessions.size >= options.maxConnections) {
        // It may still send what is no frame, and an error that nobody hears would end the process.
        ws.on('error', () => {});
        countOne(this.counts.closed, closeCodes.full);
        return ws.close(closeCodes.full, 'full');
      }
      this.accept(ws, socket, { caller, ...admitted });
    });
  }

  private accept(ws: WebSocket, socket: Duplex, admitted: Admitted): void {
    const { options, fanout, attendance } = this;
    const { product, door, now, newId } = options;
    const { caller, only, deviceId, ip, userAgent } = admitted;
    const { userId } = caller;
    const connectionId = newId();
    const keepsAccount = deviceId !== undefined && product.deviceMarks !== undefined;
    const known = { caller, connectionId, deviceId };
    const connected: OpenSocket = keepsAccount ? { ...known, reached: () => session.reached } : known;
    const outbox = new Outbox(socket, {
      flusher: this.flusher,
      maxBufferedBytes: options.maxBufferedBytes,
      onTooSlow: () => session.cut(closeCodes.too_slow, 'reading too slowly'),
      onWritten: keepsAccount ? () => session.wrote() : undefined,
    });
    const session: Session = new Session({
      caller,
      expiresAt: admitted.expiresAt,
      only,
      resumes: admitted.resumes,
      fanout,
      outbox,
      ws,
      heartbeatSeconds: options.heartbeatSeconds,
      maxFramesPerSecond: options.maxFramesPerSecond,
      conversationIds: () => product.conversationIds(userId),
      opening: () => product.opening(userId, only),
      hasEnded: () => options.identity.hasEnded(caller),
      beforeJoining: (stream) => product.beforeJoining(userId, stream),
      run: (frame) => {
        const { request_id: requestId, traceparent } = frame;
        return door.frame(frame, { caller, requestId, traceparent, now: now(), newId, ...origin });
      },
      deviceMarks: keepsAccount ? (heads) => product.deviceMarks!(connected, heads) : undefined,
      now,
      onReady: () => attendance?.opened(connected),
      onClosed: () => {
        this.sessions.delete(session);
        attendance?.closed(connected);
      },
      onError: (error) => options.warn(`gateway: ${(error as Error).message}`, { stack: (error as Error).stack }),
    });
    const origin = {
      ip,
      userAgent,
      socket: { connectionId, deviceId, watch: (ids: readonly string[]) => session.watch(ids) },
    };
    this.accepted += 1;
    this.sessions.set(session, this.accepted % options.heartbeatSeconds);
    ws.on('message', (data, isBinary) => {
      session.missedPongs = 0;
      session.receive(data as Buffer, isBinary);
    });
    ws.on('pong', (payload) => session.pong(payload));
    ws.on('error', () => {}); // a frame too big or broken: ws closes with its code, and 'close' follows
    const socketSays = { socket: connectionId, user: userId, session: caller.sessionId };
    options.info?.('socket opened', { ...socketSays, ip, conversation: only });
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
