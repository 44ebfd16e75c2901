/**
 * What stands still, for operators: all of it, trying it again, and having an event passed over that will never be taken. What is passed over
 * is kept with its reason beside the parked ones, and every fold of that log looks there before it stands still: projector, rebuild and
 * proof come to the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import { ConsumerGroup } from '../log/consumer-group.ts';
import { isInGroup } from '../log/effects.ts';
import { groupStates } from '../log/groups.ts';
import { NOBODY } from '../log/guard.ts';
import type { Log } from '../log/log.ts';
import type { Parked } from './fold.ts';
import { VIEWS } from './projector.ts';
import { TOGETHER } from './reactor.ts';

export interface ParkedLane {
  readonly partition: number;
  /** `<view or reactor> <stream kind> <stream id>`, or `feed entry <id>`. */
  readonly lane: string;
  readonly stream: StreamRef | undefined;
  /** Whose workers try it again; undefined where there is nothing to try. */
  readonly group: string | undefined;
  readonly why: Parked & { readonly waits?: boolean };
}

export interface SkippedEvent extends Skipped {
  readonly lane: string;
  readonly event_id: string;
}

interface Skipped {
  readonly reason: string;
  readonly at: string;
  /** What was wrong with the event. */
  readonly error: string;
}

export interface Retried {
  readonly lane: string;
  readonly outcome: 'goes on' | 'stands still' | 'nobody is at work';
  readonly why: Parked | undefined;
}

/** A worker that lost a partition takes it again within this, and then tries what is parked there. */
const RETRY_MS = { within: 20_000, look: 100, settle: 2_000 };

export async function parkedLanes(log: Log): Promise<ParkedLane[]> {
  const all = Array.from({ length: log.keys.partitions }, async (_, partition) => {
    const { [NOBODY]: __, ...parked } = await log.connection.commands.hgetall(log.keys.at(partition, 'parked'));
    const { checkpoints } = await log.progress(partition);
    return Object.entries(parked).map(([lane, why]): ParkedLane => {
      const [by = '', kind, id = ''] = lane.split(' ');
      const isEvent = kind === 'conversation' || kind === 'user';
      const ofReactor = Object.keys(checkpoints).find((group) => isInGroup(by, group)) ?? TOGETHER;
      return {
        partition,
        lane,
        stream: isEvent ? { kind, id } : undefined,
        group: isEvent ? (/:v\d+$/.test(by) ? VIEWS : ofReactor) : undefined,
        why: JSON.parse(why) as ParkedLane['why'],
      };
    });
  });
  return (await Promise.all(all)).flat();
}

/** Has workers begin anew where something is parked, and sees what becomes of it. */
export async function tryAgain(log: Log, lanes: readonly ParkedLane[], worker: string): Promise<Retried[]> {
  const atWork = new Set((await groupStates(log)).flatMap(({ name, workers }) => (workers > 0 ? [name] : [])));
  const seized = new Map<string, Promise<string>>();
  return Promise.all(
    lanes.map(async ({ lane, group, partition, why }): Promise<Retried> => {
      if (group === undefined) {
        // It was passed over when it came: only the note of it is left.
        await log.connection.commands.hdel(log.keys.at(partition, 'parked'), lane);
        return { lane, outcome: 'goes on', why: undefined };
      }
      if (!atWork.has(group)) return { lane, outcome: 'nobody is at work', why };
      const place = `${group} ${partition}`;
      // Given back at once: whoever had it is fenced off, and takes it again.
      const seizing = seized.get(place) ?? new ConsumerGroup(log, group, worker).seize(partition, 0);
      seized.set(place, seizing);
      const left = await standing(log, { lane, group, partition }, await seizing);
      return { lane, outcome: left ? 'stands still' : 'goes on', why: left };
    }),
  );
}

/** Why a lane stands still after it was tried again; undefined where it does not. */
async function standing(
  log: Log,
  { lane, group, partition }: { lane: string; group: string; partition: number },
  fence: string,
): Promise<Parked | undefined> {
  const { commands } = log.connection;
  const ends = performance.now() + RETRY_MS.within;
  for (let takenAt = Infinity; ; await sleep(RETRY_MS.look)) {
    const [found, lease] = await Promise.all([
      commands.hget(log.keys.at(partition, 'parked'), lane),
      commands.hget(log.keys.at(partition, 'leases'), group),
    ]);
    if (found === null) return undefined;
    const now = performance.now();
    if (lease?.split(' ')[1] !== fence) takenAt = Math.min(takenAt, now);
    if (now > ends || now - takenAt > RETRY_MS.settle) return JSON.parse(found) as Parked;
  }
}

/** Has the event at which a lane stands passed over there for good. */
export async function skipParked(
  log: Log,
  { partition, lane, why }: ParkedLane,
  { reason, at }: { reason: string; at: string },
): Promise<void> {
  if (why.waits) throw fail('conflict', 'it waits for something that was not there, and is tried again by itself');
  const skipped: Skipped = { reason, at, error: why.error };
  const key = log.keys.at(partition, 'skipped');
  await log.connection.commands.hset(key, `${lane} ${why.event_id}`, JSON.stringify(skipped));
}

export async function skippedEvents(log: Log): Promise<SkippedEvent[]> {
  const all = Array.from({ length: log.keys.partitions }, async (_, partition) =>
    Object.entries(await log.connection.commands.hgetall(log.keys.at(partition, 'skipped'))).map(([name, text]) => {
      const at = name.lastIndexOf(' ');
      return { lane: name.slice(0, at), event_id: name.slice(at + 1), ...(JSON.parse(text) as Skipped) };
    }),
  );
  return (await Promise.all(all)).flat();
}
