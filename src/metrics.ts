/**
 * What a node counts for Prometheus: its messages, its sockets, and the process's own. Nothing is labelled by user or conversation. The
 * process's own are observed from the first time that anyone asks, since observing costs a little all the time.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Bounds in seconds, for what takes a millisecond or two when all is well. */
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** The delay of the event loop is looked at this often. */
const LOOP_MS = 100;

export class Metrics {
  private readonly registry = new Registry();
  private readonly sent: Counter;
  private readonly processing: Histogram;
  private readonly connections: Gauge;
  private isObserving = false;

  constructor() {
    const registers = [this.registry];
    this.sent = new Counter({
      name: 'chat_messages_sent_total',
      help: 'Messages that this node has accepted',
      registers,
    });
    this.processing = new Histogram({
      name: 'chat_message_processing_seconds',
      help: 'From a message that came in to its acknowledgement or refusal',
      buckets: BUCKETS,
      registers,
    });
    this.connections = new Gauge({
      name: 'chat_active_connections',
      help: 'Sockets that are open on this node',
      registers,
    });
  }

  /** A message was accepted or refused after so many seconds. */
  message(isAccepted: boolean, seconds: number): void {
    if (isAccepted) this.sent.inc();
    this.processing.observe(seconds);
  }

  /** All of it as Prometheus reads it. */
  async scrape(connections: number): Promise<{ type: string; text: string }> {
    if (!this.isObserving) collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LOOP_MS });
    this.isObserving = true;
    this.connections.set(connections);
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }
}
