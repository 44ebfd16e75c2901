/** `chat rebuild`: makes views again from the logs beside those that are read, and has them read in their place; turns back; drops. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { ulid } from 'ulid';
import { projections } from '../../src/chat/index.ts';
import { VIEWS } from '../../src/projector/projector.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import type { Rebuilt } from '../../src/projector/rebuild.ts';
import { viewName } from '../../src/views/projection.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { foldOptions } from './folding.ts';
import { usage } from './problem.ts';
import { counted, duration, table } from './printing.ts';
import { rateOf } from './progress.ts';
import { checkPartition } from './streams.ts';

interface Options extends AsJson {
  readonly view?: string[];
  readonly all?: boolean;
  readonly partition?: number[];
  readonly back?: boolean;
  readonly drop?: boolean;
}

const MOST_NAMED = 20;
const DONE = { anew: 'built', back: 'brought up', drop: 'dropped' } as const;

const partitionsOf = (text: string): number[] =>
  text.split(',').map((part) => {
    if (/^\d{1,5}$/.test(part.trim())) return Number(part);
    throw new InvalidArgumentError('it must be numbers, separated by commas');
  });

export function addRebuild(program: Command, line: CommandLine): void {
  program
    .command('rebuild')
    .description('makes views again from the logs beside those that are read, compares them, and has them read instead')
    .option('--view <name...>', `some of ${projections.map((p) => p.name).join(', ')}`)
    .option('--all', 'all of them')
    .option('--partition <list>', 'only in these partitions, separated by commas', partitionsOf)
    .option('--back', 'turn back to what was read before, brought up to now')
    .option('--drop', 'delete what was read before: there is no turning back to it then')
    .option('--json', 'as JSON: {how, views, partitions, logs, events, seconds, differing}')
    .addHelpText(
      'after',
      examples('rebuild --all', 'rebuild --view history --partition 3,4', 'rebuild --view history --back') +
        '\n\nServers go on meanwhile, and reads stay right. Views are kept twice until the former ones are dropped.',
    )
    .action((options: Options) =>
      line.withLog(async (log) => {
        const chosen = chosenOf(options);
        const how = options.drop ? 'drop' : options.back ? 'back' : 'anew';
        const partitions = options.partition?.map((number) => checkPartition(log, number));
        const progress = line.progress('logs');
        const run = { groupName: VIEWS, worker: ulid(), how, ...(partitions ? { partitions } : {}) } as const;
        const found = await rebuild({
          ...foldOptions(log),
          projections: chosen,
          ...run,
          onProgress: (done, of) => progress.at(done, of),
        });
        const ms = progress.end();
        const views = chosen.map(viewName);
        const { streams: logs, events, differing } = found;
        const facts = { how, views, partitions: partitions ?? 'all', logs, events, seconds: ms / 1_000 };
        const sum = `${views.join(', ')}: ${DONE[how]}, ${counted(logs, 'log')}, ${counted(events, 'event')} in ${duration(ms)}`;
        await line.show(options, {
          json: { ...facts, differing },
          text: `${differences(differing)}${sum}, ${rateOf(events, ms)} events/s\n${hint(how)}`,
        });
      }),
    );
}

function chosenOf({ view, all, back, drop }: Options): typeof projections {
  if (back && drop) throw usage('name one of --back and --drop');
  const unknown = view?.find((name) => !projections.some((p) => p.name === name || viewName(p) === name));
  if ((view === undefined) === !all || unknown !== undefined) throw usage('name a --view that exists, or --all');
  return all ? projections : projections.filter((p) => view!.includes(p.name) || view!.includes(viewName(p)));
}

function differences(differing: Rebuilt['differing']): string {
  const rows = differing.slice(0, MOST_NAMED).map(({ view, stream }) => [view, stream.kind, stream.id]);
  const more = differing.length > MOST_NAMED ? `and ${differing.length - MOST_NAMED} more\n` : '';
  return rows.length === 0 ? '' : `was not as the log makes it:\n${table(['view', 'of', 'id'], rows)}${more}`;
}

function hint(how: 'anew' | 'back' | 'drop'): string {
  return how === 'drop' ? '' : 'What was read before is kept: --back turns back to it, --drop deletes it\n';
}
