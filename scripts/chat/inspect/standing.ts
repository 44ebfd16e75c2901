/** How far everything that follows a stream is: its views, and the groups of its partition. */
import { eventId, idBeforeMs } from '../../../src/envelope.ts';
import { seqOf } from '../../../src/log/log.ts';
import type { Log } from '../../../src/log/log.ts';
import { ConsumerGroup } from '../../../src/log/consumer-group.ts';
import type { StreamRef } from '../../../src/keys.ts';
import { parkedLanes } from '../../../src/projector/parked.ts';
import type { ParkedLane } from '../../../src/projector/parked.ts';
import { VIEWS } from '../../../src/projector/projector.ts';
import { viewName } from '../../../src/views/projection.ts';
import { foldOptions } from '../folding.ts';
import { counted, table } from '../printing.ts';

export interface ViewStanding {
  readonly view: string;
  /** The last event in it. */
  readonly applied: string;
  /** Events that it lacks; a read folds them from the log. */
  readonly behind: number;
  readonly parked: ParkedLane['why'] | null;
}

export interface GroupStanding {
  readonly group: string;
  readonly behind: number;
}

/** Views of a stream as of its head, or of one of its events. */
export async function viewStandings(log: Log, stream: StreamRef, upTo: string): Promise<ViewStanding[]> {
  const { projections, views } = foldOptions(log);
  await views.refresh();
  const lanes = (await parkedLanes(log)).filter((lane) => lane.stream?.id === stream.id);
  return Promise.all(
    projections
      .filter(({ source }) => source === stream.kind)
      .map(async (projection) => {
        const applied = await views.applied(views.shape(projection, stream));
        const view = viewName(projection);
        const parked = lanes.find(({ lane }) => lane.startsWith(`${view} `))?.why ?? null;
        return { view, applied, behind: Math.max(0, seqOf(upTo) - seqOf(applied)), parked };
      }),
  );
}

/** Groups as of the feed's end, or of one event of the feed. */
export async function groupStandings(log: Log, partition: number, upTo?: string): Promise<GroupStanding[]> {
  const { head, checkpoints } = await log.progress(partition);
  return Object.entries(checkpoints).map(([group, at]) => ({
    group,
    behind: Math.max(0, seqOf(upTo ?? head) - seqOf(at)),
  }));
}

/** The id of an event in its partition's feed; undefined where that was cut off: then every group is done with it. */
export async function placeInFeed(log: Log, stream: StreamRef, id: string): Promise<string | undefined> {
  const group = new ConsumerGroup(log, VIEWS, 'operator');
  const entries = await group.after(log.keys.partitionOf(stream.id), idBeforeMs(eventId(id).ms), 1_000);
  return entries.find(({ event }) => event?.id === id && event.stream.id === stream.id)?.id;
}

export const standingTables = (views: readonly ViewStanding[], groups: readonly GroupStanding[]): string =>
  `${table(
    ['view', 'state', 'last event', 'why'],
    views.map(({ view, applied, behind, parked }) => [view, stateOf(behind, parked), applied, parked?.error]),
  )}\n${table(
    ['group', 'state'],
    groups.map(({ group, behind }) => [group, stateOf(behind, null)]),
  )}`;

function stateOf(behind: number, parked: object | null): string {
  if (parked) return 'STANDS STILL';
  return behind === 0 ? 'has it' : `${counted(behind, 'event')} behind`;
}
