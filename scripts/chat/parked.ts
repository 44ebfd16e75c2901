/** `chat parked`: streams that stand still in a view or for a reactor, and why. */
import type { Command } from 'commander';
import { ConsumerGroup } from '../../src/log/consumer-group.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { VIEWS } from './folding.ts';

export function addParked(program: Command, line: CommandLine): void {
  program
    .command('parked')
    .description('streams that stand still in a view, and why')
    .option('--json', 'as JSON')
    .action((options: AsJson) =>
      line.withLog(async (log) => {
        const group = new ConsumerGroup(log, VIEWS, 'operator');
        const rows: { partition: number; lane: string; why: unknown }[] = [];
        for (let partition = 0; partition < log.keys.partitions; partition += 1) {
          for (const [lane, why] of Object.entries(await group.parked(partition))) {
            rows.push({ partition, lane, why: JSON.parse(why) });
          }
        }
        const lines = rows.map(({ partition, lane, why }) => `partition ${partition} ${lane} ${JSON.stringify(why)}\n`);
        await line.show(options, { json: rows, text: `${lines.join('')}${rows.length} parked\n` });
      }),
    );
}
