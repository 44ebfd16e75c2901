/** `chat lag`: how far each group is behind. Our own subtraction, feed head less checkpoint: what Redis calls lag is wrong after a trim. */
import type { Command } from 'commander';
import type { Log } from '../../src/log/log.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { groupStandings } from './inspect/standing.ts';
import { counted, table } from './printing.ts';

interface Lag {
  readonly projector: string;
  readonly partition: number;
  readonly lag: number;
}

export function addLag(program: Command, line: CommandLine): void {
  program
    .command('lag')
    .description('how many events each group is behind, by partition')
    .option('--json', 'as JSON: [{projector, partition, lag}]')
    .addHelpText('after', examples('lag', 'lag --json'))
    .action((options: AsJson) =>
      line.withLog(async (log) => {
        const rows = await lags(log);
        const behind = rows.filter(({ lag }) => lag > 0);
        const all = rows.reduce((sum, { lag }) => sum + lag, 0);
        const shown = table(
          ['group', 'partition', 'behind'],
          behind.map(({ projector, partition, lag }) => [projector, partition, lag]),
        );
        await line.show(options, { json: rows, text: `${shown}${counted(all, 'event')} behind in all\n` });
      }),
    );
}

async function lags(log: Log): Promise<Lag[]> {
  const all = Array.from({ length: log.keys.partitions }, (_, partition) => partition);
  const parts = await Promise.all(
    all.map(async (partition) => {
      const groups = await groupStandings(log, partition);
      return groups.map(({ group, behind }) => ({ projector: group, partition, lag: behind }));
    }),
  );
  return parts.flat();
}
