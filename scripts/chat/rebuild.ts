/** `chat rebuild`: makes views again from the logs. */
import type { Command } from 'commander';
import { ulid } from 'ulid';
import { projections } from '../../src/chat/index.ts';
import { rebuild } from '../../src/projector/rebuild.ts';
import { viewName } from '../../src/views/projection.ts';
import type { CommandLine } from './command-line.ts';
import { foldOptions, VIEWS } from './folding.ts';
import { usage } from './problem.ts';

export function addRebuild(program: Command, line: CommandLine): void {
  program
    .command('rebuild')
    .description('makes views again from the logs; reads stay right meanwhile')
    .option('--view <name>', `one of ${projections.map((p) => p.name).join(', ')}`)
    .option('--all', 'all of them')
    .action((options: { view?: string; all?: boolean }) =>
      line.withLog(async (log) => {
        const chosen = options.all
          ? projections
          : projections.filter((p) => p.name === options.view || viewName(p) === options.view);
        if (chosen.length === 0) throw usage('name a --view that exists, or --all');
        const progress = line.progress('logs');
        const run = { groupName: VIEWS, worker: ulid(), onProgress: progress.at.bind(progress) };
        const count = await rebuild({ ...foldOptions(log), projections: chosen, ...run });
        const seconds = progress.end() / 1_000;
        await line.print(`${chosen.map((p) => p.name).join(', ')}: ${count} events in ${seconds.toFixed(1)} s\n`);
      }),
    );
}
