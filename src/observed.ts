/** From the parts of a node to the samples of its metrics, at the moment that somebody asks. Refuses to count anything itself. */
import type { Gateway } from './gateway/gateway.ts';
import { closeCodes } from './errors.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log/log.ts';
import { groupVitals, serverVitals } from './log/vitals.ts';
import type { Observed, Sample } from './metrics.ts';

export interface Parts {
  readonly log: Log;
  readonly limits: Limits;
  /** Of a node that has the role. */
  readonly gateway: Pick<Gateway, 'connections' | 'counts' | 'feeds'> | undefined;
}

/** Of this process alone. */
export function observedHere({ log, limits, gateway }: Parts): Observed {
  const { open, lost } = log.connection.counts;
  return {
    ...(gateway ? ofGateway(gateway) : {}),
    chat_active_connections: one(gateway?.connections ?? 0),
    chat_rate_limited_total: by('action', limits.refused),
    chat_redis_connections: one(open),
    chat_redis_connections_lost_total: one(lost),
    chat_redis_waiting_scripts: one(log.waiting),
  };
}

/** What all processes and nodes share, as Redis has it. */
export async function observedOfAll(log: Log): Promise<Observed> {
  const [servers, groups] = await Promise.all([serverVitals(log), groupVitals(log)]);
  const answering = servers.flatMap(({ server, info }) => (info ? [{ labels: { server }, info }] : []));
  const ofServers = (value: (info: (typeof answering)[number]['info']) => number): Sample[] =>
    answering.map(({ labels, info }) => ({ labels, value: value(info) }));
  return {
    chat_projector_lag_events: by('group', groups?.lag ?? new Map()),
    chat_parked_streams: by('by', groups?.parked ?? new Map()),
    chat_redis_up: servers.map(({ server, info }) => ({ labels: { server }, value: info ? 1 : 0 })),
    chat_redis_round_trip_seconds: ofServers(({ seconds }) => seconds),
    chat_redis_memory_used_bytes: ofServers(({ memoryBytes }) => memoryBytes),
    chat_redis_memory_max_bytes: ofServers(({ maxMemoryBytes }) => maxMemoryBytes),
    chat_redis_clients: ofServers(({ clients }) => clients),
    chat_redis_delayed_fsyncs_total: ofServers(({ delayedFsyncs }) => delayedFsyncs),
    chat_redis_file_ok: ofServers(({ isFileWritten }) => Number(isFileWritten)),
  };
}

function ofGateway({ counts, feeds }: NonNullable<Parts['gateway']>): Observed {
  return {
    chat_delivered_frames_total: one(counts.frames),
    chat_sockets_closed_total: by('code', counts.closed),
    chat_slow_sockets_dropped_total: one(counts.closed.get(closeCodes.too_slow) ?? 0),
    chat_handshakes_refused_total: by('code', counts.refused),
    chat_resumes_total: one(counts.resumes),
    chat_resets_total: one(counts.resets),
    chat_feed_repairs_total: one(feeds.repairs),
    chat_feed_losses_total: one(feeds.losses),
  };
}

const one = (value: number): Sample[] => [{ value }];

const by = (label: string, counts: ReadonlyMap<string | number, number>): Sample[] =>
  [...counts].map(([key, value]) => ({ labels: { [label]: String(key) }, value }));
