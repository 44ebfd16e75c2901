/** `chat parked`: streams that stand still in a view or for a reactor, and why; trying them again, and passing over what cannot be mended. */
import type { Command } from 'commander';
import { ulid } from 'ulid';
import { parkedLanes, skippedEvents, skipParked, tryAgain } from '../../src/projector/parked.ts';
import type { ParkedLane } from '../../src/projector/parked.ts';
import { history } from '../../src/chat/messages/history.ts';
import type { Log } from '../../src/log/log.ts';
import { viewName } from '../../src/views/projection.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { counted, facts, table, time } from './printing.ts';
import { Problem, usage } from './problem.ts';

/** As one is called. */
const LANE = `${viewName(history)} conversation 01JD…`;
const HEADINGS = ['parked', 'partition', 'event', 'type', 'since', 'why'];

export function addParked(program: Command, line: CommandLine): void {
  const parked = program.command('parked').description('streams that stand still in a view or for a reactor, and why');

  parked
    .command('list', { isDefault: true })
    .description('all of them; ends with 1 where there are any')
    .option('--skipped', 'what was passed over, and why, instead')
    .option('--json', 'as JSON: [{partition, lane, why}]')
    .addHelpText('after', examples('parked', 'parked list --skipped'))
    .action((options: AsJson & { skipped?: boolean }) =>
      line.withLog(async (log) => {
        if (options.skipped) return showSkipped(line, log, options);
        const lanes = await parkedLanes(log);
        await line.show(options, {
          json: lanes.map(({ partition, lane, why }) => ({ partition, lane, why })),
          text: `${table(HEADINGS, lanes.map(rowOf))}${counted(lanes.length, 'stream stands still', 'streams stand still')}\n`,
        });
        if (lanes.length > 0) line.foundProblem();
      }),
    );

  parked
    .command('show <lane...>')
    .description('one of them, with the event at which it stands and how many wait behind that')
    .option('--json', 'as JSON: {partition, lane, why, event, waiting}')
    .addHelpText('after', examples(`parked show ${LANE}`))
    .action((lane: string[], options: AsJson) =>
      line.withLog(async (log) => {
        const found = await laneOf(log, lane);
        const { partition, why, stream } = found;
        const event = stream && (await log.readOne(stream, why.event_id));
        let waiting = 0;
        if (stream) for await (const page of log.readAll(stream, why.event_id)) waiting += page.length;
        const json = event?.json.toString();
        await line.show(options, {
          json: { partition, lane: found.lane, why, event: json === undefined ? null : parsed(json), waiting },
          text: `${facts([
            ['parked', found.lane],
            ['partition', partition],
            ['at event', why.event_id],
            ['type', why.type],
            ['why', why.error],
            ['waits', why.waits ? 'for something that was not there, and is tried again by itself' : undefined],
            ['behind it', counted(waiting, 'event')],
          ])}${json === undefined ? '' : `${json}\n`}`,
        });
      }),
    );

  parked
    .command('retry [lane...]')
    .description('has one, or all of them, tried again in the order of their events, by the workers that run')
    .option('--all', 'all of them')
    .option('--json', 'as JSON: [{lane, outcome, why}]')
    .addHelpText('after', examples('parked retry --all', `parked retry ${LANE}`))
    .action((lane: string[], options: AsJson & { all?: boolean }) =>
      line.withLog(async (log) => {
        if (lane.length > 0 === (options.all === true)) throw usage('name one that is parked, or --all');
        const chosen = options.all ? await parkedLanes(log) : [await laneOf(log, lane)];
        await retry(line, log, { chosen, options });
      }),
    );

  parked
    .command('skip <lane...>')
    .description('has the event at which it stands passed over for good, there alone; the reason is kept')
    .requiredOption('--reason <text>', 'why, for whoever asks later')
    .option('--json', 'as JSON: [{lane, outcome, why}]')
    .addHelpText('after', examples(`parked skip ${LANE} --reason 'a test of 3 May, nobody misses it'`))
    .action((lane: string[], options: AsJson & { reason: string }) =>
      line.withLog(async (log) => {
        if (options.reason.trim() === '') throw usage('--reason must say something');
        const found = await laneOf(log, lane);
        await skipParked(log, found, { reason: options.reason, at: new Date().toISOString() });
        await retry(line, log, { chosen: [found], options });
      }),
    );
}

interface Retry {
  readonly chosen: readonly ParkedLane[];
  readonly options: AsJson;
}

async function retry(line: CommandLine, log: Log, { chosen, options }: Retry): Promise<void> {
  const outcomes = await tryAgain(log, chosen, ulid());
  const rows = outcomes.map(({ lane, outcome, why }) => [lane, outcome, why?.event_id, why?.error]);
  const isWell = outcomes.every(({ outcome }) => outcome === 'goes on');
  await line.show(options, {
    json: outcomes,
    text: table(['parked', 'outcome', 'event', 'why'], rows) || 'nothing is parked\n',
  });
  if (!isWell) line.foundProblem();
}

async function showSkipped(line: CommandLine, log: Log, options: AsJson): Promise<void> {
  const skipped = await skippedEvents(log);
  const rows = skipped.map(({ lane, event_id, at, reason, error }) => [lane, event_id, at, reason, error]);
  await line.show(options, {
    json: skipped,
    text: `${table(['skipped', 'event', 'at', 'reason', 'what was wrong'], rows)}${counted(skipped.length, 'event')} passed over\n`,
  });
}

async function laneOf(log: Log, words: readonly string[]): Promise<ParkedLane> {
  const name = words.join(' ');
  const found = (await parkedLanes(log)).find(({ lane }) => lane === name);
  if (!found) throw new Problem('not_found', `nothing is parked as ${name}`);
  return found;
}

const rowOf = ({ lane, partition, why }: ParkedLane) => [
  lane,
  partition,
  why.event_id,
  why.type,
  time(Number(why.event_id.split('-')[0])),
  why.error,
];

/** What is parked may well not be JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
