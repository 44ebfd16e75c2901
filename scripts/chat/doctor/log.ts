/** What lies in Redis: who works on it, what stands still, and whether the chains of some logs hold. */
import { groupStates } from '../../../src/log/groups.ts';
import { NOBODY } from '../../../src/log/guard.ts';
import type { Log } from '../../../src/log/log.ts';
import { seqOf } from '../../../src/log/log.ts';
import { parkedLanes } from '../../../src/projector/parked.ts';
import { Past } from '../../../src/projector/proof/past.ts';
import { counted, grouped } from '../printing.ts';
import type { Progress } from '../progress.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** A group that is further behind keeps that many events in the feeds. */
const FAR_BEHIND = 10_000;
/** Logs whose chain is recomputed; `verify` does it for all. */
const CHAINS = 50;
const MOST_NAMED = 5;

export async function checkGroups(log: Log): Promise<Finding> {
  const states = await groupStates(log);
  const idle = states.filter(({ ours, workers }) => ours && workers === 0);
  const late = states.filter(({ lag }) => lag > FAR_BEHIND);
  const named = (all: readonly { name: string }[]) => all.map(({ name }) => name).join(', ');
  const most = Math.max(0, ...states.map(({ lag }) => lag));
  return finding('groups', `${counted(states.length, 'group')}, the last one ${grouped(most)} behind`, [
    late.length > 0 && {
      state: 'warning',
      advice: `${named(late)}: start more servers with the role projector; a group that nobody uses is forgotten by \`chat groups remove\``,
    },
    idle.length > 0 && {
      state: 'warning',
      advice: `nobody works for ${named(idle)}: start a server with the role projector, or \`chat groups remove\` what is not needed`,
    },
  ]);
}

/** A partition that has something to do and nobody who does it. */
export async function checkLeases(log: Log): Promise<Finding> {
  const now = await redisMs(log);
  const abandoned: string[] = [];
  let held = 0;
  for (let partition = 0; partition < log.keys.partitions; partition += 1) {
    const { head, checkpoints } = await log.progress(partition);
    const { [NOBODY]: _, ...leases } = await log.connection.commands.hgetall(log.keys.at(partition, 'leases'));
    for (const [group, at] of Object.entries(checkpoints)) {
      const isHeld = Number(leases[group]?.split(' ')[2] ?? 0) > now;
      if (isHeld) held += 1;
      else if (seqOf(head) > seqOf(at)) abandoned.push(`${group} in partition ${partition}`);
    }
  }
  const named = abandoned.slice(0, MOST_NAMED).join(', ');
  return finding('leases', `${held} held, ${abandoned.length} of those that have work are held by nobody`, [
    abandoned.length > 0 && {
      state: 'warning',
      advice: `${named}: taken within seconds where a server with the role projector runs; reads stay right meanwhile`,
    },
  ]);
}

export async function checkParked(log: Log): Promise<Finding> {
  const lanes = await parkedLanes(log);
  return finding('parked', counted(lanes.length, 'stream stands still', 'streams stand still'), [
    lanes.length > 0 && {
      state: 'problem',
      advice: '`chat parked` says which and why, `chat parked retry --all` tries again',
    },
  ]);
}

/** The chain of some logs, recomputed from their beginning. */
export async function checkChains(log: Log, progress: Progress): Promise<Finding> {
  const broken: string[] = [];
  let [logs, events] = [0, 0];
  for await (const stream of log.streams()) {
    const past = new Past(log, stream);
    events += (await past.whole()).length;
    if (past.broken) broken.push(`${stream.kind} ${stream.id} at ${past.broken.event_id}: ${past.broken.reason}`);
    progress.at((logs += 1));
    if (logs === CHAINS) break;
  }
  progress.end();
  return finding(
    'chains',
    `${counted(logs, 'log')} with ${counted(events, 'event')} recomputed, ${broken.length} broken`,
    [
      broken.length > 0 && {
        state: 'problem',
        advice: `${broken.slice(0, MOST_NAMED).join('; ')}: somebody wrote past the server; compare with a backup, \`chat verify\` looks at all logs`,
      },
    ],
  );
}

async function redisMs(log: Log): Promise<number> {
  const [seconds] = await log.connection.masters()[0]!.time();
  return Number(seconds) * 1_000;
}
