/**
 * The composition root: reads the settings, starts what this process is asked to be, stops it in reverse. This is the map:
 *
 *   api/      REST ─┐                                   ┌─ projector/  feed → projections → views/
 *                   ├─→ chat/<feature>/commands → log/ ─┤
 *   gateway/  WS  ──┘   one script a command    streams └─ gateway/    feed → tail → sockets
 *
 *   chat/     the product: one folder a feature; index.ts lists them       lua/  one script a command
 *   log/      the only user of streams and scripts                        views/ the only user of redis-om
 *
 * A read is the view plus the log after it (views/reading.ts), so it is never stale, whatever the projectors do.
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { app } from './api/app.ts';
import { pages } from './api/pages.ts';
import { routes } from './api/routes.ts';
import { status } from './api/status.ts';
import { PlainOrWebSocket, upgradeRequired } from './api/upgrade.ts';
import { refoldDirectories } from './chat/directory.ts';
import { chat, projections } from './chat/index.ts';
import type { Watch } from './chat/door.ts';
import { messageIdOf } from './chat/messages/guard.ts';
import type { Chat } from './chat/index.ts';
import { Totals } from './chat/totals.ts';
import type { Config } from './config.ts';
import { describedBy } from './described.ts';
import { eventId } from './envelope.ts';
import type { RawEvent } from './envelope.ts';
import { archiveFilesOf } from './files/file-store.ts';
import { Gateway } from './gateway/gateway.ts';
import { isSocketAddress } from './gateway/handshake.ts';
import { Log } from './log/log.ts';
import { Signals } from './log/signals.ts';
import type { Logger } from './logger.ts';
import { exposed, Metrics, reportOf } from './metrics.ts';
import { observedHere, observedOfAll } from './observed.ts';
import { randomness } from './randomness.ts';
import { Archiver } from './projector/archiver.ts';
import type { ArchiverOptions } from './projector/archiver.ts';
import { GATHER_MS, projector, VIEWS } from './projector/projector.ts';
import { groupsFromNow, reactorWorkers } from './projector/reactor.ts';
import { Timers } from './projector/timers.ts';
import { keptSecret } from './secret.ts';
import { redisAddress } from './redis/address.ts';
import { Siblings } from './siblings.ts';
import { spansOf } from './trace.ts';
import type { BeginSpan } from './trace.ts';
import { openTelemetry } from './tracing.ts';
import { Sides } from './views/sides.ts';
import { Views } from './views/store.ts';

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

type Stop = () => Promise<void> | void;

/** A worker that says nothing for this long has lost its partitions to another. */
const LEASE_MS = 10_000;
/** Feed entries stay this long after every group is done with them, for gateways that lag. */
const KEEP_FEED_MS = 60_000;
const BATCH = 100;
const DAY_MS = 86_400_000;
/** Requests under way have this long to end. */
const LAST_REQUESTS_MS = 5_000;

/** Starts a node. Everything it starts is stopped by `stop`, in reverse. */
export async function start(settings: Config, logger: Logger): Promise<RunningServer> {
  const stops: Stop[] = [];
  const random = randomness();
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    for (const undo of stops.toReversed()) await undo();
  };
  try {
    const redis = await redisAddress(settings, logger, (undo) => stops.push(undo));
    // The private Redis has locked the folder by now.
    const config = { ...settings, SECRET_KEY: settings.SECRET_KEY || (await keptSecret(settings.DATA_DIR)) };
    const { warn, info } = logger;
    const metrics = new Metrics();
    const trace = config.OPENTELEMETRY ? openTelemetry() : undefined;
    const log = await Log.open({
      redis,
      partitions: config.PARTITIONS,
      replicationAcks: config.REPLICATION_ACKS,
      newSalt: random.newSalt,
      archive: archiveFilesOf(config),
      warn,
      debug: logger.debug,
      onAppend: (seconds) => metrics.appended(seconds),
      trace,
    });
    stops.push(() => log.close());
    const sides = new Sides(log);
    await sides.start();
    stops.push(() => sides.stop());
    const views = new Views(log, sides);
    const product = chat(log, views, config, watchOf(metrics, logger, trace));
    // Who reacts to what happens from now on means from the first request on, and not from when the first worker comes.
    await log.prepare(groupsFromNow(product.reactors));
    await refoldDirectories(log);

    if (config.ROLES.has('projector')) {
      const { decode, reactors, timers } = product;
      const work = {
        log,
        decode,
        warn,
        info,
        worker: random.newId(),
        batchSize: BATCH,
        leaseMs: LEASE_MS,
        gatherMs: GATHER_MS,
        trace,
      };
      const workers = [
        projector({ ...work, views, projections, groupName: VIEWS, keepFeedMs: KEEP_FEED_MS }),
        ...reactorWorkers(work, reactors),
        ...(timers.length > 0 ? [new Timers(work, timers)] : []),
        ...archiverOf(config, { ...work, views, projections }),
      ];
      for (const worker of workers) {
        await worker.start();
        stops.push(() => worker.stop());
      }
      info('projector started');
      stops.push(() => info('projector stops'));
    }

    const gateway = config.ROLES.has('gateway')
      ? gatewayOf(config, log, product, logger, random.newId, writtenTo(metrics, trace))
      : undefined;
    if (gateway) {
      const signals = new Signals(log);
      stops.push(() => signals.stop());
      await signals.start((signal) => gateway.signal(signal), warn);
    }
    const asked = apiOptions(product, random.newId);
    const totals = new Totals(log, () => performance.now());
    const siblings = new Siblings({
      connections: () => gateway?.connections ?? 0,
      metrics: () => metrics.report(observedHere({ log, gateway, limits: product.limits })),
    });
    stops.push(() => siblings.stop());
    const operators = status({
      ...asked,
      metricsToken: config.METRICS_TOKEN,
      isAdmin: (userId) => product.admins.isAdmin(userId),
      isServing: () => !isStopping,
      redisAnswers: () => answers(log),
      connections: async () => (await siblings.all('connections')).reduce((sum, one) => sum + one, 0),
      totals: () => totals.read(),
      metrics: async () => {
        const [own, shared] = await Promise.all([siblings.all('metrics'), observedOfAll(log)]);
        return exposed([...own, reportOf(shared)]);
      },
    });
    const koa = app({
      trustedProxies: config.TRUSTED_PROXIES,
      origins: config.CORS_ORIGINS,
      onError: (error) =>
        logger.error(`request failed: ${(error as Error).message}`, { stack: (error as Error).stack }),
      onAnswered: (answered) => {
        metrics.answered(answered);
        // Balancers and probes ask every few seconds.
        const isProbe = answered.status === 200 && /\/health(\/live|\/ready)?$/.test(answered.route ?? '');
        (isProbe ? logger.debug : info)?.('request', { ...answered, ms: tenths(answered.ms) });
      },
      middleware: [
        ...(gateway ? [upgradeRequired(isSocketAddress)] : []),
        ...operators,
        ...(config.ROLES.has('api') ? [...routes(asked), ...pages(describedBy(product.door))] : []),
      ],
    });
    const handle = koa.callback();
    const options = { IncomingMessage: PlainOrWebSocket, keepAliveTimeout: config.HTTP_KEEP_ALIVE_SECONDS * 1_000 };
    const http = createServer(options, (request, response) => {
      void handle(request, response);
    });
    stops.push(() => closeHttp(http, gateway));
    await gateway?.start(http);
    await listen(http, config);
    const roles = [...config.ROLES].filter((role) => role !== 'projector');
    for (const role of roles) info(`${role} started`);
    stops.push(() => roles.forEach((role) => info(`${role} stops`)));
    return { port: (http.address() as AddressInfo).port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function apiOptions({ door, identity, limits, config }: Chat, newId: () => string): Parameters<typeof routes>[0] {
  return { door, identity, limits, newId, now: () => Date.now(), uploadSeconds: config.UPLOAD_TIMEOUT_SECONDS };
}

function gatewayOf(
  config: Config,
  log: Log,
  { sockets, sessions, identity, door, limits }: Chat,
  logger: Logger,
  newId: () => string,
  onWritten: (events: readonly RawEvent[]) => void,
): Gateway {
  return new Gateway({
    log,
    product: sockets,
    identity,
    door,
    limits,
    sessions,
    origins: config.CORS_ORIGINS,
    trustedProxies: config.TRUSTED_PROXIES,
    heartbeatSeconds: config.WS_HEARTBEAT_INTERVAL,
    maxConnections: config.WS_MAX_CONNECTIONS,
    maxPerUser: config.WS_MAX_CONNECTIONS_PER_USER,
    maxPerAddress: config.WS_MAX_CONNECTIONS_PER_ADDRESS,
    maxBufferedBytes: config.WS_MAX_BUFFERED_BYTES,
    maxFramesPerSecond: config.WS_MAX_FRAMES_PER_SECOND,
    now: () => Date.now(),
    newId,
    warn: logger.warn,
    info: logger.info,
    onWritten,
  });
}

const writtenTo = (metrics: Metrics, trace: BeginSpan | undefined) => (events: readonly RawEvent[]) => {
  const now = Date.now();
  for (const { id } of events) metrics.delivered((now - eventId(id).ms) / 1_000);
  if (trace) for (const span of spansOf(trace, 'deliver', events, 'event')) span.end('ok');
};

/** Counts messages, and tells of each command where somebody wants to know so much. */
function watchOf(metrics: Metrics, { debug }: Logger, trace: BeginSpan | undefined): Watch {
  return (type, context) => {
    const { caller, requestId } = context;
    const span = trace?.(type, context.traceparent, {});
    const since = performance.now();
    const end = (outcome: string) => {
      const ms = performance.now() - since;
      if (type === 'message.send') metrics.message(outcome === 'ok', ms / 1_000);
      debug?.('command', { type, outcome, ms: tenths(ms), user: caller.userId || undefined, request: requestId });
      span?.end(outcome);
    };
    return { context: span ? { ...context, traceparent: span.traceparent } : context, end };
  };
}

/** Nothing leaves Redis unless somebody asked for it. */
function archiverOf(
  config: Config,
  work: Omit<ArchiverOptions, 'files' | 'afterMs' | 'messageIdOf' | 'now'>,
): Archiver[] {
  if (config.ARCHIVE_AFTER_DAYS === 0) return [];
  const afterMs = config.ARCHIVE_AFTER_DAYS * DAY_MS;
  return [new Archiver({ ...work, files: archiveFilesOf(config), messageIdOf, afterMs, now: () => Date.now() })];
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

async function answers(log: Log): Promise<boolean> {
  const within = new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, false).unref());
  return Promise.race([log.answers(), within]);
}

function listen(http: Server, config: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(config.PORT, config.HOST, () => {
      http.off('error', reject);
      resolve();
    });
  });
}

/** Takes no new connection, sends the sockets away, lets requests under way end. The server is closed when the last of them is gone. */
async function closeHttp(http: Server, gateway: Gateway | undefined): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  // A connection is idle once the answer under way on it is sent.
  const idle = setInterval(() => http.closeIdleConnections(), 50);
  await gateway?.stop();
  const late = setTimeout(() => http.closeAllConnections(), LAST_REQUESTS_MS);
  await closed;
  clearTimeout(late);
  clearInterval(idle);
}
