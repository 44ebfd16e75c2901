/** `chat groups list` and `chat groups remove NAME`: who follows the feeds, and forgetting one who does not any more. */
import type { Command } from 'commander';
import { groupStates, removeGroup } from '../../src/log/groups.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { table } from './printing.ts';

export function addGroups(program: Command, line: CommandLine): void {
  const groups = program.command('groups').description('the groups that follow the feeds');

  groups
    .command('list', { isDefault: true })
    .description('each group with its workers and how far it is behind; feeds are kept up to the slowest')
    .option('--json', 'as JSON: [{name, ours, workers, lag}]')
    .addHelpText('after', examples('groups', 'groups list --json'))
    .action((options: AsJson) =>
      line.withLog(async (log) => {
        const states = await groupStates(log);
        const rows = states.map(({ name, ours, workers, lag }) => [
          name,
          ours ? 'Rill' : 'others',
          ours ? workers : undefined,
          lag,
        ]);
        await line.show(options, { json: states, text: table(['group', 'of', 'workers', 'behind'], rows) });
      }),
    );

  groups
    .command('remove <name>')
    .description('forgets a group that nobody works for any more, so that the feeds no longer wait for it')
    .option('--json', 'as JSON: {removed}')
    .addHelpText('after', examples('groups remove my-analytics'))
    .action((name: string, options: AsJson) =>
      line.withLog(async (log) => {
        await removeGroup(log, name);
        await line.show(options, { json: { removed: name }, text: `${name} is forgotten\n` });
      }),
    );
}
