/**
 * What a node tells Prometheus. Whatever happens often is counted in plain numbers, and becomes samples when somebody asks. Nothing is
 * labelled by user, conversation or text of a client's: every label has few values, which are known beforehand. The process's own metrics
 * are observed from the first time that anyone asks, since observing costs a little all the time.
 */
import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { Gauge } from 'prom-client';

/** Bounds in seconds, for what takes a millisecond or two when all is well. */
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** The delay of the event loop is looked at this often. */
const LOOP_MS = 100;

export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metricName?: string;
}

type About = readonly ['counter' | 'gauge' | 'histogram', string];

/** What is read from the parts of a node when somebody asks; its name says which of them. */
export const OBSERVED = {
  chat_active_connections: ['gauge', 'Sockets that are open on this node'],
  chat_delivered_frames_total: ['counter', 'Frames of events that were written to live sockets'],
  chat_sockets_closed_total: ['counter', 'Sockets that this node closed, by its close code'],
  chat_slow_sockets_dropped_total: ['counter', 'Sockets that were cut off because they read too slowly'],
  chat_handshakes_refused_total: ['counter', 'Handshakes that were refused, by error code'],
  chat_resumes_total: ['counter', 'Sessions that went on from cursors'],
  chat_resets_total: ['counter', 'Streams of which a client was told to reload, since the log did not know its cursor'],
  chat_feed_repairs_total: ['counter', 'Times that a feed was read, since what was published did not continue it'],
  chat_feed_losses_total: ['counter', 'Times that a feed was cut off behind this node'],
  chat_rate_limited_total: ['counter', 'What was refused as too often, by what it was'],
  chat_projector_lag_events: [
    'gauge',
    'Events that a group has yet to come to, in all partitions; the same on every node',
  ],
  chat_parked_streams: ['gauge', 'Streams that stand still, by view or reactor; the same on every node'],
  chat_redis_up: ['gauge', '1 where the server answers'],
  chat_redis_round_trip_seconds: ['gauge', 'What the server took to answer just now'],
  chat_redis_memory_used_bytes: ['gauge', 'Memory that the server uses'],
  chat_redis_memory_max_bytes: ['gauge', 'Memory that the server may use; 0: no limit'],
  chat_redis_clients: ['gauge', 'Connections to the server, of all nodes and others'],
  chat_redis_delayed_fsyncs_total: ['counter', "Writes to the server's append-only file that waited for the disk"],
  chat_redis_file_ok: ['gauge', '1 where the last write to the append-only file went well'],
  chat_redis_connections: ['gauge', 'Connections of this node to Redis'],
  chat_redis_connections_lost_total: ['counter', 'Connections of this node to Redis that ended'],
  chat_redis_waiting_scripts: ['gauge', 'Scripts of this node that wait for their answer'],
} as const satisfies Record<string, About>;

export type Observed = Readonly<Partial<Record<keyof typeof OBSERVED, readonly Sample[]>>>;

export interface Answered {
  readonly method: string;
  /** The form of the address; undefined where there is nothing. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
}

/** Others are anybody's text. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Metrics as data, which can be sent. */
export type Report = readonly object[];

export const reportOf = (observed: Observed): Report =>
  Object.entries(observed).map(([name, samples]) => metric(name, OBSERVED[name as keyof Observed], samples));

/** As Prometheus reads it: what several reports have alike is added up. */
export async function exposed(reports: readonly Report[]): Promise<{ type: string; text: string }> {
  const registry = AggregatorRegistry.aggregate(reports as object[]);
  return { type: registry.contentType, text: await registry.metrics() };
}

function metric(name: string, [type, help]: About, samples: readonly Sample[]): object {
  return { name, help, type, values: samples.map((sample) => ({ labels: {}, ...sample })), aggregator: 'sum' };
}

export class Metrics {
  private readonly registry = new Registry();
  private readonly processing = new Distribution();
  private readonly appending = new Distribution();
  private readonly delivering = new Distribution();
  /** By method and route; of each the answers by status. */
  private readonly routes = new Map<string, { readonly times: Distribution; readonly statuses: Map<number, number> }>();
  private sent = 0;
  private isObserving = false;

  constructor() {
    this.add('chat_messages_sent_total', ['counter', 'Messages that this node has accepted'], () => [
      { value: this.sent },
    ]);
    this.distribution('chat_message_processing_seconds', 'From a message to its ack or refusal', this.processing);
    this.distribution('chat_append_seconds', "From a script that writes events to Redis' answer", this.appending);
    const late = "From an event's time, by the clock of Redis, to when it was written to live sockets";
    this.distribution('chat_delivery_seconds', late, this.delivering);
    const answers = 'Requests by method, route and status';
    this.add('chat_http_requests_total', ['counter', answers], () => this.answers());
    const [name, times] = ['chat_http_request_seconds', 'From a request to its answer, by method and route'];
    this.add(name, ['histogram', times], () =>
      [...this.routes].flatMap(([key, { times: seconds }]) => seconds.samples(name, labelsOf(key))),
    );
  }

  /** A message was accepted or refused after so many seconds. */
  message(isAccepted: boolean, seconds: number): void {
    if (isAccepted) this.sent += 1;
    this.processing.observe(seconds);
  }

  appended(seconds: number): void {
    this.appending.observe(seconds);
  }

  /** The clocks of two machines may differ: nothing comes before it was sent. */
  delivered(seconds: number): void {
    this.delivering.observe(Math.max(0, seconds));
  }

  answered({ method, route = 'none', status, ms }: Answered): void {
    const key = `${METHODS.has(method) ? method : 'other'} ${route}`;
    let known = this.routes.get(key);
    if (!known) this.routes.set(key, (known = { times: new Distribution(), statuses: new Map() }));
    known.times.observe(ms / 1_000);
    known.statuses.set(status, (known.statuses.get(status) ?? 0) + 1);
  }

  /** Of this process, as data. */
  async report(observed: Observed): Promise<Report> {
    if (!this.isObserving) collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LOOP_MS });
    this.isObserving = true;
    return [...(await this.registry.getMetricsAsJSON()), ...reportOf(observed)];
  }

  private answers(): Sample[] {
    return [...this.routes].flatMap(([key, { statuses }]) =>
      [...statuses].map(([status, value]) => ({ value, labels: { ...labelsOf(key), status: String(status) } })),
    );
  }

  private distribution(name: string, help: string, of: Distribution): void {
    this.add(name, ['histogram', help], () => of.samples(name, {}));
  }

  /** The registry asks a metric for its name and its samples, and no more. */
  private add(name: string, about: About, read: () => readonly Sample[]): void {
    const get = () => Promise.resolve(metric(name, about, read()));
    this.registry.registerMetric({ name, get } as unknown as Gauge);
  }
}

function labelsOf(key: string): { method: string; route: string } {
  const [method = '', route = ''] = key.split(' ');
  return { method, route };
}

/** How often what took how long: to observe is a short search and two additions, a tenth of what the library's own takes. */
class Distribution {
  private readonly counts = BUCKETS.map(() => 0);
  private beyond = 0;
  private sum = 0;

  observe(seconds: number): void {
    this.sum += seconds;
    let i = 0;
    while (i < BUCKETS.length && seconds > BUCKETS[i]!) i += 1;
    if (i < BUCKETS.length) this.counts[i]! += 1;
    else this.beyond += 1;
  }

  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    let count = 0;
    const buckets = this.counts.map((here, i) => {
      count += here;
      return { metricName: `${name}_bucket`, labels: { ...labels, le: String(BUCKETS[i]) }, value: count };
    });
    count += this.beyond;
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: this.sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
